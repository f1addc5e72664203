//! The section `rules`.

mod demand;
mod hidden;

use std::collections::HashSet;

use crate::policy::{HostPattern, IssuerId, Match, PathPattern, Policy, Requirement, Rule, Rules};
use crate::request::Path;

use super::findings::Findings;
use super::mistakes::{self, Mistake};
use super::settings;
use super::values::filled;

use hidden::{Earlier, Hiders};

/// The rules in their order.
pub(super) fn rules(raw: &settings::Settings, findings: &mut Findings<'_>) -> Rules {
    let Some(list) = raw.rules.as_ref().and_then(settings::RulesSetting::list) else {
        return Rules::new(None, raw.server.proxy_ignores_host_port);
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
    let proxy_ignores_port = raw.server.proxy_ignores_host_port;
    let mut names = HashSet::new();
    let mut rules = Vec::new();
    let mut earlier = Earlier::default();
    for (index, raw) in list.iter().enumerate() {
        let element = format!("[{index}]");
        let known = findings.count();
        let section = Section {
            element: &element,
            raw,
            issuers: &issuers,
            proxy_ignores_port,
            findings,
        };
        let rule = section.build();
        // One with a problem may be for other requests, once it is mended.
        let is_whole = findings.count() == known && !findings.is_follow_on(&["rules", &element]);
        if is_whole {
            note_hidden(&earlier, &element, &rule.matches, findings);
            earlier.add(index, rule.matches.clone());
        }
        if !names.insert(rule.name.clone()) {
            findings.add(
                &["rules", &element, "name"],
                "the name of another rule",
                "a name that stands once",
            );
        }
        rules.push(rule);
    }
    Rules::new(Some(rules), proxy_ignores_port)
}

/// A rule that no request reaches promises what does not happen.
fn note_hidden(earlier: &Earlier, element: &str, matches: &Match, findings: &mut Findings<'_>) {
    let (places, ends) = match earlier.hiding(matches) {
        None => return,
        Some(Hiders::Decide(places)) => (
            places,
            ["decides all of its requests", "decide all of its requests"],
        ),
        Some(Hiders::Refuse(places)) => (
            places,
            [
                "refuses its requests as other spellings of its own",
                "refuse its requests as other spellings of their own",
            ],
        ),
    };
    let names: Vec<String> = places
        .iter()
        .map(|place| format!("rules[{place}]"))
        .collect();
    let [one, several] = ends;
    let end = if names.len() == 1 { one } else { several };
    let rules = names.join(" and ");
    let found = format!("a rule that no request reaches, because {rules} {end}");
    let expected = "it further up, or removed: the first match applies";
    findings.add(&["rules", element, "match"], found, expected);
}

/// One rule's section.
struct Section<'s, 'd> {
    element: &'s str,
    raw: &'s settings::RuleSettings,
    issuers: &'s [(&'s str, IssuerId)],
    proxy_ignores_port: bool,
    findings: &'s mut Findings<'d>,
}

impl Section<'_, '_> {
    fn build(mut self) -> Rule {
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
        self.refuse_empty_sections();
        let matches = self.matches();
        let requirement = match &self.raw.require {
            settings::RequireSetting::Word(settings::NoneWord::None) => {
                self.refuse_open_door(&matches);
                Requirement::None
            }
            settings::RequireSetting::Demand(demand) => Requirement::Token(self.demand(demand)),
        };
        Rule {
            name: name.into(),
            matches,
            requirement,
            shadow: self.raw.mode == settings::Mode::Shadow,
        }
    }

    fn note(&mut self, setting: &[&str], found: impl Into<String>, expected: impl Into<String>) {
        let path = [&["rules", self.element], setting].concat();
        self.findings.add(&path, found, expected);
    }

    /// Notes a mistake, or warns of it.
    fn mistake(&mut self, setting: &[&str], mistake: Option<Mistake>) {
        let path = [&["rules", self.element], setting].concat();
        self.findings.mistake(&path, mistake);
    }

    /// What was meant to limit a rule and is empty limits nothing.
    fn refuse_empty_sections(&mut self) {
        for [section, name] in [["match", "context"], ["require", "claims"]] {
            let path = ["rules", self.element, section, name];
            if self.findings.is_empty_map(&path) {
                let expected = format!("at least one entry, or no {name}");
                self.findings.add(&path, "an empty mapping", expected);
            }
        }
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
            .flatten()
            .map(|(k, v)| (k.as_str().into(), v.as_str().into()))
            .collect();
        let methods = self.list(&["match", "methods"], raw.methods.as_deref());
        for (index, method) in methods.iter().enumerate() {
            let element = format!("[{index}]");
            let setting = ["match", "methods", &element];
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            if method.bytes().all(allowed) {
                self.mistake(&setting, mistakes::of_method(method));
            } else {
                self.note(&setting, format!("{method:?}"), "a method");
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
            let element = format!("[{index}]");
            let setting = ["match", "hosts", &element];
            match HostPattern::parse(host) {
                Some(pattern) if pattern.has_port() && self.proxy_ignores_port => {
                    let expected =
                        "a host without port, since server.proxy_ignores_host_port is true";
                    self.note(&setting, format!("{host:?}"), expected);
                }
                Some(pattern) => patterns.push(pattern),
                None => {
                    let expected = "a host name, or \"*.\" and a domain; with a port where the proxy routes by it";
                    self.note(&setting, format!("{host:?}"), expected);
                }
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
        let mistake = mistakes::of_path(kind, text);
        let never_right = mistake.as_ref().is_some_and(Mistake::is_never_right);
        self.mistake(&setting, mistake);
        if never_right {
            return None;
        }
        if !is_clear(text, raw.encoded_slashes) {
            let expected = "a path that begins with \"/\", without query, \"//\", dot segments, \";\" \
                            and needless or ambiguous %-escapes";
            self.note(&setting, format!("{text:?}"), expected);
            return None;
        }
        let pattern = match kind {
            "exact" => Some(PathPattern::exact(text)),
            "prefix" => Some(PathPattern::prefix(text)),
            _ => PathPattern::glob(text),
        };
        if pattern.is_none() {
            let expected = "\"**\" as the whole last segment only";
            self.note(&setting, format!("{text:?}"), expected);
        }
        pattern.map(|pattern| {
            let pattern = pattern.with_escaped_slashes(raw.encoded_slashes);
            pattern.with_exact_spelling(raw.exact_spelling)
        })
    }
}

/// A pattern is compared with clear paths only, so it must be one, or it could never match.
fn is_clear(text: &str, escaped_slashes: bool) -> bool {
    match Path::parse(text.as_bytes()) {
        Ok(Path::Clear(path)) => {
            let same = path.text() == text && !text.contains('?');
            same && (escaped_slashes || path.split_at_escaped_slashes().is_none())
        }
        _ => false,
    }
}
