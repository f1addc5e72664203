//! Tokens: where they are found, what their registered claims must say, and why they are refused.
//!
//! Owns [`VerifiedToken`], the proof that a signature was checked, and [`Denial`], the list of every
//! refusal. Refuses to know rules, the proxy, or the time of day.

mod claims;
mod denial;
mod expectations;
mod extract;
mod time;
mod verified;

pub use claims::{ClaimPath, Claims};
pub use denial::{Denial, DenialClass};
pub use expectations::{Audiences, Expectations};
pub use extract::{BearerToken, Location, Removal};
pub use time::{CurrentTime, Moment, UnixTime};
pub use verified::{UnverifiedToken, VerifiedToken};

pub(crate) use claims::MAX_VALUES as MAX_CLAIM_VALUES;
pub(crate) use verified::{Registered, audiences, media_type};
