//! Metadata, good and bad.

use crate::jwks::http::tests::server::{
    Authority, Directory, Server, document, ok, plain, redirect, reply, trusting,
};
use crate::jwks::{Access, Content, Credentials};

use super::*;

fn metadata(issuer: &str, keys: &str) -> String {
    format!(r#"{{"issuer":"{issuer}","jwks_uri":"{keys}"}}"#)
}

/// The target that a request names.
fn origin(head: &str) -> String {
    let host = head.split("\r\nhost: ").nth(1).unwrap();
    format!("http://{}", host.split("\r\n").next().unwrap())
}

/// The metadata are at `path`, name `issuer` under this server, and keys at `/keys`.
async fn server(path: &'static str, issuer: &'static str) -> Server {
    Server::http(move |head| match head.split(' ').nth(1).unwrap() {
        "/keys" if head.contains("if-none-match: \"one\"") => reply("304 Not Modified", "", ""),
        "/keys" => reply("200 OK", "etag: \"one\"\r\n", "keys"),
        at if at == path => {
            let origin = origin(head);
            ok(&metadata(
                &format!("{origin}{issuer}"),
                &format!("{origin}/keys"),
            ))
        }
        _ => reply("404 Not Found", "", ""),
    })
    .await
}

fn issuer(server: &Server, path: &str) -> String {
    server.url("/").as_str().trim_end_matches('/').to_owned() + path
}

#[tokio::test]
async fn metadata_are_found_at_the_well_known_places() {
    let table = [
        ("", "/.well-known/openid-configuration"),
        ("/", "/.well-known/openid-configuration"),
        ("/tenant", "/tenant/.well-known/openid-configuration"),
        ("/tenant/", "/tenant/.well-known/openid-configuration"),
        ("/a%20b", "/a%20b/.well-known/openid-configuration"),
        ("", "/.well-known/oauth-authorization-server"),
        ("/tenant", "/.well-known/oauth-authorization-server/tenant"),
        ("/tenant/", "/.well-known/oauth-authorization-server/tenant"),
    ];
    for (path, place) in table {
        let server = server(place, path).await;
        let fetched = fetch(&plain(), &issuer(&server, path), None, None).await;
        assert_eq!(document(fetched).as_deref(), Ok("keys"), "{path}");
        assert!(
            server
                .paths()
                .ends_with(&[place.to_owned(), "/keys".to_owned()])
        );
    }
}

#[tokio::test]
async fn without_metadata_the_first_answer_is_told() {
    let server = Server::http(|head| {
        let first = head.contains("openid-configuration");
        reply(
            if first {
                "404 Not Found"
            } else {
                "400 Bad Request"
            },
            "",
            "",
        )
    })
    .await;
    let error = fetch(&plain(), &issuer(&server, ""), None, None).await;
    let expected = format!(
        "{}.well-known/openid-configuration answered 404 Not Found",
        server.url("/")
    );
    assert_eq!(document(error), Err(expected));
    assert_eq!(server.heads().len(), 2);
}

#[tokio::test]
async fn the_second_place_is_not_tried_where_the_first_may_be_back() {
    for status in [
        "503 Service Unavailable",
        "429 Too Many Requests",
        "401 Unauthorized",
    ] {
        let server = Server::http(move |_| reply(status, "", "")).await;
        let error = fetch(&plain(), &issuer(&server, ""), None, None).await;
        assert!(matches!(error, Err(FetchError::Status { .. })), "{status}");
        assert_eq!(server.heads().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn configured_metadata_are_read_there_and_nowhere_else() {
    let server = server("/metadata", "").await;
    let url = server.url("/metadata");
    let fetched = fetch(&plain(), &issuer(&server, ""), Some(&url), None).await;
    assert_eq!(document(fetched).as_deref(), Ok("keys"));
    let url = server.url("/none");
    let error = fetch(&plain(), &issuer(&server, ""), Some(&url), None).await;
    assert!(matches!(error, Err(FetchError::Status { .. })));
    assert_eq!(server.paths(), ["/metadata", "/keys", "/none"]);
}

#[tokio::test]
async fn keys_that_have_not_changed_are_not_sent_again_until_they_move() {
    let server = server("/metadata", "").await;
    let (issuer, url) = (issuer(&server, ""), server.url("/metadata"));
    let first = fetch(&plain(), &issuer, Some(&url), None).await.unwrap();
    let Content::Documents { mut validators, .. } = first.content else {
        panic!("no documents");
    };
    let second = fetch(&plain(), &issuer, Some(&url), Some(&validators))
        .await
        .unwrap();
    assert!(matches!(second.content, Content::NotModified));
    validators.url = Some(server.url("/former"));
    let third = fetch(&plain(), &issuer, Some(&url), Some(&validators)).await;
    assert_eq!(document(third).as_deref(), Ok("keys"));
    // The metadata themselves are asked for without conditions.
    let asked = |head: &String| head.contains("/metadata ") && head.contains("\r\nif-");
    assert!(!server.heads().iter().any(asked));
}

#[tokio::test]
async fn metadata_that_are_not_the_issuers_own_are_refused() {
    let keys = Server::http(|_| ok("keys")).await;
    let uri = keys.url("/keys");
    let good = metadata("https://idp.example", uri.as_str());
    let table = [
        (good.clone(), ""),
        (
            good.replace("idp.example", "idp.example/"),
            "have issuer \"https://idp.example/\", not \"https://idp.example\"",
        ),
        (
            good.replace("idp", "IDP"),
            "have issuer \"https://IDP.example\", not ",
        ),
        (
            good.replace("idp", "\\u0000"),
            "have issuer \"https://\\0.example\", not ",
        ),
        (
            good.replace("issuer", "Issuer"),
            "have issuer (absent), not ",
        ),
        (
            good.replace("\"https://idp.example\"", "7"),
            "have issuer (number), not ",
        ),
        (format!("[{good}]"), "have issuer (absent), not "),
        (
            good.replace("jwks_uri", "jwks"),
            "have jwks_uri (absent), not a URL",
        ),
        (
            good.replace(uri.as_str(), "/keys"),
            "have jwks_uri \"/keys\", not a URL",
        ),
        (
            good.replace('}', ",\"issuer\":\"https://idp.example\"}"),
            "a member name stands twice",
        ),
        (good.replace('}', ""), "cannot be read: not JSON at byte "),
    ];
    for (document_text, expected) in table {
        let text = document_text.clone();
        let server = Server::http(move |_| ok(&text)).await;
        let url = server.url("/metadata?key=secret");
        let fetched = document(fetch(&plain(), "https://idp.example", Some(&url), None).await);
        let before = keys.heads().len();
        if expected.is_empty() {
            assert_eq!((fetched.as_deref(), before), (Ok("keys"), 1));
            continue;
        }
        let error = fetched.unwrap_err();
        assert!(error.contains(expected), "{document_text}: {error}");
        assert!(!error.contains("secret"));
        assert_eq!(before, 1);
    }
}

#[tokio::test]
async fn a_jwks_uri_that_may_not_be_fetched_is_refused() {
    let table = [
        (
            "ftp://idp.example/keys",
            "ftp://idp.example/keys is not an https or http URL",
        ),
        (
            "http://user:secret@idp.example/keys",
            "http://idp.example/keys is not a URL without user and password",
        ),
        (
            "https://idp.example/keys?key=secret#1",
            "https://idp.example/keys is not a URL without fragment",
        ),
        (
            "http://169.254.169.254/keys",
            "169.254.169.254 is a cloud metadata service (169.254.169.254), which is not spoken to",
        ),
    ];
    for (uri, expected) in table {
        let server = Server::http(move |_| ok(&metadata("https://idp.example", uri))).await;
        let url = server.url("/metadata");
        let error = fetch(&plain(), "https://idp.example", Some(&url), None).await;
        assert_eq!(document(error), Err(expected.to_owned()));
    }
}

/// Metadata over TLS do not lead to keys without.
#[tokio::test]
async fn an_http_jwks_uri_is_refused_where_http_is_not_allowed() {
    let authority = Authority::new("Good CA");
    let directory = Directory::new();
    let access = trusting(&directory.write("ca", &authority.pem()));
    let keys = Server::http(|_| ok("keys")).await;
    let text = metadata("https://idp.example", keys.url("/keys").as_str());
    let server = Server::https(authority.server(), move |_| ok(&text)).await;
    let url = server.url("/metadata");
    let error = fetch(&access, "https://idp.example", Some(&url), None).await;
    assert_eq!(
        document(error),
        Err(format!("{} is not an https URL", keys.url("/keys")))
    );
    let both = Access {
        allow_http: true,
        ..access
    };
    let fetched = fetch(&both, "https://idp.example", Some(&url), None).await;
    assert_eq!(document(fetched).as_deref(), Ok("keys"));
}

#[tokio::test]
async fn an_issuer_that_is_no_place_has_no_well_known_metadata() {
    let strict = Access {
        allow_http: false,
        ..plain()
    };
    let issuers = [
        "idp.example",
        "http://idp.example",
        "https://idp.example?tenant=1",
        "https://idp.example#tenant",
        "https://user@idp.example",
        "urn:idp",
    ];
    for issuer in issuers {
        let error = fetch(&strict, issuer, None, None).await;
        assert!(matches!(error, Err(FetchError::Url { .. })), "{issuer}");
    }
}

#[tokio::test]
async fn credentials_are_sent_for_keys_only_to_the_server_of_the_metadata() {
    let directory = Directory::new();
    let access = Access {
        credentials: Some(Credentials::Bearer {
            token_file: directory.write("token", "secret"),
        }),
        ..plain()
    };
    let foreign = Server::http(|_| ok("keys")).await;
    let text = metadata("https://idp.example", foreign.url("/keys").as_str());
    let home = Server::http(move |_| ok(&text)).await;
    let url = home.url("/metadata");
    let fetched = fetch(&access, "https://idp.example", Some(&url), None).await;
    assert_eq!(document(fetched).as_deref(), Ok("keys"));
    let sent = |head: &String| head.contains("authorization: bearer secret\r\n");
    assert!(home.heads().iter().all(sent));
    assert!(!foreign.heads().iter().any(sent));

    let own = server("/metadata", "").await;
    let url = own.url("/metadata");
    fetch(&access, &issuer(&own, ""), Some(&url), None)
        .await
        .unwrap();
    assert_eq!(own.heads().iter().filter(|head| sent(head)).count(), 2);
}

#[tokio::test]
async fn metadata_may_move_within_their_server_only() {
    let own = Server::http(|head| match head.split(' ').nth(1).unwrap() {
        "/moved" => redirect("/metadata"),
        "/away" => redirect("https://idp.example/metadata"),
        "/metadata" => ok(&metadata(
            "https://idp.example",
            &format!("{}/keys", origin(head)),
        )),
        _ => ok("keys"),
    })
    .await;
    let from = async |path: &str| {
        let url = own.url(path);
        fetch(&plain(), "https://idp.example", Some(&url), None).await
    };
    assert_eq!(document(from("/moved").await).as_deref(), Ok("keys"));
    assert!(matches!(
        from("/away").await,
        Err(FetchError::Redirect { .. })
    ));
}
