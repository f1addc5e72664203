//! Compares a generated file with the one in the repository. `WATCHWORD_UPDATE_SNAPSHOTS=1` writes
//! the file.

use std::fs;
use std::path::Path;

pub(crate) fn matches(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("WATCHWORD_UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let shipped = fs::read_to_string(&path).unwrap_or_default();
    let mut lines = text.lines().zip(shipped.lines());
    let first = lines.find(|(generated, shipped)| generated != shipped);
    assert!(
        text == shipped,
        "{file} is out of date; the first difference is {first:?}. \
         WATCHWORD_UPDATE_SNAPSHOTS=1 writes it"
    );
}
