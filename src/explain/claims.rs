//! The steps for registered claims and the token's type.

use crate::jose::Json;
use crate::policy::{Issuer, IssuerId, TokenFrom};
use crate::token::{
    Audiences, Claims, Denial, Expectations, Registered, UnixTime, UnverifiedToken, audiences,
    media_type,
};

use super::steps::Explainer;
use super::{text, times};

const TIME: &str = "a number of seconds since 1970, up to 2^53";

impl Explainer<'_, '_, '_> {
    /// Checks the types of all registered claims, before any is compared.
    pub(super) fn claims(&mut self, claims: &Claims) {
        let result = Registered::read(claims).map(drop);
        let (found, expected) = match &result {
            Err(Denial::ClaimMissing { claim }) => (format!("no {claim}"), "iss and exp"),
            Err(Denial::ClaimInvalid { claim }) => {
                (format!("{claim} {}", value(claims, claim)), form(claim))
            }
            _ => ("each of its type".to_owned(), "claims of their types"),
        };
        self.step("claims", result, found, expected);
    }

    /// Checks that the issuer's tokens are accepted in this place.
    pub(super) fn place(&mut self, place: &TokenFrom, id: IssuerId, issuer: &Issuer) {
        if place.issuers.is_none() {
            return;
        }
        let result = if place.admits(id) {
            Ok(())
        } else {
            Err(Denial::IssuerNotAllowed)
        };
        let found = format!(
            "{} in {}",
            text::plain(&issuer.name),
            text::location(&place.location)
        );
        self.step("place", result, found, "a place for this issuer's tokens");
    }

    /// Checks `typ` and `cnf`.
    pub(super) fn kind(&mut self, token: &UnverifiedToken<'_>, expectations: &Expectations) {
        let typ = token.jws().header().typ();
        let found = typ.map_or_else(|| "absent".to_owned(), text::quoted);
        let result = expectations.check_type(typ.map(media_type).as_deref());
        let types = expectations.types.iter();
        let expected = if expectations.types.is_empty() {
            "no typ, or one of JWT, JOSE, at+jwt".to_owned()
        } else {
            text::one_of(types.map(|typ| text::quoted(typ)))
        };
        self.step("typ", result, found, expected);
        let claims = token.claims();
        let result = expectations.check_confirmation(claims);
        let found = match claims.get("cnf") {
            None => "absent".to_owned(),
            Some(cnf) if result.is_ok() => format!("{}, ignored", text::value(cnf)),
            Some(cnf) => text::value(cnf),
        };
        let expected = "a token that is not bound to its sender (see ignore_confirmation)";
        self.step("cnf", result, found, expected);
    }

    pub(super) fn audience(&mut self, claims: &Claims, expectations: &Expectations) {
        let accepted = &expectations.audiences;
        let result = audiences(claims).and_then(|named| accepted.check(&named));
        self.step("aud", result, value(claims, "aud"), expected(accepted));
    }

    pub(super) fn times(&mut self, claims: &Claims, expectations: &Expectations) {
        let now = self.now.unix;
        if let Err(denial) = Expectations::check_clock(now) {
            let expected = "a clock that is right";
            self.step("clock", Err(denial), "a time before 1970", expected);
        }
        let leeway = times::span(expectations.leeway);
        let [exp, nbf, iat] = ["exp", "nbf", "iat"].map(|name| claims.time(name));
        let when = |time, [past, future]: [&str; 2]| {
            format!(
                "{}; leeway {leeway}",
                times::relative(time, now, past, future)
            )
        };
        if let (Ok(Some(expires)), Ok(Some(from))) = (&exp, &nbf)
            && let Err(denial) = Expectations::check_order(Some(*from), *expires)
        {
            let found = format!("nbf is {} after exp", times::span(from.since(*expires)));
            self.step("nbf and exp", Err(denial), found, "nbf before exp");
        }
        match &exp {
            Ok(None) => self.skip(&["exp"]),
            Ok(Some(expires)) => {
                let result = expectations.check_expiry(*expires, now);
                let found = when(*expires, ["expired", "expires"]);
                self.step("exp", result, found, "a time to come");
            }
            Err(denial) => self.unreadable("exp", denial, claims),
        }
        let begins = |from: UnixTime| when(from, ["began", "begins"]);
        match &nbf {
            Ok(from) => {
                let result = expectations.check_not_before(*from, now);
                self.time("nbf", result, from.map(begins));
            }
            Err(denial) => self.unreadable("nbf", denial, claims),
        }
        let dated = |issued: UnixTime| when(issued, ["issued", "issued"]);
        match &iat {
            Ok(issued) => {
                let result = expectations.check_issued(*issued, now);
                self.time("iat", result, issued.map(dated));
            }
            Err(denial) => self.unreadable("iat", denial, claims),
        }
        if let (Ok(Some(expires)), Ok(issued)) = (exp, iat) {
            self.lifetime(issued, expires, expectations);
        }
    }

    fn time(&mut self, name: &'static str, result: Result<(), Denial>, found: Option<String>) {
        let found = found.unwrap_or_else(|| "absent".to_owned());
        self.step(name, result, found, "a time that has come");
    }

    fn unreadable(&mut self, name: &'static str, denial: &Denial, claims: &Claims) {
        self.step(name, Err(denial.clone()), value(claims, name), TIME);
    }

    fn lifetime(
        &mut self,
        issued: Option<UnixTime>,
        expires: UnixTime,
        expectations: &Expectations,
    ) {
        let Some(longest) = expectations.max_lifetime else {
            return;
        };
        let now = self.now.unix;
        let result = expectations.check_lifetime(issued, expires, now);
        let left = times::span(expires.since(now));
        let found = match issued {
            Some(issued) => {
                let whole = times::span(expires.since(issued));
                format!("{whole} from iat to exp, {left} from now")
            }
            None => format!("no iat, {left} from now"),
        };
        let expected = format!("iat, and at most {}", times::span(longest));
        self.step("max_lifetime", result, found, expected);
    }
}

/// The accepted audiences, in words.
pub(super) fn expected(audiences: &Audiences) -> String {
    match audiences {
        Audiences::Any => "any audience".to_owned(),
        Audiences::OneOf(list) => text::one_of(list.iter().map(|one| text::quoted(one))),
    }
}

/// A claim's value, in words.
pub(super) fn value(claims: &Claims, name: &str) -> String {
    let claim: Option<&Json> = claims.get(name);
    claim.map_or_else(|| "absent".to_owned(), text::value)
}

/// The required type of a registered claim, in words.
fn form(claim: &str) -> &'static str {
    match claim {
        "aud" => "a string, or an array of strings",
        "exp" | "nbf" | "iat" => TIME,
        _ => "a string",
    }
}
