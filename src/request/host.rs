//! The host that rules compare.

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// A host name or address with its port. Case is ignored (RFC 9110 §4.2.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Host<'a> {
    name: Cow<'a, str>,
    port: Option<&'a str>,
    exact: bool,
}

impl<'a> Host<'a> {
    /// Parses an authority (RFC 9110 §7.2). `None` unless it is one host with an optional port:
    /// user information, a list, white space and letters beyond ASCII are refused.
    #[must_use]
    pub fn parse(authority: &'a [u8]) -> Option<Self> {
        let authority = std::str::from_utf8(authority).ok()?;
        match authority.strip_prefix('[') {
            Some(rest) => Self::address(rest),
            None => Self::name(authority),
        }
    }

    fn address(rest: &'a str) -> Option<Self> {
        let (text, after) = rest.split_once(']')?;
        let port = match after {
            "" => None,
            after => Some(port(after.strip_prefix(':')?)?),
        };
        let address: Ipv6Addr = text.parse().ok()?;
        // An address has many spellings; the parsed form has one.
        let name = format!("[{address}]");
        let exact = name
            .get(1..)
            .is_some_and(|name| name.trim_end_matches(']').eq_ignore_ascii_case(text));
        Some(Self {
            name: Cow::Owned(name),
            port,
            exact,
        })
    }

    fn name(authority: &'a str) -> Option<Self> {
        let (host, port) = match authority.split_once(':') {
            Some((host, text)) => (host, Some(port(text)?)),
            None => (authority, None),
        };
        let name = host.strip_suffix('.').unwrap_or(host);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let labels = name.split('.').all(|label| !label.is_empty());
        if !labels || !name.bytes().all(allowed) {
            return None;
        }
        let upper = name.bytes().any(|byte| byte.is_ascii_uppercase());
        Some(Self {
            exact: name.len() == host.len(),
            name: if upper {
                Cow::Owned(name.to_ascii_lowercase())
            } else {
                Cow::Borrowed(name)
            },
            port,
        })
    }

    /// The canonical name or address: lower case, without port and final dot.
    pub(crate) fn as_str(&self) -> &str {
        &self.name
    }

    /// The port, as it was sent.
    pub(crate) fn port(&self) -> Option<&str> {
        self.port
    }

    /// Returns true if it was sent in the canonical form, apart from its case.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact
    }

    /// Removes the port, as a proxy that ignores ports does.
    pub(crate) fn without_port(self) -> Self {
        Self { port: None, ..self }
    }
}

// Client data is never printed.
crate::escape::redact! { "Host" for Host<'_>; }

fn port(text: &str) -> Option<&str> {
    let is_port =
        !text.is_empty() && text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_port.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::Host;

    fn canonical(authority: &str) -> Option<String> {
        Host::parse(authority.as_bytes()).map(|host| host.as_str().to_owned())
    }

    #[test]
    fn spellings_of_one_host_are_one_host() {
        for authority in [
            "api.example.com",
            "API.example.com",
            "api.example.com:443",
            "api.Example.com.",
            "api.example.com.:8080",
        ] {
            assert_eq!(
                canonical(authority).as_deref(),
                Some("api.example.com"),
                "{authority}"
            );
        }
        for authority in ["[::1]", "[::1]:8443", "[0:0:0:0:0:0:0:1]", "[0::1]"] {
            assert_eq!(
                canonical(authority).as_deref(),
                Some("[::1]"),
                "{authority}"
            );
        }
        assert_eq!(canonical("10.0.0.1:80").as_deref(), Some("10.0.0.1"));
    }

    #[test]
    fn a_spelling_other_than_the_canonical_one_is_noticed() {
        let host = |authority: &'static str| Host::parse(authority.as_bytes()).unwrap();
        for authority in [
            "a.example",
            "A.Example",
            "a.example:80",
            "[::1]",
            "[2001:DB8::1]:80",
        ] {
            assert!(host(authority).is_exact(), "{authority}");
        }
        for authority in ["a.example.", "a.example.:80", "[0::1]", "[2001:0db8::1]"] {
            assert!(!host(authority).is_exact(), "{authority}");
        }
        assert_eq!(host("a.example:080").port(), Some("080"));
        assert_eq!(host("[::1]:8443").port(), Some("8443"));
        assert_eq!(host("a.example").port(), None);
        assert_eq!(host("a.example:80").without_port(), host("a.example"));
    }

    #[test]
    fn what_is_not_one_host_is_none() {
        for authority in [
            "",
            ".",
            "a..b",
            "user@host",
            "a,b",
            "a b",
            "a:b",
            "a:",
            "a:123456",
            "[::1",
            "[x]",
            "[::1]x",
            "ä.example",
            "a/b",
            "::1",
        ] {
            assert_eq!(canonical(authority), None, "{authority}");
        }
        assert!(Host::parse(b"\xff").is_none());
    }
}
