//! The results of answers.

use std::time::Duration;

use reqwest::StatusCode;

use crate::jwks::http::fetch_uri;
use crate::jwks::{Content, FetchError, Validators};

use super::server::{Reply, Server, document, ok, plain, redirect, reply};

const TAGGED: &str = "etag: \"one\"\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
    cache-control: max-age=60\r\n";

/// Answers 304 to whoever asks about the tag.
fn tagged(head: &str) -> Reply {
    if head.contains("if-none-match: \"one\"\r\n") {
        reply("304 Not Modified", "cache-control: max-age=90\r\n", "")
    } else {
        reply("200 OK", TAGGED, "keys")
    }
}

#[tokio::test]
async fn a_document_that_has_not_changed_is_not_sent_again() {
    let (server, access) = (Server::http(tagged).await, plain());
    let url = server.url("/keys");
    let first = fetch_uri(&access, &url, None).await.unwrap();
    assert_eq!(first.fresh_for, Some(Duration::from_secs(60)));
    let Content::Documents {
        documents,
        validators,
    } = first.content
    else {
        panic!("no documents");
    };
    assert_eq!(documents, [b"keys"]);

    let second = fetch_uri(&access, &url, Some(&validators)).await.unwrap();
    assert!(matches!(second.content, Content::NotModified));
    assert_eq!(second.fresh_for, Some(Duration::from_secs(90)));
    let head = server.heads().pop().unwrap();
    assert!(head.contains("if-modified-since: sun, 06 nov 1994 08:49:37 gmt\r\n"));

    let other = server.url("/other");
    let third = fetch_uri(&access, &other, Some(&validators)).await;
    assert_eq!(document(third).as_deref(), Ok("keys"));
    assert!(!server.heads().pop().unwrap().contains("\r\nif-"));
}

#[tokio::test]
async fn not_modified_is_no_answer_to_a_request_without_conditions() {
    let server = Server::http(|_| reply("304 Not Modified", "", "")).await;
    let url = server.url("/keys");
    let without = Validators {
        url: Some(url.clone()),
        ..Validators::default()
    };
    for known in [None, Some(&without)] {
        let error = fetch_uri(&plain(), &url, known).await.unwrap_err();
        assert!(
            matches!(
                error,
                FetchError::Status {
                    status: StatusCode::NOT_MODIFIED,
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_request_says_who_asks_and_for_what() {
    let server = Server::http(|_| ok("keys")).await;
    let url = server.url("/keys?tenant=one");
    fetch_uri(&plain(), &url, None).await.unwrap();
    let head = server.heads().pop().unwrap();
    assert!(
        head.starts_with("get /keys?tenant=one http/1.1\r\n"),
        "{head}"
    );
    let version = env!("CARGO_PKG_VERSION");
    assert!(head.contains(&format!("\r\nuser-agent: watchword/{version}\r\n")));
    assert!(head.contains("\r\naccept: application/jwk-set+json, application/json, "));
    assert!(head.contains("\r\naccept-encoding: identity\r\n"));
    assert!(!head.contains("authorization"));
}

#[tokio::test]
async fn other_statuses_are_errors_that_keep_when_to_come_again() {
    let table = [
        ("429 Too Many Requests", "retry-after: 7\r\n", 429, Some(7)),
        (
            "503 Service Unavailable",
            "retry-after: 86400\r\n",
            503,
            Some(3600),
        ),
        ("500 Internal Server Error", "", 500, None),
        ("404 Not Found", "", 404, None),
        ("203 Non-Authoritative Information", "", 203, None),
        ("204 No Content", "", 204, None),
        ("206 Partial Content", "", 206, None),
        ("302 Found", "", 302, None),
        ("300 Multiple Choices", "location: /other\r\n", 300, None),
    ];
    for (status, fields, expected, retry_after) in table {
        let server = Server::http(move |_| reply(status, fields, "keys")).await;
        let url = server.url("/keys?key=secret");
        let error = fetch_uri(&plain(), &url, None).await.unwrap_err();
        assert_eq!(error.retry_after(), retry_after.map(Duration::from_secs));
        let FetchError::Status { url, status, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((status.as_u16(), url), (expected, server.url("/keys")));
    }
}

#[tokio::test]
async fn a_document_of_1_mib_is_read_and_a_longer_one_is_not() {
    let server = Server::http(|head| {
        let size = usize::from(!head.contains("/most"));
        ok(&" ".repeat(1024 * 1024 + size))
    })
    .await;
    let most = fetch_uri(&plain(), &server.url("/most"), None).await;
    assert_eq!(document(most).unwrap().len(), 1024 * 1024);
    let more = fetch_uri(&plain(), &server.url("/more"), None).await;
    assert!(matches!(more, Err(FetchError::TooLarge)));
}

#[tokio::test]
async fn a_body_without_end_is_given_up_at_1_mib() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let server = Server::http(move |_| Reply::Endless(head.into())).await;
    let fetched = fetch_uri(&plain(), &server.url("/keys"), None).await;
    assert!(matches!(fetched, Err(FetchError::TooLarge)));
}

#[tokio::test]
async fn an_announced_length_is_not_relied_on() {
    let answer = |length: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nkeys");
    // Announced as too long: given up before anything else comes.
    let server = Server::http(move |_| Reply::Open(answer("1048577").into())).await;
    let (access, url) = (plain(), server.url("/keys"));
    let fetched =
        tokio::time::timeout(Duration::from_secs(20), fetch_uri(&access, &url, None)).await;
    assert!(matches!(fetched, Ok(Err(FetchError::TooLarge))));
    // Announced as longer than it is: not taken for whole.
    let server = Server::http(move |_| Reply::Bytes(answer("5").into())).await;
    let fetched = fetch_uri(&plain(), &server.url("/keys"), None).await;
    assert!(matches!(fetched, Err(FetchError::Http { .. })));
    // Announced as shorter than it is: the rest is not of this answer.
    let server = Server::http(move |_| Reply::Bytes(answer("3").into())).await;
    let fetched = fetch_uri(&plain(), &server.url("/keys"), None).await;
    assert_eq!(document(fetched).as_deref(), Ok("key"));
}

#[tokio::test]
async fn redirects_within_the_server_are_followed_three_times() {
    let server = Server::http(|head| match head.split(' ').nth(1) {
        Some("/four") => redirect("/three"),
        Some("/three") => redirect("two"),
        Some("/two") => redirect("/one?x=1"),
        Some("/one?x=1") => redirect("/keys#part"),
        _ => reply("200 OK", "etag: \"one\"\r\n", "keys"),
    })
    .await;
    let fetched = fetch_uri(&plain(), &server.url("/three"), None)
        .await
        .unwrap();
    let Content::Documents { validators, .. } = fetched.content else {
        panic!("no documents");
    };
    // The validators are those of the last URL, and are for it alone.
    assert_eq!(validators.url, Some(server.url("/keys")));
    let error = fetch_uri(&plain(), &server.url("/four"), None)
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::Redirect { .. }), "{error}");
    assert_eq!(
        server.paths(),
        [
            "/three", "/two", "/one?x=1", "/keys", "/four", "/three", "/two", "/one?x=1"
        ]
    );
}

#[tokio::test]
async fn redirects_to_elsewhere_are_not_followed() {
    let other = Server::http(|_| ok("keys")).await;
    let other_port = other.url("/keys").to_string();
    let with_user = |url: &str| url.replace("//", "//user:secret@");
    let table = [
        (other_port.clone(), other_port.clone()),
        (format!("{other_port}?key=secret"), other_port.clone()),
        (with_user(&other_port), other_port),
        (
            "//127.0.0.1:HERE/keys".to_owned(),
            "http://127.0.0.1:HERE/keys".to_owned(),
        ),
        (
            "https://localhost:HERE/keys".to_owned(),
            "https://localhost:HERE/keys".to_owned(),
        ),
        (
            "http://user@localhost:HERE/keys".to_owned(),
            "http://localhost:HERE/keys".to_owned(),
        ),
        (
            "file:///etc/passwd".to_owned(),
            "file:///etc/passwd".to_owned(),
        ),
    ];
    for (location, shown) in table {
        let server = Server::http(move |head| {
            let port = head.split("localhost:").nth(1).unwrap();
            redirect(&location.replace("HERE", port.split('\r').next().unwrap()))
        })
        .await;
        let url = server.url("/keys");
        let error = fetch_uri(&plain(), &url, None).await.unwrap_err();
        let FetchError::Redirect { to, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(to, shown.replace("HERE", &url.port().unwrap().to_string()));
        assert_eq!(server.heads().len(), 1);
    }
    assert_eq!(other.heads().len(), 0);
}
