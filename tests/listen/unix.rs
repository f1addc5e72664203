//! The Unix socket: its file, its permissions, and who else may be there.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;
use watchword::app::{App, StartError};
use watchword::clock::Clock;
use watchword::config::Config;
use watchword::listen::ListenAddress;

use crate::client::Client;
use crate::site::{self, Site};

async fn site(path: &Path, more: &str) -> Site {
    Site::start(&format!(
        "{{grpc: {{address: 'unix:{}'{more}}}}}",
        path.display()
    ))
    .await
}

async fn refused(path: &Path) -> String {
    let config = site::config(&format!("{{grpc: {{address: 'unix:{}'}}}}", path.display()));
    match App::start(config, Clock::manual(0)).await {
        Err(error @ StartError::Listen { .. }) => format!("{:#}", anyhow::Error::from(error)),
        other => panic!("{other:?}"),
    }
}

async fn check(path: &Path) -> i32 {
    let stream = UnixStream::connect(path).await.unwrap();
    let mut client = Client::over(stream).await.unwrap();
    assert_eq!(client.check("nonsense").await.unwrap(), 16);
    client.check(&site::token()).await.unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_answered_on_a_socket_that_is_gone_after_a_stop() {
    let path = site::path("calls");
    let site = site(&path, "").await;
    assert_eq!(site.app.listening_on(), &ListenAddress::Unix(path.clone()));
    assert_eq!(site.app.address(), ([0, 0, 0, 0], 0).into());
    assert_eq!(check(&path).await, 0);
    assert!(site.app.stop().await);
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_has_the_configured_mode_and_group() {
    let path = site::path("mode");
    let default = site(&path, "").await;
    assert_eq!(mode(&path), 0o660);
    default.app.stop().await;
    let group = fs::metadata("/proc/self").unwrap().gid();
    for wanted in ["0600", "0660", "0666", "0777"] {
        let access = format!(", socket: {{mode: '{wanted}', group: '{group}'}}");
        let site = site(&path, &access).await;
        assert_eq!(format!("{:04o}", mode(&path)), wanted);
        assert_eq!(fs::metadata(&path).unwrap().gid(), group);
        assert_eq!(check(&path).await, 0);
        site.app.stop().await;
    }
    // Only root may give a file away to a group that it is not in.
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        let site = site(&path, ", socket: {group: daemon}").await;
        assert_ne!(fs::metadata(&path).unwrap().gid(), 0);
        site.app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_nobody_listens_on_is_replaced() {
    let path = site::path("stale");
    drop(StdListener::bind(&path).unwrap());
    assert!(is_socket(&path));
    let site = site(&path, "").await;
    assert_eq!(check(&path).await, 0);
    site.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_somebody_listens_on_is_left_alone() {
    let path = site::path("live");
    let site = site(&path, "").await;
    let error = refused(&path).await;
    let expected = format!(
        "cannot listen on unix:{}: another process listens on it",
        path.display()
    );
    assert_eq!(error, expected);
    assert_eq!(check(&path).await, 0);
    site.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_socket_is_left_alone() {
    let path = site::path("file");
    fs::write(&path, "precious").unwrap();
    let expected = "it is a file, and no socket";
    assert!(refused(&path).await.ends_with(expected));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    let link = site::path("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(refused(&link).await.ends_with(expected));
    assert_eq!(fs::read_to_string(&link).unwrap(), "precious");
    fs::remove_file(&link).unwrap();
    fs::remove_file(&path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_took_the_place_of_the_socket_outlives_the_stop() {
    let path = site::path("heir");
    let first = site(&path, "").await;
    fs::remove_file(&path).unwrap();
    let heir = StdListener::bind(&path).unwrap();
    assert!(first.app.stop().await);
    assert!(is_socket(&path));
    drop(heir);
    fs::remove_file(&path).unwrap();
}

#[test]
fn paths_that_no_socket_can_have_are_refused() {
    let config = |address: &str| {
        let text = site::text(&format!("{{grpc: {{address: '{address}'}}}}"));
        let config = Config::parse(&text, Path::new("/etc/watchword/w.yaml"));
        config.map(|config| config.server.grpc.address)
    };
    let relative = config("unix:run/grpc.sock").unwrap();
    assert_eq!(
        relative,
        ListenAddress::Unix(PathBuf::from("/etc/watchword/run/grpc.sock"))
    );
    let longest = format!("unix:/{}", "s".repeat(106));
    assert!(config(&longest).is_ok());
    let refused = config(&format!("{longest}s")).unwrap_err().to_string();
    let expected = "expected one of at most 107, from this file's folder";
    assert!(
        refused.contains("server.grpc.address: found a path of 108 bytes"),
        "{refused}"
    );
    assert!(refused.ends_with(expected), "{refused}");
    assert!(config("unix:").is_err());
}
