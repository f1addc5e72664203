//! The steps for registered claims, and where the token stands.

use crate::policy::{Issuer, IssuerId, TokenFrom};
use crate::token::{Audiences, Claims, Denial, Expectations, Registered, UnixTime, audiences};

use super::steps::Explainer;
use super::{text, times};

const TIME: &str = "a number of seconds since 1970, up to 2^53";
const PAST: &str = "a time that has come";
const FUTURE: &str = "a future time";

impl Explainer<'_, '_, '_> {
    /// Checks the types of all registered claims, before any is compared.
    pub(super) fn claims(&mut self, claims: &Claims) {
        let result = Registered::read(claims);
        let (found, expected) = match &result {
            Err(Denial::ClaimMissing { claim }) => (format!("no {claim}"), "iss and exp"),
            Err(Denial::ClaimInvalid { claim }) => {
                let form = match &**claim {
                    "aud" => "a string, or an array of strings",
                    "exp" | "nbf" | "iat" => TIME,
                    _ => "a string",
                };
                (format!("{claim} {}", value(claims, claim)), form)
            }
            _ => ("each of its type".to_owned(), "claims of their types"),
        };
        self.step("claims", result, found, expected);
    }

    /// Checks that the issuer's tokens are accepted in this place.
    pub(super) fn place(&mut self, place: &TokenFrom, id: IssuerId, issuer: &Issuer) {
        if place.issuers.is_some() {
            let result = place.admits(id).then_some(());
            let result = result.ok_or(Denial::IssuerNotAllowed);
            let (name, location) = (text::plain(&issuer.name), text::location(&place.location));
            let found = format!("{name} in {location}");
            self.step("place", result, found, "a place for this issuer's tokens");
        }
    }

    pub(super) fn audience(&mut self, name: &'static str, claims: &Claims, accepted: &Audiences) {
        let result = audiences(claims).and_then(|named| accepted.check(&named));
        let expected = match accepted {
            Audiences::Any => "any audience".to_owned(),
            Audiences::OneOf(list) => text::one_of(list.iter().map(|one| text::quoted(one))),
        };
        self.step(name, result, value(claims, "aud"), expected);
    }

    pub(super) fn times(&mut self, claims: &Claims, expectations: &Expectations) {
        let now = self.now.unix;
        if let Err(denial) = Expectations::check_clock(now) {
            let (found, expected) = ("a time before 1970", "a clock that is right");
            self.step("clock", Err::<(), _>(denial), found, expected);
        }
        let [exp, nbf, iat] = ["exp", "nbf", "iat"].map(|name| claims.time(name));
        if let (Ok(Some(expires)), Ok(Some(from))) = (&exp, &nbf)
            && let Err(denial) = Expectations::check_order(Some(*from), *expires)
        {
            let found = format!("nbf is {} after exp", times::span(from.since(*expires)));
            self.step("nbf and exp", Err::<(), _>(denial), found, "nbf before exp");
        }
        let leeway = times::span(expectations.leeway);
        let mut time = |name, time: &Result<_, Denial>, check: &dyn Fn(_) -> _, words, expected| {
            let (result, found, expected) = match time {
                Ok(None) if name == "exp" => return,
                Ok(None) => (Ok(()), "absent".to_owned(), expected),
                Ok(Some(time)) => {
                    let found = times::relative(*time, now, words) + "; leeway " + &leeway;
                    (check(*time), found, expected)
                }
                Err(denial) => (Err(denial.clone()), value(claims, name), TIME),
            };
            self.step(name, result, found, expected);
        };
        let check = |expires| expectations.check_expiry(expires, now);
        time("exp", &exp, &check, ["expired", "expires"], FUTURE);
        let check = |from| expectations.check_not_before(Some(from), now);
        time("nbf", &nbf, &check, ["began", "begins"], PAST);
        let check = |issued| expectations.check_issued(Some(issued), now);
        time("iat", &iat, &check, ["issued", "issued"], PAST);
        if let (Ok(Some(expires)), Ok(issued)) = (exp, iat) {
            self.lifetime(issued, expires, expectations);
        }
    }

    fn lifetime(&mut self, issued: Option<UnixTime>, expires: UnixTime, checks: &Expectations) {
        let now = self.now.unix;
        let left = times::span(expires.since(now));
        let found = match issued.map(|issued| times::span(expires.since(issued))) {
            Some(whole) => format!("{whole} from iat to exp, {left} from now"),
            None => format!("no iat, {left} from now"),
        };
        if let Some(longest) = checks.max_lifetime {
            let result = checks.check_lifetime(issued, expires, now);
            let expected = format!("iat, and at most {}", times::span(longest));
            self.step("max_lifetime", result, found, expected);
        }
    }
}

pub(super) fn value(claims: &Claims, name: &str) -> String {
    text::value_or_absent(claims.get(name))
}
