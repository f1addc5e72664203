use std::sync::Arc;
use std::time::Duration;

use super::{DecisionCounters, Grid, MAX_CELLS};
use crate::telemetry::{DecisionEvent, DecisionOutcome, Door, RequestId};
use crate::token::{Denial, UnixTime};

fn names<const N: usize>(names: [&str; N]) -> Vec<Arc<str>> {
    names.map(Into::into).to_vec()
}

fn decision<'d>(
    outcome: DecisionOutcome<'d>,
    issuer: Option<&'d Arc<str>>,
    rule: Option<&'d Arc<str>>,
) -> DecisionEvent<'d> {
    DecisionEvent {
        door: Door::Check,
        shadow: false,
        outcome,
        issuer,
        rule,
        near_miss: None,
        token: None,
        request_id: RequestId::default(),
        trace: None,
        at: UnixTime::EPOCH,
        latency: Duration::ZERO,
    }
}

fn count(decisions: &DecisionCounters, decision: &DecisionEvent<'_>) -> u64 {
    let labels = super::DecisionLabels::of(decision);
    decisions.family.get_or_create(&labels).get()
}

#[test]
fn no_two_decisions_share_a_cell_and_all_have_one() {
    let (issuers, rules) = (names(["a", "b"]), names(["r", "s", "t"]));
    let grid = Grid::new(issuers.clone(), rules.clone());
    let denials = Denial::samples();
    let denied = denials.iter().flat_map(|denial| {
        [
            DecisionOutcome::Denied(denial),
            DecisionOutcome::Shadowed(denial),
        ]
    });
    let outcomes: Vec<_> = denied
        .chain([DecisionOutcome::Allowed, DecisionOutcome::Anonymous])
        .collect();
    let mut cells = Vec::new();
    for outcome in &outcomes {
        for issuer in issuers.iter().map(Some).chain([None]) {
            for rule in rules.iter().map(Some).chain([None]) {
                for (door, shadow) in [
                    (Door::Check, false),
                    (Door::Check, true),
                    (Door::Validate, false),
                    (Door::Validate, true),
                ] {
                    let decision = DecisionEvent {
                        door,
                        shadow,
                        ..decision(*outcome, issuer, rule)
                    };
                    cells.push(std::ptr::from_ref(grid.cell(&decision).unwrap()));
                }
            }
        }
    }
    let all = cells.len();
    assert_eq!(all, outcomes.len() * 3 * 4 * 4);
    cells.sort_unstable();
    cells.dedup();
    assert_eq!(cells.len(), all);
}

#[test]
fn counters_go_on_through_a_reload() {
    let decisions = DecisionCounters::default();
    let [corp, old, new] = ["corp", "old", "new"].map(Arc::<str>::from);
    let kept = decision(DecisionOutcome::Allowed, Some(&corp), None);
    let gone = decision(DecisionOutcome::Allowed, Some(&corp), Some(&old));
    let come = decision(DecisionOutcome::Allowed, Some(&corp), Some(&new));
    // Before any configuration, and then with one after the other.
    for (issuers, rules) in [
        (names([]), names([])),
        (names(["corp"]), names(["old"])),
        (names(["corp"]), names(["new"])),
    ] {
        decisions.prepare(issuers, rules);
        for decision in [&kept, &gone, &come] {
            decisions.count(decision);
        }
    }
    for decision in [&kept, &gone, &come] {
        assert_eq!(count(&decisions, decision), 3, "{decision:?}");
    }
}

#[test]
fn a_configuration_that_is_too_large_for_a_grid_is_counted_without() {
    let many: Vec<Arc<str>> = (0..MAX_CELLS / 2)
        .map(|rule| format!("rules[{rule}]").into())
        .collect();
    let grid = Grid::new(names(["corp"]), many.clone());
    assert!(grid.cells.is_empty());
    let decisions = DecisionCounters::default();
    decisions.prepare(names(["corp"]), many.clone());
    let decision = decision(DecisionOutcome::Anonymous, None, many.last());
    decisions.count(&decision);
    decisions.count(&decision);
    assert_eq!(count(&decisions, &decision), 2);
}
