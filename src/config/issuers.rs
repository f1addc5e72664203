//! The section `issuers`: whose tokens are accepted, with which keys, and what they must say.

mod access;
mod headers;
mod keys;
mod timing;
mod url;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::jose::Algorithm;
use crate::jwks::Source;
use crate::policy::{Issuer, IssuerId, Policy};
use crate::token::{Audiences, Expectations};

use super::findings::Findings;
use super::mistakes;
use super::settings;
use super::span::Span;
use super::values::filled;

use headers::refuse_alike_headers;

/// Issuers in the order of their names, with the source of each one's keys; `None` where that was noted as a problem.
pub(super) fn issuers(
    raw: &settings::Settings,
    findings: &mut Findings<'_>,
) -> (Vec<Issuer>, Vec<Option<Source>>) {
    if raw.issuers.is_empty() {
        findings.add(&["issuers"], "no issuer", "at least one issuer");
    }
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, issuer) in &raw.issuers {
        if let Some(other) = seen.insert(&issuer.issuer, name) {
            let found = format!("the issuer of {other:?} again");
            findings.add(
                &["issuers", name, "issuer"],
                found,
                "an issuer that stands once",
            );
        }
    }
    refuse_alike_headers(raw, findings);
    raw.issuers
        .iter()
        .map(|(name, raw)| {
            Section {
                name,
                raw,
                findings,
            }
            .build()
        })
        .unzip()
}

/// Each source with its issuer's place in the policy.
pub(super) fn with_ids(sources: Vec<Option<Source>>) -> Vec<(IssuerId, Source)> {
    let ids = Policy::issuer_ids(sources.len());
    ids.zip(sources)
        .filter_map(|(id, source)| Some((id, source?)))
        .collect()
}

/// One issuer's section.
struct Section<'s, 'd> {
    name: &'s str,
    raw: &'s settings::IssuerSettings,
    findings: &'s mut Findings<'d>,
}

impl Section<'_, '_> {
    fn build(mut self) -> (Issuer, Option<Source>) {
        if self.raw.issuer.is_empty() {
            self.note(
                &["issuer"],
                "an empty string",
                "the iss of this issuer's tokens",
            );
        }
        let path = ["issuers", self.name, "issuer"];
        let mistake = mistakes::of_issuer(&self.raw.issuer);
        self.findings.mistake(&path, mistake);
        let algorithms = self.algorithms();
        let issuer = Issuer {
            name: self.name.into(),
            expectations: self.expectations(),
            headers: self.headers(),
            required: self.raw.required,
            forward_token: self.raw.forward_token,
            algorithms: algorithms.clone(),
        };
        let source = self.source(&algorithms);
        (issuer, source)
    }

    fn note(&mut self, setting: &[&str], found: impl Into<String>, expected: impl Into<String>) {
        let path = [&["issuers", self.name], setting].concat();
        self.findings.add(&path, found, expected);
    }

    fn note_cause(&mut self, setting: &[&str], cause: impl Into<String>, expected: &str) {
        let path = [&["issuers", self.name], setting].concat();
        self.findings.add_cause(&path, cause, expected);
    }

    fn note_key(&mut self, setting: &[&str], found: impl Into<String>, expected: &str) {
        let path = [&["issuers", self.name], setting].concat();
        self.findings.add_key(&path, found, expected);
    }

    fn algorithms(&mut self) -> Vec<Algorithm> {
        let symmetric = self.raw.secret_file.is_some();
        let Some(names) = &self.raw.algorithms else {
            return if symmetric {
                vec![Algorithm::HS256]
            } else {
                settings::public_key_algorithms().collect()
            };
        };
        let path = ["issuers", self.name, "algorithms"];
        let mut algorithms = Vec::new();
        for (index, name) in filled(Some(names), &path, self.findings).iter().enumerate() {
            let element = format!("[{index}]");
            let Some(algorithm) = Algorithm::from_name(name) else {
                let path = [&path[..], &[&element]].concat();
                let known = Algorithm::ALL.into_iter().map(Algorithm::name);
                self.findings.add_unknown(&path, "algorithm", name, known);
                continue;
            };
            if algorithm.is_symmetric() != symmetric {
                let expected = if symmetric {
                    "HS algorithms only, since secret_file gives a shared secret"
                } else {
                    "public-key algorithms only, since the issuer has no secret_file"
                };
                self.note(&["algorithms", &element], format!("{name:?}"), expected);
                continue;
            }
            algorithms.push(algorithm);
        }
        algorithms
    }

    fn expectations(&mut self) -> Expectations {
        let leeway = self.duration("leeway", &self.raw.leeway, settings::LEEWAY);
        let max_lifetime = self.raw.max_lifetime.as_deref();
        let max_lifetime =
            max_lifetime.map(|text| self.duration("max_lifetime", text, settings::MAX_LIFETIME));
        let path = ["issuers", self.name, "types"];
        let types = filled(self.raw.types.as_deref(), &path, self.findings);
        let bare = |typ: &String| {
            let typ = typ.to_ascii_lowercase();
            typ.strip_prefix("application/").unwrap_or(&typ).into()
        };
        Expectations {
            issuer: self.raw.issuer.as_str().into(),
            audiences: self.audiences(),
            leeway,
            max_lifetime,
            types: types.iter().map(bare).collect(),
            ignore_confirmation: self.raw.ignore_confirmation,
        }
    }

    fn duration(&mut self, name: &str, text: &str, span: Span) -> Duration {
        let path = ["issuers", self.name, name];
        span.read(Some(text), &path, Duration::ZERO, self.findings)
    }

    /// A service that accepts tokens made for others is open to every holder of such a token.
    fn audiences(&mut self) -> Audiences {
        match (&self.raw.audiences, self.raw.any_audience) {
            (None, true) => Audiences::Any,
            (None, false) => {
                self.note(
                    &[],
                    "no audiences",
                    "audiences, or any_audience: true to accept all",
                );
                Audiences::Any
            }
            (Some(_), true) => {
                self.note(
                    &["any_audience"],
                    "audiences as well",
                    "one of audiences and any_audience",
                );
                Audiences::Any
            }
            (Some(list), false) => {
                let path = ["issuers", self.name, "audiences"];
                let list = filled(Some(list), &path, self.findings);
                for (index, audience) in list.iter().enumerate() {
                    let element = format!("[{index}]");
                    let path = [&path[..], &[&element]].concat();
                    self.findings
                        .mistake(&path, mistakes::of_audience(audience));
                }
                Audiences::OneOf(
                    list.iter()
                        .map(|audience| audience.as_str().into())
                        .collect(),
                )
            }
        }
    }
}
