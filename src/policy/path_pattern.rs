//! Patterns for paths.

use crate::request::{ClearPath, fold};

use super::Fit;

/// A path pattern. The query is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPattern {
    shape: PathShape,
    /// The shape that folded paths are compared with; `None` if it is the same.
    folded: Option<PathShape>,
    /// True if an escaped slash in a path is data: `/npm/@scope%2fname`.
    pub(crate) escaped_slashes: bool,
    /// True if other spellings of a path do not match, instead of making it ambiguous.
    pub(crate) exact_spelling: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathShape {
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
        open: bool,
    },
}

impl PathPattern {
    /// `exact: /a`.
    pub(crate) fn exact(text: &str) -> Self {
        Self::of_text(PathShape::Exact, text)
    }

    /// `prefix: /a/`.
    pub(crate) fn prefix(text: &str) -> Self {
        Self::of_text(PathShape::Prefix, text.trim_end_matches('/'))
    }

    /// `glob: /users/*/orders/**`; `None` if `**` is anything but the last segment.
    pub(crate) fn glob(text: &str) -> Option<Self> {
        let mut segments: Vec<&str> = text.split('/').skip(1).collect();
        let open = segments.last() == Some(&"**");
        if open {
            segments.pop();
        }
        if segments.iter().any(|segment| segment.contains("**")) {
            return None;
        }
        let shape = |segments: &[&str], part: fn(&str) -> Box<str>| {
            let parts = segments.iter().map(|segment| segment.split('*').map(part));
            let segments = parts.map(Iterator::collect).collect();
            PathShape::Glob { segments, open }
        };
        let spelled = shape(&segments, |part| part.into());
        // A final slash makes an empty last segment.
        if !open && segments.last() == Some(&"") {
            segments.pop();
        }
        let folded = shape(&segments, |part| {
            fold::literal(part).map_or_else(|| part.into(), Into::into)
        });
        let folded = (folded != spelled).then_some(folded);
        Some(Self::new(spelled, folded))
    }

    fn of_text(shape: fn(Box<str>) -> PathShape, text: &str) -> Self {
        let folded = fold::path(text).map(|folded| shape(folded.into()));
        Self::new(shape(text.into()), folded)
    }

    fn new(shape: PathShape, folded: Option<PathShape>) -> Self {
        Self {
            shape,
            folded,
            escaped_slashes: false,
            exact_spelling: false,
        }
    }

    /// Returns true if it matches every clear path: the prefix `/`, or the glob `/**`.
    pub(crate) fn is_every_path(&self) -> bool {
        match &self.shape {
            PathShape::Exact(_) => false,
            PathShape::Prefix(prefix) => prefix.is_empty(),
            PathShape::Glob { segments, open } => *open && segments.is_empty(),
        }
    }

    /// Compares the pattern with a path. Some readers treat an escaped slash as data, others as a
    /// separator. A path with one matches exactly only if the pattern treats it as data; otherwise,
    /// the pattern matches in the folded form if it matches one of the readings.
    pub(crate) fn fit(&self, path: &ClearPath<'_>) -> Fit {
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
        let folded = path.folded().unwrap_or(path.text());
        let folded = self.folded_shape().matches(folded);
        Fit { exact, folded }
    }

    /// Returns true if it matches every path that the other pattern matches, as spelled; false if
    /// that cannot be determined.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.shape.covers(&other.shape)
    }

    /// Returns true if it matches every path that the other pattern matches, in this spelling or
    /// another.
    pub(crate) fn covers_in_any_spelling(&self, other: &Self) -> bool {
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
                let mut wanted = segments.iter();
                let all = wanted.all(|wanted| found.next().is_some_and(|it| is_match(wanted, it)));
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
            (Self::Glob { segments, open }, Self::Prefix(other)) => {
                // The prefix has at least as many segments as the glob.
                let enough = *open && other.split('/').skip(1).count() >= segments.len();
                enough && (segments.is_empty() || self.matches(other))
            }
            (
                Self::Glob { segments, open },
                Self::Glob {
                    segments: others,
                    open: other_open,
                },
            ) => {
                let is_long_enough = if *open {
                    others.len() >= segments.len()
                } else {
                    others.len() == segments.len() && !other_open
                };
                let mut pairs = segments.iter().zip(others);
                is_long_enough
                    && pairs.all(|(this, other)| {
                        let is_empty = other.iter().all(|part| part.is_empty());
                        this == other || (is_star(this) && !is_empty)
                    })
            }
            (Self::Exact(_), _) => false,
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
fn is_match(wanted: &[Box<str>], segment: &str) -> bool {
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
