//! Everything that can go wrong with a fetch after a good one: the keys stay, the failure is
//! counted and named, and the next good answer mends it.

mod answers;
mod connections;
mod slow;

use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::mint::Signer;

use crate::say;
use crate::settings::{issuer, key_set, keys_of, token};
use crate::site::Site;

/// A site that had a good fetch.
struct Ward {
    site: Site,
    server: KeyServer,
    good: Reply,
    token: String,
    strange: String,
}

impl Ward {
    async fn start() -> Self {
        let signer = Signer::generate("ES256", "k1");
        let good = key_set(&[&signer]);
        let server = KeyServer::start(good.clone());
        let site = Site::start(&[issuer("corp", &keys_of(&server, "cooldown: 1h"))]).await;
        site.fetched(1).await;
        let strange = token(&Signer::generate("ES256", "k2"));
        // It spends the budget of tokens, so that each fetch after it is a scheduled one.
        assert_eq!(site.check(&strange).await, "key_not_found");
        site.fetched(2).await;
        Self {
            site,
            server,
            good,
            token: token(&signer),
            strange,
        }
    }

    /// The next fetch ends as it should.
    async fn fails(&self, fault: &str, outcome: &str, words: &[&str]) {
        let before = self.count(outcome);
        self.site.next_fetch().await;
        self.failed(fault, outcome, before + 1, words).await;
    }

    /// That a fetch failed, was counted and named so, and harmed nobody.
    async fn failed(&self, fault: &str, outcome: &str, count: u64, words: &[&str]) {
        let source = self.site.source();
        let found = &source.fetches;
        assert_eq!(self.count(outcome), count, "{fault}: {found:?}");
        let (_, error) = source.failure.as_ref().unwrap();
        for word in words {
            assert!(error.contains(word), "{fault}: {word:?} in {error:?}");
        }
        let line = format!("{}: {error}", source.source);
        assert!(line.contains(&self.server.uri()), "{line}");
        assert_eq!((source.state, source.keys().len()), ("fresh", 1), "{fault}");
        assert_eq!(self.site.check(&self.token).await, "allowed", "{fault}");
        assert_eq!(self.site.check(&self.strange).await, "key_not_found");
        say(&format!("{fault}: keys kept, {outcome:?}, {error}"));
    }

    /// The next fetch is good, and all is as before.
    async fn recovers(&self) {
        let good = self.count("unchanged");
        self.site.next_fetch().await;
        assert_eq!(self.count("unchanged"), good + 1);
        assert_eq!(self.site.source().failure, None);
        assert_eq!(self.site.check(&self.token).await, "allowed");
    }

    fn count(&self, outcome: &str) -> u64 {
        let fetches = self.site.source().fetches;
        fetches.get(outcome).copied().unwrap_or_default()
    }
}
