//! The section `rules`.

mod demand;

use std::collections::HashSet;

use crate::policy::{HostPattern, IssuerId, Match, PathPattern, Policy, Requirement, Rule, Rules};
use crate::request::Path;

use super::findings::Findings;
use super::raw;
use super::values::filled;

/// The rules in their order.
pub(super) fn rules(raw: &raw::Config, findings: &mut Findings<'_>) -> Rules {
    let Some(list) = &raw.rules else {
        return Rules::new(None);
    };
    if list.is_empty() {
        findings.add(
            &["rules"],
            "an empty list",
            "at least one rule, or no rules at all",
        );
    }
    let names = raw.issuers.keys().map(String::as_str);
    let issuers: Vec<_> = names.zip(Policy::issuer_ids(raw.issuers.len())).collect();
    let mut names = HashSet::new();
    let mut rules = Vec::new();
    // The first rule that is for every request: none behind it is ever reached.
    let mut catch_all = None;
    for (index, raw) in list.iter().enumerate() {
        let element = format!("[{index}]");
        let known = findings.count();
        let mut section = Section {
            element: &element,
            raw,
            issuers: &issuers,
            findings,
        };
        let rule = section.build();
        if let Some(catch_all) = catch_all {
            let found = format!("a rule behind rules[{catch_all}], which is for every request");
            section.note(&[], found, "it before that one: the first match applies");
        }
        if !names.insert(rule.name.clone()) {
            section.note(
                &["name"],
                "the name of another rule",
                "a name that stands once",
            );
        }
        // One with a problem may be for fewer, once it is mended.
        let is_whole = findings.count() == known && !findings.is_follow_on(&["rules", &element]);
        if catch_all.is_none() && is_whole && rule.matches.is_for_all() {
            catch_all = Some(index);
        }
        rules.push(rule);
    }
    Rules::new(Some(rules))
}

/// One rule's section.
struct Section<'s, 'd> {
    element: &'s str,
    raw: &'s raw::Rule,
    issuers: &'s [(&'s str, IssuerId)],
    findings: &'s mut Findings<'d>,
}

impl Section<'_, '_> {
    fn build(&mut self) -> Rule {
        let name = self
            .raw
            .name
            .clone()
            .unwrap_or_else(|| format!("rules{}", self.element));
        if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
            self.note(
                &["name"],
                format!("{name:?}"),
                "a name of 1 to 64 printable characters",
            );
        }
        let matches = self.matches();
        let requirement = match &self.raw.require {
            raw::Require::Word(raw::Word::None) => {
                self.refuse_open_door(&matches);
                Requirement::None
            }
            raw::Require::Demand(demand) => Requirement::Token(self.demand(demand)),
        };
        Rule {
            name: name.into(),
            matches,
            requirement,
            shadow: self.raw.mode == raw::Mode::Shadow,
        }
    }

    fn note(&mut self, setting: &[&str], found: impl Into<String>, expected: impl Into<String>) {
        let path = [&["rules", self.element], setting].concat();
        self.findings.add(&path, found, expected);
    }

    /// A rule that lets everybody do everything is a mistake unless it says so.
    fn refuse_open_door(&mut self, matches: &Match) {
        let every_path = matches.path.as_ref().is_none_or(PathPattern::is_every_path);
        let whole = every_path
            && matches.hosts.is_empty()
            && matches.methods.is_empty()
            && matches.context.is_empty();
        if whole && !self.raw.insecure_allow_all {
            let expected = "a match that limits it, or insecure_allow_all: true";
            self.note(&["require"], "none for every request", expected);
        }
    }

    fn matches(&mut self) -> Match {
        let raw = &self.raw.matches;
        let context = raw
            .context
            .iter()
            .map(|(k, v)| (k.as_str().into(), v.as_str().into()))
            .collect();
        let methods = self.list(&["match", "methods"], raw.methods.as_deref());
        for (index, method) in methods.iter().enumerate() {
            if !method
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            {
                let element = format!("[{index}]");
                self.note(
                    &["match", "methods", &element],
                    format!("{method:?}"),
                    "a method",
                );
            }
        }
        Match {
            hosts: self.hosts(),
            path: self.path(),
            methods,
            context,
        }
    }

    fn list(&mut self, setting: &[&str], list: Option<&[String]>) -> Vec<Box<str>> {
        let path = [&["rules", self.element], setting].concat();
        filled(list, &path, self.findings)
            .iter()
            .map(|entry| entry.as_str().into())
            .collect()
    }

    fn hosts(&mut self) -> Vec<HostPattern> {
        let mut patterns = Vec::new();
        for (index, host) in self
            .list(&["match", "hosts"], self.raw.matches.hosts.as_deref())
            .iter()
            .enumerate()
        {
            if let Some(pattern) = HostPattern::parse(host) {
                patterns.push(pattern);
            } else {
                let element = format!("[{index}]");
                let expected = "a host name without port, or \"*.\" and a domain";
                self.note(&["match", "hosts", &element], format!("{host:?}"), expected);
            }
        }
        patterns
    }

    fn path(&mut self) -> Option<PathPattern> {
        let raw = self.raw.matches.path.as_ref()?;
        let (kind, text) = match (&raw.exact, &raw.prefix, &raw.glob) {
            (Some(text), None, None) => ("exact", text),
            (None, Some(text), None) => ("prefix", text),
            (None, None, Some(text)) => ("glob", text),
            _ => {
                let expected = "exactly one of exact, prefix and glob";
                self.note(&["match", "path"], "another combination", expected);
                return None;
            }
        };
        let setting = ["match", "path", kind];
        // A pattern is compared with clear paths only, so it must be one, or it could never match.
        let clear = Path::parse(text.as_bytes()) == Ok(Path::Clear(text.into()));
        if !clear || text.contains('?') {
            let expected = "a path that begins with \"/\", without query, \"//\", dot segments, \";\" \
                            and needless or ambiguous %-escapes";
            self.note(&setting, format!("{text:?}"), expected);
            return None;
        }
        match kind {
            "exact" => Some(PathPattern::Exact(text.as_str().into())),
            "prefix" => Some(PathPattern::prefix(text)),
            _ => {
                let pattern = PathPattern::glob(text);
                if pattern.is_none() {
                    self.note(
                        &setting,
                        format!("{text:?}"),
                        "\"**\" as the whole last segment only",
                    );
                }
                pattern
            }
        }
    }
}
