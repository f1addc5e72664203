//! Rules that no request ever reaches, since rules before them decide about all of theirs.

use crate::policy::{HostPattern, Match, PathPattern};

/// A test for a pattern that matches all paths of another.
type Covers = fn(&PathPattern, &PathPattern) -> bool;

/// Ends of a message about one rule and about several: they decide all requests of a later rule.
const DECIDE: [&str; 2] = ["decides all of its requests", "decide all of its requests"];
/// The same for rules that refuse at least some of these requests.
const REFUSE: [&str; 2] = [
    "refuses its requests as other spellings of its own",
    "refuse its requests as other spellings of their own",
];

/// The places of rules that together decide or refuse all requests of a later rule, and the ends of
/// the message about them. `None` if a request may be left.
pub(super) fn hiding(
    earlier: &[(usize, Match)],
    later: &Match,
) -> Option<(Vec<usize>, [&'static str; 2])> {
    let decide = places(earlier, later, PathPattern::covers);
    decide.map(|places| (places, DECIDE)).or_else(|| {
        let refuse = places(earlier, later, PathPattern::covers_in_any_spelling);
        refuse.map(|places| (places, REFUSE))
    })
}

fn places(earlier: &[(usize, Match)], later: &Match, covers: Covers) -> Option<Vec<usize>> {
    let hosts = or_any(&later.hosts);
    let methods = or_any(&later.methods);
    let mut places = Vec::new();
    for host in hosts {
        for method in methods.clone() {
            let method = method.map(AsRef::as_ref);
            let taking = |(_, rule): &&(usize, Match)| takes(rule, later, host, method, covers);
            let (place, _) = earlier.iter().find(taking)?;
            if !places.contains(place) {
                places.push(*place);
            }
        }
    }
    Some(places)
}

/// Each of a list, or once nothing for a list that is for all.
fn or_any<T>(list: &[T]) -> impl Iterator<Item = Option<&T>> + Clone {
    let any = list.is_empty().then_some(None);
    any.into_iter().chain(list.iter().map(Some))
}

/// Returns true if a rule is for all requests of a later one that have this host and method.
fn takes(
    rule: &Match,
    later: &Match,
    host: Option<&HostPattern>,
    method: Option<&str>,
    covers: Covers,
) -> bool {
    let path = match (&rule.path, &later.path) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(rule), Some(later)) => covers(rule, later),
    };
    let context = || rule.context.iter().all(|pair| later.context.contains(pair));
    let methods = || {
        rule.methods.is_empty()
            || method.is_some_and(|method| rule.methods.iter().any(|listed| **listed == *method))
    };
    let hosts = || {
        let covers = |host| rule.hosts.iter().any(|pattern| pattern.covers(host));
        rule.hosts.is_empty() || host.is_some_and(covers)
    };
    path && context() && methods() && hosts()
}
