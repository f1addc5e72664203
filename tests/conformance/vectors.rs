//! Finds and reads the vectors.
//!
//! They are not part of the repository. `WATCHWORD_VECTORS` names their folder; the default is
//! `../shared/vectors` beside the checkout. Without the folder, the tests that need it are skipped,
//! except with `CI=true`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use watchword_test_support::{harness, repository};

/// The folder of the vectors.
pub(crate) struct Vectors(PathBuf);

impl Vectors {
    /// The vectors. Without them, the test ends as [`harness::skip`] does.
    pub(crate) fn find() -> Self {
        let named = env::var_os("WATCHWORD_VECTORS").map(PathBuf::from);
        let is_named = named.is_some();
        let folder = named.unwrap_or_else(|| repository("../shared/vectors"));
        if folder.is_dir() {
            return Self(folder);
        }
        assert!(
            !is_named,
            "WATCHWORD_VECTORS: no folder {}",
            folder.display()
        );
        harness::skip("no vectors: WATCHWORD_VECTORS names their folder")
    }

    /// A text file, without the line end that some of them have.
    pub(crate) fn text(&self, file: &str) -> String {
        let path = self.0.join(file);
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        text.trim_end().to_owned()
    }

    /// A JSON file.
    pub(crate) fn json<T: DeserializeOwned>(&self, file: &str) -> T {
        serde_json::from_str(&self.text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// The JSON files of a folder, in the order of their names.
    pub(crate) fn files(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.0.join(folder)).expect("a folder of vectors");
        let names = entries.map(|entry| entry.expect("a vector").file_name());
        let mut files: Vec<String> = names
            .filter_map(|name| name.into_string().ok())
            .filter(|name| {
                Path::new(name)
                    .extension()
                    .is_some_and(|ending| ending == "json")
            })
            .map(|name| format!("{folder}/{name}"))
            .collect();
        files.sort();
        assert!(!files.is_empty(), "no JSON files in {folder}");
        files
    }
}

/// Writes a line that the test harness does not capture.
pub(crate) fn say(line: &str) {
    watchword_test_support::say(format_args!("conformance: {line}"));
}
