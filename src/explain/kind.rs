//! The steps for the token's type and kind, its client, and claims that must or must not be there.

use crate::token::{CLIENT_CLAIMS, ClaimPath, Claims, Denial, Expectations, TokenKind, media_type};

use super::claims::value;
use super::steps::Explainer;
use super::text;

impl Explainer<'_, '_, '_> {
    pub(super) fn kind(&mut self, typ: Option<&str>, claims: &Claims, expectations: &Expectations) {
        let found = typ.map_or_else(|| "absent".to_owned(), text::quoted);
        let typ = typ.map(media_type);
        let result = expectations.check_type(typ.as_deref());
        let types = &expectations.types;
        let names = text::one_of(types.names.iter().map(|name| text::plain(name)));
        let none = if types.optional { "no typ, or " } else { "" };
        self.step("typ", result, found, format!("{none}{names}"));

        if let Some(kind) = expectations.kind {
            let result = expectations.check_kind(typ.as_deref(), claims);
            let found = of_kind(kind, typ.as_deref(), claims, &result);
            self.step("token_kind", result, found, expected(kind));
        }
        let result = expectations.check_confirmation(claims);
        let ignored = result.is_ok() && claims.get("cnf").is_some();
        let found = value(claims, "cnf") + if ignored { ", ignored" } else { "" };
        let expected = "a token that is not bound to its sender (see ignore_confirmation)";
        self.step("cnf", result, found, expected);
    }

    pub(super) fn client(&mut self, claims: &Claims, expectations: &Expectations) {
        let accepted = &expectations.client_ids;
        if accepted.is_empty() {
            return;
        }
        let present = CLIENT_CLAIMS.as_flattened().iter();
        let present = present.filter(|name| claims.has(name));
        let clients: Vec<String> = present
            .map(|name| format!("{name} {}", value(claims, name)))
            .collect();
        let found = match &clients[..] {
            [] => "no client".to_owned(),
            clients => clients.join(", "),
        };
        let accepted = text::one_of(accepted.iter().map(|client| text::quoted(client)));
        let result = expectations.check_client(claims);
        let expected = format!("in azp or client_id, or else in cid or appid: {accepted}");
        self.step("client_ids", result, found, expected);
    }

    pub(super) fn presence(&mut self, claims: &Claims, expectations: &Expectations) {
        let (required, forbidden) = (
            &expectations.required_claims,
            &expectations.forbidden_claims,
        );
        if !required.is_empty() {
            let result = expectations.check_required(claims);
            let expected = format!("not null or empty: {}", names(required));
            self.step(
                "required_claims",
                result,
                values(claims, required),
                expected,
            );
        }
        if !forbidden.is_empty() {
            let result = expectations.check_forbidden(claims);
            let expected = format!("none of {}", names(forbidden));
            self.step(
                "forbidden_claims",
                result,
                values(claims, forbidden),
                expected,
            );
        }
    }
}

fn names(paths: &[ClaimPath]) -> String {
    text::list(paths.iter().map(|path| text::plain(&path.to_string())))
}

fn values(claims: &Claims, paths: &[ClaimPath]) -> String {
    let value = |path: &ClaimPath| {
        let name = text::plain(&path.to_string());
        format!("{name} {}", text::value_or_absent(claims.at(path)))
    };
    text::list(paths.iter().map(value))
}

fn of_kind(
    kind: TokenKind,
    typ: Option<&str>,
    claims: &Claims,
    result: &Result<(), Denial>,
) -> String {
    let claim = match (kind.sign_of_another(typ, claims), result) {
        (Ok(Some(name)), _) => name,
        (_, Err(Denial::ClaimMissing { claim } | Denial::ClaimInvalid { claim })) => &**claim,
        _ => return "no sign of another kind".to_owned(),
    };
    format!("the claim {claim}: {}", value(claims, claim))
}

fn expected(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Access => "an access token: nothing that only other tokens have",
        TokenKind::Rfc9068Access => {
            "an access token with aud, client_id, iat, jti and sub (RFC 9068), and nothing that \
             only other tokens have"
        }
        TokenKind::Id => {
            "an ID token with aud, iat and sub, with azp if it has several audiences, and nothing \
             that only other tokens have"
        }
        TokenKind::Logout => {
            "a logout token with aud, iat, jti, the event, and sub or sid; and without nonce"
        }
    }
}
