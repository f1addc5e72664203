//! The layout follows the OCI image specification: every reference fits, and there are no other
//! files.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::maker::{CREATED, IMAGE, Made, sha256};
use crate::stand_in::{AMD64, ARM64, fixed};

#[test]
fn every_blob_has_the_digest_and_the_size_that_point_at_it() {
    let mut pointed = vec![IMAGE.json("oci/index.json")["manifests"][0].clone()];
    let manifest = IMAGE.manifest();
    pointed.push(manifest["config"].clone());
    pointed.extend(manifest["layers"].as_array().unwrap().clone());
    assert_eq!(pointed.len(), 4);

    let mut names = BTreeSet::new();
    for descriptor in &pointed {
        let digest = descriptor["digest"].as_str().unwrap();
        let blob = IMAGE.bytes(&format!("oci/blobs/{}", digest.replace(':', "/")));
        assert_eq!(sha256(&blob), digest);
        assert_eq!(json!(blob.len()), descriptor["size"]);
        names.insert(digest.replace("sha256:", ""));
    }
    let there: BTreeSet<String> = fs::read_dir(IMAGE.folder.join("oci/blobs/sha256"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, names, "blobs that nothing points at");
}

#[test]
fn media_types_are_those_of_the_specification() {
    let index = IMAGE.json("oci/index.json");
    let manifest = IMAGE.manifest();
    let kind = |value: &Value| {
        let kind = value["mediaType"].as_str().unwrap();
        kind.replace("application/vnd.oci.image.", "")
    };
    assert_eq!(kind(&index["manifests"][0]), "manifest.v1+json");
    assert_eq!(kind(&manifest), "manifest.v1+json");
    assert_eq!(kind(&manifest["config"]), "config.v1+json");
    for layer in manifest["layers"].as_array().unwrap() {
        assert_eq!(kind(layer), "layer.v1.tar+gzip");
    }
    assert_eq!(
        (&index["schemaVersion"], &manifest["schemaVersion"]),
        (&json!(2), &json!(2))
    );
    let version = json!({"imageLayoutVersion": "1.0.0"});
    assert_eq!(IMAGE.json("oci/oci-layout"), version);
}

#[test]
fn configuration_names_the_unpacked_layers() {
    let unpacked: Vec<Value> = IMAGE
        .layers()
        .iter()
        .map(|l| l["diff_id"].clone())
        .collect();
    let config = IMAGE.config();
    assert_eq!(config["rootfs"]["diff_ids"], json!(unpacked));
    assert_eq!(config["history"].as_array().unwrap().len(), unpacked.len());
    assert_eq!(config["created"], CREATED);
}

#[test]
fn processor_is_that_of_the_program() {
    let arm = Made::new("arm", &fixed(ARM64, "one"), &[]);
    let platform = |made: &Made| {
        let config = made.config();
        format!("{}/{}", config["os"], config["architecture"]).replace('"', "")
    };
    assert_eq!(platform(&arm), "linux/arm64");
    assert_eq!(platform(&IMAGE), "linux/amd64");
    let archive = concat!("watchword-", env!("CARGO_PKG_VERSION"), "-arm64.tar");
    assert!(arm.folder.join(archive).exists());
}

#[test]
fn docker_load_finds_the_same_image_in_the_archive() {
    let manifest = IMAGE.manifest();
    let path = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap();
        format!("blobs/{}", digest.replace(':', "/"))
    };
    let layers: Vec<String> = manifest["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(path)
        .collect();
    let expected = json!([{
        "Config": path(&manifest["config"]),
        "Layers": layers,
        "RepoTags": [concat!("watchword:", env!("CARGO_PKG_VERSION"))],
    }]);
    assert_eq!(IMAGE.json("oci/manifest.json"), expected);
}

#[test]
fn name_of_the_image_is_that_of_the_tag() {
    let tags = [
        ("watchword:1", "docker.io/library/watchword:1", "1"),
        ("team/watchword:1", "docker.io/team/watchword:1", "1"),
        (
            "localhost:5000/watchword:1.2",
            "localhost:5000/watchword:1.2",
            "1.2",
        ),
    ];
    for (tag, full, short) in tags {
        let made = Made::new("tag", &fixed(AMD64, "one"), &["--tag", tag]);
        let index = made.json("oci/index.json");
        let expected =
            json!({"io.containerd.image.name": full, "org.opencontainers.image.ref.name": short});
        assert_eq!(index["manifests"][0]["annotations"], expected);
        assert_eq!(made.json("oci/manifest.json")[0]["RepoTags"], json!([tag]));
        assert_eq!(
            made.digest(),
            IMAGE.digest(),
            "a name is no part of the image"
        );
    }
}
