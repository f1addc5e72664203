//! Patterns for hosts and paths.

use crate::request::{ClearPath, Host, fold};

use super::Fit;

/// A host, or all hosts below a domain; with a port where the proxy routes by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    name: HostName,
    port: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostName {
    /// Exactly this host, in canonical form.
    Exact(Box<str>),
    /// Every host that ends with this text, which begins with a dot: `*.example.com`.
    Below(Box<str>),
}

/// A path pattern. The query plays no part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    shape: Shape,
    /// The shape that folded paths are compared with; `None` where it is the same.
    folded: Option<Shape>,
    escaped_slashes: bool,
}

/// What a pattern stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// Exactly this path.
    Exact(Box<str>),
    /// This path and everything below it, by whole segments (as Gateway API's `PathPrefix`): `/a` and
    /// `/a/` are one prefix, which matches `/a`, `/a/` and `/a/b`, but not `/ab`. Held without final slash.
    Prefix(Box<str>),
    /// Segment by segment: `*` stands for any characters within a segment (a segment that is `*`
    /// stands for a non-empty one), a final `**` for any number of segments.
    Glob {
        /// The segments before a final `**`, each as the texts between its stars.
        segments: Vec<Vec<Box<str>>>,
        /// Whether `**` follows.
        open: bool,
    },
}

impl HostPattern {
    /// Reads `host`, `host:port` or the same behind `*.`; `None` where the text is none of them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (domain, below) = match text.strip_prefix("*.") {
            Some(domain) => (domain, true),
            None => (text, false),
        };
        let host = Host::parse(domain.as_bytes())?;
        Some(Self {
            name: if below {
                HostName::Below(format!(".{}", host.as_str()).into())
            } else {
                HostName::Exact(host.as_str().into())
            },
            port: host.port().map(Into::into),
        })
    }

    /// Whether it has a port.
    #[must_use]
    pub fn has_port(&self) -> bool {
        self.port.is_some()
    }

    /// How it fits a host. Where the host is `named`, ports of other patterns are other hosts; else a host with another
    /// port, or none, may be meant for this pattern, for all that is known of the router.
    #[must_use]
    pub fn fit(&self, host: &Host<'_>, named: bool) -> Fit {
        let meant = match &self.name {
            HostName::Exact(wanted) => **wanted == *host.as_str(),
            HostName::Below(suffix) => host.as_str().ends_with(&**suffix),
        };
        let same_port = self.port.as_deref() == host.port();
        Fit {
            exact: meant && same_port && host.is_exact(),
            folded: meant && (same_port || self.port.is_none() || !named),
        }
    }

    /// Whether it names this very host and port: not by a star, unless with a port.
    #[must_use]
    pub fn names(&self, host: &Host<'_>) -> bool {
        let by_itself = self.has_port() || matches!(self.name, HostName::Exact(_));
        by_itself && self.fit(host, true).exact
    }

    /// Whether every host that the other pattern is for is one of this pattern's.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.port == other.port
            && match (&self.name, &other.name) {
                (HostName::Exact(this), HostName::Exact(other)) => this == other,
                (HostName::Exact(_), HostName::Below(_)) => false,
                (HostName::Below(suffix), HostName::Exact(name) | HostName::Below(name)) => {
                    name.ends_with(&**suffix)
                }
            }
    }
}

impl PathPattern {
    /// `exact: /a`.
    #[must_use]
    pub fn exact(text: &str) -> Self {
        let folded = fold::path(text);
        Self::new(
            Shape::Exact(text.into()),
            folded.map(|folded| Shape::Exact(folded.into())),
        )
    }

    /// `prefix: /a/`.
    #[must_use]
    pub fn prefix(text: &str) -> Self {
        let text = text.trim_end_matches('/');
        let folded = fold::path(text);
        Self::new(
            Shape::Prefix(text.into()),
            folded.map(|folded| Shape::Prefix(folded.into())),
        )
    }

    /// `glob: /users/*/orders/**`; `None` where `**` stands anywhere but as the last segment.
    #[must_use]
    pub fn glob(text: &str) -> Option<Self> {
        let mut segments: Vec<&str> = text.split('/').skip(1).collect();
        let open = segments.last() == Some(&"**");
        if open {
            segments.pop();
        }
        if segments.iter().any(|segment| segment.contains("**")) {
            return None;
        }
        let shape = |segments: &[&str], part: fn(&str) -> Box<str>| Shape::Glob {
            segments: segments
                .iter()
                .map(|segment| segment.split('*').map(part).collect())
                .collect(),
            open,
        };
        let spelled = shape(&segments, |part| part.into());
        // A final slash is an empty last segment.
        if !open && segments.last() == Some(&"") {
            segments.pop();
        }
        let folded = shape(&segments, |part| {
            fold::literal(part)
                .unwrap_or_else(|| part.to_owned())
                .into()
        });
        let folded = (folded != spelled).then_some(folded);
        Some(Self::new(spelled, folded))
    }

    fn new(shape: Shape, folded: Option<Shape>) -> Self {
        Self {
            shape,
            folded,
            escaped_slashes: false,
        }
    }

    /// The same for paths in which an escaped slash is data: `/npm/@scope%2fname`.
    #[must_use]
    pub fn with_escaped_slashes(self, escaped_slashes: bool) -> Self {
        Self {
            escaped_slashes,
            ..self
        }
    }

    /// Whether an escaped slash is data to it.
    #[must_use]
    pub fn takes_escaped_slashes(&self) -> bool {
        self.escaped_slashes
    }

    /// Whether every clear path is meant: `/` as a prefix, `/**` as a glob.
    #[must_use]
    pub fn is_every_path(&self) -> bool {
        match &self.shape {
            Shape::Exact(_) => false,
            Shape::Prefix(prefix) => prefix.is_empty(),
            Shape::Glob { segments, open } => *open && segments.is_empty(),
        }
    }

    /// How it fits a path. One with an escaped slash, which is data to some and a separator to others, fits only a
    /// pattern that takes it for data; another pattern that fits one of the readings fits in doubt.
    #[must_use]
    pub fn fit(&self, path: &ClearPath<'_>) -> Fit {
        let spelled = self.fit_as_spelled(path);
        match path.split_at_escaped_slashes() {
            Some(split) if !self.escaped_slashes => Fit {
                exact: false,
                folded: spelled.or(self.fit_as_spelled(split)).is_possible(),
            },
            _ => spelled,
        }
    }

    fn fit_as_spelled(&self, path: &ClearPath<'_>) -> Fit {
        let exact = self.shape.matches(path.text());
        if self.folded.is_none() && path.folded().is_none() {
            return Fit::certain(exact);
        }
        let shape = self.folded.as_ref().unwrap_or(&self.shape);
        Fit {
            exact,
            folded: shape.matches(path.folded().unwrap_or(path.text())),
        }
    }

    /// Whether every path that the other pattern is for is one of this pattern's. `false` where that cannot be told.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.shape.covers(&other.shape)
    }
}

impl Shape {
    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(wanted) => **wanted == *path,
            Self::Prefix(prefix) => is_below(prefix, path),
            Self::Glob { segments, open } => {
                // The folded form of `/` is empty.
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

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Exact(path)) => self.matches(path),
            (Self::Prefix(prefix), Self::Prefix(other)) => is_below(prefix, other),
            (Self::Prefix(prefix), Self::Glob { segments, .. }) => {
                is_below(prefix, &leading_text(segments))
            }
            (
                Self::Glob {
                    segments,
                    open: true,
                },
                Self::Prefix(other),
            ) => {
                // Everything below a path with as many segments as the glob asks for.
                let enough = other.split('/').skip(1).count() >= segments.len();
                enough && (segments.is_empty() || self.matches(other))
            }
            (
                Self::Glob { segments, open },
                Self::Glob {
                    segments: others,
                    open: other_open,
                },
            ) => {
                let wide = |segment: &Vec<Box<str>>| is_star(segment);
                let pairs = segments.iter().zip(others);
                let long_enough = if *open {
                    others.len() >= segments.len()
                } else {
                    others.len() == segments.len() && !other_open
                };
                long_enough
                    && pairs.into_iter().all(|(this, other)| {
                        this == other || (wide(this) && other.iter().any(|part| !part.is_empty()))
                    })
            }
            (Self::Exact(_), _) | (Self::Glob { open: false, .. }, Self::Prefix(_)) => false,
        }
    }
}

fn is_below(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path up to the first segment with a star in it.
fn leading_text(segments: &[Vec<Box<str>>]) -> String {
    let mut text = String::new();
    for segment in segments {
        let [only] = segment.as_slice() else { break };
        text.push('/');
        text.push_str(only);
    }
    text
}

fn is_star(segment: &[Box<str>]) -> bool {
    matches!(segment, [before, after] if before.is_empty() && after.is_empty())
}

/// A star between two parts matches any run of characters. The parts are found leftmost first, which is
/// enough because nothing but the last part is anchored at the end: linear in practice, never exponential.
fn segment_matches(wanted: &[Box<str>], segment: &str) -> bool {
    let (head, middle, tail) = match wanted {
        [] => return segment.is_empty(),
        [only] => return **only == *segment,
        [head, middle @ .., tail] => (head, middle, tail),
    };
    if is_star(wanted) {
        return !segment.is_empty();
    }
    let Some(mut left) = segment.strip_prefix(&**head) else {
        return false;
    };
    for part in middle {
        match left.find(&**part) {
            Some(at) => left = left.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    left.ends_with(&**tail)
}

#[cfg(test)]
mod tests {
    use super::{Fit, HostPattern, PathPattern};
    use crate::request::{Host, Path};

    fn fit(pattern: &PathPattern, path: &str) -> Fit {
        match Path::parse(path.as_bytes()) {
            Ok(Path::Clear(path)) => pattern.fit(&path),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn a_prefix_matches_whole_segments_only() {
        for prefix in ["/a", "/a/"] {
            let pattern = PathPattern::prefix(prefix);
            for path in ["/a", "/a/", "/a/b", "/a/b/c"] {
                assert_eq!(fit(&pattern, path), Fit::YES, "{prefix} {path}");
            }
            for path in ["/", "/ab", "/b/a"] {
                assert_eq!(fit(&pattern, path), Fit::NO, "{prefix} {path}");
            }
        }
        assert_eq!(fit(&PathPattern::prefix("/"), "/anything"), Fit::YES);
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
            ("/users/*/orders", "/users/7/8/orders"),
            ("/users/*/orders/**", "/users/7"),
            ("/files/*.css", "/files/a.css/b"),
            ("/files/*.css", "/files/a.csst"),
            ("/files/a*a", "/files/a"),
            ("/", "/a"),
        ];
        for (pattern, path) in yes {
            let pattern = PathPattern::glob(pattern).unwrap();
            assert_eq!(fit(&pattern, path), Fit::YES, "{pattern:?} {path}");
        }
        for (pattern, path) in no {
            let pattern = PathPattern::glob(pattern).unwrap();
            assert_eq!(fit(&pattern, path), Fit::NO, "{pattern:?} {path}");
        }
        assert_eq!(PathPattern::glob("/a/**/b"), None);
        assert_eq!(PathPattern::glob("/a**"), None);
    }

    #[test]
    fn another_spelling_of_a_path_fits_in_doubt() {
        let patterns = [
            (PathPattern::exact("/admin"), "/admin/"),
            (PathPattern::exact("/admin"), "/ADMIN"),
            (PathPattern::exact("/admin/"), "/admin"),
            (PathPattern::exact("/Admin"), "/admin"),
            (PathPattern::exact("/me@x"), "/me%40x"),
            (PathPattern::exact("/me%40x"), "/me@x"),
            (PathPattern::prefix("/users/@me/"), "/users/%40me/x"),
            (PathPattern::prefix("/a"), "/A/b"),
            (
                PathPattern::glob("/users/*/orders").unwrap(),
                "/users/7/orders/",
            ),
            (PathPattern::glob("/v1/*:delete").unwrap(), "/v1/7%3Adelete"),
            (PathPattern::glob("/v1/*/").unwrap(), "/v1/x"),
        ];
        let doubt = Fit {
            exact: false,
            folded: true,
        };
        for (pattern, path) in patterns {
            assert_eq!(fit(&pattern, path), doubt, "{pattern:?} {path}");
        }
    }

    #[test]
    fn an_escaped_slash_is_data_only_to_patterns_that_take_it() {
        let doubt = Fit {
            exact: false,
            folded: true,
        };
        let path = "/npm/@scope%2Fname";
        let plain = PathPattern::prefix("/npm");
        assert_eq!(fit(&plain, path), doubt);
        assert_eq!(fit(&plain.with_escaped_slashes(true), path), Fit::YES);
        let one = PathPattern::glob("/npm/*").unwrap();
        assert_eq!(fit(&one, path), doubt, "as data");
        let two = PathPattern::glob("/npm/*/*").unwrap();
        assert_eq!(fit(&two, path), doubt, "as a separator");
        assert_eq!(fit(&two.with_escaped_slashes(true), path), Fit::NO);
        assert_eq!(fit(&PathPattern::prefix("/other"), path), Fit::NO);
    }

    #[test]
    fn a_pattern_covers_those_that_it_is_wider_than() {
        let glob = |text: &str| PathPattern::glob(text).unwrap();
        let (exact, prefix) = (PathPattern::exact, PathPattern::prefix);
        for (wide, narrow) in [
            (prefix("/a"), prefix("/a/b")),
            (prefix("/a"), exact("/a")),
            (prefix("/a"), glob("/a/*/c")),
            (glob("/**"), prefix("/a")),
            (glob("/**"), prefix("/")),
            (prefix("/"), glob("/**")),
            (glob("/a/**"), prefix("/a")),
            (glob("/a/*"), exact("/a/b")),
            (glob("/a/*"), glob("/a/b*")),
            (glob("/a/*/**"), glob("/a/*/b")),
            (exact("/a"), exact("/a")),
        ] {
            assert!(wide.covers(&narrow), "{wide:?} {narrow:?}");
        }
        for (narrow, wide) in [
            (prefix("/a/b"), prefix("/a")),
            (prefix("/ab"), prefix("/a")),
            (exact("/a"), prefix("/a")),
            (glob("/a/*"), prefix("/a")),
            (glob("/a/*/**"), prefix("/a")),
            (glob("/a/b*"), glob("/a/*")),
            (glob("/a/*"), glob("/a/**")),
            (prefix("/a"), glob("/a*")),
        ] {
            assert!(!narrow.covers(&wide), "{narrow:?} {wide:?}");
        }
    }

    fn host_fit(pattern: &str, host: &'static str, named: bool) -> Fit {
        let host = Host::parse(host.as_bytes()).unwrap();
        HostPattern::parse(pattern).unwrap().fit(&host, named)
    }

    #[test]
    fn a_host_wildcard_matches_below_its_domain_only() {
        for host in ["api.example.com", "A.B.example.com"] {
            assert_eq!(host_fit("*.Example.com", host, false), Fit::YES, "{host}");
        }
        for host in ["example.com", "badexample.com"] {
            assert_eq!(host_fit("*.Example.com", host, false), Fit::NO, "{host}");
        }
        assert_eq!(HostPattern::parse("*"), None);
        assert_eq!(HostPattern::parse("a.*.com"), None);
    }

    #[test]
    fn another_port_or_a_final_dot_fits_in_doubt() {
        let doubt = Fit {
            exact: false,
            folded: true,
        };
        for host in [
            "a.example:9999",
            "a.example:80",
            "a.example.",
            "a.example.:1",
        ] {
            assert_eq!(host_fit("a.example", host, false), doubt, "{host}");
            assert_eq!(host_fit("*.example", host, false), doubt, "{host}");
        }
        assert_eq!(host_fit("a.example:80", "a.example:80", true), Fit::YES);
        assert_eq!(host_fit("a.example:80", "a.example", false), doubt);
        assert_eq!(host_fit("a.example:80", "a.example:81", false), doubt);
        // Another pattern names that port.
        assert_eq!(host_fit("a.example:80", "a.example:81", true), Fit::NO);
        assert_eq!(host_fit("[::1]", "[0::1]", false), doubt);
    }
}
