//! Saving, loading, and what is not loaded.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::jwks::{Access, FetchedSource, KeyOrigin, Timing, Wait};
use crate::token::UnixTime;

use crate::jwks::source_log::SourceLog;

use super::{Store, StoreError};

const URL: &str = "https://idp.example/keys?code=hidden";
const NOW: u64 = 1_700_000_000;

fn at(seconds: u64) -> UnixTime {
    UnixTime::EPOCH.plus(Duration::from_secs(seconds))
}

fn source(url: &str) -> FetchedSource {
    let second = Duration::from_secs(1);
    FetchedSource {
        origin: KeyOrigin::Uri(url.parse().unwrap()),
        access: Access::default(),
        timing: Timing {
            cache_duration: second,
            min_cache_duration: second,
            max_cache_duration: second,
            max_stale: second,
            cooldown: second,
            wait: Wait::AtMost(second),
            timeout: second,
        },
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("watchword-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn store(name: &str) -> Store {
    store_in(&folder(name), &source(URL), "https://a.example")
}

fn store_in(folder: &Path, source: &FetchedSource, issuer: &str) -> Store {
    let log = SourceLog::new(&source.origin, &[]);
    let store = Store::new(folder, source, &[issuer], log);
    store.begin();
    store
}

fn documents() -> Arc<Vec<Vec<u8>>> {
    Arc::new(vec![b"{\"keys\":[]}".to_vec(), vec![0, 159, 146, 150]])
}

async fn saved(name: &str) -> Store {
    let store = store(name);
    store.save(documents(), at(NOW));
    store.saved().await;
    store
}

#[tokio::test]
async fn what_is_saved_is_loaded_with_its_age() {
    let store = saved("round-trip").await;
    let stored = store.load(at(NOW + 90)).await.unwrap().unwrap();
    assert_eq!(stored.documents, *documents());
    assert_eq!(stored.age, Duration::from_secs(90));
    let text = fs::read_to_string(&store.file).unwrap();
    assert!(text.contains("https://idp.example/keys"));
    assert!(!text.contains("hidden"), "a query may be a secret");
    let files = fs::read_dir(folder("round-trip")).unwrap().count();
    assert_eq!(files, 1, "nothing temporary is left");
}

#[tokio::test]
async fn no_file_is_no_error() {
    assert!(store("none").load(at(NOW)).await.unwrap().is_none());
}

#[tokio::test]
async fn every_change_to_a_file_is_noticed() {
    let store = saved("damaged").await;
    let good = fs::read(&store.file).unwrap();
    for place in 0..good.len() {
        for damaged in [&good[..place], &flipped(&good, place)] {
            fs::write(&store.file, damaged).unwrap();
            // The text for people is the one part that says nothing.
            let loaded = store.load(at(NOW)).await;
            if let Ok(Some(stored)) = loaded {
                assert_eq!(stored.documents, *documents(), "byte {place}");
                assert_eq!(stored.age, Duration::ZERO, "byte {place}");
            }
        }
    }
}

fn flipped(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[place] ^= 1;
    bytes
}

/// Two issuers had the file of one URL, though they had fetched it with different headers: keys of
/// one verified tokens of the other after a restart.
#[tokio::test]
async fn a_file_of_another_source_or_issuer_is_not_used() {
    let (mine, folder) = (saved("swapped").await, folder("swapped"));
    let mut tenant = source(URL);
    tenant.access.ca = Some("other.pem".into());
    let other_url = source("https://idp.example/keys?code=other");
    for (other, issuer) in [
        (&source(URL), "https://b.example"),
        (&tenant, "https://a.example"),
        (&other_url, "https://a.example"),
    ] {
        let other = store_in(&folder, other, issuer);
        if issuer == "https://b.example" {
            assert_ne!(mine.file, other.file);
            fs::copy(&mine.file, &other.file).unwrap();
        }
        assert!(matches!(other.load(at(NOW)).await, Err(StoreError::Digest)));
    }
    assert!(mine.load(at(NOW)).await.is_ok());
}

/// A file with a removed key stayed where the one without it could not be written.
#[tokio::test]
async fn a_file_that_cannot_be_replaced_by_other_keys_is_removed() {
    let store = saved("full").await;
    // A directory in the way of the temporary file's rename is a failure like a full disk's.
    let blocked = Store {
        file: store.file.join("no-such-directory").into(),
        ..store.clone()
    };
    blocked.replace(&documents(), at(NOW));
    assert!(store.load(at(NOW)).await.unwrap().is_some(), "another file");
    fs::remove_file(&store.file).unwrap();
    fs::create_dir(&store.file).unwrap();
    store.replace(&[b"{}".to_vec()], at(NOW));
    let left = fs::read_dir(folder("full")).unwrap().count();
    assert_eq!(left, 1, "nothing temporary is left");
    fs::remove_dir(&store.file).unwrap();
}

#[tokio::test]
async fn the_newest_documents_are_written_last() {
    let store = store("order");
    for round in 0..50_u8 {
        store.save(Arc::new(vec![vec![round]]), at(NOW));
    }
    store.saved().await;
    let stored = store.load(at(NOW)).await.unwrap().unwrap();
    assert_eq!(stored.documents, [[49]]);
}

#[tokio::test]
async fn nothing_is_written_before_the_store_begins_and_after_it_ends() {
    let store = store("begin-and-end");
    store.end();
    store.save(documents(), at(NOW));
    store.saved().await;
    assert!(store.load(at(NOW)).await.unwrap().is_none(), "ended");
    store.begin();
    store.saved().await;
    let stored = store.load(at(NOW + 90)).await.unwrap().unwrap();
    let age = Duration::from_secs(90);
    assert_eq!(stored.age, age, "they are as old as their fetch");
    store.end();
    store.save(Arc::new(vec![vec![1]]), at(NOW));
    store.saved().await;
    let stored = store.load(at(NOW)).await.unwrap().unwrap();
    assert_eq!(stored.documents, *documents(), "ended again");
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_make_keys_young() {
    let store = saved("future").await;
    assert!(store.load(at(NOW - 60)).await.is_ok());
    assert!(matches!(
        store.load(at(NOW - 61)).await,
        Err(StoreError::Future)
    ));
}
