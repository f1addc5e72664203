//! Changes that are noticed, and content that is still being written.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, interval_at};

use super::{Config, Follower, SETTLING, Settled};

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("watchword-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Returns true if two looks find something new in time.
async fn finds_change(follower: &mut Follower, time: Duration) -> bool {
    follower.interval = Some(Duration::from_millis(1));
    tokio::time::timeout(time, follower.changed()).await.is_ok()
}

/// Waits as long as a slow machine may take.
async fn is_new(follower: &mut Follower) -> bool {
    finds_change(follower, Duration::from_secs(60)).await
}

/// A slow machine looks less often, and finds nothing either.
async fn is_known(follower: &mut Follower) -> bool {
    !finds_change(follower, Duration::from_millis(300)).await
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
    assert!(is_known(&mut follower).await);
    std::fs::write(&file, text).unwrap();
    assert!(
        is_known(&mut follower).await,
        "the same content, written again"
    );
    std::fs::write(&secret, [8; 32]).unwrap();
    assert!(is_new(&mut follower).await, "a file that it refers to");
    assert!(is_known(&mut follower).await, "told once");
    follower.adopt(&config);
    assert!(is_known(&mut follower).await, "the same files");
    std::fs::remove_file(&secret).unwrap();
    assert!(is_new(&mut follower).await, "a file that is gone");
    follower.look_again();
    assert!(is_new(&mut follower).await, "what could not be used");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn content_that_is_being_written_does_not_count() {
    let folder = folder("writing");
    let file = folder.join("watchword.yaml");
    let text = "issuers: {a: {issuer: a, audiences: [a], secret_file: secret}}";
    std::fs::write(&file, text).unwrap();
    std::fs::write(folder.join("secret"), [7; 32]).unwrap();
    let mut follower = Follower::new(&file, &Config::load(&file).unwrap());
    for count in 0..5 {
        std::fs::write(&file, format!("{text} # {count}")).unwrap();
        assert!(
            !follower.look().await,
            "{count}: not what the last look found"
        );
    }
    touch(&file);
    assert!(!follower.look().await, "the same bytes, written since");
    assert!(follower.look().await, "the same twice");
    std::fs::write(&file, format!("{text} # 5")).unwrap();
    assert!(
        follower.load().await.unwrap().is_none(),
        "it changed before it was read"
    );
    for count in 2..=5 {
        touch(&file);
        assert_eq!(follower.look().await, count == 5, "touched at each look");
    }
    assert_eq!(follower.settle().await, Settled::Unchanged);
    assert!(follower.load().await.unwrap().is_some());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_written_after_the_signal_is_not_what_it_was_for() {
    let folder = folder("settle");
    let file = folder.join("watchword.yaml");
    let text = "issuers: {a: {issuer: a, audiences: [a], jwks: {file: k}}}";
    std::fs::write(&file, text).unwrap();
    let mut follower = Follower::new(&file, &Config::load(&file).unwrap());
    assert_eq!(follower.settle().await, Settled::Unchanged);
    for settled in [Settled::Changed, Settled::TimedOut] {
        let mut settling = pin!(follower.settle());
        // The time is virtual, so each write is in the middle between two looks.
        let mut writes = interval_at(Instant::now() + SETTLING / 2, SETTLING);
        let mut versions = 0;
        let found = loop {
            tokio::select! {
                found = &mut settling => break found,
                _ = writes.tick() => {}
            }
            if settled == Settled::TimedOut || versions == 0 {
                versions += 1;
                std::fs::write(&file, format!("{text} # {settled:?} {versions}")).unwrap();
            }
        };
        assert_eq!(found, settled);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Gives a file another modification time.
fn touch(file: &Path) {
    let time = std::fs::metadata(file).unwrap().modified().unwrap() + Duration::from_secs(1);
    let file = std::fs::File::options().append(true).open(file).unwrap();
    file.set_modified(time).unwrap();
}

#[tokio::test]
async fn a_link_that_is_swapped_is_a_change() {
    let folder = folder("link");
    for (version, audience) in [("..one", "a"), ("..two", "b")] {
        std::fs::create_dir_all(folder.join(version)).unwrap();
        let text =
            format!("issuers: {{a: {{issuer: a, audiences: [{audience}], jwks: {{file: k}}}}}}");
        std::fs::write(folder.join(version).join("watchword.yaml"), text).unwrap();
    }
    let (data, draft) = (folder.join("..data"), folder.join("..data_tmp"));
    std::os::unix::fs::symlink("..one", &data).unwrap();
    let file = data.join("watchword.yaml");
    let mut follower = Follower::new(&file, &Config::load(&file).unwrap());
    assert!(follower.is_replaced_whole());
    std::os::unix::fs::symlink("..two", &draft).unwrap();
    std::fs::rename(&draft, &data).unwrap();
    assert!(is_new(&mut follower).await);
    std::fs::remove_dir_all(&folder).unwrap();
}
