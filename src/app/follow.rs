//! Following the configuration: its file, and the files whose content is part of it.
//!
//! Kubernetes replaces such files by swapping a symbolic link, of which file events tell little, so their content is
//! looked at now and then.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{Config, Problems};
use crate::jwks::read_bounded;

/// Most that is read of a file. The rest of a longer one is not looked at; nothing that is referred to may be as long.
const MAX_SIZE: usize = 2 * 1024 * 1024;

/// A configuration's files, and what was in them when they were last looked at.
#[derive(Debug)]
pub struct Follower {
    file: PathBuf,
    files: Vec<PathBuf>,
    interval: Option<Duration>,
    /// Digests only tell whether anything has changed.
    digests: RandomState,
    seen: Option<u64>,
}

impl Follower {
    /// Follows a configuration that was loaded from this file. What is in use is to be loaded after that: then no change is
    /// missed.
    #[must_use]
    pub fn new(file: &Path, config: &Config) -> Self {
        let digests = RandomState::new();
        Self {
            seen: Some(digest(&digests, file, &config.files)),
            file: file.to_owned(),
            files: config.files.clone(),
            interval: config.reload,
            digests,
        }
    }

    /// Follows what this configuration refers to from now on. Other files than before may have changed since they were
    /// read, so that the next look says that they did.
    pub fn adopt(&mut self, config: &Config) {
        if self.files != config.files {
            self.files.clone_from(&config.files);
            self.seen = None;
        }
    }

    /// Looks this often from now on, as the configuration says that is in use; `None`: never.
    pub fn keep_time(&mut self, interval: Option<Duration>) {
        self.interval = interval;
    }

    /// Has the next look say that something is different: what there is could not be used, and may be later.
    pub fn look_again(&mut self) {
        self.seen = None;
    }

    /// Waits until something is different from what was last seen. Files are read in a thread of their own, so that a disk
    /// that hangs stops nothing else.
    pub async fn changed(&mut self) {
        let Some(interval) = self.interval else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(interval).await;
            if self.look().await {
                return;
            }
        }
    }

    /// Whether something is different from what was last seen.
    pub async fn look(&mut self) -> bool {
        let (file, files) = (self.file.clone(), self.files.clone());
        let digests = self.digests.clone();
        let digest = tokio::task::spawn_blocking(move || digest(&digests, &file, &files)).await;
        // A panic in it would be a fault of ours, and no change.
        let Ok(digest) = digest else { return false };
        self.seen.replace(digest) != Some(digest)
    }

    /// Reads the configuration as it is now.
    ///
    /// # Errors
    /// Every problem found.
    pub async fn load(&self) -> Result<Config, Problems> {
        let file = self.file.clone();
        let load = tokio::task::spawn_blocking(move || Config::check(&file));
        load.await
            .unwrap_or_else(|error| Err(Problems::fault(&self.file, &error)))
    }
}

fn digest(digests: &RandomState, file: &Path, files: &[PathBuf]) -> u64 {
    let mut hasher = digests.build_hasher();
    for file in std::iter::once(file).chain(files.iter().map(PathBuf::as_path)) {
        match read_bounded(file, MAX_SIZE) {
            Ok(Some(content)) => {
                hasher.write_u8(1);
                hasher.write(&content);
            }
            // One that cannot be read now will be different once it can.
            Ok(None) => hasher.write_u8(2),
            Err(_) => hasher.write_u8(3),
        }
        hasher.write_u8(0);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Config, Follower};

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("watchword-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[tokio::test]
    async fn content_counts_and_not_the_file() {
        let folder = folder("content");
        let (file, secret) = (folder.join("watchword.yaml"), folder.join("secret"));
        let text = "issuers: {a: {issuer: a, audiences: [a], secret_file: secret}}";
        std::fs::write(&file, text).unwrap();
        std::fs::write(&secret, [7; 32]).unwrap();
        let config = Config::load(&file).unwrap();
        let mut follower = Follower::new(&file, &config);
        assert!(!follower.look().await);
        std::fs::write(&file, text).unwrap();
        assert!(!follower.look().await, "the same content, written again");
        std::fs::write(&secret, [8; 32]).unwrap();
        assert!(follower.look().await, "a file that it refers to");
        assert!(!follower.look().await, "told once");
        follower.adopt(&config);
        assert!(!follower.look().await, "the same files");
        std::fs::remove_file(&secret).unwrap();
        assert!(follower.look().await, "a file that is gone");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn a_link_that_is_swapped_is_a_change() {
        let folder = folder("link");
        for (version, audience) in [("one", "a"), ("two", "b")] {
            std::fs::create_dir_all(folder.join(version)).unwrap();
            let text = format!(
                "issuers: {{a: {{issuer: a, audiences: [{audience}], jwks: {{file: k}}}}}}"
            );
            std::fs::write(folder.join(version).join("watchword.yaml"), text).unwrap();
        }
        let (data, draft) = (folder.join("..data"), folder.join("..data_tmp"));
        std::os::unix::fs::symlink("one", &data).unwrap();
        let file = data.join("watchword.yaml");
        let mut follower = Follower::new(&file, &Config::load(&file).unwrap());
        std::os::unix::fs::symlink("two", &draft).unwrap();
        std::fs::rename(&draft, &data).unwrap();
        assert!(follower.look().await);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
