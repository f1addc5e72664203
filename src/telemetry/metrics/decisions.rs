//! Counters of decisions: a family, and a grid of those of its members that the configuration in use can ask for.
//!
//! A look-up in the family takes a lock and hashes six labels. In the grid, a member is found by the places of its
//! names, and is then one atomic addition away.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::authenticator::Verdict;
use crate::token::Denial;

use crate::telemetry::decision_event::mode_name;
use crate::telemetry::{DecisionEvent, Door};

/// Most cells of a grid; each takes 16 bytes. Beyond it, the family is asked each time.
const MAX_CELLS: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct DecisionCounters {
    family: Family<DecisionLabels, Counter>,
    grid: ArcSwap<Grid>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct DecisionLabels {
    door: Door,
    issuer: Option<Arc<str>>,
    rule: Option<Arc<str>>,
    verdict: &'static str,
    reason: &'static str,
    shadow: bool,
}

impl DecisionCounters {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Decisions; in shadow mode, an allow has the reason of the denial that it would have been";
        registry.register("decisions", help, self.family.clone());
    }

    /// Lays out a grid for these names. Its counters are the family's, so that they go on where they were.
    pub(super) fn prepare(&self, issuers: Vec<Arc<str>>, rules: Vec<Arc<str>>) {
        self.grid.store(Arc::new(Grid::new(issuers, rules)));
    }

    pub(super) fn count(&self, decision: &DecisionEvent<'_>) {
        match self.grid.load().cell(decision) {
            Some(cell) => {
                let member = || {
                    self.family
                        .get_or_create_owned(&DecisionLabels::of(decision))
                };
                cell.get_or_init(member).inc();
            }
            None => {
                self.family
                    .get_or_create(&DecisionLabels::of(decision))
                    .inc();
            }
        }
    }
}

impl DecisionLabels {
    fn of(decision: &DecisionEvent<'_>) -> Self {
        Self {
            door: decision.door,
            issuer: decision.issuer.cloned(),
            rule: decision.rule.cloned(),
            verdict: decision.outcome.verdict(),
            reason: decision.outcome.reason(),
            shadow: decision.shadow,
        }
    }
}

impl EncodeLabelSet for DecisionLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> std::fmt::Result {
        let labels = [
            ("door", self.door.name()),
            ("issuer", self.issuer.as_deref().unwrap_or_default()),
            ("rule", self.rule.as_deref().unwrap_or_default()),
            ("verdict", self.verdict),
            ("reason", self.reason),
            ("mode", mode_name(self.shadow)),
        ];
        labels.encode(encoder)
    }
}

/// A cell for each combination of names.
#[derive(Debug, Default)]
struct Grid {
    issuers: Axis,
    rules: Axis,
    reasons: Axis,
    cells: Box<[OnceLock<Counter>]>,
}

/// Names in order, and the place of none before them.
#[derive(Debug, Default)]
struct Axis(Vec<Arc<str>>);

impl Grid {
    fn new(issuers: Vec<Arc<str>>, rules: Vec<Arc<str>>) -> Self {
        let denials = Denial::samples();
        let reasons = denials.iter().map(Denial::code);
        let reasons = reasons.chain([Verdict::ALLOWED, Verdict::ANONYMOUS]);
        let (issuers, rules) = (Axis::new(issuers), Axis::new(rules));
        let reasons = Axis::new(reasons.map(Into::into).collect());
        let sizes = [issuers.size(), rules.size(), reasons.size(), 2, 2, 2];
        let cells = sizes
            .iter()
            .try_fold(1_usize, |all, size| all.checked_mul(*size));
        let cells = cells
            .filter(|cells| *cells <= MAX_CELLS)
            .unwrap_or_default();
        Self {
            issuers,
            rules,
            reasons,
            cells: std::iter::repeat_with(OnceLock::new).take(cells).collect(),
        }
    }

    /// `None` for names of another configuration, or where the grid would be too large.
    fn cell(&self, decision: &DecisionEvent<'_>) -> Option<&OnceLock<Counter>> {
        let issuer = self.issuers.place(decision.issuer.map(|name| &**name))?;
        let rule = self.rules.place(decision.rule.map(|name| &**name))?;
        let reason = self.reasons.place(Some(decision.outcome.reason()))?;
        let mut index = issuer;
        index = index * self.rules.size() + rule;
        index = index * self.reasons.size() + reason;
        index = index * 2 + usize::from(decision.door == Door::Validate);
        index = index * 2 + usize::from(decision.shadow);
        index = index * 2 + usize::from(decision.outcome.verdict() == "deny");
        self.cells.get(index)
    }
}

impl Axis {
    fn new(mut names: Vec<Arc<str>>) -> Self {
        names.sort_unstable();
        Self(names)
    }

    fn size(&self) -> usize {
        self.0.len() + 1
    }

    fn place(&self, name: Option<&str>) -> Option<usize> {
        let Some(name) = name else { return Some(0) };
        let place = self.0.binary_search_by(|other| (**other).cmp(name));
        place.ok().map(|place| place + 1)
    }
}

#[cfg(test)]
mod tests;
