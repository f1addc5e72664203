//! Following the configuration: its file, and the files whose content is part of it.
//!
//! Kubernetes replaces such files by swapping a symbolic link, of which file events tell little, so
//! their content is looked at now and then. A half-written file can be a valid configuration with
//! weaker rules, so content counts only when two looks in a row have found the same bytes, sizes
//! and modification times.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::config::{Config, Problems};
use crate::files::{files_at, is_in_kubernetes_volume, read_secret};

use super::changes::changed;

/// Most that is read of a file. The rest of a longer one is not looked at; nothing that is referred
/// to may be as long.
const MAX_SIZE: usize = 2 * 1024 * 1024;
/// The time between the looks that a signal asks for.
const SETTLING: Duration = Duration::from_millis(500);
/// After this many looks that found the same content, modification times count no longer.
const TOUCHED: usize = 5;
const MAX_LOOKS: usize = 20;

/// A configuration's files, and what was in them when they were last looked at.
#[derive(Debug)]
pub(crate) struct Follower {
    file: PathBuf,
    files: Vec<PathBuf>,
    interval: Option<Duration>,
    /// Digests only tell whether anything has changed.
    digests: RandomState,
    /// The content that was last taken into use, or refused for good.
    handled: Option<u64>,
    last: Option<FilesDigest>,
    /// The number of looks in a row that have found the same content.
    same: usize,
    /// The settings in use, with secrets masked.
    used: Value,
    loaded: Value,
}

/// Whether the files stopped changing, and whether they are then as the first look found them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    Unchanged,
    Changed,
    TimedOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FilesDigest {
    content: u64,
    /// Sizes and modification times.
    attributes: u64,
}

impl Follower {
    /// Follows a configuration that was loaded from this file. What is in use is to be loaded after
    /// that: then no change is missed.
    pub(crate) fn new(file: &Path, config: &Config) -> Self {
        let digests = RandomState::new();
        let look = FilesDigest::at(&digests, file, &config.files);
        Self {
            handled: Some(look.content),
            last: Some(look),
            same: 1,
            file: file.to_owned(),
            files: config.files.clone(),
            interval: config.reload,
            digests,
            used: config.effective.clone(),
            loaded: Value::Null,
        }
    }

    /// Follows what this configuration refers to from now on. Other files than before may have
    /// changed since they were read, so that the next looks say that they did.
    pub(crate) fn adopt(&mut self, config: &Config) {
        if self.files != config.files {
            self.files.clone_from(&config.files);
            self.handled = None;
        }
    }

    /// Notes that the configuration loaded last is in use, and names the settings that it changed.
    /// `interval` is the time between looks from now on; `None`: never.
    pub(crate) fn in_use(&mut self, interval: Option<Duration>) -> String {
        self.interval = interval;
        let old = std::mem::replace(&mut self.used, self.loaded.take());
        changed(&old, &self.used)
    }

    /// Makes `changed` return again for the same content: it could not be used now, and may be
    /// later.
    pub(crate) fn look_again(&mut self) {
        self.handled = None;
    }

    /// Waits until something is different from what was last handled, and has settled. Files are
    /// read in a thread of their own, so that a disk that hangs stops nothing else.
    pub(crate) async fn changed(&mut self) {
        let Some(interval) = self.interval else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(interval).await;
            if self.look().await && self.handled != self.content() {
                self.handled = self.content();
                return;
            }
        }
    }

    /// Waits until two looks in a row find the same, for at most 20 looks, and counts that content
    /// as handled.
    pub(crate) async fn settle(&mut self) -> Settled {
        self.last = None;
        let mut first = None;
        for _ in 0..MAX_LOOKS {
            let has_settled = self.look().await;
            first = first.or(self.content());
            if has_settled {
                self.handled = self.content();
                let is_first = first == self.content();
                return if is_first {
                    Settled::Unchanged
                } else {
                    Settled::Changed
                };
            }
            tokio::time::sleep(SETTLING).await;
        }
        Settled::TimedOut
    }

    /// Returns true if a look finds the same as the last one, or the same content as several
    /// before, of a file that somebody touches all the time.
    async fn look(&mut self) -> bool {
        let (file, files) = (self.file.clone(), self.files.clone());
        let digests = self.digests.clone();
        let look =
            tokio::task::spawn_blocking(move || FilesDigest::at(&digests, &file, &files)).await;
        // A panic in it would be a fault of ours, and no look.
        let Ok(look) = look else { return false };
        let last = self.last.replace(look);
        let same_content = last.is_some_and(|last| last.content == look.content);
        self.same = if same_content { self.same + 1 } else { 1 };
        last == Some(look) || self.same >= TOUCHED
    }

    fn content(&self) -> Option<u64> {
        self.last.map(|look| look.content)
    }

    /// Reads the configuration as it is now; `None` where it is not what the last look found.
    pub(crate) async fn load(&mut self) -> Result<Option<Config>, Problems> {
        let file = self.file.clone();
        let load = move || Config::check(&file);
        let loaded = tokio::task::spawn_blocking(load).await;
        let loaded = loaded.unwrap_or_else(|error| Err(Problems::fault(&self.file, &error)));
        if !self.look().await {
            self.look_again();
            return Ok(None);
        }
        let config = loaded?;
        self.loaded = config.effective.clone();
        Ok(Some(config))
    }

    /// Returns true if the file is replaced as a whole, as in a volume of Kubernetes.
    pub(crate) fn is_replaced_whole(&self) -> bool {
        is_in_kubernetes_volume(&self.file)
    }
}

impl FilesDigest {
    fn at(digests: &RandomState, file: &Path, files: &[PathBuf]) -> Self {
        let (mut content, mut attributes) = (digests.build_hasher(), digests.build_hasher());
        for file in std::iter::once(file).chain(files.iter().map(PathBuf::as_path)) {
            // What cannot be read now will be different once it can.
            let files = files_at(file).unwrap_or_default();
            files.hash(&mut content);
            for file in files {
                let metadata = std::fs::metadata(&file);
                let size_and_time =
                    metadata.map(|metadata| (metadata.len(), metadata.modified().ok()));
                size_and_time.ok().hash(&mut attributes);
                // It may be a private key.
                let found = read_secret(&file, MAX_SIZE).ok();
                found.as_deref().hash(&mut content);
            }
        }
        Self {
            content: content.finish(),
            attributes: attributes.finish(),
        }
    }
}

#[cfg(test)]
mod tests;
