//! A harness for test binaries whose tests are made at run time, or can be skipped at run time.
//!
//! Such a binary has `harness = false` in Cargo.toml, and a `main` that calls [`run`].

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Completion, Failed};

use crate::{repository, say};

/// The number of slow tests that [`run`] names.
const SLOWEST: usize = 10;
/// A test that takes less time is never named as slow.
const QUICK: Duration = Duration::from_secs(1);

static TIMES: Mutex<Vec<(Duration, String)>> = Mutex::new(Vec::new());

/// A test: a name, and a function that panics on failure.
pub struct Test(libtest_mimic::Trial);

impl Test {
    pub fn new(name: impl Into<String>, run: impl FnOnce() + Send + 'static) -> Self {
        let name = name.into();
        let title = name.clone();
        Self(libtest_mimic::Trial::ignorable_test(name, move || {
            let start = Instant::now();
            let outcome = panic::catch_unwind(AssertUnwindSafe(run));
            let mut times = TIMES.lock().unwrap_or_else(PoisonError::into_inner);
            times.push((start.elapsed(), title));
            outcome.map_or_else(|payload| ending(&*payload), |()| Ok(Completion::Completed))
        }))
    }

    /// A test that is listed with the reason why it does not run.
    pub fn left_out(name: impl Into<String>, reason: &'static str) -> Self {
        let leave_out = move || Ok(Completion::ignored_with(reason));
        Self(libtest_mimic::Trial::ignorable_test(name, leave_out))
    }
}

/// The payload of the panic that ends a skipped test.
struct Skipped(String);

/// Ends this test, which counts as ignored and prints the reason. In a CI run it is a failure:
/// everything that tests need must be present there.
///
/// # Panics
/// Always.
pub fn skip(reason: &str) -> ! {
    assert!(!is_ci(), "CI=true, but {reason}");
    panic::resume_unwind(Box::new(Skipped(reason.to_owned())))
}

/// For a test of libtest's harness, which cannot skip tests: prints once in the life of the process
/// why the test passes without a check. In a CI run it is a failure.
///
/// # Panics
/// With `CI=true`.
pub fn pass_unchecked(reason: &str) {
    static ONCE: Once = Once::new();
    assert!(!is_ci(), "CI=true, but {reason}");
    let program = std::env::args().next().unwrap_or_default();
    ONCE.call_once(|| say(format_args!("skipped: {reason} ({program})")));
}

/// True with `CI=true` in the environment.
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// Runs the tests that the command line selects, and prints which were slow. `folder` holds the
/// sources of this binary, below `tests/`.
///
/// # Panics
/// A source has a test with an attribute: without libtest's harness, it would never run.
pub fn run(folder: &str, tests: Vec<Test>) -> ExitCode {
    let sources = with_attributes(&repository("tests").join(folder));
    assert!(
        sources.is_empty(),
        "list these tests with `tests!`: {sources:?}"
    );
    // Some tests make others panic on purpose, and no harness but libtest's captures what that
    // prints.
    panic::set_hook(Box::new(|panic| say(panic)));
    let arguments = Arguments::from_args();
    let trials = tests.into_iter().map(|test| test.0).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    let mut times = TIMES.lock().unwrap_or_else(PoisonError::into_inner);
    times.sort_unstable_by(|one, other| other.cmp(one));
    let slow = times.iter().take_while(|(time, _)| *time >= QUICK);
    for (time, name) in slow.take(SLOWEST) {
        say(format_args!("slow: {:.1}s {name}", time.as_secs_f32()));
    }
    conclusion.exit_code()
}

/// The files that use an attribute of libtest's harness.
fn with_attributes(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let found = entries.flat_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return with_attributes(&path);
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let mut lines = text.lines().map(str::trim_start);
        let is_used =
            lines.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"));
        is_used.then_some(path).into_iter().collect()
    });
    found.collect()
}

fn ending(payload: &(dyn std::any::Any + Send)) -> Result<Completion, Failed> {
    if let Some(Skipped(reason)) = payload.downcast_ref() {
        return Ok(Completion::ignored_with(reason));
    }
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    Err(text.unwrap_or("a panic without a text").into())
}

/// The tests of a module, by their names.
pub type Listed = &'static [(&'static str, fn())];

/// Lists the tests of a module as its `TESTS`: functions without arguments, and after `; async`
/// async functions, each of which gets a runtime of its own.
#[macro_export]
macro_rules! tests {
    ($($name:ident),* $(,)? $(; async $($future:ident),+ $(,)?)?) => {
        /// The tests of this module.
        pub(crate) const TESTS: $crate::harness::Listed = &[
            $((stringify!($name), $name),)*
            $($((stringify!($future), || $crate::harness::block_on($future()))),+)?
        ];
    };
}

/// Runs a future as `#[tokio::test]` does.
pub fn block_on(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future);
}

/// The tests of these modules, which list them with [`tests!`].
#[macro_export]
macro_rules! modules {
    ($($($name:ident)::+),+ $(,)?) => {{
        let modules: &[(&str, $crate::harness::Listed)] =
            &[$((concat!($("::", stringify!($name)),+), $($name)::+::TESTS)),+];
        $crate::harness::named(modules)
    }};
}

/// Tests with the names of their modules in front.
pub fn named(modules: &[(&str, Listed)]) -> Vec<Test> {
    let tests = modules.iter().flat_map(|(module, tests)| {
        let module = module.trim_start_matches(':');
        let named = move |(name, run): &(&str, fn())| Test::new(format!("{module}::{name}"), *run);
        tests.iter().map(named)
    });
    tests.collect()
}
