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
        if found.is_some() && self.has_lookalike(request) {
            return Err(Denial::TokenMalformed);
        }
        Ok(found)
    }

    /// Whether a header looks like one in which tokens are looked for, as `x_token` does for
    /// `x-token`. The service may read it, so that such a request never passes as one with another
    /// token, or with none.
    #[must_use]
    pub fn has_lookalike(&self, request: &Request<'_>) -> bool {
        let mut headers = request.headers.iter();
        headers.any(|header| self.managed().is_credential_lookalike(header.name))
    }
}
