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
        let is_overlooked = match found {
            Some(found) => self.has_lookalike(request) || self.holds_foreign_token(request, found),
            None => false,
        };
        if is_overlooked {
            return Err(Denial::TokenMalformed);
        }
        Ok(found)
    }

    /// Whether a header in which tokens are looked for has one of another scheme, beside the credential
    /// that was found elsewhere.
    fn holds_foreign_token(&self, request: &Request<'_>, found: Credential<'_, '_>) -> bool {
        let is_elsewhere =
            |place: &&TokenFrom| !found.place.location.is_same_header(&place.location);
        let mut others = self.token_from().iter().filter(is_elsewhere);
        others.any(|place| place.location.holds_foreign_token(request))
    }

    /// Whether the service may find a token where none was looked for: in a header that looks like one
    /// in which tokens are looked for, as `x_token` does for `x-token`, or behind another scheme. A
    /// request without a token then does not pass as anonymous.
    #[must_use]
    pub fn overlooks_token(&self, request: &Request<'_>) -> bool {
        let mut places = self.token_from().iter();
        self.has_lookalike(request)
            || places.any(|place| place.location.holds_foreign_token(request))
    }

    fn has_lookalike(&self, request: &Request<'_>) -> bool {
        let mut headers = request.headers.iter();
        headers.any(|header| self.managed_headers().is_credential_lookalike(header.name))
    }
}
