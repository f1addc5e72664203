//! Files and folders.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::MAX_FILES;

use super::{MAX_SIZE, again_if_vanished, read};
use crate::jwks::FetchError;

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("watchword-{}-{name}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&folder.0).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    fn link(&self, target: &str, name: &str) {
        symlink(target, self.path(name)).unwrap();
    }

    fn texts(&self) -> Vec<String> {
        texts(&self.0)
    }

    fn error(&self) -> (PathBuf, ErrorKind) {
        failure(read(&self.0))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn texts(path: &Path) -> Vec<String> {
    let text = |content| String::from_utf8(content).unwrap();
    read(path)
        .unwrap()
        .documents
        .into_iter()
        .map(text)
        .collect()
}

fn failure<T>(read: Result<T, FetchError>) -> (PathBuf, ErrorKind) {
    match read {
        Err(FetchError::File { path, source }) => (path, source.kind()),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("read"),
    }
}

#[test]
fn a_file_is_one_document() {
    let folder = Folder::new("file");
    folder.write("keys.json", "{}");
    folder.link("keys.json", ".hidden-link");
    assert_eq!(texts(&folder.path("keys.json")), ["{}"]);
    assert_eq!(texts(&folder.path(".hidden-link")), ["{}"]);
    let missing = folder.path("missing");
    let expected = (missing.clone(), ErrorKind::NotFound);
    assert_eq!(failure(read(&missing)), expected);
}

#[test]
fn the_files_of_a_folder_are_read_in_the_order_of_their_names() {
    let folder = Folder::new("order");
    for name in ["b", "10", "a", "9", "B", ".hidden", "..data"] {
        folder.write(name, name);
    }
    fs::create_dir(folder.path("folder")).unwrap();
    folder.write("folder/c", "c");
    assert_eq!(folder.texts(), ["10", "9", "B", "a", "b"]);
}

#[test]
fn a_folder_as_kubernetes_mounts_it_is_read_through_its_links() {
    let folder = Folder::new("kubernetes");
    for (version, content) in [("..2026_1", "old"), ("..2026_2", "new")] {
        fs::create_dir(folder.path(version)).unwrap();
        folder.write(&format!("{version}/keys.json"), content);
    }
    folder.link("..2026_1", "..data");
    folder.link("..data/keys.json", "keys.json");
    assert_eq!(folder.texts(), ["old"]);

    folder.link("..2026_2", "..data_tmp");
    fs::rename(folder.path("..data_tmp"), folder.path("..data")).unwrap();
    fs::remove_dir_all(folder.path("..2026_1")).unwrap();
    assert_eq!(folder.texts(), ["new"]);
}

#[test]
fn a_file_that_vanishes_while_the_folder_is_read_causes_a_second_reading() {
    let folder = Folder::new("vanished");
    folder.write("a", "a");
    folder.link("gone", "b");
    let expected = (folder.path("b"), ErrorKind::NotFound);
    assert_eq!(folder.error(), expected, "for good");

    let mut readings = 0;
    let contents = again_if_vanished(|| {
        readings += 1;
        let contents = super::read_folder(&folder.0);
        if readings == 1 {
            folder.write("gone", "back");
        }
        contents
    });
    assert_eq!(readings, 2);
    assert_eq!(
        contents.unwrap().documents,
        [b"a".as_slice(), b"back", b"back"]
    );
}

#[test]
fn other_errors_cause_no_second_reading() {
    let path = Path::new("/keys");
    let mut readings = 0;
    let result: Result<(), _> = again_if_vanished(|| {
        readings += 1;
        Err(FetchError::file(path, ErrorKind::PermissionDenied.into()))
    });
    let expected = (path.to_owned(), ErrorKind::PermissionDenied);
    assert_eq!((failure(result), readings), (expected, 1));
}

#[test]
fn a_folder_without_files_is_an_error() {
    let folder = Folder::new("empty");
    let expected = (folder.0.clone(), ErrorKind::NotFound);
    assert_eq!(folder.error(), expected);
    folder.write(".hidden", "");
    fs::create_dir(folder.path("folder")).unwrap();
    assert_eq!(folder.error(), expected);
    let text = read(&folder.0).unwrap_err().with_causes();
    assert!(text.ends_with("no files in the directory"), "{text}");
}

#[test]
fn what_is_no_file_is_never_opened() {
    let folder = Folder::new("special");
    folder.write("keys.json", "{}");
    folder.link("/dev/zero", "device");
    let _socket = UnixListener::bind(folder.path("socket")).unwrap();
    let pipe = folder.path("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert_eq!(folder.texts(), ["{}"]);
    for name in ["device", "socket"] {
        let expected = (folder.path(name), ErrorKind::InvalidInput);
        assert_eq!(failure(read(&folder.path(name))), expected);
    }
    // Not every machine has the tool.
    if made.is_ok_and(|status| status.success()) {
        let expected = (pipe.clone(), ErrorKind::InvalidInput);
        assert_eq!(failure(read(&pipe)), expected);
    }
}

#[test]
fn the_number_of_files_is_limited() {
    let folder = Folder::new("many");
    for index in 0..MAX_FILES {
        folder.write(&index.to_string(), "");
        folder.write(&format!(".{index}"), "");
    }
    assert_eq!(folder.texts().len(), MAX_FILES);
    folder.write("one-more", "");
    assert_eq!(folder.error(), (folder.0.clone(), ErrorKind::Other));
}

#[test]
fn the_size_of_all_files_together_is_limited() {
    let folder = Folder::new("large");
    folder.write("a", &" ".repeat(MAX_SIZE - 1));
    folder.write("b", " ");
    assert_eq!(folder.texts().len(), 2);
    let mut last = fs::File::options()
        .append(true)
        .open(folder.path("b"))
        .unwrap();
    last.write_all(b" ").unwrap();
    assert!(matches!(read(&folder.0), Err(FetchError::TooLarge)));
    assert_eq!(read(&folder.path("b")).unwrap().documents.len(), 1);
    folder.write("a", &" ".repeat(MAX_SIZE + 1));
    let alone = read(&folder.path("a"));
    assert!(matches!(alone, Err(FetchError::TooLarge)));
}
