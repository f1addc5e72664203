//! Files of this repository and of its build.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A file or folder of this repository.
pub fn repository(path: impl AsRef<Path>) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository").join(path)
}

/// The `watchword` program that Cargo built with the tests.
pub fn binary() -> PathBuf {
    profile_folder().join("watchword")
}

/// The folder below Cargo's target folder in which tests may leave files: `CARGO_TARGET_TMPDIR`,
/// which Cargo tells test binaries only, and not this crate.
pub fn build_folder() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = profile_folder().join("../tmp");
        std::fs::create_dir_all(&folder).expect("a folder for the tests' files");
        folder.canonicalize().expect("the folder that was made")
    });
    &FOLDER
}

/// `target/debug` for the test binary `target/debug/deps/check-0123456789abcdef`.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("this process's program");
    let folder = test.ancestors().nth(2).expect("Cargo's layout");
    folder.to_owned()
}
