//! The clients in `examples/`, exactly as they are shipped.

use serde_json::{Value, json};
use tokio::net::TcpSocket;
use watchword_test_support::build_folder;

use crate::programs::{Outcome, Validate, has_python, reflect};
use crate::site::{Site, expired_token, good_token, token};

/// Makes two tests of each fact, one for each language.
macro_rules! in_each_language {
    ($($fact:ident),* $(,)?) => {
        mod in_rust {
            $(#[tokio::test] async fn $fact() { super::$fact(super::Validate::Rust).await; })*
        }
        mod in_python {
            $(#[tokio::test] async fn $fact() {
                if super::has_python() {
                    super::$fact(super::Validate::Python).await;
                }
            })*
        }
    };
}

in_each_language!(
    good_token_is_allowed,
    expired_token_is_denied,
    missing_scope_is_denied,
    missing_audience_is_denied,
    shadowed_denial_is_told,
    server_that_is_not_there_gives_no_verdict,
    caller_without_a_token_gets_no_verdict,
    server_on_a_unix_socket_is_reached,
    caller_without_its_secret_gets_no_verdict,
);

async fn run(client: Validate, site: &Site, options: &[&str], token: &str) -> Outcome {
    client.run(&site.address(), options, token).await
}

#[track_caller]
fn allowed(outcome: &Outcome) {
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.said.starts_with("allow\n"), "{outcome:?}");
}

#[track_caller]
fn denied(outcome: &Outcome, reason: &str) {
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let reason = format!("deny\nreason: {reason}: ");
    assert!(outcome.said.starts_with(&reason), "{outcome:?}");
}

#[track_caller]
fn undecided(outcome: &Outcome) {
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert_eq!(outcome.said, "");
    assert!(outcome.complained.contains("no verdict: "), "{outcome:?}");
}

async fn good_token_is_allowed(client: Validate) {
    let site = Site::start().await;
    let outcome = run(client, &site, &[], &good_token()).await;
    allowed(&outcome);
    for fact in [
        "alice",
        "corp",
        "\nexpires: 2023-11-14T22:18:20Z\n",
        "\nset: x-auth-subject: alice\n",
        "\nremove: x-auth-tenant\n",
    ] {
        assert!(outcome.said.contains(fact), "{fact} {outcome:?}");
    }
}

async fn expired_token_is_denied(client: Validate) {
    let site = Site::start().await;
    let outcome = run(client, &site, &[], &expired_token()).await;
    denied(&outcome, "token_expired");
    assert!(outcome.said.contains("\nhttp status: 401\n"), "{outcome:?}");
}

async fn missing_scope_is_denied(client: Validate) {
    let site = Site::start().await;
    let (reader, admin) = (good_token(), token(&json!({"scope": "admin"})));
    let by_demand = ["--scope", "admin"];
    denied(
        &run(client, &site, &by_demand, &reader).await,
        "insufficient_scope",
    );
    allowed(&run(client, &site, &by_demand, &admin).await);
    let by_rule = [
        "--method",
        "GET",
        "--path",
        "/admin/users",
        "--host",
        "shop.example.com",
    ];
    let outcome = run(client, &site, &by_rule, &reader).await;
    denied(&outcome, "insufficient_scope");
    assert!(outcome.said.contains("scope=\"admin\""), "{outcome:?}");
    allowed(&run(client, &site, &by_rule, &admin).await);
}

async fn missing_audience_is_denied(client: Validate) {
    let site = Site::start().await;
    let options = ["--audience", "reports-api", "--audience", "billing-api"];
    denied(
        &run(client, &site, &options, &good_token()).await,
        "audience_mismatch",
    );
    let both = token(&json!({"aud": ["orders-api", "billing-api"]}));
    allowed(&run(client, &site, &options, &both).await);
}

async fn shadowed_denial_is_told(client: Validate) {
    let site = Site::edited(&[("\nrules:", "\nmode: shadow\nrules:")]).await;
    let outcome = run(client, &site, &[], &expired_token()).await;
    allowed(&outcome);
    assert!(
        outcome.said.contains("\nshadowed: token_expired\n"),
        "{outcome:?}"
    );
    assert!(!outcome.said.contains("alice"), "{outcome:?}");
    let outcome = run(client, &site, &[], &good_token()).await;
    allowed(&outcome);
    assert!(!outcome.said.contains("shadowed"), "{outcome:?}");
}

async fn server_that_is_not_there_gives_no_verdict(client: Validate) {
    // Bound and never listening: its port refuses connections.
    let nobody = TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    undecided(&client.run(&address, &[], &good_token()).await);
}

/// Without a token, `Validate` would look for one in headers, and find that a public path needs
/// none.
async fn caller_without_a_token_gets_no_verdict(client: Validate) {
    let site = Site::start().await;
    let public = ["--path", "/public/logo.svg"];
    undecided(&run(client, &site, &public, " \n").await);
    allowed(&run(client, &site, &public, &good_token()).await);
}

async fn server_on_a_unix_socket_is_reached(client: Validate) {
    // Short: the address of a socket has room for little more than 100 bytes.
    let file = format!("watchword-{}-{client:?}.sock", std::process::id());
    let address = format!("unix:{}", std::env::temp_dir().join(file).display());
    let site = Site::edited(&[("127.0.0.1:0", &address)]).await;
    assert_eq!(site.address(), address);
    allowed(&run(client, &site, &[], &good_token()).await);
    denied(
        &run(client, &site, &[], &expired_token()).await,
        "token_expired",
    );
    assert!(site.stop().await);
}

async fn caller_without_its_secret_gets_no_verdict(client: Validate) {
    let folder = build_folder().join(format!("clients-{}-{client:?}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, secret: &str| {
        let file = folder.join(name).display().to_string();
        std::fs::write(&file, format!("{secret}\n")).unwrap();
        file
    };
    let right = write("right", "a-secret-of-enough-bytes");
    let wrong = write("wrong", "another-of-enough-bytes!");
    let callers = format!("reflection: false, callers: {{validate: {{secret_file: '{right}'}}}}");
    let site = Site::edited(&[("reflection: false", &callers)]).await;
    let options = ["--secret-file", &right];
    allowed(&run(client, &site, &options, &good_token()).await);
    undecided(&run(client, &site, &[], &good_token()).await);
    let options = ["--secret-file", &wrong];
    undecided(&run(client, &site, &options, &good_token()).await);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn server_can_be_called_by_reflection_alone() {
    if !has_python() {
        return;
    }
    let site = Site::edited(&[("reflection: false", "reflection: true")]).await;
    let address = site.address();
    let list = reflect(&address, &[]).await;
    assert_eq!(list.code, Some(0), "{list:?}");
    assert!(
        list.said.contains("watchword.v1.TokenValidation\n"),
        "{list:?}"
    );
    assert!(
        list.said
            .contains("  Validate(watchword.v1.ValidateRequest) "),
        "{list:?}"
    );
    let ask = async |token: String| -> Value {
        let request = json!({ "token": token }).to_string();
        let method = "watchword.v1.TokenValidation/Validate";
        let answer = reflect(&address, &[method, &request]).await;
        assert_eq!(answer.code, Some(0), "{answer:?}");
        serde_json::from_str(&answer.said).unwrap()
    };
    assert_eq!(ask(good_token()).await["allow"]["subject"], "alice");
    let denied = ask(expired_token()).await;
    assert_eq!(denied["deny"]["reason"], "REASON_TOKEN_EXPIRED");
    assert_eq!(denied.get("allow"), None);
}

#[tokio::test]
async fn server_without_reflection_cannot() {
    if !has_python() {
        return;
    }
    let site = Site::start().await;
    let list = reflect(&site.address(), &[]).await;
    assert_eq!(list.code, Some(2), "{list:?}");
    assert!(list.complained.contains("UNIMPLEMENTED"), "{list:?}");
}
