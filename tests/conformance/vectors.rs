//! Where the vectors are, and how they are read.
//!
//! They are not part of the repository. `WATCHWORD_VECTORS` names their folder; without it, `../shared/vectors` beside
//! the checkout is tried. Where neither is there the tests say so and pass, except under `CI=true`, where they fail.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

use serde::de::DeserializeOwned;

/// One line for all tests that are skipped.
static SKIPPED: Once = Once::new();

/// The folder of the vectors.
pub(crate) struct Vectors(PathBuf);

impl Vectors {
    /// `None` where there are no vectors and the test may pass without.
    pub(crate) fn find() -> Option<Self> {
        let named = env::var_os("WATCHWORD_VECTORS").map(PathBuf::from);
        let folder = named
            .clone()
            .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"));
        if folder.is_dir() {
            return Some(Self(folder));
        }
        let missing = format!("no test vectors at {}", folder.display());
        assert!(named.is_none(), "WATCHWORD_VECTORS: {missing}");
        assert!(
            env::var_os("CI").is_none_or(|ci| ci != "true"),
            "CI=true, but {missing}"
        );
        SKIPPED.call_once(|| {
            say(&format!(
                "SKIPPED: {missing}; WATCHWORD_VECTORS names their folder"
            ));
        });
        None
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
