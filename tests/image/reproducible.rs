//! The same input gives the same image, and other input another.

use std::fs;
use std::path::Path;

use crate::maker::{IMAGE, Made};
use crate::stand_in::{AMD64, fixed};

#[test]
fn image_built_twice_is_the_same_to_the_last_byte() {
    let again = Made::new("again", &fixed(AMD64, "one"), &[]);
    let (first, second) = (files(&IMAGE.folder), files(&again.folder));
    assert!(first.len() > 8, "{first:?}");
    assert_eq!(first, second);
    for path in first {
        assert!(
            IMAGE.bytes(&path) == again.bytes(&path),
            "{path} is not the same"
        );
    }
}

#[test]
fn another_program_gives_another_digest_over_the_same_base() {
    let other = Made::new("other", &fixed(AMD64, "two"), &[]);
    assert_ne!(other.digest(), IMAGE.digest());
    let layers = |made: &Made| made.manifest()["layers"].clone();
    assert_eq!(layers(&other)[0], layers(&IMAGE)[0]);
    assert_ne!(layers(&other)[1], layers(&IMAGE)[1]);
}

#[test]
fn another_time_gives_another_digest() {
    let later = Made::new("later", &fixed(AMD64, "one"), &["--epoch", "1700000001"]);
    assert_ne!(later.digest(), IMAGE.digest());
    assert_eq!(later.config()["created"], "2023-11-14T22:13:21Z");
}

#[test]
fn older_image_in_the_output_directory_is_removed() {
    let name = "twice";
    let made = Made::new(name, &fixed(AMD64, "two"), &[]);
    let stale = made.digest().replace(':', "/");
    let folder = made.folder.parent().unwrap();
    let outcome = crate::maker::build(folder, &fixed(AMD64, "one"), crate::maker::CA_BUNDLE, &[]);
    assert!(outcome.status.success());
    assert_eq!(made.digest(), IMAGE.digest());
    assert!(!made.folder.join("oci/blobs").join(stale).exists());
    assert_eq!(files(&made.folder), files(&IMAGE.folder));
}

/// All files below a folder, sorted.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let path = path.strip_prefix(folder).unwrap();
                found.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
