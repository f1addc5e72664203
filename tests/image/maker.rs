//! Runs `helm/image/build.py`, and reads what it made.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use crate::stand_in;

pub(crate) const EPOCH: i64 = 1_700_000_000;
pub(crate) const CREATED: &str = "2023-11-14T22:13:20Z";
pub(crate) const CA_BUNDLE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/// An image of a stand-in for the binary.
pub(crate) static IMAGE: LazyLock<Made> =
    LazyLock::new(|| Made::new("image", &stand_in::fixed(stand_in::AMD64, "one"), &[]));

/// The output directory of the script.
pub(crate) struct Made {
    pub(crate) folder: PathBuf,
}

impl Made {
    /// Panics where the script refuses. Options given here go before those that all images of this
    /// test have.
    pub(crate) fn new(name: &str, binary: &[u8], options: &[&str]) -> Self {
        let folder = fresh(name);
        let outcome = build(&folder, binary, CA_BUNDLE, options);
        let complaint = String::from_utf8_lossy(&outcome.stderr);
        assert!(outcome.status.success(), "{complaint}");
        Self {
            folder: folder.join("out"),
        }
    }

    /// The digest that a registry would know the image by.
    pub(crate) fn digest(&self) -> String {
        let index = self.json("oci/index.json");
        index["manifests"][0]["digest"].as_str().unwrap().to_owned()
    }

    pub(crate) fn manifest(&self) -> Value {
        self.blob(&self.json("oci/index.json")["manifests"][0])
    }

    pub(crate) fn config(&self) -> Value {
        self.blob(&self.manifest()["config"])
    }

    /// The files of the layers, lowest first, as Python's `tarfile` reads them.
    pub(crate) fn layers(&self) -> Vec<Value> {
        let layout = self.folder.join("oci");
        let listed = read_layers(&["list", layout.to_str().unwrap()]);
        serde_json::from_str(&listed).unwrap()
    }

    /// The content of a file in one of the layers.
    pub(crate) fn file(&self, path: &str) -> String {
        let layout = self.folder.join("oci");
        read_layers(&["show", layout.to_str().unwrap(), path])
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.bytes(path)).unwrap()
    }

    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        fs::read(self.folder.join(path)).unwrap()
    }

    /// The JSON that a descriptor points at.
    fn blob(&self, descriptor: &Value) -> Value {
        let digest = descriptor["digest"].as_str().unwrap();
        self.json(&format!("oci/blobs/{}", digest.replace(':', "/")))
    }
}

/// An empty folder.
pub(crate) fn fresh(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("image");
    let folder = folder.join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs the script with all that it would otherwise take from this machine.
pub(crate) fn build(folder: &Path, binary: &[u8], ca_bundle: &str, options: &[&str]) -> Output {
    let program = folder.join("program");
    fs::write(&program, binary).unwrap();
    fs::write(folder.join("ca.pem"), ca_bundle).unwrap();
    let mut command = script("build.py");
    command.args(options).arg("--binary").arg(program);
    command.arg("--output").arg(folder.join("out"));
    command.arg("--ca-bundle").arg(folder.join("ca.pem"));
    command.args(["--revision", "0123abc", "--source", "https://example.com/w"]);
    command.args(["--target", "x86_64-unknown-linux-gnu"]);
    if !options.contains(&"--epoch") {
        command.args(["--epoch", &EPOCH.to_string()]);
    }
    command.output().expect("these tests need python3")
}

/// A script of the folder `image`.
pub(crate) fn script(name: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(repository("helm/image").join(name));
    command.env("CARGO", env!("CARGO"));
    command
}

pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(crate) fn read_layers(arguments: &[&str]) -> String {
    let mut command = Command::new("python3");
    command.arg(repository("tests/image/read_layers.py"));
    let outcome = command.args(arguments).output().unwrap();
    let complaint = String::from_utf8_lossy(&outcome.stderr);
    assert!(outcome.status.success(), "{complaint}");
    String::from_utf8(outcome.stdout).unwrap()
}

/// As the image specification writes it.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in digest(&SHA256, bytes).as_ref() {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}
