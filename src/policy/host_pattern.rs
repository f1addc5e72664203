//! Patterns for hosts.

use std::collections::HashMap;

use crate::request::Host;

use super::Fit;

/// A host, or all hosts below a domain; with a port if the proxy routes by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPattern {
    /// The host in canonical form, or for `*.example.com` the end of the host with its dot.
    name: Box<str>,
    is_wildcard: bool,
    port: Option<Box<str>>,
}

impl HostPattern {
    /// Parses `host` or `host:port`, with or without a leading `*.`; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let domain = text.strip_prefix("*.");
        let host = Host::parse(domain.unwrap_or(text).as_bytes())?;
        let dot = if domain.is_some() { "." } else { "" };
        Some(Self {
            name: format!("{dot}{}", host.as_str()).into(),
            is_wildcard: domain.is_some(),
            port: host.port().map(Into::into),
        })
    }

    pub(crate) fn has_port(&self) -> bool {
        self.port.is_some()
    }

    /// Compares the pattern with a host. If some pattern names this host and port (`named`), the
    /// router distinguishes ports, and a pattern with another port does not match. Otherwise it
    /// matches in the folded form only.
    pub(crate) fn fit(&self, host: &Host<'_>, named: bool) -> Fit {
        let is_meant = self.matches(host.as_str());
        let has_same_port = self.port.as_deref() == host.port();
        Fit {
            exact: is_meant && has_same_port && host.is_exact(),
            folded: is_meant && (has_same_port || !named),
        }
    }

    fn matches(&self, name: &str) -> bool {
        if self.is_wildcard {
            name.ends_with(&*self.name)
        } else {
            name == &*self.name
        }
    }

    /// Returns true if it matches every host that the other pattern matches.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let is_as_wide = self.is_wildcard || !other.is_wildcard;
        self.port == other.port && is_as_wide && self.matches(&other.name)
    }
}

/// The ports that patterns name for each host; empty if no pattern has a port.
#[derive(Debug, Default)]
pub(super) struct NamedHosts {
    single: HashMap<Box<str>, Vec<Option<Box<str>>>>,
    wildcards: Vec<HostPattern>,
}

impl NamedHosts {
    pub(super) fn new<'p>(patterns: impl Iterator<Item = &'p HostPattern> + Clone) -> Self {
        let mut named = Self::default();
        if !patterns.clone().any(HostPattern::has_port) {
            return named;
        }
        for pattern in patterns {
            if !pattern.is_wildcard {
                let ports = named.single.entry(pattern.name.clone()).or_default();
                ports.push(pattern.port.clone());
            } else if pattern.has_port() {
                named.wildcards.push(pattern.clone());
            }
        }
        named
    }

    pub(super) fn contain(&self, host: &Host<'_>) -> bool {
        let ports = self.single.get(host.as_str());
        let is_single = ports.is_some_and(|ports| {
            host.is_exact() && ports.iter().any(|port| port.as_deref() == host.port())
        });
        is_single || self.wildcards.iter().any(|it| it.fit(host, true).exact)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fit, Host, HostPattern};

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
