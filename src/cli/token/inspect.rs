//! `watchword token inspect`: shows what a token says. It verifies nothing, and never calls a token
//! valid.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;

use crate::clock::Clock;
use crate::explain::{counted, relative};
use crate::jose::{Json, MAX_HEADER_VALUES, Object};
use crate::token::{MAX_CLAIM_VALUES, UnixTime};

use super::super::{input, print_line};
use super::decryption::FileKeys;

/// The limit of tokens within each other: an encrypted token, and the signed one in it.
const MAX_NESTED_TOKENS: usize = 2;
/// The limit of segments that are split off: one more than a token has.
const MAX_SEGMENTS: usize = 6;

#[derive(Args)]
pub(in crate::cli) struct InspectArguments {
    /// The token; `-`, or none, reads it from standard input, which other users cannot see
    // Several words, so that a token without quotes is judged, and not printed in an error.
    #[arg(value_name = "TOKEN")]
    token: Vec<String>,
    /// A file of keys to decrypt it with; may be given several times
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    key: Vec<PathBuf>,
    /// Compare its times with this one instead of now: RFC 3339, or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    at: Option<UnixTime>,
}

pub(super) fn run(arguments: &InspectArguments) -> anyhow::Result<ExitCode> {
    let keys = FileKeys::read(&arguments.key)?;
    let token = input::token(&arguments.token)?;
    let token = std::str::from_utf8(&token).context("found bytes; expected the text of a token")?;
    let now = arguments.at.unwrap_or_else(|| Clock::system().now());
    print_line(
        "Not verified: anybody can have written this. `watchword validate` verifies tokens.",
    );
    show(token, &keys, now, MAX_NESTED_TOKENS)?;
    Ok(ExitCode::SUCCESS)
}

/// Shows a token, and up to `depth - 1` more within each other.
fn show(token: &str, keys: &FileKeys, now: UnixTime, depth: usize) -> anyhow::Result<()> {
    let segments: Vec<&str> = token.split('.').take(MAX_SEGMENTS).collect();
    let bytes = counted(token.len(), "byte");
    match segments[..] {
        [header, payload, _] => {
            print_line(&format!("\nA signed token (JWS) of {bytes}"));
            print_header(header)?;
            let payload = object(payload, MAX_CLAIM_VALUES, "payload")?;
            print_members("claims", &payload, Some(now));
            Ok(())
        }
        [header, _, _, _, _] if depth > 1 => {
            print_line(&format!("\nAn encrypted token (JWE) of {bytes}"));
            print_header(header)?;
            show_decrypted(token, keys, now, depth - 1)
        }
        [_, _, _, _, _] => bail!("found a token that is encrypted twice; expected a signed token"),
        _ => {
            let found = counted(token.split('.').count(), "segment");
            bail!("found {found}; expected 3 of a signed token, or 5 of an encrypted one")
        }
    }
}

/// Decrypts a token if there are keys, and shows its content.
fn show_decrypted(token: &str, keys: &FileKeys, now: UnixTime, depth: usize) -> anyhow::Result<()> {
    if keys.is_empty() {
        print_line("\nTo decrypt it, name the file of a key with --key.");
        return Ok(());
    }
    let (content, kid) = keys.decrypt(token)?;
    let key = kid.map_or_else(
        || "a shared key without kid".to_owned(),
        |kid| format!("the key {kid}"),
    );
    print_line(&format!("\nDecrypted with {key}. Its content:"));
    show_content(&content, keys, now, depth)
}

/// Shows the content of an encrypted token: another token, claims, or anything else.
fn show_content(
    content: &[u8],
    keys: &FileKeys,
    now: UnixTime,
    depth: usize,
) -> anyhow::Result<()> {
    if let Ok(Json::Object(claims)) = Json::parse(content, MAX_CLAIM_VALUES) {
        print_line("\nClaims without a signature");
        print_members("claims", &claims, Some(now));
        return Ok(());
    }
    match std::str::from_utf8(content) {
        Ok(token) if token.contains('.') => show(token, keys, now, depth),
        _ => {
            let found = counted(content.len(), "byte");
            print_line(&format!("\n{found}, neither a token nor claims"));
            Ok(())
        }
    }
}

fn object(segment: &str, max_values: usize, what: &str) -> anyhow::Result<Object> {
    let bytes = URL_SAFE_NO_PAD.decode(segment);
    let bytes = bytes.ok().with_context(|| {
        format!("the {what} is not base64url without padding, as in compact tokens")
    })?;
    let json = Json::parse(&bytes, max_values).with_context(|| format!("the {what}"))?;
    match json {
        Json::Object(members) => Ok(members),
        _ => bail!("the {what}: found other JSON; expected an object"),
    }
}

fn print_header(segment: &str) -> anyhow::Result<()> {
    print_members(
        "header",
        &object(segment, MAX_HEADER_VALUES, "header")?,
        None,
    );
    Ok(())
}

/// Prints a line for each member, escaped to ASCII. With a time, numeric dates are also in words.
fn print_members(title: &str, members: &Object, now: Option<UnixTime>) {
    print_line(&format!("\n{title}"));
    let names = members.iter().map(|(name, _)| ascii(name));
    let width = names.map(|name| name.len()).max().unwrap_or_default();
    for (name, value) in members.iter() {
        let mut text = String::new();
        value.write_ascii(&mut text);
        let words = now.and_then(|now| in_words(name, value, now));
        let words = words.map_or_else(String::new, |words| format!("  ({words})"));
        let name = ascii(name);
        print_line(&format!("  {name:width$}  {text}{words}"));
    }
}

fn ascii(name: &str) -> String {
    let mut text = String::new();
    Json::string(name).write_ascii(&mut text);
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

/// The claims with times (RFC 7519 §4.1, and §2 of `OpenID` Connect Core).
fn in_words(name: &str, value: &Json, now: UnixTime) -> Option<String> {
    let words = match name {
        "exp" => ["expired", "expires"],
        "nbf" => ["valid since", "valid"],
        "iat" => ["issued", "issued"],
        "auth_time" => ["authenticated", "authenticated"],
        _ => return None,
    };
    let Json::Number(number) = value else {
        return Some("not a number".to_owned());
    };
    Some(relative(UnixTime::from_secs(number.to_f64()), now, words))
}
