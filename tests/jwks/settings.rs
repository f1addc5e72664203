//! Configurations and the tokens that go with them, for issuers whose keys are fetched.

use std::path::{Path, PathBuf};

use serde_json::Value;
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::{self, Signer};
use watchword_test_support::pki;

/// The calendar's time when a test begins.
pub(crate) const NOW: i64 = 1_700_000_000;
/// For how long tokens are good: longer than any test lets pass.
const LIFETIME: i64 = 30 * 86400;

/// The settings `jwks` for the keys of this server, which is trusted by our authority alone, and
/// more settings.
pub(crate) fn keys_of(server: &KeyServer, more: &str) -> String {
    keys_at(&server.uri(), more)
}

/// The same for any URL.
pub(crate) fn keys_at(uri: &str, more: &str) -> String {
    format!("uri: '{uri}', ca: '{}', {more}", pki::ca_file().display())
}

/// The section of an issuer.
pub(crate) fn issuer(name: &str, jwks: &str) -> String {
    issuer_at(name, &iss(name), jwks, "")
}

/// The section of an issuer that the server may be ready without.
pub(crate) fn optional_issuer(name: &str, jwks: &str) -> String {
    issuer_at(name, &iss(name), jwks, "required: false, ")
}

/// The section of an issuer with this `iss`, and more settings of its own.
pub(crate) fn issuer_at(name: &str, iss: &str, jwks: &str, more: &str) -> String {
    format!("  {name}: {{issuer: '{iss}', audiences: [orders-api], {more}jwks: {{{jwks}}}}}\n")
}

/// A whole configuration. `top` is more of its uppermost level.
pub(crate) fn configuration(top: &str, issuers: &[String]) -> String {
    let issuers = issuers.concat();
    format!(
        "server: {{grpc: {{address: '127.0.0.1:0'}}, admin: {{address: '127.0.0.1:0'}}}}\n{top}\n\
         issuers:\n{issuers}\
         rules:\n- {{match: {{path: {{prefix: /admin/}}}}, require: {{scopes: [admin]}}}}\n- {{}}\n"
    )
}

/// A good answer with these signers' keys.
pub(crate) fn key_set(signers: &[&Signer]) -> Reply {
    Reply::ok(mint::key_set(signers))
}

/// A good token of the issuer `corp`.
pub(crate) fn token(signer: &Signer) -> String {
    token_of("corp", signer)
}

/// A good token of an issuer, by its name.
pub(crate) fn token_of(name: &str, signer: &Signer) -> String {
    token_from(&iss(name), signer)
}

/// A good token with this `iss`.
pub(crate) fn token_from(iss: &str, signer: &Signer) -> String {
    signer.sign(&claims(iss))
}

pub(crate) fn claims(iss: &str) -> Value {
    let mut claims = mint::claims(NOW);
    claims["iss"] = iss.into();
    claims["exp"] = (NOW + LIFETIME).into();
    claims
}

/// A new, empty folder of this process.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = format!("jwks-{}-{name}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    // Left by an earlier process with this number.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn iss(name: &str) -> String {
    format!("https://{name}.example")
}
