//! Area `cache`: panics while an entry is made, in the token cache and in the key cache.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use watchword::jwks::{Fetch, FetchError, Fetched as Brought, FetchedSource, Network, Validators};
use watchword_test_support::mint::Signer;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::inside::Inside;
use super::super::jwks::{corp_from, ended, served, set, token, until};
use super::super::settings::Settings;
use super::super::site::RUNTIME;
use super::super::tokens::{ED, claims};
use super::core::{Core, ObservedCache};

pub(crate) const ROWS: &[Row] = &[row!("CCH-17", panic_while_an_entry_is_made_leaves_none)];

fn panic_while_an_entry_is_made_leaves_none(case: &mut Case) {
    in_the_token_cache(case);
    in_the_key_cache(case);
}

fn in_the_token_cache(case: &mut Case) {
    const PANICS: usize = 8;
    let core = Core::new();
    let panics = AtomicUsize::new(PANICS);
    let cache = ObservedCache::new(|| assert!(!one_less(&panics), "injected"));
    let token = ED.sign(&claims());
    let judge = || catch_unwind(AssertUnwindSafe(|| core.judge(&cache, &token)));
    let panicked = std::thread::scope(|scope| {
        let threads = [(); PANICS].map(|()| scope.spawn(|| judge().is_err()));
        let panicked = threads.map(|thread| thread.join().expect("it is caught"));
        panicked.into_iter().filter(|panicked| *panicked).count()
    });
    case.equal("judgements that panicked", panicked, PANICS);
    case.holds("no entry", !core.remembers(&cache, &token));
    case.equal("the next call", judge().ok(), Some("allowed"));
    case.holds("an entry", core.remembers(&cache, &token));
    let forged = Signer::generate("EdDSA", ED.kid()).sign(&claims());
    case.equal(
        "a forged one",
        core.judge(&cache, &forged),
        "signature_invalid",
    );
}

/// The network, except that a number of fetches panic.
#[derive(Default)]
struct Fragile {
    panics: AtomicUsize,
    begun: AtomicUsize,
}

impl Fetch for Fragile {
    fn fetch<'a>(
        &'a self,
        source: &'a FetchedSource,
        known: Option<&'a Validators>,
    ) -> Pin<Box<dyn Future<Output = Result<Brought, FetchError>> + Send + 'a>> {
        Box::pin(async move {
            self.begun.fetch_add(1, Ordering::SeqCst);
            assert!(!one_less(&self.panics), "injected");
            Network.fetch(source, known).await
        })
    }
}

fn in_the_key_cache(case: &mut Case) {
    let server = served(set(&[&ED]));
    let fetch = Arc::new(Fragile::default());
    fetch.panics.store(1, Ordering::SeqCst);
    let settings = Settings::of(corp_from(&server.uri(), "timeout: 1m"));
    let inside = Inside::start(&settings, fetch.clone());
    let begun = |wanted: usize| fetch.begun.load(Ordering::SeqCst) >= wanted;
    let call = Call::bearing(token(&ED));
    until("the first fetch has begun", || begun(1));
    // No time passes: a call does not wait for a fetch that panicked.
    let answer = inside.begin(&call);
    until("an answer", || answer.is_finished());
    let outcome = RUNTIME.block_on(answer).expect("no panic");
    let expect = Expect::Deny(503, "jwks_unavailable");
    inside.judge(case, "no entry", &call, &outcome, expect);
    // The task starts again after a second, and fetches after another.
    until("the second fetch has begun", || {
        a_moment_passes(&inside);
        begun(2)
    });
    until("keys", || *inside.engine.ready().borrow());
    inside.check(case, "the next fetch", &call, Expect::Allow);

    fetch.panics.store(1, Ordering::SeqCst);
    inside.clock.advance(inside.status(0).next_fetch);
    until("the third fetch has begun", || begun(3));
    until("the fourth fetch has begun", || {
        a_moment_passes(&inside);
        inside.check(case, "the entry of before", &call, Expect::Allow);
        begun(4)
    });
    until("it has ended", || ended(&inside.status(0)) == 2);
    inside.check(case, "after it", &call, Expect::Allow);
    let forged = token(&Signer::generate("EdDSA", ED.kid()));
    let expect = Expect::Deny(401, "signature_invalid");
    inside.check(case, "a forged one", &Call::bearing(forged), expect);
}

/// Time on the manual clock. A call in between lets the other tasks go on, so that the clock does
/// not run minutes ahead of them.
fn a_moment_passes(inside: &Inside) {
    inside.clock.advance(Duration::from_millis(10));
    inside.ask(&Call::get("/orders"));
}

/// False if there was none left.
fn one_less(count: &AtomicUsize) -> bool {
    let less = |left: usize| left.checked_sub(1);
    let before = count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
    before.is_ok()
}
