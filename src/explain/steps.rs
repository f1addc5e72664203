//! The order of the steps. The modules beside this one implement them.

use std::borrow::Cow;
use std::str::Split;

use crate::authenticator::{Snapshot, TokenContent};
use crate::jose::Compact;
use crate::policy::Requirement;
use crate::request::Request;
use crate::token::{CurrentTime, Denial, UnverifiedToken};

/// One check.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Its name, such as `exp`, or `rule.claims.department`.
    pub name: Cow<'static, str>,
    /// Its result.
    pub outcome: StepOutcome,
    /// True if the verdict depends on it: no earlier step has settled the verdict.
    pub decisive: bool,
    /// The facts that were compared.
    pub found: String,
    /// The facts that would pass.
    pub expected: String,
}

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StepOutcome {
    /// It passed.
    Pass,
    /// It failed, for this reason.
    Fail(Denial),
    /// It was not made, because of an earlier failure.
    #[default]
    NotReached,
}

/// The steps that every explanation shows, in order.
const ALWAYS: &str = "rule token form header payload issuer algorithm key signature claims typ \
                      cnf aud exp nbf iat";

pub(super) struct Explainer<'w, 's, 'r> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) request: &'w Request<'r>,
    /// The length of the given token text, in bytes.
    pub(super) length: usize,
    pub(super) now: CurrentTime,
    /// The algorithm that the header names, in words.
    pub(super) algorithm: String,
    steps: Vec<Step>,
    /// The rest of [`ALWAYS`].
    ahead: Split<'static, char>,
    /// True once the verdict is certain, whatever the remaining steps find.
    pub(super) settled: bool,
}

impl<'w, 's, 'r> Explainer<'w, 's, 'r> {
    /// All steps for a request with a token text of this length.
    pub(super) fn steps(
        snapshot: &'s Snapshot,
        request: &'w Request<'r>,
        length: usize,
        now: CurrentTime,
    ) -> Vec<Step> {
        let mut explainer = Self {
            snapshot,
            request,
            length,
            now,
            algorithm: String::new(),
            steps: Vec::new(),
            ahead: ALWAYS.split(' '),
            settled: false,
        };
        let requirement = explainer.rule();
        explainer.after_rule(requirement);
        explainer.steps.extend(explainer.ahead.map(not_reached));
        explainer.steps
    }

    fn after_rule(&mut self, requirement: Option<&Requirement>) -> Option<()> {
        let found = self.credential(requirement)?;
        let opened;
        let (content, envelope) = match self.form(&found.token)? {
            Compact::Jws(segments) => (TokenContent::Signed(segments), None),
            Compact::Jwe(segments) => {
                opened = self.decryption(&segments)?;
                (self.content(&opened)?, Some(&opened))
            }
        };
        let token = match content {
            TokenContent::Signed(segments) => Ok(self.signed(&segments)?),
            TokenContent::Claims(claims) => Err(claims),
        };
        let claims = token
            .as_ref()
            .map_or_else(|claims| claims, UnverifiedToken::claims);
        let (id, issuer) = self.issuer(claims)?;
        let expectations = &issuer.expectations;
        self.encryption(envelope, token.is_ok(), id, issuer);
        if let Ok(token) = &token {
            self.algorithm_and_keys(token, id, issuer);
        }
        self.claims(claims);
        self.repeated_claims(envelope, claims);
        self.place(found.place, id, issuer);
        let typ = match &token {
            Ok(token) => token.jws().header().typ(),
            Err(_) => envelope.and_then(|opened| opened.header().typ()),
        };
        self.kind(typ, claims, expectations);
        self.audience("aud", claims, &expectations.audiences);
        self.times(claims, expectations);
        self.client(claims, expectations);
        self.presence(claims, expectations);
        if let Some(Requirement::Token(demand)) = requirement {
            self.demand(demand, (id, issuer), claims);
        }
        self.headers(issuer, claims)
    }

    /// Adds a check that was made; returns its value if it passed.
    pub(super) fn step<T>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        result: Result<T, Denial>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Option<T> {
        let name = name.into();
        if self.ahead.clone().any(|next| next == name) {
            let missed = self.ahead.by_ref().take_while(|next| *next != name);
            self.steps.extend(missed.map(not_reached));
        }
        let (value, outcome) = match result {
            Ok(value) => (Some(value), StepOutcome::Pass),
            Err(denial) => (None, StepOutcome::Fail(denial)),
        };
        self.steps.push(Step {
            name,
            outcome,
            decisive: !self.settled,
            found: found.into(),
            expected: expected.into(),
        });
        self.settled |= value.is_none();
        value
    }
}

fn not_reached(name: &'static str) -> Step {
    Step {
        name: name.into(),
        ..Step::default()
    }
}
