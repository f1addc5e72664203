//! The steps for the rule, its demands, and claim headers.

use std::borrow::Cow;

use crate::policy::{
    ClaimTest, Demand, Issuer, IssuerId, NearMiss, NoRule, RequestPart, Requirement,
};
use crate::request::PathError;
use crate::token::{Audiences, Claims, Denial};

use super::claims::{expected, value};
use super::steps::Explainer;
use super::text;

impl<'s> Explainer<'_, 's, '_> {
    /// Selects the rule and returns its requirement.
    pub(super) fn rule(&mut self) -> Option<&'s Requirement> {
        let rules = self.snapshot.policy().rules();
        let expected = "a rule for this request";
        match rules.select(self.request) {
            Ok(Some(rule)) => {
                let name = text::plain(&rule.name);
                let open = matches!(rule.requirement, Requirement::None);
                let found = if open {
                    format!("{name}, which asks for no token")
                } else {
                    name
                };
                self.step("rule", Ok(()), found, expected);
                if open {
                    self.allow();
                }
                Some(&rule.requirement)
            }
            Ok(None) => {
                self.step(
                    "rule",
                    Ok(()),
                    "no rules: any valid token is enough",
                    expected,
                );
                None
            }
            Err(cause) => {
                let (found, expected) = self.no_rule(cause);
                self.step("rule", Err(cause.into()), found, expected);
                None
            }
        }
    }

    /// Explains why no rule was selected: what was found, and what was expected.
    fn no_rule(&self, cause: NoRule<'_>) -> (String, Cow<'static, str>) {
        let path = text::quoted(&String::from_utf8_lossy(self.path_without_query()));
        let read_alike = "a path and a host that everybody reads alike".into();
        match cause {
            NoRule::NoneFits => {
                let rules = self.snapshot.policy().rules().iter().count();
                let found = format!("none of {rules} rules fits");
                (found, "a rule for this request".into())
            }
            NoRule::Target(PathError::Fragment) => {
                (format!("path {path} has a fragment"), read_alike)
            }
            NoRule::Target(PathError::Form) => {
                let found = format!("path {path} does not begin with a slash");
                (found, read_alike)
            }
            NoRule::Path => {
                let found = format!("path {path} can be read in more than one way");
                (found, read_alike)
            }
            NoRule::Host => {
                let host = text::quoted(&String::from_utf8_lossy(self.request.host));
                (format!("host {host} is not one host"), read_alike)
            }
            NoRule::Spelling(NearMiss { rule, part }) => {
                let rule = text::plain(&rule.name);
                let quoted = |bytes: &[u8]| text::quoted(&String::from_utf8_lossy(bytes));
                let (found, varies) = match part {
                    RequestPart::Method => (
                        format!("method {}", quoted(self.request.method)),
                        "upper and lower case",
                    ),
                    RequestPart::Host => (
                        format!("host {}", quoted(self.request.host)),
                        "a port, a final dot or the spelling of an address",
                    ),
                    RequestPart::Path => (
                        format!("path {path}"),
                        "upper and lower case, a final slash or escapes",
                    ),
                };
                (
                    format!("{found}, which differs from what {rule} is for only in {varies}"),
                    format!("the spelling that {rule} has").into(),
                )
            }
        }
    }

    /// The query may contain the token.
    fn path_without_query(&self) -> &[u8] {
        let mut parts = self.request.path.split(|byte| *byte == b'?');
        parts.next().unwrap_or_default()
    }

    pub(super) fn demand(
        &mut self,
        demand: &Demand,
        id: IssuerId,
        issuer: &Issuer,
        claims: &Claims,
    ) {
        let policy = self.snapshot.policy();
        if !demand.issuers.is_empty() {
            let accepted = demand.issuers.iter();
            let accepted = accepted.filter_map(|id| Some(text::plain(&policy.issuer(*id)?.name)));
            let result = demand.check_issuer(id);
            let found = text::plain(&issuer.name);
            self.step("rule.issuers", result, found, text::one_of(accepted));
        }
        if demand.audiences != Audiences::Any {
            let named = crate::token::audiences(claims);
            let result = named.and_then(|named| demand.audiences.check(&named));
            let found = value(claims, "aud");
            self.step("rule.audiences", result, found, expected(&demand.audiences));
        }
        if !demand.scopes.is_empty() {
            let found = match claims.scopes() {
                Ok(scopes) if scopes.is_empty() => "no scopes".to_owned(),
                Ok(scopes) => text::list(scopes.into_iter().map(text::quoted)),
                Err(_) => format!(
                    "scope {}, scp {}",
                    value(claims, "scope"),
                    value(claims, "scp")
                ),
            };
            let wanted = text::list(demand.scopes.iter().map(|scope| text::quoted(scope)));
            let expected = format!("all of {wanted}");
            self.step("rule.scopes", demand.check_scopes(claims), found, expected);
        }
        for rule in &demand.claims {
            let name = format!("rule.claims.{}", text::plain(&rule.path.to_string()));
            let claim = claims.at(&rule.path);
            let found = claim.map_or_else(|| "absent".to_owned(), text::value);
            self.step(name, rule.check(claims), found, wanted(&rule.test));
        }
    }

    /// Checks that the claims can become headers.
    pub(super) fn headers(&mut self, issuer: &Issuer, claims: &Claims) {
        match issuer.headers.render(claims) {
            Ok(set) if set.is_empty() => {}
            Ok(set) => {
                let line = |name: &[u8], value: &[u8]| {
                    let [name, value] = [name, value].map(String::from_utf8_lossy);
                    text::plain(&format!("{name}: {value}"))
                };
                let lines = set.iter().map(|(name, value)| line(name, value));
                self.step("headers", Ok(()), text::list(lines), "claims for headers");
            }
            Err(denial) => {
                let (found, expected) = unfit(&denial);
                self.step("headers", Err(denial), found, expected);
            }
        }
    }
}

/// Names the claim that cannot become a header, and what would.
fn unfit(denial: &Denial) -> (String, &'static str) {
    match denial {
        Denial::ClaimMissing { claim } => (
            format!("{} is absent, null or empty", text::plain(claim)),
            "a value (required: true)",
        ),
        Denial::ClaimInvalid { claim } => (
            format!("{} cannot stand in a header", text::plain(claim)),
            "no control characters, and at most 4096 bytes",
        ),
        other => (other.to_string(), "claims for headers"),
    }
}

fn wanted(test: &ClaimTest) -> String {
    let values = test.values().iter().map(text::value);
    match test {
        ClaimTest::Equals(_) => text::one_of(values),
        ClaimTest::Contains(_) => format!("an array with {}", text::one_of(values)),
        ClaimTest::ContainsAll(_) => format!("an array with all of {}", text::list(values)),
    }
}
