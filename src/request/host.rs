//! The host that rules compare: canonical, or known to be none.

use std::borrow::Cow;

/// A host name or address in canonical form: lower case, without port and final dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host<'a>(Cow<'a, str>);

impl<'a> Host<'a> {
    /// Reads an authority (RFC 9110 §7.2). `None` where it is empty or holds anything but one host
    /// with an optional port: user information, a list, white space, letters beyond ASCII.
    #[must_use]
    pub fn parse(authority: &'a [u8]) -> Option<Self> {
        let authority = std::str::from_utf8(authority).ok()?;
        let host = match authority.strip_prefix('[') {
            Some(rest) => ipv6(authority, rest)?,
            None => name(authority)?,
        };
        if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Some(Self(Cow::Owned(host.to_ascii_lowercase())));
        }
        Some(Self(Cow::Borrowed(host)))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn name(authority: &str) -> Option<&str> {
    let (host, port) = authority.split_once(':').unwrap_or((authority, "0"));
    let host = host.strip_suffix('.').unwrap_or(host);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let labels = host.split('.').all(|label| !label.is_empty());
    (labels && host.bytes().all(allowed) && is_port(port)).then_some(host)
}

/// An address in brackets, brackets included.
fn ipv6<'a>(authority: &'a str, rest: &str) -> Option<&'a str> {
    let (address, after) = rest.split_once(']')?;
    let port = if after.is_empty() {
        "0"
    } else {
        after.strip_prefix(':')?
    };
    let valid = address.parse::<std::net::Ipv6Addr>().is_ok() && is_port(port);
    valid.then(|| authority.get(..address.len() + 2)).flatten()
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit())
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
        assert_eq!(canonical("[::1]:8443").as_deref(), Some("[::1]"));
        assert_eq!(canonical("10.0.0.1:80").as_deref(), Some("10.0.0.1"));
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
