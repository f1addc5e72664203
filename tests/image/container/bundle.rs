//! A container of `runc`, made from an OCI layout: its files, its settings, and how to ask for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::names;
use crate::maker::read_layers;

const ID: &str = "watchword-image-test";

/// A container that is removed when it is dropped.
pub(crate) struct Container {
    folder: PathBuf,
}

impl Container {
    /// Mounts `config` and `ca` of the directory, and starts nothing yet.
    pub(crate) fn new(folder: PathBuf, image: &Path) -> Self {
        let root = folder.join("rootfs");
        read_layers(&["unpack", image.to_str().unwrap(), root.to_str().unwrap()]);
        fs::write(folder.join("resolv.conf"), names::RESOLV_CONF).unwrap();
        fs::write(folder.join("hosts"), "127.0.0.1 localhost\n").unwrap();
        let settings = settings(&folder, &configuration(image));
        fs::write(folder.join("config.json"), settings.to_string()).unwrap();
        Self { folder }
    }

    /// The command that runs it, and ends when it ends, with its exit code.
    pub(crate) fn run(&self) -> Command {
        let mut command = self.runc();
        command.arg("run").arg("--bundle").arg(&self.folder).arg(ID);
        command
    }

    /// Runs another program inside.
    pub(crate) fn exec(&self, arguments: &[&str]) -> Output {
        self.runc()
            .args(["exec", ID])
            .args(arguments)
            .output()
            .unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = self.runc().args(["kill", ID, signal]).status().unwrap();
        assert!(sent.success());
    }

    /// The number of its first process, as the host counts.
    pub(crate) fn process(&self) -> i64 {
        let state = self.runc().args(["state", ID]).output().unwrap();
        let state: Value = serde_json::from_slice(&state.stdout).unwrap();
        state["pid"].as_i64().unwrap()
    }

    fn runc(&self) -> Command {
        let mut command = Command::new("runc");
        command.arg("--root").arg(self.folder.join("state"));
        command
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.runc().args(["delete", "--force", ID]).output();
    }
}

/// The command and user of the image.
fn configuration(image: &Path) -> Value {
    let read = |path: &str| -> Value {
        serde_json::from_slice(&fs::read(image.join(path)).unwrap()).unwrap()
    };
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap();
        read(&format!("blobs/{}", digest.replace(':', "/")))
    };
    let manifest = blob(&read("index.json")["manifests"][0]);
    blob(&manifest["config"])["config"].clone()
}

/// A restricted pod's container, but for the network, which is the host's, so that the test can
/// call it.
fn settings(folder: &Path, image: &Value) -> Value {
    let words = |name: &str| image[name].as_array().unwrap().clone();
    let arguments: Vec<Value> = [words("Entrypoint"), words("Cmd")].concat();
    let user = image["User"].as_str().unwrap();
    let ids: Vec<u32> = user.split(':').map(|id| id.parse().unwrap()).collect();
    let none: [&str; 0] = [];
    let mount = |source: &str, place: &str| {
        let options = ["bind", "ro", "nosuid", "nodev"];
        json!({
            "destination": place,
            "source": folder.join(source),
            "type": "bind",
            "options": options,
        })
    };
    json!({
        "ociVersion": "1.0.2",
        "root": {"path": "rootfs", "readonly": true},
        "process": {
            "terminal": false,
            "user": {"uid": ids[0], "gid": ids[1]},
            "args": arguments,
            "cwd": image["WorkingDir"],
            "env": [
                "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
                "SSL_CERT_DIR=/etc/watchword/ca",
            ],
            "capabilities": {
                "bounding": none,
                "effective": none,
                "permitted": none,
                "inheritable": none,
                "ambient": none,
            },
            "noNewPrivileges": true,
        },
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            mount("config", "/etc/watchword/config"),
            mount("ca", "/etc/watchword/ca"),
            mount("resolv.conf", "/etc/resolv.conf"),
            mount("hosts", "/etc/hosts"),
        ],
        "linux": {
            "namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}],
        },
    })
}
