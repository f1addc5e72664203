//! Finds the one credential of a request, in all places that the policy names.

use crate::request::Request;
use crate::token::{BearerToken, Denial};

use super::{Policy, TokenFrom};

/// A token's text and its place in the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Credential<'p, 'r> {
    pub(crate) token: BearerToken<'r>,
    pub(crate) place: &'p TokenFrom,
}

impl Policy {
    /// Returns the credential of a request, if it has one. Searches all places, to notice a second
    /// credential.
    ///
    /// # Errors
    /// [`Denial::TokenMalformed`], [`Denial::TokenTooLarge`].
    pub(crate) fn credential<'p, 'r>(
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
        match found {
            Some(found)
                if self.has_lookalike(request) || self.holds_foreign_token(request, found) =>
            {
                Err(Denial::TokenMalformed)
            }
            found => Ok(found),
        }
    }

    /// Returns true if a token header other than the credential's holds a token of another scheme.
    fn holds_foreign_token(&self, request: &Request<'_>, found: Credential<'_, '_>) -> bool {
        let is_elsewhere =
            |place: &&TokenFrom| !found.place.location.is_same_header(&place.location);
        let mut others = self.token_from().iter().filter(is_elsewhere);
        others.any(|place| place.location.holds_foreign_token(request))
    }

    /// Returns true if the service may find a token that Watchword does not: in a header whose name
    /// looks like a token header's (`x_token` for `x-token`), or behind another scheme. Such a
    /// request does not pass as anonymous.
    pub(crate) fn overlooks_token(&self, request: &Request<'_>) -> bool {
        let mut places = self.token_from().iter();
        self.has_lookalike(request)
            || places.any(|place| place.location.holds_foreign_token(request))
    }

    fn has_lookalike(&self, request: &Request<'_>) -> bool {
        let mut headers = request.headers.iter();
        headers.any(|header| self.managed_headers().is_credential_lookalike(header.name))
    }
}
