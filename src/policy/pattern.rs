//! Patterns for hosts and paths.

use crate::request::Host;

/// A host, or all hosts below a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// Exactly this host, in canonical form.
    Exact(Box<str>),
    /// Every host that ends with this text, which begins with a dot: `*.example.com`.
    Below(Box<str>),
}

/// A path pattern. Comparison is case-sensitive; the query plays no part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathPattern {
    /// Exactly this path.
    Exact(Box<str>),
    /// This path and everything below it, by whole segments (as Gateway API's `PathPrefix`): `/a` and
    /// `/a/` are one prefix, which matches `/a`, `/a/` and `/a/b`, but not `/ab`. Held without final slash.
    Prefix(Box<str>),
    /// Segment by segment: `*` stands for any characters within a segment (a segment that is `*`
    /// stands for a non-empty one), a final `**` for any number of segments.
    Glob {
        /// The segments before a final `**`.
        segments: Vec<Box<str>>,
        /// Whether `**` follows.
        open: bool,
    },
}

impl HostPattern {
    /// Reads `host` or `*.domain`; `None` where the text is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (domain, below) = match text.strip_prefix("*.") {
            Some(domain) => (domain, true),
            None => (text, false),
        };
        let host = Host::parse(domain.as_bytes())?;
        if domain.contains(':') && !domain.starts_with('[') {
            return None;
        }
        Some(if below {
            Self::Below(format!(".{}", host.as_str()).into())
        } else {
            Self::Exact(host.as_str().into())
        })
    }

    /// Whether the host is meant.
    #[must_use]
    pub fn matches(&self, host: &Host<'_>) -> bool {
        match self {
            Self::Exact(wanted) => **wanted == *host.as_str(),
            Self::Below(suffix) => host.as_str().ends_with(&**suffix),
        }
    }
}

impl PathPattern {
    /// `prefix: /a/`.
    #[must_use]
    pub fn prefix(text: &str) -> Self {
        Self::Prefix(text.trim_end_matches('/').into())
    }

    /// `glob: /users/*/orders/**`; `None` where `**` stands anywhere but as the last segment.
    #[must_use]
    pub fn glob(text: &str) -> Option<Self> {
        let mut segments: Vec<Box<str>> = text.split('/').skip(1).map(Into::into).collect();
        let open = segments.last().is_some_and(|last| **last == *"**");
        if open {
            segments.pop();
        }
        let nested = segments.iter().any(|segment| segment.contains("**"));
        (!nested).then_some(Self::Glob { segments, open })
    }

    /// Whether every clear path is meant: `/` as a prefix, `/**` as a glob.
    #[must_use]
    pub fn is_every_path(&self) -> bool {
        match self {
            Self::Exact(_) => false,
            Self::Prefix(prefix) => prefix.is_empty(),
            Self::Glob { segments, open } => *open && segments.is_empty(),
        }
    }

    /// Whether a clear path is meant.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(wanted) => **wanted == *path,
            Self::Prefix(prefix) => path
                .strip_prefix(&**prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Glob { segments, open } => {
                let mut found = path.split('/').skip(1);
                let all = segments.iter().all(|wanted| {
                    found
                        .next()
                        .is_some_and(|segment| segment_matches(wanted, segment))
                });
                all && (*open || found.next().is_none())
            }
        }
    }
}

/// `*` matches any run of characters. The parts between stars are found leftmost first, which is
/// enough because nothing but the last part is anchored at the end: linear in practice, never exponential.
fn segment_matches(wanted: &str, segment: &str) -> bool {
    if wanted == "*" {
        return !segment.is_empty();
    }
    let Some((head, rest)) = wanted.split_once('*') else {
        return wanted == segment;
    };
    let Some(mut left) = segment.strip_prefix(head) else {
        return false;
    };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        match left.find(part) {
            Some(at) => left = left.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    left.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::{HostPattern, PathPattern};
    use crate::request::Host;

    #[test]
    fn a_prefix_matches_whole_segments_only() {
        for prefix in ["/a", "/a/"] {
            let pattern = PathPattern::prefix(prefix);
            for path in ["/a", "/a/", "/a/b", "/a/b/c"] {
                assert!(pattern.matches(path), "{prefix} {path}");
            }
            for path in ["/", "/ab", "/A", "/b/a", ""] {
                assert!(!pattern.matches(path), "{prefix} {path}");
            }
        }
        assert!(PathPattern::prefix("/").matches("/anything"));
    }

    #[test]
    fn a_glob_matches_segment_by_segment() {
        let yes = [
            ("/users/*/orders", "/users/7/orders"),
            ("/users/*/orders/**", "/users/7/orders"),
            ("/users/*/orders/**", "/users/7/orders/1/items"),
            ("/files/*.css", "/files/a.css"),
            ("/files/v*-*.js", "/files/v1-a-b.js"),
            ("/**", "/"),
            ("/", "/"),
        ];
        let no = [
            ("/users/*/orders", "/users//orders"),
            ("/users/*/orders", "/users/7/8/orders"),
            ("/users/*/orders", "/users/7/orders/"),
            ("/users/*/orders/**", "/users/7"),
            ("/files/*.css", "/files/a.css/b"),
            ("/files/*.css", "/files/a.csst"),
            ("/files/a*a", "/files/a"),
            ("/", "/a"),
        ];
        for (pattern, path) in yes {
            assert!(
                PathPattern::glob(pattern).unwrap().matches(path),
                "{pattern} {path}"
            );
        }
        for (pattern, path) in no {
            assert!(
                !PathPattern::glob(pattern).unwrap().matches(path),
                "{pattern} {path}"
            );
        }
        assert_eq!(PathPattern::glob("/a/**/b"), None);
        assert_eq!(PathPattern::glob("/a**"), None);
    }

    #[test]
    fn a_host_wildcard_matches_below_its_domain_only() {
        let below = HostPattern::parse("*.Example.com").unwrap();
        let host = |name: &'static str| Host::parse(name.as_bytes()).unwrap();
        assert!(below.matches(&host("api.example.com")));
        assert!(below.matches(&host("a.b.example.com:443")));
        assert!(!below.matches(&host("example.com")));
        assert!(!below.matches(&host("badexample.com")));
        assert_eq!(HostPattern::parse("a.example.com:80"), None);
        assert_eq!(HostPattern::parse("*"), None);
        assert_eq!(HostPattern::parse("a.*.com"), None);
    }
}
