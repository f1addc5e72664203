//! A file that a command makes. It never replaces another.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};

use crate::explain::plain;

/// A new, empty file. It is removed if it is not written.
pub(super) struct NewFile<'p> {
    path: &'p Path,
    file: File,
    is_written: bool,
}

impl<'p> NewFile<'p> {
    /// Creates a file with these permissions, less those that the process's umask takes.
    pub(super) fn create(path: &'p Path, mode: u32) -> anyhow::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(mode);
        let file = options.open(path).map_err(|error| {
            let name = plain(&path.to_string_lossy());
            match error.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    anyhow!("{name}: the file exists, and is not replaced")
                }
                _ => anyhow!("{name}: {error}"),
            }
        })?;
        Ok(Self {
            path,
            file,
            is_written: false,
        })
    }

    /// Writes text and a line end.
    pub(super) fn write(mut self, text: &str) -> anyhow::Result<()> {
        let parts = [text.as_bytes(), b"\n"];
        let written = parts
            .into_iter()
            .try_for_each(|part| self.file.write_all(part));
        let written = written.and_then(|()| self.file.sync_all());
        written.with_context(|| plain(&self.path.to_string_lossy()))?;
        self.is_written = true;
        Ok(())
    }
}

impl Drop for NewFile<'_> {
    fn drop(&mut self) {
        if !self.is_written {
            let _ = std::fs::remove_file(self.path);
        }
    }
}
