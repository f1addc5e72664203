//! The reasons for which a request is denied.

use std::sync::Arc;
use std::time::Duration;

use crate::jose::JoseError;

/// Generates the enum and its tables from one list, so no entry can be forgotten: `Variant { fields
/// } = "code", DenialClass, "sentence for clients";`
macro_rules! denials {
    ($($(#[$doc:meta])* $name:ident $({ $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })?
        = $code:literal, $class:ident, $sentence:literal;)*) => {
        /// A denial. Its code is public and never renamed. Fields are for operators; clients see
        /// only the required scope, which comes from the configuration.
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum Denial {
            $($(#[$doc])* #[error($sentence)] $name $({ $($(#[$field_doc])* $field: $type,)* })?,)*
        }

        impl Denial {
            /// One denial of each kind.
            #[must_use]
            pub fn samples() -> Vec<Self> {
                vec![$(Self::$name $({ $($field: <$type>::default(),)* })?,)*]
            }

            /// The stable reason code.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $code,)*
                }
            }

            /// The class of the denial, which determines the gRPC and HTTP statuses.
            #[must_use]
            pub fn class(&self) -> DenialClass {
                match self {
                    $(Self::$name { .. } => DenialClass::$class,)*
                }
            }
        }
    };
}

denials! {
    /// A credential is required, and the request has none.
    TokenMissing = "token_missing", Unauthenticated, "no bearer token was sent";
    /// The credential is not one well-formed token.
    TokenMalformed = "token_malformed", Unauthenticated, "the bearer token is malformed";
    /// The credential is longer than `server.max_token_size`, or has too many values in its JSON.
    TokenTooLarge = "token_too_large", Unauthenticated, "the bearer token is too large";
    /// The algorithm is not allowed for this issuer, or does not fit the key.
    AlgNotAllowed = "alg_not_allowed", Unauthenticated, "the token's algorithm is not allowed";
    /// No usable key has the token's `kid`.
    KeyNotFound = "key_not_found", Unauthenticated, "the token's key is not known";
    /// The signature does not verify.
    SignatureInvalid = "signature_invalid", Unauthenticated, "the token's signature is invalid";
    /// An encrypted token cannot be decrypted.
    DecryptFailed = "decrypt_failed", Unauthenticated, "the token cannot be decrypted";
    /// The issuer's tokens must be encrypted (`decryption.required`), and this one is only signed.
    EncryptionRequired = "encryption_required", Unauthenticated, "the token must be encrypted";
    /// The header lists a critical extension (RFC 7515 §4.1.11).
    CritUnsupported = "crit_unsupported", Unauthenticated,
        "the token needs an extension that is not supported";
    /// The token's `typ` or kind is not accepted here, or it is bound to a sender (`cnf`).
    TokenTypeInvalid = "token_type_invalid", Unauthenticated, "the token is of the wrong type";
    /// `exp` has passed.
    TokenExpired {
        /// The time since `exp`, leeway not counted.
        ago: Duration,
    } = "token_expired", Unauthenticated, "the token has expired";
    /// `nbf` is in the future.
    TokenNotYetValid {
        /// The time until `nbf`, leeway not counted.
        ahead: Duration,
    } = "token_not_yet_valid", Unauthenticated, "the token is not valid yet";
    /// The token was revoked.
    TokenRevoked = "token_revoked", Unauthenticated, "the token has been revoked";
    /// `iss` is not configured, or not accepted by the rule.
    IssuerNotAllowed = "issuer_not_allowed", Unauthenticated, "the token's issuer is not accepted";
    /// `aud` names none of the expected audiences.
    AudienceMismatch = "audience_mismatch", Unauthenticated, "the token is for another audience";
    /// A required claim is absent.
    ClaimMissing {
        /// Its name, from a standard or the configuration.
        claim: Arc<str>,
    } = "claim_missing", Unauthenticated, "the token lacks a required claim";
    /// A claim is present but cannot be used.
    ClaimInvalid {
        /// Its name, from a standard or the configuration.
        claim: Arc<str>,
    } = "claim_invalid", Unauthenticated, "the token has an invalid claim";
    /// The token lacks a scope that the rule demands.
    InsufficientScope {
        /// The scopes that the rule demands, separated by spaces.
        scope: Arc<str>,
    } = "insufficient_scope", PermissionDenied, "the token lacks a required scope";
    /// A rule refuses the request, or none applies to it.
    PolicyDenied = "policy_denied", PermissionDenied, "the request is not permitted";
    /// The caller's shared secret or client certificate is missing or wrong.
    CallerNotAllowed = "caller_not_allowed", PermissionDenied, "the proxy may not ask this service";
    /// The request is undecodable, incomplete, or ambiguous.
    RequestMalformed = "request_malformed", InvalidArgument, "the request is malformed";
    /// The issuer's keys were never available, or are older than `max_stale`.
    JwksUnavailable = "jwks_unavailable", Unavailable,
        "the keys to check the token are not available";
    /// Too much work is in flight.
    Overloaded = "overloaded", Unavailable, "the service is overloaded";
    /// A bug in Watchword.
    Internal = "internal", Internal, "internal error";
}

/// The class of a denial: one gRPC status and one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenialClass {
    /// 401: the credentials are missing or invalid.
    Unauthenticated,
    /// 403: the token is valid, but not sufficient.
    PermissionDenied,
    /// 400: the request is malformed or ambiguous.
    InvalidArgument,
    /// 503: try again later.
    Unavailable,
    /// 500: a bug in Watchword.
    Internal,
}

impl DenialClass {
    /// The code of `google.rpc.Status`; never 0.
    pub(crate) fn grpc_code(self) -> i32 {
        match self {
            Self::Unauthenticated => 16,
            Self::PermissionDenied => 7,
            Self::InvalidArgument => 3,
            Self::Unavailable => 14,
            Self::Internal => 13,
        }
    }

    /// The HTTP status that the downstream client gets; Envoy's API defines each of them.
    pub(crate) fn http_status(self) -> i32 {
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
    /// The error code for clients, from RFC 6750 §3.1 where it defines one.
    #[must_use]
    pub fn error(&self) -> &'static str {
        match (self, self.class()) {
            (Self::TokenMissing, _) => "unauthorized",
            (Self::InsufficientScope { .. }, _) => "insufficient_scope",
            (_, DenialClass::Unauthenticated) => "invalid_token",
            (_, DenialClass::PermissionDenied) => "forbidden",
            (_, DenialClass::InvalidArgument) => "invalid_request",
            (_, DenialClass::Unavailable) => "temporarily_unavailable",
            (_, DenialClass::Internal) => "server_error",
        }
    }
}

impl Denial {
    /// Returns true if newer keys of the issuer could turn the denial into an allow. This includes
    /// bad signatures and unsuitable algorithms: some issuers replace a key under its old `kid`,
    /// and a token without `kid` fits any key.
    pub(crate) fn depends_on_keys(&self) -> bool {
        matches!(
            self,
            Self::KeyNotFound
                | Self::SignatureInvalid
                | Self::AlgNotAllowed
                | Self::JwksUnavailable
        )
    }
}

impl From<JoseError> for Denial {
    fn from(error: JoseError) -> Self {
        match error {
            JoseError::Malformed => Self::TokenMalformed,
            JoseError::TooLarge => Self::TokenTooLarge,
            JoseError::AlgNotAllowed => Self::AlgNotAllowed,
            JoseError::CritUnsupported => Self::CritUnsupported,
            JoseError::KeyNotFound => Self::KeyNotFound,
            JoseError::SignatureInvalid => Self::SignatureInvalid,
            JoseError::DecryptFailed => Self::DecryptFailed,
        }
    }
}

/// The code of a denial and the claim that it names, or `allowed`.
#[cfg(test)]
pub(super) fn outcome(result: Result<(), Denial>) -> String {
    match result {
        Ok(()) => "allowed".to_owned(),
        Err(
            ref denial @ (Denial::ClaimMissing { ref claim } | Denial::ClaimInvalid { ref claim }),
        ) => {
            format!("{} {claim}", denial.code())
        }
        Err(denial) => denial.code().to_owned(),
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
encryption_required 16 401 invalid_token
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
caller_not_allowed 7 403 forbidden
request_malformed 3 400 invalid_request
jwks_unavailable 14 503 temporarily_unavailable
overloaded 14 503 temporarily_unavailable
internal 13 500 server_error
";
        assert_eq!(table, expected);
    }
}
