//! The next step after a denial, in a line. docs/reasons.md has more.

use crate::policy::{NearMiss, NoRule, Policy, RequestPart};
use crate::request::Request;
use crate::token::Denial;

pub(super) fn hint(
    denial: &Denial,
    policy: &Policy,
    request: &Request<'_>,
) -> Option<&'static str> {
    Some(match denial {
        Denial::TokenMissing => "give a token: as an argument, or on standard input",
        Denial::TokenMalformed => "use the whole token as the issuer gave it, and nothing else",
        Denial::TokenTooLarge => {
            "raise server.max_token_size (at most 65536), or have the issuer make tokens smaller"
        }
        Denial::AlgNotAllowed => {
            "compare alg with the issuer's algorithms and with the key's own alg"
        }
        Denial::KeyNotFound => {
            "compare kid with the issuer's current keys; --server uses those of a running server"
        }
        Denial::SignatureInvalid => {
            "the token was changed, or signed with another key: get a new one"
        }
        Denial::CritUnsupported => "the issuer must not use crit",
        Denial::TokenTypeInvalid => {
            "is it an access token? see token_kind, types and ignore_confirmation"
        }
        Denial::TokenExpired { .. } => {
            "get a new token; if tokens expire at once, compare the clocks"
        }
        Denial::TokenNotYetValid { .. } => "compare the clocks of the issuer and of this machine",
        Denial::IssuerNotAllowed => {
            "compare iss with the configured issuers, final slash included, and with the rule's"
        }
        Denial::AudienceMismatch => "was the token made for this service? ask for its audience",
        Denial::ClaimMissing { .. } => "have the issuer add the claim",
        Denial::ClaimInvalid { .. } => "have the issuer write the claim as expected",
        Denial::InsufficientScope { .. } => "ask the issuer for a token with these scopes",
        Denial::PolicyDenied => "compare the claims, or path, method and host, with the rules",
        Denial::RequestMalformed => of_request(policy.rules().select(request).err()?, request),
        Denial::JwksUnavailable | Denial::Overloaded => "try again later",
        Denial::DecryptFailed => {
            "was it encrypted to a key that this configuration has? `watchword keys public` shows \
             them"
        }
        Denial::EncryptionRequired => {
            "have the issuer encrypt its tokens, or leave out decryption.required"
        }
        Denial::TokenRevoked | Denial::CallerNotAllowed | Denial::Internal => return None,
    })
}

fn of_request(cause: NoRule<'_>, request: &Request<'_>) -> &'static str {
    match cause {
        NoRule::Host if request.host.is_empty() => "rules have hosts: give --host",
        NoRule::Host => "the host is not valid: check --host",
        NoRule::Spelling(NearMiss { part, .. }) => match part {
            RequestPart::Method => "methods are case-sensitive: give --method as the rule has it",
            RequestPart::Host => {
                "see Spellings in docs/rules.md; let the proxy remove a port and a final dot"
            }
            RequestPart::Path => "see Spellings in docs/rules.md",
        },
        NoRule::Target(_) | NoRule::Path | NoRule::NoneFits => {
            "see Ambiguous paths in docs/rules.md; let the proxy normalise paths"
        }
    }
}
