//! What a rule asks of a token: `require`.

use std::sync::Arc;

use crate::jose::Json;
use crate::policy::{ClaimRule, ClaimTest, Demand, IssuerId};
use crate::token::{Audiences, ClaimPath, is_scope_byte};

use super::super::mistakes;
use super::super::settings;
use super::super::values::json;
use super::Section;

impl Section<'_, '_> {
    pub(super) fn demand(&mut self, raw: &settings::DemandSettings) -> Demand {
        let issuers = self.demanded_issuers(raw);
        let audiences = self.list(&["require", "audiences"], raw.audiences.as_deref());
        let scopes = self.list(&["require", "scopes"], raw.scopes.as_deref());
        for (index, scope) in scopes.iter().enumerate() {
            let element = format!("[{index}]");
            let setting = ["require", "scopes", &element];
            if scope.bytes().all(is_scope_byte) {
                self.mistake(&setting, mistakes::of_scope(scope));
            } else {
                self.note(&setting, format!("{scope:?}"), "a scope of visible ASCII");
            }
        }
        for (index, audience) in audiences.iter().enumerate() {
            let setting = ["require", "audiences", &*format!("[{index}]")];
            self.mistake(&setting, mistakes::of_audience(audience));
        }
        let claims = raw
            .claims
            .iter()
            .flatten()
            .map(|(name, test)| self.claim(name, test))
            .collect();
        Demand {
            optional: raw.optional,
            issuers,
            audiences: if audiences.is_empty() {
                Audiences::Any
            } else {
                Audiences::OneOf(audiences)
            },
            scope_text: Arc::from(scopes.join(" ")),
            scopes,
            claims,
        }
    }

    fn demanded_issuers(&mut self, raw: &settings::DemandSettings) -> Vec<IssuerId> {
        let mut issuers = Vec::new();
        for (index, name) in self
            .list(&["require", "issuers"], raw.issuers.as_deref())
            .iter()
            .enumerate()
        {
            if let Some((_, id)) = self.issuers.iter().find(|(known, _)| **known == **name) {
                issuers.push(*id);
            } else {
                let element = format!("[{index}]");
                let path = ["rules", self.element, "require", "issuers", &element];
                let known = self.issuers.iter().map(|(name, _)| *name);
                self.findings.add_unknown(&path, "issuer", name, known);
            }
        }
        issuers
    }

    fn claim(&mut self, name: &str, raw: &settings::ClaimTestSetting) -> ClaimRule {
        let setting = ["require", "claims", name];
        let (path, test) = match raw {
            settings::ClaimTestSetting::Value(value) => {
                (None, ClaimTest::Equals(vec![json(value)]))
            }
            settings::ClaimTestSetting::List(values) => (None, ClaimTest::Equals(all(values))),
            settings::ClaimTestSetting::Test(named) => {
                (named.path.as_deref(), self.named_test(&setting, named))
            }
        };
        if test.values().is_empty() {
            self.note(&setting, "no value", "at least one value");
        }
        if let Some(names) = path {
            self.list(&["require", "claims", name, "path"], Some(names));
        } else if name.split('.').any(str::is_empty) {
            let path = [&["rules", self.element], &setting[..]].concat();
            let expected = "names of claims, separated by single dots";
            self.findings.add_key(&path, format!("{name:?}"), expected);
        } else {
            let path = [&["rules", self.element], &setting[..]].concat();
            let mistake = mistakes::of_tested_claim(name);
            self.findings.mistake_in_key(&path, mistake);
        }
        let path = path.map_or_else(|| ClaimPath::dotted(name), ClaimPath::literal);
        ClaimRule { path, test }
    }

    fn named_test(&mut self, setting: &[&str], raw: &settings::ClaimTestSettings) -> ClaimTest {
        match (&raw.equals, &raw.contains, &raw.contains_all) {
            (Some(values), None, None) => ClaimTest::Equals(several(values)),
            (None, Some(values), None) => ClaimTest::Contains(several(values)),
            (None, None, Some(values)) => ClaimTest::ContainsAll(all(values)),
            _ => {
                self.note(
                    setting,
                    "another combination",
                    "exactly one of equals, contains and contains_all",
                );
                // Stands in for the test; one that is empty would be noted again.
                ClaimTest::Equals(vec![Json::Null])
            }
        }
    }
}

fn all(values: &[settings::Scalar]) -> Vec<Json> {
    values.iter().map(json).collect()
}

fn several(values: &settings::OneOrMore) -> Vec<Json> {
    match values {
        settings::OneOrMore::One(value) => vec![json(value)],
        settings::OneOrMore::More(values) => all(values),
    }
}
