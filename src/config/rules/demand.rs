//! The demand of a rule on tokens: `require`.

use crate::jose::Json;
use crate::policy::{ClaimRule, ClaimTest, Demand, IssuerId};
use crate::token::{Audiences, ClaimPath, is_scope_byte};

use super::super::mistakes;
use super::super::setting::Setting;
use super::super::settings::{
    ClaimTestSetting, ClaimTestSettings, DemandSettings, OneOrMore, Scalar, boxed,
};

impl Setting<'_, '_, DemandSettings> {
    pub(super) fn build(&mut self, issuers: &[(&str, IssuerId)]) -> Demand {
        let settings = self.value;
        let scopes = settings.scopes.as_deref().unwrap_or_default();
        self.member("scopes", scopes).for_each(|mut scope| {
            let text = &**scope.value;
            if text.bytes().all(is_scope_byte) {
                scope.mistake(mistakes::of_scope(text));
            } else {
                scope.found(format!("{text:?}"), "a scope of visible ASCII");
            }
        });
        let audiences = settings.audiences.as_ref();
        let audiences = audiences.map(|list| self.member("audiences", &**list).audiences());
        Demand {
            optional: settings.optional,
            issuers: self.issuers(issuers),
            audiences: audiences.unwrap_or(Audiences::Any),
            scopes: boxed(scopes),
            claims: self.claims(),
        }
    }

    fn issuers(&mut self, known: &[(&str, IssuerId)]) -> Vec<IssuerId> {
        let mut issuers = Vec::new();
        let names = self.value.issuers.as_deref().unwrap_or_default();
        self.member("issuers", names).for_each(|mut name| {
            let text = &**name.value;
            match known.iter().find(|(known, _)| *known == text) {
                Some((_, id)) => issuers.push(*id),
                None => name.unknown("issuer", text, known.iter().map(|(name, _)| *name)),
            }
        });
        issuers
    }

    fn claims(&mut self) -> Vec<ClaimRule> {
        let claims = self.value.claims.iter().flatten();
        let mut section = self.member("claims", &());
        claims
            .map(|(name, test)| section.member(name, test).claim(name))
            .collect()
    }
}

impl Setting<'_, '_, ClaimTestSetting> {
    fn claim(&mut self, name: &str) -> ClaimRule {
        let (path, test) = match self.value {
            ClaimTestSetting::Value(value) => (None, ClaimTest::Equals(vec![json(value)])),
            ClaimTestSetting::List(values) => (None, ClaimTest::Equals(all(values))),
            ClaimTestSetting::Test(test) => (test.path.as_deref(), self.named_test(test)),
        };
        if path.is_some() {
            // The name is a label.
        } else if name.split('.').any(str::is_empty) {
            let expected = "names of claims, separated by single dots";
            self.bad_name(format!("{name:?}"), expected);
        } else {
            self.name_mistake(mistakes::of_tested_claim(name));
        }
        let path = path.map_or_else(|| ClaimPath::dotted(name), ClaimPath::literal);
        ClaimRule { path, test }
    }

    fn named_test(&mut self, test: &ClaimTestSettings) -> ClaimTest {
        match (&test.equals, &test.contains, &test.contains_all) {
            (Some(values), None, None) => ClaimTest::Equals(several(values)),
            (None, Some(values), None) => ClaimTest::Contains(several(values)),
            (None, None, Some(values)) => ClaimTest::ContainsAll(all(values)),
            _ => {
                self.contradiction(
                    "a test takes exactly one of `equals`, `contains` and `contains_all`: write a \
                     test for each",
                );
                ClaimTest::Equals(Vec::new())
            }
        }
    }
}

fn all(values: &[Scalar]) -> Vec<Json> {
    values.iter().map(json).collect()
}

fn several(values: &OneOrMore) -> Vec<Json> {
    match values {
        OneOrMore::One(value) => vec![json(value)],
        OneOrMore::More(values) => all(values),
    }
}

/// A value as a token would carry it.
fn json(scalar: &Scalar) -> Json {
    match scalar {
        Scalar::Bool(value) => Json::Bool(*value),
        Scalar::String(text) => Json::string(text.as_str()),
        // A number's text is JSON, so that reading it gives a number.
        Scalar::Number(number) => {
            Json::parse(number.to_string().as_bytes(), 1).unwrap_or(Json::Null)
        }
    }
}
