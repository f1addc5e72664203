//! `GET /jwks/keys`: what `validate --server` judges by.

use serde_json::{Value, json};
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::{self, Signer};

use super::page::get;
use crate::settings::{issuer, keys_of, optional_issuer};
use crate::site::Site;

#[tokio::test]
async fn the_keys_of_an_issuer_in_use_are_shown_without_private_members() {
    let signer = Signer::generate("ES256", "k1");
    let mut set = mint::key_set(&[&signer]);
    set["keys"][0]["d"] = json!("c2VjcmV0");
    let secret = json!({"kty": "oct", "kid": "shared", "k": "c2VjcmV0"});
    set["keys"].as_array_mut().unwrap().push(secret);
    let (server, broken) = (
        KeyServer::start(Reply::ok(&set)),
        KeyServer::start(Reply::status(500)),
    );
    let site = Site::start(&[
        issuer("corp", &keys_of(&server, "")),
        optional_issuer("partner", &keys_of(&broken, "")),
    ])
    .await;
    site.app.ready().await;

    let page = get(&site, "/jwks/keys?issuer=corp").await;
    assert_eq!(page.status, 200);
    let media_type = Some("application/jwk-set+json");
    assert_eq!(page.header("content-type"), media_type);
    let shown: Value = serde_json::from_str(&page.body).unwrap();
    assert_eq!(shown, mint::key_set(&[&signer]));

    for (target, status) in [
        ("/jwks/keys", 400),
        ("/jwks/keys?issuer=nobody", 404),
        ("/jwks/keys?issuer=partner", 404),
        ("/jwks/keys?name=corp", 400),
    ] {
        assert_eq!(get(&site, target).await.status, status, "{target}");
    }
}
