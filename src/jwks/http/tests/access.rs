//! The targets of requests, and what they carry.

use http::HeaderValue;
use http::header::{ACCEPT, HeaderName};
use reqwest::Url;

use crate::jwks::http::{Client, Forbidden, fetch_uri};
use crate::jwks::{Access, Credentials, FetchError};

use super::server::{Directory, Reply, Server, document, ok, plain, reply};

fn keys(_: &str) -> Reply {
    ok("keys")
}

#[tokio::test]
async fn http_is_spoken_only_where_it_is_allowed() {
    let server = Server::http(keys).await;
    let strict = Access {
        allow_http: false,
        ..plain()
    };
    let url = server.url("/keys?key=secret");
    let error = fetch_uri(&strict, &url, None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} is not an https URL", server.url("/keys"))
    );
    assert_eq!(
        document(fetch_uri(&plain(), &url, None).await).as_deref(),
        Ok("keys")
    );
    for url in ["ftp://localhost/keys", "file:///etc/passwd", "data:,keys"] {
        let error = fetch_uri(&plain(), &url.parse().unwrap(), None).await;
        assert!(matches!(error, Err(FetchError::Url { .. })), "{url}");
    }
    let url: Url = "http://user:secret@localhost/keys".parse().unwrap();
    let error = fetch_uri(&plain(), &url, None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "http://localhost/keys is not a URL without user and password"
    );
}

#[tokio::test]
async fn a_name_with_a_private_address_is_refused_where_the_configuration_says_so() {
    let server = Server::http(keys).await;
    let denying = Access {
        deny_private_addresses: true,
        ..plain()
    };
    for url in [server.url("/keys"), server.url_at("127.0.0.1", "/keys")] {
        let error = fetch_uri(&denying, &url, None).await.unwrap_err();
        let FetchError::Address(Forbidden {
            host,
            address,
            kind,
        }) = error
        else {
            panic!("{}", error.with_causes());
        };
        assert_eq!(Some(&*host), url.host_str());
        assert!(address.is_loopback());
        assert_eq!(kind, "a loopback address");
        assert_eq!(
            document(fetch_uri(&plain(), &url, None).await).as_deref(),
            Ok("keys")
        );
    }
    assert_eq!(server.heads().len(), 2);
}

#[tokio::test]
async fn metadata_services_are_never_asked() {
    let proxy = Server::http(keys).await;
    let proxied = Access {
        proxy: Some(proxy.url("/")),
        ..plain()
    };
    let urls = [
        "http://169.254.169.254/latest",
        "https://[::ffff:169.254.169.254]/",
        "http://2852039166/",
    ];
    for url in urls {
        for access in [&plain(), &proxied] {
            let error = fetch_uri(access, &url.parse().unwrap(), None)
                .await
                .unwrap_err();
            assert!(matches!(error, FetchError::Address(_)), "{url}: {error}");
        }
    }
    let proxied = Access {
        proxy: Some("http://169.254.169.254/".parse().unwrap()),
        ..plain()
    };
    let error = fetch_uri(&proxied, &proxy.url("/keys"), None).await;
    assert!(matches!(error, Err(FetchError::Address(_))));
    assert_eq!(proxy.heads().len(), 0);
}

#[tokio::test]
async fn a_proxy_resolves_names_itself_and_may_be_near() {
    let proxy = Server::http(keys).await;
    let access = Access {
        proxy: Some(proxy.url("/")),
        deny_private_addresses: true,
        ..plain()
    };
    let url = "http://idp.invalid/keys".parse().unwrap();
    assert_eq!(
        document(fetch_uri(&access, &url, None).await).as_deref(),
        Ok("keys")
    );
    assert_eq!(proxy.paths(), ["http://idp.invalid/keys"]);
    let near = "http://127.0.0.1/keys".parse().unwrap();
    let error = fetch_uri(&access, &near, None).await;
    assert!(matches!(error, Err(FetchError::Address(_))));
    assert_eq!(proxy.heads().len(), 1);
}

/// Runs another test of this file once more, in an environment that names a proxy.
#[test]
fn a_proxy_of_the_environment_is_not_used() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    // Whoever goes through this proxy gets nothing.
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "jwks::http::tests::access::http_is_spoken_only_where_it_is_allowed",
    ]);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        child.env(name, &proxy);
    }
    child
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .env_remove("REQUEST_METHOD");
    let output = child.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("1 passed"), "{printed}");
}

fn with_headers(access: Access) -> Access {
    let header = |name, value| (name, HeaderValue::from_static(value));
    Access {
        headers: vec![
            header(HeaderName::from_static("x-key"), "one"),
            header(HeaderName::from_static("x-key"), "two"),
            header(ACCEPT, "text/plain"),
        ],
        ..access
    }
}

#[tokio::test]
async fn configured_headers_are_sent_instead_of_the_usual_ones() {
    let server = Server::http(keys).await;
    let access = with_headers(plain());
    fetch_uri(&access, &server.url("/keys"), None)
        .await
        .unwrap();
    let head = server.heads().pop().unwrap();
    assert!(head.contains("\r\nx-key: one\r\nx-key: two\r\n"), "{head}");
    assert_eq!(head.matches("\r\naccept: ").count(), 1);
    assert!(head.contains("\r\naccept: text/plain\r\n"));
}

#[tokio::test]
async fn headers_and_credentials_are_not_sent_to_another_server() {
    let (home, other) = (Server::http(keys).await, Server::http(keys).await);
    let directory = Directory::new();
    let access = Access {
        credentials: Some(Credentials::Bearer {
            token_file: directory.write("token", "secret"),
        }),
        ..with_headers(plain())
    };
    let start = home.url("/metadata");
    let client = Client::new(&access, &start).await.unwrap();
    let carries = |server: &Server| {
        let head = server.heads().pop().unwrap();
        let found = [head.contains("bearer secret"), head.contains("x-key")];
        assert_eq!(found[0], found[1], "{head}");
        found[0]
    };
    assert!(client.headers.values().all(HeaderValue::is_sensitive));
    client.document(&home.url("/keys")).await.unwrap();
    assert!(carries(&home));
    client.document(&other.url("/keys")).await.unwrap();
    assert!(!carries(&other));
    // The same server by another name is another server.
    client
        .document(&home.url_at("127.0.0.1", "/keys"))
        .await
        .unwrap();
    assert!(!carries(&home));
}

#[tokio::test]
async fn headers_and_credentials_are_not_shown_to_a_proxy_on_the_way_to_tls() {
    let proxy = Server::http(|_| reply("403 Forbidden", "", "")).await;
    let directory = Directory::new();
    let access = Access {
        proxy: Some(proxy.url("/")),
        credentials: Some(Credentials::Bearer {
            token_file: directory.write("token", "secret"),
        }),
        ..with_headers(plain())
    };
    let url = "https://idp.invalid/keys".parse().unwrap();
    let error = fetch_uri(&access, &url, None).await;
    assert!(matches!(error, Err(FetchError::Http { .. })));
    let head = proxy.heads().pop().unwrap();
    assert!(head.starts_with("connect idp.invalid:443 "), "{head}");
    assert!(
        !head.contains("secret") && !head.contains("x-key"),
        "{head}"
    );
}

async fn authorization(credentials: Credentials) -> Result<String, FetchError> {
    let server = Server::http(keys).await;
    let access = Access {
        credentials: Some(credentials),
        ..plain()
    };
    let home = server.url("/keys");
    let client = Client::new(&access, &home).await?;
    let value = &client.headers["authorization"];
    assert!(value.is_sensitive());
    Ok(value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_password_is_read_but_for_one_line_break() {
    let directory = Directory::new();
    let basic = |content: &str| {
        authorization(Credentials::Basic {
            username: "Aladdin".into(),
            password_file: directory.write("password", content),
        })
    };
    // The example of RFC 7617 §2, and the same with a space more.
    let example = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    for content in ["open sesame", "open sesame\n", "open sesame\r\n"] {
        assert_eq!(basic(content).await.unwrap(), example, "{content:?}");
    }
    assert_eq!(
        basic("open sesame \n").await.unwrap(),
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZSA="
    );
    for content in ["", "\n", "open sesame\n\n", "open\0sesame"] {
        let refused = basic(content).await;
        assert!(
            matches!(refused, Err(FetchError::Access { .. })),
            "{content:?}"
        );
    }
}

#[tokio::test]
async fn a_token_is_read_without_white_space_around_it() {
    let directory = Directory::new();
    let bearer = |content: &str| {
        authorization(Credentials::Bearer {
            token_file: directory.write("token", content),
        })
    };
    assert_eq!(bearer(" a.b.c \n").await.unwrap(), "Bearer a.b.c");
    for content in ["", " \n", "a b", "a\nb", "ä"] {
        let refused = bearer(content).await;
        assert!(
            matches!(refused, Err(FetchError::Access { .. })),
            "{content:?}"
        );
    }
    assert!(bearer(&"a".repeat(65536)).await.is_ok());
    let refused = bearer(&"a".repeat(65537)).await;
    assert!(matches!(refused, Err(FetchError::File { .. })));
    let token_file = directory.write("token", "");
    let none = token_file.with_file_name("none");
    let folder = token_file.parent().unwrap().to_owned();
    for token_file in [none, folder, "/dev/zero".into()] {
        let refused = authorization(Credentials::Bearer { token_file }).await;
        assert!(matches!(refused, Err(FetchError::File { .. })));
    }
}
