//! The steps for the rule, its demands, and claim headers.

use crate::policy::{
    ClaimTest, Demand, Issuer, IssuerId, NearMiss, NoRule, RequestPart, Requirement,
};
use crate::request::PathError;
use crate::token::{Audiences, Claims, Denial};

use super::claims::value;
use super::steps::Explainer;
use super::text;

const A_RULE: &str = "a rule for this request";

impl<'s> Explainer<'_, 's, '_> {
    pub(super) fn rule(&mut self) -> Option<&'s Requirement> {
        let rules = self.snapshot.policy().rules();
        let rule = match rules.select(self.request) {
            Ok(rule) => rule,
            Err(cause) => {
                let (found, expected) = self.no_rule(cause);
                return self.step("rule", Err(cause.into()), found, expected);
            }
        };
        let requirement = rule.map(|rule| &rule.requirement);
        let open = matches!(requirement, Some(Requirement::None));
        let found = match rule.map(|rule| text::plain(&rule.name)) {
            None => "no rules: any valid token is enough".to_owned(),
            Some(name) if open => format!("{name}, which asks for no token"),
            Some(name) => name,
        };
        self.step("rule", Ok(()), found, A_RULE);
        if open {
            self.settled = true;
        }
        requirement
    }

    /// Explains why no rule was selected: the facts of the request, and what was expected.
    fn no_rule(&self, cause: NoRule<'_>) -> (String, String) {
        let shown = |part: RequestPart| {
            let bytes = match part {
                RequestPart::Method => Some(self.request.method),
                RequestPart::Host => Some(self.request.host),
                // The query may contain the token.
                RequestPart::Path => self.request.path.split(|byte| *byte == b'?').next(),
            };
            let text = String::from_utf8_lossy(bytes.unwrap_or_default());
            format!("{} {}", part.name(), text::quoted(&text))
        };
        let (part, fault) = match cause {
            NoRule::NoneFits => {
                let rules = self.snapshot.policy().rules().iter().count();
                return (format!("none of {rules} rules fits"), A_RULE.to_owned());
            }
            NoRule::Target(PathError::Fragment) => (RequestPart::Path, "has a fragment"),
            NoRule::Target(PathError::Form) => (RequestPart::Path, "does not begin with a slash"),
            NoRule::Path => (RequestPart::Path, "can be read in more than one way"),
            NoRule::Host => (RequestPart::Host, "is not one host"),
            NoRule::Spelling(NearMiss { rule, part }) => {
                let varies = match part {
                    RequestPart::Method => "upper and lower case",
                    RequestPart::Host => "a port, a final dot or the spelling of an address",
                    RequestPart::Path => "upper and lower case, a final slash or escapes",
                };
                let (found, rule) = (shown(part), text::plain(&rule.name));
                return (
                    format!("{found}, which differs from what {rule} is for only in {varies}"),
                    format!("the spelling that {rule} has"),
                );
            }
        };
        let expected = "a path and a host that everybody reads alike";
        (format!("{} {fault}", shown(part)), expected.to_owned())
    }

    pub(super) fn demand(
        &mut self,
        demand: &Demand,
        (id, issuer): (IssuerId, &Issuer),
        claims: &Claims,
    ) {
        let policy = self.snapshot.policy();
        if !demand.issuers.is_empty() {
            let accepted = demand.issuers.iter();
            let accepted = accepted.filter_map(|id| Some(text::plain(&policy.issuer(*id)?.name)));
            let found = text::plain(&issuer.name);
            let result = demand.check_issuer(id);
            self.step("rule.issuers", result, found, text::one_of(accepted));
        }
        if demand.audiences != Audiences::Any {
            self.audience("rule.audiences", claims, &demand.audiences);
        }
        if !demand.scopes.is_empty() {
            let found = match claims.scopes() {
                Ok(scopes) if scopes.is_empty() => "no scopes".to_owned(),
                Ok(scopes) => text::list(scopes.into_iter().map(text::quoted)),
                Err(_) => {
                    let [scope, scp] = ["scope", "scp"].map(|name| value(claims, name));
                    format!("scope {scope}, scp {scp}")
                }
            };
            let wanted = text::list(demand.scopes.iter().map(|scope| text::quoted(scope)));
            let expected = format!("all of {wanted}");
            self.step("rule.scopes", demand.check_scopes(claims), found, expected);
        }
        for rule in &demand.claims {
            let name = format!("rule.claims.{}", text::plain(&rule.path.to_string()));
            let found = text::value_or_absent(claims.at(&rule.path));
            self.step(name, rule.check(claims), found, wanted(&rule.test));
        }
    }

    /// Checks that the claims can become headers.
    pub(super) fn headers(&mut self, issuer: &Issuer, claims: &Claims) -> Option<()> {
        let result = issuer.headers.render(claims);
        let (found, expected) = match &result {
            Ok(set) if set.is_empty() => return None,
            Ok(set) => {
                let lines = set.iter().map(|(name, value)| {
                    let [name, value] = [name, value].map(|text| String::from_utf8_lossy(text));
                    text::plain(&format!("{name}: {value}"))
                });
                (text::list(lines), "claims for headers")
            }
            Err(Denial::ClaimMissing { claim }) => (
                format!("{} is absent, null or empty", text::plain(claim)),
                "a value (required: true)",
            ),
            Err(Denial::ClaimInvalid { claim }) => (
                format!("{} cannot stand in a header", text::plain(claim)),
                "no control characters, and at most 4096 bytes",
            ),
            Err(other) => (other.to_string(), "claims for headers"),
        };
        self.step("headers", result.map(drop), found, expected)
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
