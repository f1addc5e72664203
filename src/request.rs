//! The request that the core decides on, the same for every front door.
//!
//! Clients send all of it except the context, so it stays bytes until it is parsed strictly.
//! Headers that rename a request (`x-original-url`, `x-forwarded-host`, …) are ignored: rules see
//! the proxy's own path, host and method only.

pub(crate) mod fold;
mod host;
mod path;

pub use host::Host;
pub use path::{ClearPath, Path, PathError};

/// One request, as the proxy saw it. Borrowed from the wire message.
#[derive(Clone, Default)]
pub struct Request<'a> {
    /// The method, as it was sent.
    pub method: &'a [u8],
    /// Path and query, undecoded.
    pub path: &'a [u8],
    /// The authority, possibly with a port.
    pub host: &'a [u8],
    /// Header fields in the order received. Names may repeat.
    pub headers: Vec<Header<'a>>,
    /// Set in the proxy's configuration; never client data.
    pub context: Vec<(&'a [u8], &'a [u8])>,
}

/// A header field.
#[derive(Clone, Copy)]
pub struct Header<'a> {
    /// The name; compared without regard to ASCII case.
    pub name: &'a [u8],
    /// The value; several fields of one name may have been joined with commas.
    pub value: &'a [u8],
}

impl<'a> Request<'a> {
    /// The values of all fields with this name.
    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|header| header.value)
    }

    /// The query, without `?`; empty where there is none.
    pub(crate) fn query(&self) -> &'a [u8] {
        let mut parts = self.path.splitn(2, |byte| *byte == b'?');
        parts.next();
        parts.next().unwrap_or_default()
    }

    /// Returns true if the client speaks gRPC, so it cannot read a JSON body.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        self.values("content-type").any(|value| {
            value
                .get(..16)
                .is_some_and(|start| start.eq_ignore_ascii_case(b"application/grpc"))
        })
    }
}

// A request contains credentials, so it is never printed.
crate::escape::redact! { "Request" for Request<'_>; }
