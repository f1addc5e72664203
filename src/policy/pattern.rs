//! Patterns for hosts and paths.

use crate::request::{ClearPath, Host, fold};

use super::Fit;

/// A host, or all hosts below a domain; with a port if the proxy routes by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    name: HostName,
    port: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostName {
    /// Exactly this host, in canonical form.
    Exact(Box<str>),
    /// Every host that ends with this text, which starts with a dot: `*.example.com`.
    Below(Box<str>),
}

/// A path pattern. The query is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    shape: PathShape,
    /// The shape that folded paths are compared with; `None` if it is the same.
    folded: Option<PathShape>,
    escaped_slashes: bool,
    exact_spelling: bool,
}

/// The paths that a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
enum PathShape {
    /// Exactly this path.
    Exact(Box<str>),
    /// This path and everything below it, by whole segments (as Gateway API's `PathPrefix`): `/a`
    /// and `/a/` are one prefix, which matches `/a`, `/a/` and `/a/b`, but not `/ab`. Stored
    /// without a final slash.
    Prefix(Box<str>),
    /// Segment by segment: `*` matches any characters within a segment (a segment `*` matches any
    /// non-empty one), and a final `**` any number of segments.
    Glob {
        /// The segments before a final `**`, each split at its stars.
        segments: Vec<Vec<Box<str>>>,
        /// True if `**` follows.
        open: bool,
    },
}

impl HostPattern {
    /// Parses `host` or `host:port`, with or without a leading `*.`; `None` for anything else.
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

    /// Returns true if it has a port.
    #[must_use]
    pub fn has_port(&self) -> bool {
        self.port.is_some()
    }

    /// Compares the pattern with a host. If some pattern names this host and port (`named`), the
    /// router distinguishes ports, and a pattern with another port does not match. Otherwise it
    /// matches in the folded form only.
    #[must_use]
    pub fn fit(&self, host: &Host<'_>, named: bool) -> Fit {
        let meant = match &self.name {
            HostName::Exact(wanted) => **wanted == *host.as_str(),
            HostName::Below(suffix) => host.as_str().ends_with(&**suffix),
        };
        let same_port = self.port.as_deref() == host.port();
        Fit {
            exact: meant && same_port && host.is_exact(),
            folded: meant && (same_port || !named),
        }
    }

    /// The host name; `None` for a wildcard.
    #[must_use]
    pub fn single_name(&self) -> Option<&str> {
        match &self.name {
            HostName::Exact(name) => Some(name),
            HostName::Below(_) => None,
        }
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> Option<&str> {
        self.port.as_deref()
    }

    /// Returns true if it matches every host that the other pattern matches.
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
            PathShape::Exact(text.into()),
            folded.map(|folded| PathShape::Exact(folded.into())),
        )
    }

    /// `prefix: /a/`.
    #[must_use]
    pub fn prefix(text: &str) -> Self {
        let text = text.trim_end_matches('/');
        let folded = fold::path(text);
        Self::new(
            PathShape::Prefix(text.into()),
            folded.map(|folded| PathShape::Prefix(folded.into())),
        )
    }

    /// `glob: /users/*/orders/**`; `None` if `**` is anything but the last segment.
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
        let shape = |segments: &[&str], part: fn(&str) -> Box<str>| PathShape::Glob {
            segments: segments
                .iter()
                .map(|segment| segment.split('*').map(part).collect())
                .collect(),
            open,
        };
        let spelled = shape(&segments, |part| part.into());
        // A final slash makes an empty last segment.
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

    fn new(shape: PathShape, folded: Option<PathShape>) -> Self {
        Self {
            shape,
            folded,
            escaped_slashes: false,
            exact_spelling: false,
        }
    }

    /// Sets whether other spellings of a path simply do not match, instead of making it ambiguous.
    #[must_use]
    pub fn with_exact_spelling(self, exact_spelling: bool) -> Self {
        Self {
            exact_spelling,
            ..self
        }
    }

    /// Sets whether an escaped slash in a path is data: `/npm/@scope%2fname`.
    #[must_use]
    pub fn with_escaped_slashes(self, escaped_slashes: bool) -> Self {
        Self {
            escaped_slashes,
            ..self
        }
    }

    /// Returns true if it treats an escaped slash as data.
    #[must_use]
    pub fn takes_escaped_slashes(&self) -> bool {
        self.escaped_slashes
    }

    /// Returns true if it matches every clear path: the prefix `/`, or the glob `/**`.
    #[must_use]
    pub fn is_every_path(&self) -> bool {
        match &self.shape {
            PathShape::Exact(_) => false,
            PathShape::Prefix(prefix) => prefix.is_empty(),
            PathShape::Glob { segments, open } => *open && segments.is_empty(),
        }
    }

    /// Compares the pattern with a path. Some readers treat an escaped slash as data, others as a
    /// separator. A path with one matches exactly only if the pattern treats it as data; otherwise,
    /// the pattern matches in the folded form if it matches one of the readings.
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
        if self.exact_spelling || (self.folded.is_none() && path.folded().is_none()) {
            return Fit::certain(exact);
        }
        Fit {
            exact,
            folded: self
                .folded_shape()
                .matches(path.folded().unwrap_or(path.text())),
        }
    }

    /// Returns true if it matches every path that the other pattern matches, as spelled; false if
    /// that cannot be determined.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.shape.covers(&other.shape)
    }

    /// Returns true if it matches every path that the other pattern matches, in this spelling or
    /// another.
    #[must_use]
    pub fn covers_in_any_spelling(&self, other: &Self) -> bool {
        self.covers(other)
            || (!self.exact_spelling && self.folded_shape().covers(other.folded_shape()))
    }

    fn folded_shape(&self) -> &PathShape {
        self.folded.as_ref().unwrap_or(&self.shape)
    }
}

impl PathShape {
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
                // The prefix has at least as many segments as the glob.
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

/// The path before the first segment that contains a star.
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

/// A star between two parts matches any run of characters. Each part is searched from the left,
/// which suffices because only the last part is anchored at the end: linear in practice, never
/// exponential.
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
mod tests;
