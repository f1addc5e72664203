//! Settings of requests to key servers: credentials, headers, proxy.

use std::path::PathBuf;

use watchword::jwks::Credentials;

use super::key_sources::{accepted, problems, refused, source};

#[test]
fn credentials_go_over_https_only() {
    for credential in [
        "headers: {x-key: v}",
        "basic: {username: u, password_file: p}",
        "bearer_token_file: t",
        "client_certificate: c, client_key: k",
    ] {
        accepted(&[
            &format!("{{uri: 'https://a/k', {credential}}}"),
            &format!("{{uri: 'https://a/k', allow_http: true, {credential}}}"),
        ]);
        let expected = "5:17: jwks.uri: found http; expected https, since credentials are sent";
        refused(&[
            (&format!("{{uri: 'http://a/k', {credential}}}"), expected),
            (
                &format!("{{uri: 'http://a/k', allow_http: true, {credential}}}"),
                expected,
            ),
        ]);
    }
}

#[test]
fn there_is_one_credential_and_it_is_whole() {
    let one = "a fetch sends one kind of credentials: keep one of `basic`, `bearer_token_file` \
               and a header `authorization`";
    let with = |more: &str| problems(&format!("{{uri: 'https://a/k', {more}}}"));
    assert_eq!(
        with("basic: {username: u, password_file: p}, bearer_token_file: t"),
        format!("5:91: jwks.bearer_token_file: {one}")
    );
    assert_eq!(
        with("basic: {username: u, password_file: p}, headers: {Authorization: x}"),
        format!("5:97: jwks.headers.Authorization: {one}")
    );
    assert_eq!(
        with("bearer_token_file: t, headers: {authorization: x}"),
        format!("5:79: jwks.headers.authorization: {one}")
    );
    assert_eq!(with("headers: {authorization: x}"), "");
    assert_eq!(
        with("client_key: k"),
        "5:11: jwks: `client_key` needs `client_certificate`: add `client_certificate`, or remove \
         `client_key`"
    );
    assert_eq!(
        with("client_certificate: c"),
        "5:11: jwks: `client_certificate` needs `client_key`: add `client_key`, or remove \
         `client_certificate`"
    );
    assert_eq!(
        with("basic: {username: 'a:b', password_file: p}"),
        "5:50: jwks.basic.username: found a colon or control character; expected a name without \
         them"
    );
    assert_eq!(
        with("basic: {username: u}"),
        "5:39: jwks.basic: found no \"password_file\"; expected the setting \"password_file\""
    );
}

#[test]
fn headers_are_such_as_may_be_sent_and_their_values_are_not_repeated() {
    let with = |headers: &str| problems(&format!("{{uri: 'https://a/k', headers: {{{headers}}}}}"));
    for name in [
        "host",
        "Content-Length",
        "connection",
        "te",
        "transfer-encoding",
        "proxy-authorization",
        "if-none-match",
        "accept-encoding",
        "range",
    ] {
        let text = with(&format!("{name}: s3cret"));
        let expected = format!(
            "jwks.headers.{name}: found a header that the fetch itself depends on; expected \
             another header"
        );
        assert!(text.ends_with(&expected), "{text}");
    }
    assert_eq!(
        with("'x key': s3cret"),
        "5:42: jwks.headers.x key: found a name that HTTP does not allow; expected the name of a \
         header"
    );
    for value in [
        r#""""#,
        r#"" s3cret""#,
        r#""s3cret ""#,
        r#""s3cret\r\nx: y""#,
        r#""s3crét""#,
        r#""s3cret\0""#,
    ] {
        assert_eq!(
            with(&format!("x-key: {value}")),
            "5:49: jwks.headers.x-key: found another value, which is not shown; expected visible \
             ASCII, with spaces inside only",
            "{value}"
        );
    }
    assert_eq!(
        with("x-key: 12345"),
        "5:49: jwks.headers.x-key: found a number; expected a string"
    );
    assert_eq!(
        with("X-Key: a, x-key: b"),
        "5:52: jwks.headers.x-key: found the same name again; expected each header only once"
    );
    assert_eq!(
        with("x-key: 'Basic s3cret', cookie: a=b, accept: '*/*'"),
        ""
    );
}

#[test]
fn a_proxy_is_a_host_and_a_port() {
    accepted(&[
        "{uri: 'https://a/k', proxy: 'http://p:3128'}",
        "{uri: 'https://a/k', proxy: 'https://p/'}",
    ]);
    for (proxy, found) in [
        ("http://user:s3cret@p:3128", "a URL with user or password"),
        ("user:s3cret@p:3128", "another scheme"),
        ("socks5://p:1080", "another scheme"),
        ("http://p/path", "a URL with path, query or fragment"),
        ("p", "text that is not a URL (relative URL without a base)"),
    ] {
        assert_eq!(
            problems(&format!("{{uri: 'https://a/k', proxy: '{proxy}'}}")),
            format!(
                "5:39: jwks.proxy: found {found}; expected an http or https URL of host and port \
                 only"
            )
        );
    }
}

#[test]
fn what_is_set_is_what_is_used() {
    let access = source(
        "{uri: 'https://a/k', allow_http: true, ca: ca.pem, client_certificate: c.pem, \
         client_key: k.pem, headers: {X-B: '1', x-a: '2'}, basic: {username: u, password_file: p}, \
         proxy: 'http://p:3128', \
         deny_private_addresses: true}",
    )
    .access;
    let path = |name: &str| PathBuf::from("folder").join(name);
    assert!(access.allow_http && access.deny_private_addresses);
    assert_eq!(access.ca, Some(path("ca.pem")));
    assert_eq!(
        access.client_certificate,
        Some((path("c.pem"), path("k.pem")))
    );
    assert_eq!(access.proxy, Some("http://p:3128".parse().unwrap()));
    let basic = Credentials::Basic {
        username: "u".into(),
        password_file: path("p"),
    };
    assert_eq!(access.credentials, Some(basic));
    let names: Vec<_> = access
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["x-a", "x-b"]);
    let shown = format!("{:?}", access.headers);
    assert!(
        access.headers.iter().all(|(_, value)| value.is_sensitive()),
        "{shown}"
    );

    let bearer = source("{uri: 'https://a/k', bearer_token_file: t}")
        .access
        .credentials;
    assert_eq!(
        bearer,
        Some(Credentials::Bearer {
            token_file: path("t")
        })
    );
}
