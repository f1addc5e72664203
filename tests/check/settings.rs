//! Configurations in the language of users, written by tests.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use watchword::config::Config;
use watchword_test_support::jwe::Recipient;
use watchword_test_support::mint::{self, Signer};

/// A configuration: server settings, issuers, and the text of `rules`.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    grpc: String,
    server: Vec<String>,
    issuers: Vec<Issuer>,
    rules: String,
    top: String,
}

impl Settings {
    pub(crate) fn of(issuer: Issuer) -> Self {
        Self::default().issuer(issuer)
    }

    pub(crate) fn issuer(mut self, issuer: Issuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Further settings of `server.grpc`, on one line.
    pub(crate) fn grpc(mut self, settings: &str) -> Self {
        self.grpc = format!(", {settings}");
        self
    }

    /// With pages for operators, on a free port.
    pub(crate) fn operators(self) -> Self {
        self.server("admin: {address: '127.0.0.1:0'}")
    }

    /// A line under `server`.
    pub(crate) fn server(mut self, line: &str) -> Self {
        self.server.push(line.to_owned());
        self
    }

    /// The list under `rules`, as YAML.
    pub(crate) fn rules(mut self, rules: &str) -> Self {
        self.rules = format!("rules:\n{rules}\n");
        self
    }

    /// A line at the top level.
    pub(crate) fn top(mut self, line: &str) -> Self {
        self.top.push_str(line);
        self.top.push('\n');
        self
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "server:\n  grpc: {{address: '127.0.0.1:0'{}}}\n  drain: 0s\n",
            self.grpc
        );
        for line in &self.server {
            text.push_str(&format!("  {line}\n"));
        }
        text.push_str("issuers:\n");
        for issuer in &self.issuers {
            text.push_str(&issuer.text());
        }
        text + &self.rules + &self.top
    }

    /// The checked configuration; panics where it is refused.
    pub(crate) fn config(&self) -> Config {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("check.yaml");
        let text = self.text();
        Config::parse(&text, &file).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
    }

    /// The header names that the issuers' claims go to.
    pub(crate) fn managed(&self) -> Vec<String> {
        self.issuers
            .iter()
            .flat_map(|issuer| issuer.headers.clone())
            .collect()
    }
}

/// One entry under `issuers`.
#[derive(Clone)]
pub(crate) struct Issuer {
    name: String,
    url: String,
    audiences: String,
    keys: String,
    lines: Vec<String>,
    headers: Vec<String>,
    claims: Vec<String>,
}

impl Issuer {
    /// Issuer `corp` of the mint's claims, with these keys in its set.
    pub(crate) fn corp(signers: &[&Signer]) -> Self {
        Self::named("corp", "https://idp.example.com", &mint::key_set(signers))
    }

    pub(crate) fn named(name: &str, url: &str, set: &Value) -> Self {
        // JSON text in single quotes: in YAML only the quote itself has to be doubled.
        let keys = format!(
            "jwks: {{inline: '{}'}}",
            set.to_string().replace('\'', "''")
        );
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            audiences: "audiences: [orders-api]".to_owned(),
            keys,
            lines: Vec::new(),
            headers: Vec::new(),
            claims: Vec::new(),
        }
    }

    /// Instead of the inline set: `jwks: {uri: …}` or `secret_file: …`.
    pub(crate) fn keys(mut self, line: &str) -> Self {
        line.clone_into(&mut self.keys);
        self
    }

    /// Under another name and URL.
    pub(crate) fn renamed(mut self, name: &str, url: &str) -> Self {
        name.clone_into(&mut self.name);
        url.clone_into(&mut self.url);
        self
    }

    /// Instead of the mint's audience.
    pub(crate) fn audiences(mut self, line: &str) -> Self {
        line.clone_into(&mut self.audiences);
        self
    }

    /// A line among the issuer's settings.
    pub(crate) fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    pub(crate) fn algorithms(self, names: &str) -> Self {
        self.line(&format!("algorithms: [{names}]"))
    }

    /// Encrypted tokens are accepted, with these keys, newest first.
    pub(crate) fn decryption(self, keys: &[&Recipient]) -> Self {
        self.decryption_with(keys, "")
    }

    /// The same with further settings of `decryption`, on one line.
    pub(crate) fn decryption_with(self, keys: &[&Recipient], settings: &str) -> Self {
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
        self.decryption_files(&[json!({ "keys": keys }).to_string()], settings)
    }

    /// The same with files of these texts.
    pub(crate) fn decryption_files(self, texts: &[String], settings: &str) -> Self {
        let files = texts
            .iter()
            .map(|text| format!("'{}'", key_file(text).display()));
        let files: Vec<String> = files.collect();
        let comma = if settings.is_empty() { "" } else { ", " };
        self.line(&format!(
            "decryption: {{keys: [{}]{comma}{settings}}}",
            files.join(", ")
        ))
    }

    /// A claim header; `claim` is YAML.
    pub(crate) fn header(mut self, name: &str, claim: &str) -> Self {
        self.headers.push(name.to_owned());
        self.claims.push(format!("{name}: {claim}"));
        self
    }

    fn text(&self) -> String {
        let mut text = format!("  {}:\n    issuer: '{}'\n", self.name, self.url);
        for line in [&self.audiences, &self.keys].into_iter().chain(&self.lines) {
            text.push_str(&format!("    {line}\n"));
        }
        if !self.claims.is_empty() {
            text.push_str("    headers:\n");
        }
        for claim in &self.claims {
            text.push_str(&format!("      {claim}\n"));
        }
        text
    }
}

/// A file of this text, which only its owner can read.
fn key_file(text: &str) -> PathBuf {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("decryption-{number}.key"));
    fs::write(&file, text).expect("a file of keys");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("its owner's");
    file
}
