//! The cluster that all tests of this binary share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::LazyLock;

use watchword_test_support::{build_folder, say};

use crate::command::{Answer, Command};
use crate::control_plane::{ControlPlane, Programs};
use crate::process;
use crate::tools::{self, Unavailable};

/// A control plane, and the commands that talk to it.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Of this process alone. It is removed at the end, unless a test fails.
    pub(crate) folder: PathBuf,
    pub(crate) control_plane: ControlPlane,
    programs: Programs,
    kubectl: PathBuf,
    helm: PathBuf,
    _janitor: Child,
}

impl Cluster {
    /// The cluster, started by the first test that asks. `None` where the tests are skipped, which
    /// one line on standard error tells.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: LazyLock<Result<Cluster, Unavailable>> = LazyLock::new(|| {
            let started = Cluster::start();
            if let Err(Unavailable::Skip(reason)) = &started {
                say(format!("tests/cluster: skipped, since {reason}"));
            }
            started
        });
        match &*SHARED {
            Ok(cluster) => Some(cluster),
            Err(Unavailable::Skip(_)) => None,
            Err(Unavailable::Fail(problem)) => panic!("{problem}"),
        }
    }

    /// Another control plane, with these options of the API server.
    ///
    /// # Errors
    /// The logs of what did not start.
    pub(crate) fn another(&self, name: &str, options: &[&str]) -> Result<ControlPlane, String> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).expect("a folder below the build folder");
        ControlPlane::start(&folder, &self.programs, options)
    }

    /// Runs `kubectl`.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Answer {
        self.command(&self.kubectl).run(arguments)
    }

    /// Runs `kubectl` with this text, usually objects, as standard input.
    pub(crate) fn kubectl_with(&self, input: impl Into<String>, arguments: &[&str]) -> Answer {
        self.command(&self.kubectl).input(input).run(arguments)
    }

    /// Runs `helm`. `hooks` has the way to run it where hooks are waited for.
    pub(crate) fn helm(&self, arguments: &[&str]) -> Answer {
        self.command(&self.helm).run(arguments)
    }

    fn command(&self, program: &Path) -> Command {
        Command::new(program, &self.folder, &self.control_plane.kubeconfig)
    }

    fn start() -> Result<Self, Unavailable> {
        let helm = tools::HELM.build()?.join("helm");
        let programs = Programs {
            etcd: tools::ETCD.build()?,
            kubernetes: tools::KUBERNETES.build()?,
        };
        let folder = build_folder().join(format!("cluster-run-{}", std::process::id()));
        remove_old_folders();
        fs::create_dir_all(&folder).expect("a folder below the build folder");
        let control_plane =
            ControlPlane::start(&folder, &programs, &[]).map_err(Unavailable::Fail)?;
        let janitor = process::remove_after_us(&folder);
        Ok(Self {
            folder,
            control_plane,
            kubectl: programs.kubernetes.join("kubectl"),
            programs,
            helm,
            _janitor: janitor,
        })
    }
}

/// Removes what failed tests of earlier processes kept.
fn remove_old_folders() {
    for entry in fs::read_dir(build_folder()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix("cluster-run-"));
        let is_over = |process: &str| {
            process == std::process::id().to_string() || !Path::new("/proc").join(process).exists()
        };
        if process.is_some_and(is_over) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
