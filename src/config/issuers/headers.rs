//! The claims of an issuer that become headers.

use crate::policy::{ArrayForm, ClaimHeader, ClaimHeaders, HeaderName};
use crate::token::ClaimPath;

use super::super::findings::Findings;
use super::super::mistakes;
use super::super::settings;
use super::super::values::filled;
use super::Section;

impl Section<'_, '_> {
    pub(super) fn headers(&mut self) -> ClaimHeaders {
        let mut headers = Vec::new();
        let raw = self.raw;
        for (name, header) in &raw.headers {
            let setting = ["headers", name.as_str()];
            let (claim, array, required) = match header {
                settings::ClaimHeaderSetting::Dotted(path) => (
                    self.dotted(&setting, path),
                    settings::ArrayFormSetting::Comma,
                    false,
                ),
                settings::ClaimHeaderSetting::Literal(names) => (
                    self.literal(&setting, names),
                    settings::ArrayFormSetting::Comma,
                    false,
                ),
                settings::ClaimHeaderSetting::Full(full) => {
                    let claim = match &full.claim {
                        settings::ClaimNameSetting::Dotted(path) => self.dotted(&setting, path),
                        settings::ClaimNameSetting::Literal(names) => self.literal(&setting, names),
                    };
                    (claim, full.array, full.required)
                }
            };
            let array = match array {
                settings::ArrayFormSetting::Comma => ArrayForm::Comma,
                settings::ArrayFormSetting::Json => ArrayForm::Json,
            };
            let path = [&["issuers", self.name], &setting[..]].concat();
            let mistake = mistakes::of_claim_header(name, &claim.to_string());
            self.findings.mistake(&path, mistake);
            match HeaderName::parse(name) {
                Ok(name) => headers.push(ClaimHeader {
                    name,
                    claim,
                    array,
                    required,
                }),
                Err(error) => self.note_key(
                    &setting,
                    format!("{name:?}: {error}"),
                    "a header of your own",
                ),
            }
        }
        ClaimHeaders::new(headers)
    }

    fn dotted(&mut self, setting: &[&str], path: &str) -> ClaimPath {
        if path.split('.').any(str::is_empty) {
            self.note(
                setting,
                format!("{path:?}"),
                "names of claims, separated by single dots",
            );
        } else {
            let setting = [&["issuers", self.name], setting].concat();
            self.findings.mistake(&setting, mistakes::of_claim(path));
        }
        ClaimPath::dotted(path)
    }

    fn literal(&mut self, setting: &[&str], names: &[String]) -> ClaimPath {
        let path = [&["issuers", self.name], setting].concat();
        ClaimPath::literal(filled(Some(names), &path, self.findings))
    }
}

/// Two names that a framework may take for one would let a client set one of them.
pub(super) fn refuse_alike_headers(raw: &settings::Settings, findings: &mut Findings<'_>) {
    let mut seen: Vec<(&str, HeaderName)> = Vec::new();
    for (issuer, section) in &raw.issuers {
        for name in section.headers.keys() {
            let Ok(parsed) = HeaderName::parse(name) else {
                continue;
            };
            let alike = seen
                .iter()
                .find(|(known, like)| *known != name && like.is_like(name.as_bytes()));
            if let Some((known, _)) = alike {
                let found = format!("{name:?}, which is easily taken for {known:?}");
                findings.add_key(
                    &["issuers", issuer, "headers", name],
                    found,
                    "names that differ in more than - and _",
                );
            }
            refuse_credential(
                raw,
                &parsed,
                &["issuers", issuer, "headers", name],
                findings,
            );
            seen.push((name, parsed));
        }
    }
}

/// A header cannot be taken away as the credential and set as a claim.
fn refuse_credential(
    raw: &settings::Settings,
    name: &HeaderName,
    path: &[&str],
    findings: &mut Findings<'_>,
) {
    let issuers = raw.issuers.values().flat_map(|issuer| &issuer.token_from);
    let places = raw.server.token_from.iter().chain(issuers);
    let mut headers = places.filter_map(|place| place.header.as_deref());
    if let Some(header) = headers.find(|header| name.is_like(header.as_bytes())) {
        let found = format!("the header {header:?}, in which tokens are looked for");
        findings.add_key(path, found, "a header of its own");
    }
}
