//! The list of crates (`CycloneDX`) and the licence texts that are shipped.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};

use crate::maker::{CREATED, IMAGE, repository};

const LIST: &str = concat!("watchword-", env!("CARGO_PKG_VERSION"), "-amd64.cdx.json");
const INSIDE: &str = "usr/share/doc/watchword/watchword.cdx.json";
const NOTICES: &str = "usr/share/doc/watchword/THIRD-PARTY-NOTICES.txt";

#[test]
fn bill_of_materials_beside_the_image_is_the_one_in_it() {
    assert_eq!(IMAGE.file(INSIDE).as_bytes(), IMAGE.bytes(LIST));
}

#[test]
fn bill_of_materials_has_linked_crates_only() {
    let names = names();
    for linked in ["tokio", "rustls", "aws-lc-sys", "moka", "tonic", "clap"] {
        assert!(names.contains(linked), "{linked} is not in the list");
    }
    for absent in [
        "proptest",
        "rcgen",
        "protox",
        "serde_derive",
        "cc",
        "watchword",
    ] {
        assert!(!names.contains(absent), "{absent} is in the list");
    }
}

#[test]
fn every_crate_has_a_version_a_licence_and_the_hash_of_the_lock_file() {
    let lock = std::fs::read_to_string(repository("Cargo.lock")).unwrap();
    for component in components() {
        let text = |field: &str| component[field].as_str().unwrap().to_owned();
        let (name, version) = (text("name"), text("version"));
        assert_eq!(text("purl"), format!("pkg:cargo/{name}@{version}"));
        let licence = component["licenses"][0]["expression"].as_str().unwrap();
        assert!(
            !licence.is_empty() && !licence.contains('/'),
            "{name}: {licence}"
        );
        let hash = component["hashes"][0]["content"].as_str().unwrap();
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        let (_, entry) = lock.split_once(&entry).unwrap();
        let (entry, _) = entry.split_once("\n\n").unwrap_or((entry, ""));
        let line = format!("checksum = \"{hash}\"");
        assert!(entry.lines().any(|l| l == line), "{name}: {hash}");
    }
}

#[test]
fn every_dependency_leads_to_a_crate_of_the_list_and_all_are_reached() {
    let list = IMAGE.json(LIST);
    let main = list["metadata"]["component"]["bom-ref"].clone();
    assert_eq!(
        main,
        concat!("pkg:cargo/watchword@", env!("CARGO_PKG_VERSION"))
    );
    let mut reached = BTreeSet::from([main.to_string()]);
    for entry in list["dependencies"].as_array().unwrap() {
        for dependency in entry["dependsOn"].as_array().unwrap() {
            reached.insert(dependency.to_string());
        }
    }
    let mut listed: BTreeSet<String> = components()
        .iter()
        .map(|c| c["bom-ref"].to_string())
        .collect();
    listed.insert(main.to_string());
    assert_eq!(reached, listed);
}

#[test]
fn bill_of_materials_has_its_format_and_subject() {
    let list = IMAGE.json(LIST);
    assert_eq!(
        (&list["bomFormat"], &list["specVersion"]),
        (&json!("CycloneDX"), &json!("1.6"))
    );
    assert_eq!(list["metadata"]["timestamp"], CREATED);
    assert_eq!(list["metadata"]["component"]["type"], "application");
    let serial = list["serialNumber"].as_str().unwrap();
    assert!(
        serial.starts_with("urn:uuid:") && serial.len() == 45,
        "{serial}"
    );
}

#[test]
fn bill_of_materials_agrees_with_cargo_tree() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--edges=normal,no-proc-macro",
            "--prefix=none",
        ])
        .args(["--target=x86_64-unknown-linux-gnu", "--format={p}"])
        .current_dir(repository("."))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let wanted: BTreeSet<String> = tree
        .lines()
        .filter_map(|l| l.split(' ').next())
        .map(str::to_owned)
        .collect();
    let mut names = names();
    names.insert("watchword".to_owned());
    assert_eq!(names, wanted);
}

#[test]
fn notices_name_every_crate_and_have_every_licence_text_once() {
    let notices = IMAGE.file(NOTICES);
    for component in components() {
        let name = format!("{} {}  ", component["name"], component["version"]).replace('"', "");
        assert!(
            notices.lines().any(|line| line.starts_with(&name)),
            "{name}"
        );
    }
    for (what, text) in [
        ("AWS-LC", "AWS-LC is a fork of BoringSSL"),
        (
            "a crate under MIT",
            "Permission is hereby granted, free of charge",
        ),
        ("Unicode", "UNICODE LICENSE V3"),
    ] {
        assert!(notices.contains(text), "{what}");
    }
    let rule = "=".repeat(80);
    let mut headings = notices.split(&rule).skip(1).step_by(2);
    let shared = headings.any(|places| places.trim().lines().count() > 3);
    assert!(shared, "no text has come with several crates");
    let mut texts: Vec<&str> = notices.split(&rule).skip(2).step_by(2).collect();
    let all = texts.len();
    texts.sort_unstable();
    texts.dedup();
    assert!(all > 30, "{all}");
    assert_eq!(texts.len(), all, "a text is there twice");
}

fn components() -> Vec<Value> {
    let list = IMAGE.json(LIST);
    let components = list["components"].as_array().unwrap().clone();
    assert!(components.len() > 100, "{}", components.len());
    components
}

fn names() -> BTreeSet<String> {
    let name = |component: &Value| component["name"].as_str().unwrap().to_owned();
    components().iter().map(name).collect()
}
