//! The table of cases: rows by area, running a row, and its result.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::call::Call;
use super::emitted;
use super::expect::Expect;
use super::invariants;
use super::outcome::Outcome;
use super::site::Site;
use super::twin::{VALIDATE, difference};

/// Answers that were checked against the invariants, over the whole run.
static ANSWERS: AtomicUsize = AtomicUsize::new(0);
/// The longest that an answer may take to become the expected one.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn answers() -> usize {
    ANSWERS.load(Ordering::Relaxed)
}

/// One row of the catalogue: its id, and the function that exercises every variant it names.
pub(crate) struct Row {
    pub(crate) id: &'static str,
    /// The function's name, which says what holds.
    pub(crate) fact: &'static str,
    pub(crate) run: fn(&mut Case),
}

/// A [`Row`] of an id and a function.
macro_rules! row {
    ($id:literal, $($run:ident)::+ $(,)?) => {
        $crate::catalogue::Row {
            id: $id,
            fact: stringify!($($run)::+),
            run: $($run)::+,
        }
    };
}
pub(crate) use row;

/// The rows of one area, and those that do not apply, each with its reason.
pub(crate) struct Area {
    pub(crate) name: &'static str,
    pub(crate) tables: &'static [&'static [Row]],
    pub(crate) not_applicable: &'static [(&'static str, &'static str)],
}

impl Area {
    pub(crate) fn rows(&self) -> impl Iterator<Item = &'static Row> {
        self.tables.iter().flat_map(|table| table.iter())
    }
}

/// The result of one row.
#[derive(Clone)]
pub(crate) struct Report {
    pub(crate) variants: usize,
    /// The verdicts of `Check` and `Validate` were compared.
    pub(crate) compared: bool,
    pub(crate) failures: Vec<String>,
}

impl Row {
    /// Runs the row once in the life of the process. A second caller waits for the first.
    pub(crate) fn report(&self) -> Report {
        self.entry().get_or_init(|| self.run()).clone()
    }

    /// The report of a row that has run.
    pub(crate) fn finished(&self) -> Option<Report> {
        self.entry().get().cloned()
    }

    fn entry(&self) -> Arc<OnceLock<Report>> {
        static REPORTS: Mutex<BTreeMap<&str, Arc<OnceLock<Report>>>> = Mutex::new(BTreeMap::new());
        let mut reports = REPORTS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(reports.entry(self.id).or_default())
    }

    fn run(&self) -> Report {
        emitted::begin();
        let mut case = Case {
            id: self.id,
            variants: 0,
            compared: 0,
            failures: Vec::new(),
        };
        let run = panic::catch_unwind(AssertUnwindSafe(|| (self.run)(&mut case)));
        if let Err(payload) = run {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            case.failures
                .push(format!("{}: panicked: {}", self.id, text.unwrap_or("?")));
        }
        if case.variants == 0 {
            case.failures
                .push(format!("{}: nothing was checked", self.id));
        }
        Report {
            variants: case.variants,
            compared: case.compared > 0,
            failures: case.failures,
        }
    }
}

/// A running row: counts what it checks and collects what fails.
pub(crate) struct Case {
    id: &'static str,
    variants: usize,
    compared: usize,
    failures: Vec<String>,
}

impl Case {
    /// Sends a call; the outcome must be as expected, and keep every invariant.
    pub(crate) fn check(
        &mut self,
        what: &str,
        site: &Site,
        call: &Call,
        expect: Expect,
    ) -> Outcome {
        let outcome = site.ask(call);
        self.judge(what, site, call, &outcome, expect);
        self.compare(what, site, call, &outcome);
        outcome
    }

    /// `Validate` gives the same verdict as `Check`. The server's keys may change between the two
    /// calls, so both may be repeated.
    fn compare(&mut self, what: &str, site: &Site, call: &Call, outcome: &Outcome) {
        let of_token = call.as_validate_of_token();
        let of_token = of_token.filter(|_| site.has_usual_places());
        for message in [call.as_validate()].into_iter().chain(of_token) {
            let ask = || site.ask_other(VALIDATE, message.clone());
            let first = difference(outcome, &ask());
            if let Some(problem) = first
                && difference(&site.ask(call), &ask()).is_some()
            {
                self.failures
                    .push(format!("{}: {what}: {problem}", self.id));
            }
            self.compared += 1;
        }
    }

    /// As [`Case::check`], for an outcome that is already there.
    pub(crate) fn judge(
        &mut self,
        what: &str,
        site: &Site,
        call: &Call,
        outcome: &Outcome,
        expect: Expect,
    ) {
        self.judge_for(what, site.managed(), call, outcome, expect);
    }

    /// As [`Case::judge`], for the answer of a server that manages these headers.
    pub(crate) fn judge_for(
        &mut self,
        what: &str,
        managed: &[String],
        call: &Call,
        outcome: &Outcome,
        expect: Expect,
    ) {
        ANSWERS.fetch_add(1, Ordering::Relaxed);
        if expect.is_met(outcome) {
            self.variants += 1;
        } else {
            self.holds(
                &format!("{what}: want {expect:?}, got {}", outcome.summary()),
                false,
            );
        }
        for violation in invariants::violations(call, outcome, managed) {
            self.failures
                .push(format!("{}: {what}: {violation}", self.id));
        }
    }

    /// As [`Case::check`], but the outcome may take a moment to become the expected one: a fetch
    /// ends before its keys are in use. The last answer counts.
    pub(crate) fn becomes(
        &mut self,
        what: &str,
        site: &Site,
        call: &Call,
        expect: Expect,
    ) -> Outcome {
        let mut outcome = site.ask(call);
        let deadline = Instant::now() + TIMEOUT;
        while !expect.is_met(&outcome) && Instant::now() < deadline {
            outcome = site.ask(call);
        }
        self.judge(what, site, call, &outcome, expect);
        outcome
    }

    /// Any other fact; `what` describes it and the value found.
    pub(crate) fn holds(&mut self, what: &str, holds: bool) {
        self.variants += 1;
        if !holds {
            self.failures.push(format!("{}: {what}", self.id));
        }
    }

    pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        found: T,
        wanted: T,
    ) {
        self.holds(
            &format!("{what}: want {wanted:?}, got {found:?}"),
            found == wanted,
        );
    }

    pub(crate) fn allows(&mut self, site: &Site, what: &str, call: &Call) -> Outcome {
        self.check(what, site, call, Expect::Allow)
    }

    pub(crate) fn denies(
        &mut self,
        site: &Site,
        what: &str,
        call: &Call,
        http: i32,
        reason: &'static str,
    ) -> Outcome {
        self.check(what, site, call, Expect::Deny(http, reason))
    }

    /// The token passes for `GET /orders`.
    pub(crate) fn accepts(&mut self, site: &Site, what: &str, token: impl AsRef<[u8]>) -> Outcome {
        self.allows(site, what, &Call::bearing(token))
    }

    /// The token is answered with 401 and this reason.
    pub(crate) fn refuses(
        &mut self,
        site: &Site,
        what: &str,
        token: impl AsRef<[u8]>,
        reason: &'static str,
    ) -> Outcome {
        self.denies(site, what, &Call::bearing(token), 401, reason)
    }
}
