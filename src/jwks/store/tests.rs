use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::jwks::Origin;
use crate::token::UnixTime;

use super::{Store, StoreError};

const NOW: u64 = 1_700_000_000;

fn at(seconds: u64) -> UnixTime {
    UnixTime::EPOCH.plus(Duration::from_secs(seconds))
}

fn origin(url: &str) -> Origin {
    Origin::Uri(url.parse().unwrap())
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("watchword-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn store(name: &str) -> Store {
    Store::new(
        &folder(name),
        &origin("https://idp.example/keys?code=hidden"),
    )
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

#[tokio::test]
async fn a_file_of_another_source_is_not_used() {
    let (mine, folder) = (saved("swapped").await, folder("swapped"));
    let other = Store::new(&folder, &origin("https://idp.example/keys?code=other"));
    assert_ne!(mine.file, other.file);
    fs::copy(&mine.file, &other.file).unwrap();
    assert!(matches!(other.load(at(NOW)).await, Err(StoreError::Digest)));
    assert!(mine.load(at(NOW)).await.is_ok());
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
