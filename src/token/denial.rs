//! Every reason for which a request is refused.

use std::sync::Arc;
use std::time::Duration;

use crate::jose::JwsError;

/// A refusal. The code is public and never renamed; fields are for operators and never reach a client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// No credential where one is needed.
    #[error("no bearer token was sent")]
    TokenMissing,
    /// The credential is not one well-formed token.
    #[error("the bearer token is malformed")]
    TokenMalformed,
    /// The credential is longer than `server.max_token_size`.
    #[error("the bearer token is too large")]
    TokenTooLarge,
    /// The algorithm is not allowed for this issuer, or does not fit the key.
    #[error("the token's algorithm is not allowed")]
    AlgNotAllowed,
    /// No usable key has the token's `kid`.
    #[error("the token's key is not known")]
    KeyNotFound,
    /// The signature does not verify.
    #[error("the token's signature is invalid")]
    SignatureInvalid,
    /// An encrypted token cannot be decrypted.
    #[error("the token cannot be decrypted")]
    DecryptFailed,
    /// The header lists a critical extension (RFC 7515 §4.1.11).
    #[error("the token needs an extension that is not supported")]
    CritUnsupported,
    /// The token's `typ` is not accepted here, or it is bound to a sender (`cnf`).
    #[error("the token is of the wrong type")]
    TokenTypeInvalid,
    /// `exp` has passed.
    #[error("the token has expired")]
    TokenExpired {
        /// How long ago, leeway not counted.
        ago: Duration,
    },
    /// `nbf` has not come.
    #[error("the token is not valid yet")]
    TokenNotYetValid {
        /// How far ahead, leeway not counted.
        ahead: Duration,
    },
    /// The token was revoked.
    #[error("the token has been revoked")]
    TokenRevoked,
    /// `iss` is not configured, or not accepted by the rule.
    #[error("the token's issuer is not accepted")]
    IssuerNotAllowed,
    /// `aud` names none of the expected audiences.
    #[error("the token is for another audience")]
    AudienceMismatch,
    /// A claim that is needed is absent.
    #[error("the token lacks a required claim")]
    ClaimMissing {
        /// Its name, from RFC 7519 or the configuration.
        claim: Arc<str>,
    },
    /// A claim is present but cannot be used.
    #[error("the token has an invalid claim")]
    ClaimInvalid {
        /// Its name, from RFC 7519 or the configuration.
        claim: Arc<str>,
    },
    /// The token lacks a scope that the rule asks for.
    #[error("the token lacks a required scope")]
    InsufficientScope {
        /// The scopes that the rule asks for, separated by spaces.
        scope: Arc<str>,
    },
    /// A rule refuses the request, or none applies to it.
    #[error("the request is not permitted")]
    PolicyDenied,
    /// The request cannot be judged: undecodable, incomplete, or ambiguous.
    #[error("the request is malformed")]
    RequestMalformed,
    /// The issuer's keys have never been available.
    #[error("the keys to check the token are not available")]
    JwksUnavailable,
    /// Too much work is in flight.
    #[error("the service is overloaded")]
    Overloaded,
    /// A fault of Watchword itself.
    #[error("internal error")]
    Internal,
}

/// What a refusal means to gRPC and HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 401: no credentials, or bad ones.
    Unauthenticated,
    /// 403: a good token, but not enough.
    PermissionDenied,
    /// 400: a request that cannot be judged.
    InvalidArgument,
    /// 503: try again later.
    Unavailable,
    /// 500: our own fault.
    Internal,
}

impl Class {
    /// The code of `google.rpc.Status`; never 0.
    #[must_use]
    pub fn grpc_code(self) -> i32 {
        match self {
            Self::Unauthenticated => 16,
            Self::PermissionDenied => 7,
            Self::InvalidArgument => 3,
            Self::Unavailable => 14,
            Self::Internal => 13,
        }
    }

    /// The status that the downstream client sees; each is one that Envoy's API defines.
    #[must_use]
    pub fn http_status(self) -> i32 {
        match self {
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::InvalidArgument => 400,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }
}

impl Denial {
    /// One denial of each kind, for tables that must be complete.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        let (zero, none): (Duration, Arc<str>) = (Duration::ZERO, Arc::from(""));
        vec![
            Self::TokenMissing,
            Self::TokenMalformed,
            Self::TokenTooLarge,
            Self::AlgNotAllowed,
            Self::KeyNotFound,
            Self::SignatureInvalid,
            Self::DecryptFailed,
            Self::CritUnsupported,
            Self::TokenTypeInvalid,
            Self::TokenExpired { ago: zero },
            Self::TokenNotYetValid { ahead: zero },
            Self::TokenRevoked,
            Self::IssuerNotAllowed,
            Self::AudienceMismatch,
            Self::ClaimMissing {
                claim: none.clone(),
            },
            Self::ClaimInvalid {
                claim: none.clone(),
            },
            Self::InsufficientScope { scope: none },
            Self::PolicyDenied,
            Self::RequestMalformed,
            Self::JwksUnavailable,
            Self::Overloaded,
            Self::Internal,
        ]
    }

    /// The stable reason code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TokenMissing => "token_missing",
            Self::TokenMalformed => "token_malformed",
            Self::TokenTooLarge => "token_too_large",
            Self::AlgNotAllowed => "alg_not_allowed",
            Self::KeyNotFound => "key_not_found",
            Self::SignatureInvalid => "signature_invalid",
            Self::DecryptFailed => "decrypt_failed",
            Self::CritUnsupported => "crit_unsupported",
            Self::TokenTypeInvalid => "token_type_invalid",
            Self::TokenExpired { .. } => "token_expired",
            Self::TokenNotYetValid { .. } => "token_not_yet_valid",
            Self::TokenRevoked => "token_revoked",
            Self::IssuerNotAllowed => "issuer_not_allowed",
            Self::AudienceMismatch => "audience_mismatch",
            Self::ClaimMissing { .. } => "claim_missing",
            Self::ClaimInvalid { .. } => "claim_invalid",
            Self::InsufficientScope { .. } => "insufficient_scope",
            Self::PolicyDenied => "policy_denied",
            Self::RequestMalformed => "request_malformed",
            Self::JwksUnavailable => "jwks_unavailable",
            Self::Overloaded => "overloaded",
            Self::Internal => "internal",
        }
    }

    /// What the refusal means to gRPC and HTTP.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::TokenMissing
            | Self::TokenMalformed
            | Self::TokenTooLarge
            | Self::AlgNotAllowed
            | Self::KeyNotFound
            | Self::SignatureInvalid
            | Self::DecryptFailed
            | Self::CritUnsupported
            | Self::TokenTypeInvalid
            | Self::TokenExpired { .. }
            | Self::TokenNotYetValid { .. }
            | Self::TokenRevoked
            | Self::IssuerNotAllowed
            | Self::AudienceMismatch
            | Self::ClaimMissing { .. }
            | Self::ClaimInvalid { .. } => Class::Unauthenticated,
            Self::InsufficientScope { .. } | Self::PolicyDenied => Class::PermissionDenied,
            Self::RequestMalformed => Class::InvalidArgument,
            Self::JwksUnavailable | Self::Overloaded => Class::Unavailable,
            Self::Internal => Class::Internal,
        }
    }

    /// The error code for clients: RFC 6750 §3.1 where it has one.
    #[must_use]
    pub fn error(&self) -> &'static str {
        match (self, self.class()) {
            (Self::TokenMissing, _) => "unauthorized",
            (Self::InsufficientScope { .. }, _) => "insufficient_scope",
            (_, Class::Unauthenticated) => "invalid_token",
            (_, Class::PermissionDenied) => "forbidden",
            (_, Class::InvalidArgument) => "invalid_request",
            (_, Class::Unavailable) => "temporarily_unavailable",
            (_, Class::Internal) => "server_error",
        }
    }
}

impl From<JwsError> for Denial {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::Malformed => Self::TokenMalformed,
            JwsError::AlgNotAllowed => Self::AlgNotAllowed,
            JwsError::CritUnsupported => Self::CritUnsupported,
            JwsError::KeyNotFound => Self::KeyNotFound,
            JwsError::SignatureInvalid => Self::SignatureInvalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Denial;

    /// Codes, gRPC codes and HTTP statuses are public: a change here is a breaking change.
    #[test]
    fn the_whole_table_is_pinned() {
        let row = |denial: &Denial| {
            let (code, class) = (denial.code(), denial.class());
            let (grpc, http) = (class.grpc_code(), class.http_status());
            format!("{code} {grpc} {http} {}\n", denial.error())
        };
        let table = Denial::samples()
            .iter()
            .map(row)
            .collect::<Vec<_>>()
            .concat();
        let expected = "\
token_missing 16 401 unauthorized
token_malformed 16 401 invalid_token
token_too_large 16 401 invalid_token
alg_not_allowed 16 401 invalid_token
key_not_found 16 401 invalid_token
signature_invalid 16 401 invalid_token
decrypt_failed 16 401 invalid_token
crit_unsupported 16 401 invalid_token
token_type_invalid 16 401 invalid_token
token_expired 16 401 invalid_token
token_not_yet_valid 16 401 invalid_token
token_revoked 16 401 invalid_token
issuer_not_allowed 16 401 invalid_token
audience_mismatch 16 401 invalid_token
claim_missing 16 401 invalid_token
claim_invalid 16 401 invalid_token
insufficient_scope 7 403 insufficient_scope
policy_denied 7 403 forbidden
request_malformed 3 400 invalid_request
jwks_unavailable 14 503 temporarily_unavailable
overloaded 14 503 temporarily_unavailable
internal 13 500 server_error
";
        assert_eq!(table, expected);
    }
}
