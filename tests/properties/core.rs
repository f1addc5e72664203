//! The core with one issuer, without a network.

use std::path::Path;

use watchword::authenticator::{IssuerKeys, Question, Snapshot, Verdict, authenticate};
use watchword::clock::Clock;
use watchword::config::Config;
use watchword::grpc::TokenCache;
use watchword::jwks::Source;
use watchword::request::{Header, Request};
use watchword::token::UnixTime;
use watchword_test_support::mint::{self, Signer};

pub(crate) const ISSUER: &str = "https://idp.example.com";
pub(crate) const AUDIENCE: &str = "orders-api";
pub(crate) const LEEWAY: u64 = 30;

/// An issuer with one key, and the core that judges its tokens.
pub(crate) struct Core {
    pub(crate) signer: Signer,
    snapshot: Snapshot,
    cache: TokenCache,
}

impl Core {
    pub(crate) fn new(alg: &str) -> Self {
        let signer = Signer::generate(alg, "k1");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("properties");
        std::fs::create_dir_all(&folder).unwrap();
        let keys = if alg.starts_with("HS") {
            let secret = folder.join(format!("{alg}.key"));
            std::fs::write(&secret, signer.private_der()).unwrap();
            format!("secret_file: {}", secret.display())
        } else {
            format!("jwks: {{inline: {}}}", mint::key_set(&[&signer]))
        };
        let text = format!(
            "issuers: {{corp: {{issuer: '{ISSUER}', audiences: [{AUDIENCE}], leeway: {LEEWAY}s, \
             algorithms: [{alg}], {keys}}}}}"
        );
        let config =
            Config::parse(&text, &folder.join("core.yaml")).unwrap_or_else(|p| panic!("{p}"));
        Self {
            signer,
            snapshot: snapshot(config),
            cache: TokenCache::new(100).unwrap(),
        }
    }

    /// The `Debug` output of the decision on a request.
    pub(crate) fn decide_and_print(&self, request: &Request<'_>) -> String {
        let decision = authenticate(
            &self.snapshot,
            &Question::from(request.clone()),
            now(),
            &self.cache,
        );
        assert!(matches!(decision.verdict, Verdict::Allow(_)));
        format!("{:?}", decision.verdict)
    }

    /// `Ok` if the token is allowed; `Err` has the reason.
    pub(crate) fn judge(&self, token: &str, now: UnixTime) -> Result<(), &'static str> {
        let value = format!("Bearer {token}");
        let header = Header {
            name: b"authorization",
            value: value.as_bytes(),
        };
        let request = Request {
            method: b"GET",
            path: b"/",
            headers: vec![header],
            ..Request::default()
        };
        match authenticate(&self.snapshot, &Question::from(request), now, &self.cache).verdict {
            Verdict::Allow(_) => Ok(()),
            Verdict::Deny(denial) => Err(denial.code()),
        }
    }
}

/// A configuration's policy with its inline keys.
pub(crate) fn snapshot(config: Config) -> Snapshot {
    let mut snapshot = Snapshot::new(config.policy);
    for (issuer, source) in &config.sources {
        if let Source::Fixed(keys) = source {
            snapshot = snapshot.with_keys(&[*issuer], Some(&IssuerKeys::lasting(keys.clone())));
        }
    }
    snapshot
}

/// The system's time, which the oracle also reads.
pub(crate) fn now() -> UnixTime {
    Clock::system().now()
}

/// The same in whole seconds.
pub(crate) fn now_seconds() -> i64 {
    i64::try_from(now().since(UnixTime::EPOCH).as_secs()).unwrap()
}
