//! The claims of a new token: from a file, from options, and the times.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::config::Time;
use crate::explain::plain;
use crate::files::{read_at_most, read_bounded};
use crate::jose::{Json, Object};
use crate::token::{MAX_CLAIM_VALUES, UnixTime};

use super::super::input;

/// The limit of the time until a token expires, from now. Watchword is no identity provider.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// The limit of a file with claims, or of standard input, in bytes.
const MAX_FILE_SIZE: usize = 1024 * 1024;

#[derive(Args)]
pub(super) struct ClaimOptions {
    /// A file with a JSON object of claims; `-` is standard input
    #[arg(long, value_name = "FILE")]
    claims: Option<PathBuf>,
    /// A claim: JSON, or else text; may be given several times, and replaces that of the file
    #[arg(long, value_name = "NAME=VALUE", value_parser = claim)]
    claim: Vec<(String, Json)>,
    /// The issuer
    #[arg(long, value_name = "ISSUER", allow_hyphen_values = true)]
    iss: Option<String>,
    /// The subject
    #[arg(long, value_name = "SUBJECT", allow_hyphen_values = true)]
    sub: Option<String>,
    /// An audience; may be given several times
    #[arg(long, value_name = "AUDIENCE", allow_hyphen_values = true)]
    aud: Vec<String>,
    /// The time from `iat` to `exp`, such as 5m; at most 720h from now
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    expires: Duration,
    /// Sign as if it were this time, to test expired tokens: RFC 3339, or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = input::time)]
    at: Option<UnixTime>,
}

impl ClaimOptions {
    /// The claims at the time `now`, as JSON.
    pub(super) fn json(&self, now: UnixTime) -> anyhow::Result<String> {
        let mut claims = self.of_file()?;
        claims.extend(self.claim.iter().cloned());
        claims.extend(self.registered());
        if claims.iter().any(|(name, _)| name == "exp") {
            bail!("found the claim exp; expected only --expires");
        }
        let (from, exp) = self.times(now)?;
        if !claims.iter().any(|(name, _)| name == "iat") {
            claims.push(("iat".to_owned(), seconds(from)?));
        }
        claims.push(("exp".to_owned(), seconds(exp)?));
        let mut json = String::new();
        Json::Object(last_of_each(claims)).write_ascii(&mut json);
        Ok(json)
    }

    /// The claims that have an option of their own, without times.
    fn registered(&self) -> Vec<(String, Json)> {
        let named = [("iss", &self.iss), ("sub", &self.sub)];
        let named = named.into_iter().filter_map(|(name, value)| {
            let value = value.as_deref()?;
            Some((name.to_owned(), Json::string(value)))
        });
        let mut claims: Vec<(String, Json)> = named.collect();
        match &*self.aud {
            [] => {}
            [one] => claims.push(("aud".to_owned(), Json::string(one.as_str()))),
            several => {
                let several = several.iter().map(|one| Json::string(one.as_str()));
                claims.push(("aud".to_owned(), Json::Array(several.collect())));
            }
        }
        claims
    }

    /// The time of signing, and the time at which the token expires.
    fn times(&self, now: UnixTime) -> anyhow::Result<(UnixTime, UnixTime)> {
        let from = self.at.unwrap_or(now);
        let exp = from.plus(self.expires);
        if exp.since(now) > MAX_LIFETIME {
            bail!(
                "--at: found a token that is valid in 720h; expected one that has expired by then"
            );
        }
        Ok((from, exp))
    }

    fn of_file(&self) -> anyhow::Result<Vec<(String, Json)>> {
        let Some(file) = &self.claims else {
            return Ok(Vec::new());
        };
        let name = plain(&file.to_string_lossy());
        let text = if **file == *Path::new("-") {
            read_at_most(std::io::stdin().lock(), MAX_FILE_SIZE)
        } else {
            read_bounded(file, MAX_FILE_SIZE)
        };
        let text = text.with_context(|| format!("--claims: {name}"))?;
        let text =
            text.with_context(|| format!("--claims: {name} has more than {MAX_FILE_SIZE} bytes"))?;
        let json = Json::parse(&text, MAX_CLAIM_VALUES);
        let json = json.with_context(|| format!("--claims: {name}"))?;
        let Some(claims) = json.as_object() else {
            bail!("--claims: {name}: found other JSON; expected an object");
        };
        let claims = claims.iter();
        Ok(claims
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect())
    }
}

/// The last claim of each name.
fn last_of_each(claims: Vec<(String, Json)>) -> Object {
    let claims: std::collections::BTreeMap<String, Json> = claims.into_iter().collect();
    Object::of(claims.iter().map(|(name, value)| (&**name, value.clone())))
}

fn seconds(time: UnixTime) -> anyhow::Result<Json> {
    let seconds = time.since(UnixTime::EPOCH).as_secs().to_string();
    Ok(Json::parse(seconds.as_bytes(), 1)?)
}

fn claim(text: &str) -> Result<(String, Json), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let json = match Json::parse(value.as_bytes(), MAX_CLAIM_VALUES) {
        Ok(json) => json,
        Err(error) if value.starts_with(['{', '[', '"']) => return Err(error.to_string()),
        Err(_) => Json::string(value),
    };
    Ok((name.to_owned(), json))
}

fn lifetime(text: &str) -> Result<Duration, &'static str> {
    let lifetime = Time::parse(text).map(Duration::from);
    let lifetime =
        lifetime.filter(|lifetime| (Duration::from_secs(1)..=MAX_LIFETIME).contains(lifetime));
    lifetime.ok_or("expected a time such as 30s, 5m or 2h, from 1s to 720h")
}
