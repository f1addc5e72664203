//! The files in the layers, and the settings by which the image runs.

use serde_json::{Value, json};

use crate::maker::{CA_BUNDLE, CREATED, EPOCH, IMAGE, Made};
use crate::stand_in::{AMD64, fixed};

const BASE: [(&str, &str); 20] = [
    ("etc", "755"),
    ("etc/group", "644"),
    ("etc/passwd", "644"),
    ("etc/ssl", "755"),
    ("etc/ssl/certs", "755"),
    ("etc/ssl/certs/ca-certificates.crt", "644"),
    ("etc/watchword", "755"),
    ("etc/watchword/ca", "755"),
    ("etc/watchword/config", "755"),
    ("usr", "755"),
    ("usr/share", "755"),
    ("usr/share/doc", "755"),
    ("usr/share/doc/watchword", "755"),
    ("usr/share/doc/watchword/GLIBC-NOTICE.txt", "644"),
    ("usr/share/doc/watchword/LGPL-2.1.txt", "644"),
    ("usr/share/doc/watchword/LICENSE", "644"),
    ("usr/share/doc/watchword/RUST-STANDARD-LIBRARY.html", "644"),
    ("usr/share/doc/watchword/THIRD-PARTY-NOTICES.txt", "644"),
    ("usr/share/doc/watchword/watchword.cdx.json", "644"),
    ("watchword", "755"),
];

/// A text in every static program that is linked with glibc.
const GLIBC: &str = "\nGNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n";

#[test]
fn layers_have_these_files_and_no_others() {
    let made = Made::new("files", &fixed(AMD64, GLIBC), &[]);
    let layers = made.layers();
    let found: Vec<(String, String)> = layers
        .iter()
        .flat_map(|layer| layer["entries"].as_array().unwrap())
        .map(|entry| (text(&entry["path"]), text(&entry["mode"])))
        .collect();
    let expected = BASE.map(|(path, mode)| (path.to_owned(), mode.to_owned()));
    let optional = |(path, _): &&(String, String)| !path.ends_with("RUST-STANDARD-LIBRARY.html");
    let of =
        |all: &[(String, String)]| -> Vec<_> { all.iter().filter(optional).cloned().collect() };
    // Toolchains that rustup did not install may come without the standard library's notices.
    assert_eq!(of(&found), of(&expected));
    assert_eq!(layers.len(), 2);
    assert_eq!(layers[1]["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn every_file_is_roots_of_one_time_and_of_a_plain_kind() {
    let layers = IMAGE.layers();
    let mut entries = 0;
    for entry in layers
        .iter()
        .flat_map(|layer| layer["entries"].as_array().unwrap())
    {
        assert_eq!(entry["mtime"], json!(EPOCH), "{entry}");
        assert_eq!(entry["owner"], json!([0, 0, "", ""]), "{entry}");
        assert_ne!(entry["kind"], "other", "{entry}");
        entries += 1;
    }
    assert!(entries > 10);
}

#[test]
fn files_have_their_contents() {
    assert_eq!(IMAGE.file("etc/ssl/certs/ca-certificates.crt"), CA_BUNDLE);
    assert_eq!(
        IMAGE.file("usr/share/doc/watchword/LICENSE"),
        include_str!("../../LICENSE")
    );
    assert!(IMAGE.file("etc/passwd").contains("nonroot:x:65532:65532:"));
    assert!(IMAGE.file("etc/group").contains("nonroot:x:65532:"));
    let program = fixed(AMD64, "one");
    assert_eq!(IMAGE.file("watchword").as_bytes(), program);
}

#[test]
fn only_a_program_with_glibc_comes_with_the_lgpl() {
    let made = Made::new("glibc", &fixed(AMD64, GLIBC), &[]);
    let notice = made.file("usr/share/doc/watchword/GLIBC-NOTICE.txt");
    assert!(notice.contains("Debian GLIBC 2.36-9."), "{notice}");
    assert!(notice.contains("at https://example.com/w"), "{notice}");
    let licence = made.file("usr/share/doc/watchword/LGPL-2.1.txt");
    assert!(licence.contains("GNU LESSER GENERAL PUBLIC LICENSE"));
    assert_eq!(IMAGE.file("usr/share/doc/watchword/GLIBC-NOTICE.txt"), "");
}

#[test]
fn image_serves_as_nonroot_with_a_mounted_configuration() {
    let config = &IMAGE.config()["config"];
    let expected = json!({
        "Cmd": ["serve", "-c", "/etc/watchword/config/watchword.yaml"],
        "Entrypoint": ["/watchword"],
        "ExposedPorts": {"9191/tcp": {}, "9192/tcp": {}, "9193/tcp": {}},
        "User": "65532:65532",
        "WorkingDir": "/",
    });
    let mut without_labels = config.clone();
    without_labels.as_object_mut().unwrap().remove("Labels");
    assert_eq!(without_labels, expected);
}

#[test]
fn labels_are_those_of_oci() {
    let labels = IMAGE.config()["config"]["Labels"].clone();
    let prefix = "org.opencontainers.image.";
    let label = |name: &str| text(&labels[format!("{prefix}{name}")]);
    assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(label("licenses"), env!("CARGO_PKG_LICENSE"));
    assert_eq!(label("created"), CREATED);
    assert_eq!(label("revision"), "0123abc");
    assert_eq!(label("source"), "https://example.com/w");
    assert_eq!(label("title"), "Watchword");
    assert!(label("description").contains("token-validation sidecar"));
    assert_eq!(labels.as_object().unwrap().len(), 7);
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
