//! The Go programs of these tests, built once from the modules below `tools/`, which pin versions
//! in `go.mod` and hashes in `go.sum`.
//!
//! The modules of Kubernetes, Helm and etcd have the same versions of all that they share, so that
//! Go compiles it once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use watchword_test_support::{build_folder, say, wheels};

/// Why there is no program.
#[derive(Clone, Debug)]
pub(crate) enum Unavailable {
    /// The machine lacks something that these tests may be run without.
    Skip(String),
    /// Something that must work does not.
    Fail(String),
}

/// A module below `tools/`, and the programs that it builds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Module {
    /// The folder.
    name: &'static str,
    /// The requirement whose version is the programs'.
    requirement: &'static str,
    /// Names of programs, and their packages.
    programs: &'static [(&'static str, &'static str)],
}

pub(crate) const KUBERNETES: Module = Module {
    name: "kubernetes",
    requirement: "k8s.io/kubernetes",
    programs: &[
        ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
        ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
    ],
};

pub(crate) const ETCD: Module = Module {
    name: "etcd",
    requirement: "go.etcd.io/etcd/server/v3",
    programs: &[("etcd", "go.etcd.io/etcd/server/v3")],
};

pub(crate) const HELM: Module = Module {
    name: "helm",
    requirement: "helm.sh/helm/v4",
    programs: &[("helm", "helm.sh/helm/v4/cmd/helm")],
};

pub(crate) const CONTOUR: Module = Module {
    name: "contour",
    requirement: "github.com/projectcontour/contour",
    programs: &[("contour", "github.com/projectcontour/contour/cmd/contour")],
};

impl Module {
    /// The folder with the programs, which are built first if they are not there.
    ///
    /// # Errors
    /// No Go, an older one, no modules, or they do not build.
    pub(crate) fn build(self) -> Result<PathBuf, Unavailable> {
        let version = self.version();
        let mut problem = None;
        let place = wheels::made_once(&format!("{}-{version}", self.name), |draft| {
            self.build_into(draft, &version)
                .map_err(|unavailable| problem.insert(unavailable).text().to_owned())
        });
        place.map_err(|text| problem.unwrap_or(Unavailable::Fail(text)))
    }

    /// The version in `go.mod`, without the `v`.
    pub(crate) fn version(self) -> String {
        let text = fs::read_to_string(self.folder().join("go.mod")).expect("a go.mod");
        let mut lines = text.lines().map(str::trim);
        let version =
            lines.find_map(|line| line.strip_prefix(self.requirement)?.strip_prefix(" v"));
        let version = version.and_then(|rest| rest.split_whitespace().next());
        version.expect("a version in go.mod").to_owned()
    }

    fn build_into(self, draft: &Path, version: &str) -> Result<(), Unavailable> {
        check_go(&self.folder())?;
        for (_, package) in self.programs {
            // This fetches what the package needs. A failure after it is one of the build.
            let mut list = self.go();
            list.args(["list", "-mod=readonly", "-deps", package]);
            run(&mut list).map_err(|problem| no_modules(&problem))?;
        }
        let name = self.name;
        say(format!(
            "tests/cluster: building {name} {version} with Go; the first time takes minutes"
        ));
        for (program, package) in self.programs {
            let mut build = self.go();
            // Inlining would take a quarter of the time, and information for debuggers a fifth.
            let flags = "-gcflags=all=-l -dwarf=false";
            build.args(["build", "-mod=readonly", "-trimpath", flags]);
            build.arg("-ldflags").arg(self.linker_flags(version));
            build.arg("-o");
            build.arg(draft.join(program)).arg(package);
            run(&mut build).map_err(Unavailable::Fail)?;
        }
        Ok(())
    }

    fn go(self) -> Command {
        go(&self.folder())
    }

    fn folder(self) -> PathBuf {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster");
        tests.join("tools").join(self.name)
    }

    /// Kubernetes has its version from its linker's flags; Helm compares it with the chart's
    /// `kubeVersion`.
    fn linker_flags(self, version: &str) -> String {
        let mut flags = vec!["-s".to_owned(), "-w".to_owned()];
        if self.name == KUBERNETES.name {
            let mut numbers = version.split('.');
            let (major, minor) = (numbers.next().unwrap(), numbers.next().unwrap());
            let full = format!("v{version}");
            for (variable, value) in [
                ("gitVersion", full.as_str()),
                ("gitMajor", major),
                ("gitMinor", minor),
            ] {
                flags.push(format!(
                    "-X k8s.io/component-base/version.{variable}={value}"
                ));
            }
        }
        flags.join(" ")
    }
}

impl Unavailable {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Skip(text) | Self::Fail(text) => text,
        }
    }
}

/// The folder of a module in Go's module cache, which is downloaded first if it is not there. `sum`
/// is its hash as in a `go.sum`.
///
/// # Errors
/// No Go, no such module in the proxy, or another hash.
pub(crate) fn download(module: &str, sum: &str) -> Result<PathBuf, Unavailable> {
    check_go(&KUBERNETES.folder())?;
    let mut download = go(build_folder());
    let output = run(download.args(["mod", "download", "-json", module]))
        .map_err(|problem| no_modules(&problem))?;
    let answer: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("JSON of go mod download");
    if answer["Sum"] != sum {
        let found = &answer["Sum"];
        return Err(Unavailable::Fail(format!(
            "{module}: found hash {found}; expected {sum}"
        )));
    }
    Ok(answer["Dir"].as_str().expect("a folder").into())
}

/// Without settings of the user's that choose other modules or another Go.
fn go(folder: &Path) -> Command {
    let mut go = Command::new("go");
    go.current_dir(folder);
    go.env("GOTOOLCHAIN", "local").env("GOWORK", "off");
    go
}

fn check_go(module: &Path) -> Result<(), Unavailable> {
    let output = go(Path::new("/")).args(["env", "GOVERSION"]).output();
    let Ok(output) = output else {
        return Err(Unavailable::Skip("there is no Go".into()));
    };
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let text = fs::read_to_string(module.join("go.mod")).expect("a go.mod");
    let mut lines = text.lines();
    let needed = lines
        .find_map(|line| line.strip_prefix("go "))
        .expect("a line `go`");
    if numbers(found.trim_start_matches("go")) < numbers(needed) {
        return Err(Unavailable::Skip(format!(
            "found {found}; expected Go {needed} or newer"
        )));
    }
    Ok(())
}

fn numbers(version: &str) -> Vec<u32> {
    let parts = version.split(|c: char| !c.is_ascii_digit());
    parts.map_while(|part| part.parse().ok()).collect()
}

fn no_modules(problem: &str) -> Unavailable {
    let text = format!("Go's modules cannot be fetched: {problem}");
    if std::env::var("CI").is_ok_and(|value| value == "true") {
        Unavailable::Fail(text)
    } else {
        Unavailable::Skip(text.lines().collect::<Vec<_>>().join(" "))
    }
}

fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let stderr = stderr.trim();
    Err(format!("{command:?}: {}\n{stderr}", output.status))
}
