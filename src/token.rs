//! Tokens: their places in a request, the checks on their registered claims, and the denials.
//!
//! Owns [`VerifiedToken`], the proof of a checked signature, and [`Denial`], the list of all
//! denials. Knows nothing of rules or the proxy, and reads no clock.

mod claims;
mod client;
mod denial;
mod expectations;
mod extract;
mod kind;
mod media_types;
mod time;
mod verified;

pub use claims::{ClaimPath, Claims};
pub use denial::{Denial, DenialClass};
pub use extract::BearerToken;
pub use time::{CurrentTime, Moment, UnixTime};
pub use verified::{UnverifiedToken, VerifiedToken};

pub(crate) use claims::{
    MAX_VALUES as MAX_CLAIM_VALUES, claim_invalid, claim_missing, is_scope_byte,
};
pub(crate) use client::CLIENT_CLAIMS;
pub(crate) use expectations::{Audiences, Expectations};
pub(crate) use extract::{Location, Removal};
pub(crate) use kind::TokenKind;
pub(crate) use media_types::MediaTypes;
pub(crate) use verified::{Registered, audiences, media_type};
