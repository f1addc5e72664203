//! The configuration that most targets judge by, and the core with it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use watchword::authenticator::{IssuerKeys, Question, Snapshot, Verdict, authenticate};
use watchword::config::Config;
use watchword::grpc::TokenCache;
use watchword::jwks::Source;
use watchword::request::{Header, Request};
use watchword::token::UnixTime;
use watchword_test_support::{build_folder, mint};

use super::keys::{AUDIENCE, Encryption, ISSUERS, IssuerKey, NOW, RECIPIENTS};

/// The rules. Their order and their demands are what [`super::requests`] models.
const RULES: &str = "rules:
  - {name: internal, match: {hosts: [a.internal.example]}, require: {scopes: [admin]}}
  - {name: public, match: {path: {prefix: /public}, methods: [GET]}, require: none}
  - {name: admin, match: {path: {prefix: /admin}}, require: {scopes: [admin]}}
  - {name: rest, match: {path: {prefix: /}}}
";

/// A policy with its keys.
pub struct World {
    pub config: Config,
    snapshot: Snapshot,
    cache: TokenCache,
}

pub static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// A request, as far as targets vary it.
pub struct Call<'a> {
    pub method: &'a [u8],
    pub path: &'a [u8],
    pub host: &'a [u8],
    pub token: Option<&'a str>,
}

impl World {
    fn new() -> Self {
        let config = parse(&text());
        let mut snapshot = Snapshot::new(config.policy.clone());
        for (issuer, source) in &config.sources {
            let Source::Fixed(keys) = source else {
                panic!("all keys are in the configuration");
            };
            snapshot = snapshot.with_keys(&[*issuer], Some(&IssuerKeys::lasting(keys.clone())));
        }
        Self {
            config,
            snapshot,
            cache: TokenCache::new(100).expect("random numbers"),
        }
    }

    /// Judges a token for a request that needs no scope. The error is the reason.
    ///
    /// # Errors
    /// The reason of the denial.
    pub fn judge(&self, token: &str) -> Result<(), &'static str> {
        let call = Call {
            method: b"GET",
            path: b"/orders",
            host: b"a.example",
            token: Some(token),
        };
        self.ask(&call).map(drop)
    }

    /// Returns the name of the rule that allows a request.
    ///
    /// # Errors
    /// The reason of the denial.
    pub fn ask(&self, call: &Call<'_>) -> Result<String, &'static str> {
        let value = call.token.map(|token| format!("Bearer {token}"));
        let header = value.as_ref().map(|value| Header {
            name: b"authorization",
            value: value.as_bytes(),
        });
        let request = Request {
            method: call.method,
            path: call.path,
            host: call.host,
            headers: header.into_iter().collect(),
            ..Request::default()
        };
        let now = UnixTime::from_secs(NOW as f64);
        let question = Question::from(request);
        let decision = authenticate(&self.snapshot, &question, now, &self.cache);
        match decision.verdict {
            Verdict::Allow(_) => Ok(decision.rule.expect("rules").name.to_string()),
            Verdict::Deny(denial) => Err(denial.code()),
        }
    }
}

/// Reads a configuration that is good.
pub fn parse(text: &str) -> Config {
    let config = Config::parse(text, &folder().join("fuzz.yaml"));
    config.unwrap_or_else(|problems| panic!("{problems}"))
}

/// The text of the configuration.
pub fn text() -> String {
    let issuers: String = ISSUERS.iter().map(issuer).collect();
    format!("issuers:\n{issuers}{RULES}")
}

fn issuer(issuer: &IssuerKey) -> String {
    let IssuerKey { name, signer, .. } = issuer;
    let (url, alg) = (issuer.url(), signer.alg());
    let keys = if alg.starts_with("HS") {
        format!("secret_file: {}", written(name, &signer.private_der()))
    } else {
        format!("jwks: {{inline: {}}}", mint::key_set(&[signer]))
    };
    let (trusted, others) = RECIPIENTS.split_last().expect("keys");
    let files = |keys: &[super::keys::RecipientKey]| {
        let files = keys
            .iter()
            .map(|key| written(key.name, key.document.as_bytes()));
        files.collect::<Vec<_>>().join(", ")
    };
    let decryption = match issuer.encryption {
        Encryption::Refused => String::new(),
        Encryption::Required => format!(
            ", decryption: {{keys: [{}], required: true}}",
            files(others)
        ),
        Encryption::Trusted => format!(
            ", decryption: {{keys: [{}], encrypted_claims: trusted}}",
            files(std::slice::from_ref(trusted))
        ),
    };
    format!(
        "  {name}: {{issuer: '{url}', audiences: [{AUDIENCE}], algorithms: [{alg}], leeway: 30s, \
         headers: {{x-user: sub}}, {keys}{decryption}}}\n"
    )
}

fn folder() -> PathBuf {
    let folder = build_folder().join("fuzz-keys");
    fs::create_dir_all(&folder).expect("a folder for keys");
    folder
}

/// Writes a key file, whole even if other processes do the same, and returns its path.
pub fn written(name: &str, content: &[u8]) -> String {
    let path = folder().join(name);
    let draft = folder().join(format!("{name}-{}", std::process::id()));
    fs::write(&draft, content).expect("a key file");
    fs::set_permissions(&draft, Permissions::from_mode(0o600)).expect("a private file");
    fs::rename(&draft, &path).expect("a key file");
    path.display().to_string()
}
