//! Rules that no request ever reaches, since rules before them decide about all of theirs.

use crate::policy::{HostPattern, Match, PathPattern};

/// A test for a pattern that matches all paths of another.
type Covers = fn(&PathPattern, &PathPattern) -> bool;

/// Rules that leave nothing to a later one, by their places.
pub(super) enum Hiders {
    /// They decide about all of its requests.
    Decide(Vec<usize>),
    /// They refuse its requests, or some of them, as other spellings of their own.
    Refuse(Vec<usize>),
}

/// The rules that stand before another one, by their places.
#[derive(Default)]
pub(super) struct Earlier(Vec<(usize, Match)>);

impl Earlier {
    pub(super) fn add(&mut self, place: usize, matches: Match) {
        self.0.push((place, matches));
    }

    /// The rules that together leave nothing to this one; `None` where something is left, or that
    /// cannot be told.
    pub(super) fn hiding(&self, later: &Match) -> Option<Hiders> {
        let decide = self.places(later, PathPattern::covers);
        decide.map(Hiders::Decide).or_else(|| {
            let refuse = self.places(later, PathPattern::covers_in_any_spelling);
            refuse.map(Hiders::Refuse)
        })
    }

    fn places(&self, later: &Match, covers: Covers) -> Option<Vec<usize>> {
        let hosts = or_any(&later.hosts);
        let methods = or_any(&later.methods);
        let mut places = Vec::new();
        for host in hosts {
            for method in methods.clone() {
                let mut earlier = self.0.iter();
                let (place, _) = earlier.find(|(_, rule)| {
                    takes(rule, later, host, method.map(AsRef::as_ref), covers)
                })?;
                if !places.contains(place) {
                    places.push(*place);
                }
            }
        }
        Some(places)
    }
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
