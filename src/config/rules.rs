//! The section `rules`.

mod demand;
mod hidden;

use std::collections::HashSet;

use crate::escape::is_active;
use crate::policy::{HostPattern, IssuerId, Match, PathPattern, Policy, Requirement, Rule, Rules};
use crate::request::Path;

use super::mistakes::{self, Mistake};
use super::setting::Setting;
use super::settings::{
    MatchSettings, Mode, NoneWord, PathSettings, RequireSetting, RuleSettings, RulesSetting,
    Settings, boxed,
};

/// The rules in their order.
pub(super) fn rules(root: &mut Setting<'_, '_, Settings>) -> Rules {
    let settings = root.value;
    let proxy_ignores_port = settings.server.proxy_ignores_host_port;
    let Some(RulesSetting::List(list)) = &settings.rules else {
        return Rules::new(None, proxy_ignores_port);
    };
    let names = settings.issuers.keys().map(String::as_str);
    let issuers: Vec<_> = names
        .zip(Policy::issuer_ids(settings.issuers.len()))
        .collect();
    let mut names = HashSet::new();
    let mut earlier: Vec<(usize, Match)> = Vec::new();
    let mut section = root.member("rules", list);
    let rules = list.iter().enumerate().map(|(place, settings)| {
        let mut setting = section.element(place, settings);
        let known = setting.findings.count();
        let rule = setting.build(place, &issuers, proxy_ignores_port);
        // A rule with a problem may be for other requests, once it is mended.
        if setting.findings.count() == known && !setting.is_incomplete() {
            setting.note_hidden(&earlier, &rule.matches);
            earlier.push((place, rule.matches.clone()));
        }
        if !names.insert(rule.name.clone()) {
            let mut name = setting.member("name", &());
            name.found("the name of another rule", "each name only once");
        }
        rule
    });
    Rules::new(Some(rules.collect()), proxy_ignores_port)
}

impl Setting<'_, '_, RuleSettings> {
    fn build(
        &mut self,
        place: usize,
        issuers: &[(&str, IssuerId)],
        proxy_ignores_port: bool,
    ) -> Rule {
        let settings = self.value;
        let name = settings.name.clone();
        let name = name.unwrap_or_else(|| format!("rules[{place}]"));
        if !is_printable_name(&name) {
            let expected = "a name of 1 to 64 printable characters";
            self.member("name", &())
                .found(format!("{name:?}"), expected);
        }
        let matches = self
            .member("match", &settings.matches)
            .build(proxy_ignores_port);
        let requirement = match &settings.require {
            RequireSetting::Word(NoneWord::None) => {
                self.refuse_open_door(&matches);
                Requirement::None
            }
            RequireSetting::Demand(demand) => {
                Requirement::Token(self.member("require", demand).build(issuers))
            }
        };
        Rule {
            name: name.into(),
            matches,
            requirement,
            shadow: settings.mode == Mode::Shadow,
        }
    }

    /// A rule that no request reaches does not do what it says.
    fn note_hidden(&mut self, earlier: &[(usize, Match)], matches: &Match) {
        let Some((places, [one, several])) = hidden::hiding(earlier, matches) else {
            return;
        };
        let names = places.iter().map(|place| format!("rules[{place}]"));
        let names: Vec<String> = names.collect();
        let end = if names.len() == 1 { one } else { several };
        let rules = names.join(" and ");
        self.member("match", &()).contradiction(format!(
            "no request reaches this rule, because {rules} {end}: the first match applies, so move \
             this rule up, or remove it"
        ));
    }

    /// A rule that lets everybody do everything is a mistake unless it says so.
    fn refuse_open_door(&mut self, matches: &Match) {
        let every_path = matches.path.as_ref().is_none_or(PathPattern::is_every_path);
        let is_for_all = every_path
            && matches.hosts.is_empty()
            && matches.methods.is_empty()
            && matches.context.is_empty();
        if is_for_all && !self.value.insecure_allow_all {
            let scope = match matches.path {
                Some(_) => "for every path",
                None => "without `match`",
            };
            self.member("require", &()).contradiction(format!(
                "`require: none` {scope} allows every request: limit the rule by a `match`, or set \
                 `insecure_allow_all: true`"
            ));
        }
    }
}

impl Setting<'_, '_, MatchSettings> {
    fn build(&mut self, proxy_ignores_port: bool) -> Match {
        let settings = self.value;
        let context = settings.context.iter().flatten();
        let methods = settings.methods.as_deref().unwrap_or_default();
        self.member("methods", methods).for_each(|mut method| {
            let text = &**method.value;
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            if text.bytes().all(allowed) {
                method.mistake(mistakes::of_method(text));
            } else {
                method.found(format!("{text:?}"), "a method");
            }
        });
        let path = settings.path.as_ref();
        Match {
            hosts: self.hosts(proxy_ignores_port),
            path: path.and_then(|path| self.member("path", path).pattern()),
            methods: boxed(methods),
            context: context
                .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
                .collect(),
        }
    }

    fn hosts(&mut self, proxy_ignores_port: bool) -> Vec<HostPattern> {
        let mut patterns = Vec::new();
        let hosts = self.value.hosts.as_deref().unwrap_or_default();
        self.member("hosts", hosts).for_each(|mut host| {
            let text = &**host.value;
            match HostPattern::parse(text) {
                Some(pattern) if pattern.has_port() && proxy_ignores_port => {
                    let shown = host.quoted(text);
                    host.contradiction(format!(
                        "the host {shown} has a port, and `server.proxy_ignores_host_port` is \
                         true: leave out the port"
                    ));
                }
                Some(pattern) => patterns.push(pattern),
                None => {
                    let expected = "a host name, or \"*.\" and a domain; with a port if the proxy \
                                    routes by it";
                    host.found(format!("{text:?}"), expected);
                }
            }
        });
        patterns
    }
}

impl Setting<'_, '_, PathSettings> {
    fn pattern(&mut self) -> Option<PathPattern> {
        let settings = self.value;
        let (kind, text) = match (&settings.exact, &settings.prefix, &settings.glob) {
            (Some(text), None, None) => ("exact", text),
            (None, Some(text), None) => ("prefix", text),
            (None, None, Some(text)) => ("glob", text),
            _ => {
                self.contradiction(
                    "`path` takes exactly one of `exact`, `prefix` and `glob`, such as `path: \
                     {prefix: /admin}`",
                );
                return None;
            }
        };
        let mut setting = self.member(kind, text);
        let mistake = mistakes::of_path(kind, text);
        let is_never_right = mistake.as_ref().is_some_and(Mistake::is_never_right);
        setting.mistake(mistake);
        if is_never_right {
            return None;
        }
        if !is_clear(text, settings.encoded_slashes) {
            let expected = "a path that begins with \"/\", without query, \"//\", dot segments, \
                            \";\" and needless or ambiguous %-escapes";
            setting.found(format!("{text:?}"), expected);
            return None;
        }
        let pattern = match kind {
            "exact" => Some(PathPattern::exact(text)),
            "prefix" => Some(PathPattern::prefix(text)),
            _ => PathPattern::glob(text),
        };
        if pattern.is_none() {
            let expected = "\"**\" as the whole last segment only";
            setting.found(format!("{text:?}"), expected);
        }
        let mut pattern = pattern?;
        pattern.escaped_slashes = settings.encoded_slashes;
        pattern.exact_spelling = settings.exact_spelling;
        Some(pattern)
    }
}

/// Returns true for 1 to 64 characters, none of them one that a terminal or a log reader acts on.
pub(super) fn is_printable_name(name: &str) -> bool {
    (1..=64).contains(&name.chars().count()) && !name.contains(is_active)
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
