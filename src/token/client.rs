//! The client that a token was issued to.

use super::Denial;
use super::claims::{Claims, claim_invalid, claim_missing};

/// The claims for a client's ID: those of OIDC and RFC 9068 §2.2, and in tokens with
/// neither, those of Okta and of Entra ID's version 1.
pub(crate) const CLIENT_CLAIMS: [[&str; 2]; 2] = [["azp", "client_id"], ["cid", "appid"]];

/// Checks that a token's client is one of these.
///
/// # Errors
/// [`Denial::ClaimMissing`] if the token names no client; [`Denial::ClaimInvalid`] if it names
/// another one, two different ones, or one that is not a string.
pub(crate) fn check_client(claims: &Claims, accepted: &[Box<str>]) -> Result<(), Denial> {
    for [first, second] in CLIENT_CLAIMS {
        let (name, client) = match (claims.text(first)?, claims.text(second)?) {
            (None, None) => continue,
            (Some(client), Some(other)) if client != other => return Err(claim_invalid(second)),
            (Some(client), _) => (first, client),
            (None, Some(client)) => (second, client),
        };
        let is_accepted = accepted.iter().any(|accepted| **accepted == *client);
        return is_accepted.then_some(()).ok_or_else(|| claim_invalid(name));
    }
    Err(claim_missing("client_id"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Claims, check_client};
    use crate::token::denial::outcome;

    fn judge(claims: &Value) -> String {
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
        outcome(check_client(&claims, &["web".into(), "app".into()]))
    }

    #[test]
    fn a_client_is_found_where_each_provider_writes_it() {
        for claims in [
            json!({"azp": "web"}),
            json!({"client_id": "app"}),
            json!({"azp": "web", "client_id": "web"}),
            json!({"cid": "web"}),
            json!({"appid": "web"}),
        ] {
            assert_eq!(judge(&claims), "allowed", "{claims}");
        }
        for name in ["azp", "client_id", "cid", "appid"] {
            for client in ["WEB", "web ", "we", "webs", "", "*", "web,app"] {
                let claims = json!({name: client});
                assert_eq!(judge(&claims), format!("claim_invalid {name}"), "{claims}");
            }
            for odd in [json!(null), json!(1), json!(["web"]), json!({"web": 1})] {
                let claims = json!({name: odd});
                assert_eq!(judge(&claims), format!("claim_invalid {name}"), "{claims}");
            }
        }
    }

    #[test]
    fn a_token_without_a_client_is_refused() {
        assert_eq!(
            judge(&json!({"sub": "web", "aud": "web"})),
            "claim_missing client_id"
        );
    }

    /// Even if both are accepted: it is not known which of them got the token.
    #[test]
    fn two_clients_that_differ_are_refused() {
        for (claims, expected) in [
            (
                json!({"azp": "web", "client_id": "app"}),
                "claim_invalid client_id",
            ),
            (
                json!({"azp": "web", "client_id": null}),
                "claim_invalid client_id",
            ),
            (json!({"azp": [], "client_id": "web"}), "claim_invalid azp"),
            (json!({"cid": "web", "appid": "app"}), "claim_invalid appid"),
        ] {
            assert_eq!(judge(&claims), expected, "{claims}");
        }
    }

    /// Other providers give `cid` another meaning.
    #[test]
    fn a_claim_of_one_provider_counts_only_without_the_standards_own() {
        assert_eq!(judge(&json!({"azp": "web", "cid": 7})), "allowed");
        assert_eq!(judge(&json!({"client_id": "web", "appid": "x"})), "allowed");
        assert_eq!(
            judge(&json!({"azp": "x", "cid": "web"})),
            "claim_invalid azp"
        );
    }
}
