//! Compares output with a file. `WATCHWORD_UPDATE_SNAPSHOTS=1` writes the files.

use std::path::Path;

/// Compares text with the snapshot of this name.
pub(crate) fn matches(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots");
    let file = folder.join(format!("{name}.txt"));
    if std::env::var_os("WATCHWORD_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, text).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        text == expected,
        "{name} is now:\n{text}\nand was:\n{expected}"
    );
}
