//! `token` makes and shows tokens, and never calls one valid.

mod encrypt;
mod inspect;
mod mint;

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::{folder, run, text};

/// 2023-11-14T22:13:20Z: long ago, since no token is valid for long from now.
const NOW: &str = "1700000000";

/// A folder with new keys of these types, in files named after them.
fn with_keys(name: &str, types: &[&str]) -> PathBuf {
    let folder = folder(name, &[]);
    for kind in types {
        let file = format!("{kind}.jwk");
        good(
            &folder,
            &["keys", "generate", "--type", kind, "--out", &file],
        );
    }
    folder
}

/// The standard output of a command that succeeds, without the end of the line.
fn good(folder: &Path, arguments: &[&str]) -> String {
    given(folder, arguments, "")
}

/// As [`good`], with this standard input.
fn given(folder: &Path, arguments: &[&str], input: &str) -> String {
    let output = run(folder, arguments, input.as_bytes());
    let error = text(&output.stderr);
    assert_eq!(
        (output.status.code(), &*error),
        (Some(0), ""),
        "{arguments:?}"
    );
    text(&output.stdout).trim_end().to_owned()
}

/// The standard error of a command that fails.
fn refused(folder: &Path, arguments: &[&str], input: &str) -> String {
    let output = run(folder, arguments, input.as_bytes());
    assert!(!output.status.success(), "{arguments:?}");
    text(&output.stderr)
}

/// A segment of a token, as JSON.
fn segment(token: &str, index: usize) -> Value {
    let segment = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap()
}

/// A token of the key in this file, made at [`NOW`].
fn mint(folder: &Path, key: &str, options: &[&str]) -> String {
    let usual = [
        "token",
        "mint",
        "--key",
        key,
        "--at",
        NOW,
        "--expires",
        "5m",
        "--iss",
        "https://idp.example.com",
        "--sub",
        "alice",
        "--aud",
        "orders-api",
    ];
    good(folder, &[&usual[..], options].concat())
}
