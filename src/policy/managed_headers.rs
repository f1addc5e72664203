//! The headers that Watchword removes from every request, unless it sets them.

use bytes::Bytes;

use crate::request::Header;

use super::header_name::{OVERRIDES, is_like};
use super::{ClaimHeaders, HeaderName};

/// The header names that some issuer's claims may set, and those that Watchword removes from every
/// request.
#[derive(Debug)]
pub(crate) struct ManagedHeaders {
    names: Vec<HeaderName>,
    /// The names with underscores for dashes: many frameworks treat both as the same name.
    underscored: Vec<Bytes>,
    /// The headers that may hold tokens. A look-alike could carry a second credential to the
    /// service.
    credentials: Vec<Box<str>>,
    /// [`OVERRIDES`], or none if the configuration forwards them.
    overrides: &'static [(&'static str, &'static str)],
}

impl ManagedHeaders {
    pub(super) fn new<'a>(
        issuers: impl Iterator<Item = &'a ClaimHeaders>,
        credentials: Vec<Box<str>>,
    ) -> Self {
        let mut names: Vec<HeaderName> = Vec::new();
        for name in issuers.flat_map(ClaimHeaders::names) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let dashed = names.iter().map(HeaderName::as_str);
        let dashed = dashed.filter(|name| name.contains('-'));
        let underscored = dashed.map(|name| name.replace('-', "_").into()).collect();
        Self {
            names,
            underscored,
            credentials,
            overrides: &OVERRIDES,
        }
    }

    pub(super) fn forward_overrides(&mut self) {
        self.overrides = &[];
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.names.iter()
    }

    /// The names of headers that may change the method or the path, in the form with dashes; none
    /// if the configuration forwards them.
    pub(crate) fn overrides(&self) -> impl Iterator<Item = &str> {
        self.overrides.iter().map(|(dashed, _)| *dashed)
    }

    /// Returns the names to remove from a request with the headers `received`, given the headers
    /// `set`: managed names that are not set, override headers, the underscore forms of both, and
    /// received headers that a service may take for one of these or for a token header.
    ///
    /// Fixed names are listed even if they were not received: the proxy may hide headers.
    pub(crate) fn to_remove(&self, set: &[(Bytes, Bytes)], received: &[Header<'_>]) -> Vec<Bytes> {
        let is_set = |name: &Bytes| set.iter().any(|(known, _)| known == name);
        let most = self.names.len() + self.underscored.len() + 2 * self.overrides.len();
        let mut remove = Vec::with_capacity(most);
        let managed = self.names.iter().map(|name| &name.0);
        let managed = managed.chain(&self.underscored);
        remove.extend(managed.filter(|name| !is_set(name)).cloned());
        // Claims never set these: their names are reserved.
        let overrides = self.overrides.iter();
        remove.extend(overrides.flat_map(|(dashed, underscored)| {
            [dashed, underscored].map(|name| Bytes::from_static(name.as_bytes()))
        }));
        let fixed = remove.len();
        for Header { name, .. } in received {
            let is_alias = self.names.iter().any(|managed| managed.is_like(name))
                || self
                    .overrides()
                    .any(|dashed| is_like(dashed.as_bytes(), name));
            if is_alias || self.is_credential_lookalike(name) {
                let lower = Bytes::from(name.to_ascii_lowercase());
                if !is_set(&lower) {
                    remove.push(lower);
                }
            }
        }
        // Sorted, not searched: a caller may send a hundred thousand headers.
        if remove.len() > fixed {
            remove.sort_unstable();
            remove.dedup();
        }
        remove
    }

    /// Returns true if a service may treat this header as a token header, although its name
    /// differs.
    pub(super) fn is_credential_lookalike(&self, other: &[u8]) -> bool {
        let mut names = self.credentials.iter().map(|name| name.as_bytes());
        names.any(|name| is_like(name, other) && !name.eq_ignore_ascii_case(other))
    }
}

#[cfg(test)]
mod tests;
