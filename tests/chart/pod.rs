//! A rendered pod, run as far as possible without a node. The volumes of its container `watchword`
//! are written below a directory as the kubelet writes them. Its command line and its probes run
//! the real binary, with paths that begin with that directory.
//!
//! Owns: volumes, processes, probes. Refuses: namespaces, users and read-only mounts, which need a
//! node.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use watchword_test_support::helm::Rendered;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_watchword");
/// The path in the image.
const IN_THE_IMAGE: &str = "/watchword";
const POLL: Duration = Duration::from_millis(20);
/// Of Kubernetes, where a pod says nothing.
const GRACE: u64 = 30;

/// Files by their names.
pub(crate) type Files = BTreeMap<String, String>;

/// The sources of volumes: `ConfigMap`s as rendered, and Secrets by their names.
pub(crate) struct Objects<'a> {
    pub(crate) rendered: &'a Rendered,
    pub(crate) secrets: &'a BTreeMap<&'static str, Files>,
}

/// A pod, whose process is killed and whose files are removed when it is dropped.
pub(crate) struct Pod {
    root: PathBuf,
    spec: Value,
    container: Value,
    process: Option<Child>,
}

impl Pod {
    /// Nothing runs yet.
    pub(crate) fn new(spec: &Value, objects: &Objects<'_>) -> Self {
        // Other tests of this process have pods too; the path must be short enough for a socket.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("ww-{}-pod{number}", std::process::id()));
        let containers = ["initContainers", "containers"];
        let mut containers = containers.iter().flat_map(|kind| items(&spec[kind]));
        let container = containers.find(|container| container["name"] == "watchword");
        let pod = Self {
            root,
            spec: spec.clone(),
            container: container.expect("a container watchword").clone(),
            process: None,
        };
        pod.mount(objects);
        pod
    }

    /// Fills the volumes. Those that are there already get what has changed, as the kubelet does
    /// it.
    pub(crate) fn mount(&self, objects: &Objects<'_>) {
        for mount in items(&self.container["volumeMounts"]) {
            assert!(mount["subPath"].is_null(), "never renewed: {mount}");
            let path = text(&mount["mountPath"]);
            let folder = self.root.join(path.trim_start_matches('/'));
            fs::create_dir_all(&folder).unwrap();
            let mut volumes = items(&self.spec["volumes"]);
            let volume = volumes.find(|volume| volume["name"] == mount["name"]);
            let volume = volume.unwrap_or_else(|| panic!("no volume for {mount}"));
            if volume["emptyDir"].is_object() {
                continue;
            }
            let (files, mode) = self.contents(volume, objects);
            publish(&folder, &files, mode);
        }
    }

    fn contents(&self, volume: &Value, objects: &Objects<'_>) -> (Files, u32) {
        let (source, all) = if volume["configMap"].is_object() {
            let source = &volume["configMap"];
            let map = objects.rendered.get("ConfigMap", text(&source["name"]));
            let files = map["data"].as_object().expect("a ConfigMap with data");
            let files = files.iter();
            let files = files.map(|(name, file)| (name.clone(), self.moved(text(file))));
            (source, files.collect())
        } else {
            let source = &volume["secret"];
            let name = source["secretName"].as_str();
            let name = name.unwrap_or_else(|| panic!("what is this? {volume}"));
            (source, objects.secrets[name].clone())
        };
        let mode = source["defaultMode"].as_u64().unwrap_or(0o644);
        let chosen = source["items"].as_array().map(|items| {
            let file = |item: &Value| {
                let file = all[text(&item["key"])].clone();
                (text(&item["path"]).to_owned(), file)
            };
            items.iter().map(file).collect()
        });
        (chosen.unwrap_or(all), u32::try_from(mode).unwrap())
    }

    /// A text with the paths of mounts below the folder.
    pub(crate) fn moved(&self, text: &str) -> String {
        let mounts = items(&self.container["volumeMounts"]);
        let mounts = mounts.map(|mount| mount["mountPath"].as_str().unwrap());
        mounts.fold(text.to_owned(), |text, mount| {
            text.replace(mount, &format!("{}{mount}", self.root.display()))
        })
    }

    /// The configuration as it is mounted.
    pub(crate) fn configuration(&self) -> String {
        fs::read_to_string(self.root.join("etc/watchword/config/watchword.yaml")).unwrap()
    }

    /// Runs the container's command line with its environment, and no other.
    pub(crate) fn start(&mut self) {
        fs::create_dir_all(&self.root).unwrap();
        let log = File::create(self.root.join("log")).unwrap();
        let mut line = vec![IN_THE_IMAGE.to_owned()];
        if self.container["command"].is_array() {
            line.clear();
        }
        for part in ["command", "args"] {
            line.extend(items(&self.container[part]).map(|word| text(word).to_owned()));
        }
        let mut command = self.command(&line);
        for variable in items(&self.container["env"]) {
            command.env(
                text(&variable["name"]),
                self.moved(text(&variable["value"])),
            );
        }
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(command.spawn().unwrap());
    }

    fn command(&self, line: &[String]) -> Command {
        let (program, arguments) = line.split_first().expect("a command");
        assert_eq!(program, IN_THE_IMAGE);
        let mut command = Command::new(BINARY);
        command.args(arguments.iter().map(|argument| self.moved(argument)));
        command.env_clear().current_dir("/").stdin(Stdio::null());
        command
    }

    /// The command or call of one probe, as the kubelet runs it: `startup`, `readiness` or
    /// `liveness`.
    pub(crate) async fn probe(&self, kind: &str) -> bool {
        let probe = &self.container[format!("{kind}Probe")];
        if probe["exec"].is_object() {
            let line: Vec<_> = items(&probe["exec"]["command"])
                .map(|word| text(word).to_owned())
                .collect();
            return self.command(&line).output().unwrap().status.success();
        }
        let port = probe["grpc"]["port"].as_u64().expect("a probe");
        let service = text(&probe["grpc"]["service"]).to_owned();
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
        let Ok(channel) = endpoint.connect().await else {
            return false;
        };
        let mut client = HealthClient::new(channel);
        let answer = client.check(HealthCheckRequest { service }).await;
        answer.is_ok_and(|answer| answer.into_inner().status() == ServingStatus::Serving)
    }

    /// Waits until a probe passes.
    pub(crate) async fn passes(&self, kind: &str) {
        let passed = timeout(Duration::from_secs(60), async {
            while !self.probe(kind).await {
                sleep(POLL).await;
            }
        });
        assert!(passed.await.is_ok(), "{kind} never passes\n{}", self.log());
    }

    /// Sends SIGTERM, and kills it when its time is over, as the kubelet does.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("it runs");
        let kill = format!("kill -TERM {}", process.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.unwrap().success(), "SIGTERM is sent");
        let grace = self.spec["terminationGracePeriodSeconds"].as_u64();
        let ended = timeout(Duration::from_secs(grace.unwrap_or(GRACE)), async {
            loop {
                if let Some(status) = process.try_wait().unwrap() {
                    return status;
                }
                sleep(POLL).await;
            }
        });
        if let Ok(status) = ended.await {
            return status;
        }
        process.kill().unwrap();
        process.wait().unwrap()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.root.join("log")).unwrap_or_default()
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// As the kubelet writes a volume: the files in a folder with a new name, `..data` pointing to it,
/// and each file pointing through `..data`.
fn publish(folder: &Path, files: &Files, mode: u32) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let fresh = format!("..{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let data = folder.join("..data");
    let old = fs::read_link(&data);
    fs::create_dir(folder.join(&fresh)).unwrap();
    for (name, text) in files {
        let file = folder.join(&fresh).join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        // There already, if it is not the first time.
        let _ = symlink(Path::new("..data").join(name), folder.join(name));
    }
    symlink(&fresh, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), data).unwrap();
    if let Ok(old) = old {
        fs::remove_dir_all(folder.join(old)).unwrap();
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}
