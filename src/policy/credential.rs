//! The one credential of a request, looked for in every place that the policy names.

use crate::request::Request;
use crate::token::{BearerToken, Denial};

use super::{Policy, TokenFrom};

/// A token's text and the place where it stood.
#[derive(Clone, Copy, Debug)]
pub struct Credential<'p, 'r> {
    /// The text.
    pub token: BearerToken<'r>,
    /// The place.
    pub place: &'p TokenFrom,
}

impl Policy {
    /// The credential of a request, if it has one. Looks at every place, so that a second credential anywhere is noticed.
    ///
    /// # Errors
    /// [`Denial::TokenMalformed`], [`Denial::TokenTooLarge`].
    pub fn credential<'p, 'r>(
        &'p self,
        request: &Request<'r>,
    ) -> Result<Option<Credential<'p, 'r>>, Denial> {
        let mut found = None;
        for place in self.token_from() {
            let Some(text) = place.location.find(request)? else {
                continue;
            };
            if found.is_some() {
                return Err(Denial::TokenMalformed);
            }
            let token = BearerToken::new(text, self.max_token_size())?;
            found = Some(Credential { token, place });
        }
        Ok(found)
    }
}
