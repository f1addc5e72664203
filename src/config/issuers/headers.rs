//! Claims that become headers, and the paths of claims.

use crate::policy::{ArrayForm, ClaimHeader, ClaimHeaders, HeaderName};
use crate::token::ClaimPath;

use super::super::mistakes;
use super::super::setting::Setting;
use super::super::settings::{
    ArrayFormSetting, ClaimHeaderSetting, ClaimNameSetting, IssuerSettings, Settings,
};

impl Setting<'_, '_, IssuerSettings> {
    pub(super) fn claim_headers(&mut self) -> ClaimHeaders {
        let headers = &self.value.headers;
        let mut section = self.member("headers", headers);
        let headers = headers.iter().filter_map(|(name, header)| {
            let (claim, array, required) = match header {
                ClaimHeaderSetting::Name(claim) => (claim, ArrayFormSetting::Comma, false),
                ClaimHeaderSetting::Full(full) => (&full.claim, full.array, full.required),
            };
            let mut setting = section.member(name, claim);
            let claim = setting.claim_path();
            let array = match array {
                ArrayFormSetting::Comma => ArrayForm::Comma,
                ArrayFormSetting::Json => ArrayForm::Json,
            };
            setting.mistake(mistakes::of_claim_header(name, &claim.to_string()));
            let parsed = HeaderName::parse(name).map_err(|error| {
                setting.bad_name(format!("{name:?}: {error}"), "a header of your own");
            });
            Some(ClaimHeader {
                name: parsed.ok()?,
                claim,
                array,
                required,
            })
        });
        ClaimHeaders(headers.collect())
    }
}

impl Setting<'_, '_, ClaimNameSetting> {
    pub(in crate::config) fn claim_path(&mut self) -> ClaimPath {
        match self.value {
            ClaimNameSetting::Literal(names) => ClaimPath::literal(names),
            ClaimNameSetting::Dotted(path) => {
                if path.split('.').any(str::is_empty) {
                    let expected = "names of claims, separated by single dots";
                    self.found(format!("{path:?}"), expected);
                } else {
                    self.mistake(mistakes::of_claim(path));
                }
                ClaimPath::dotted(path)
            }
        }
    }
}

/// If a framework may take two names for one, a client could set one of them.
pub(super) fn refuse_alike(root: &mut Setting<'_, '_, Settings>) {
    let settings = root.value;
    let issuers = settings.issuers.values();
    let places = issuers.flat_map(|issuer| &issuer.token_from);
    let places = settings.server.token_from.iter().chain(places);
    let credentials: Vec<&str> = places.filter_map(|place| place.header.as_deref()).collect();
    let mut seen: Vec<(&str, HeaderName)> = Vec::new();
    let mut section = root.member("issuers", &settings.issuers);
    for (issuer, settings) in &settings.issuers {
        let mut issuer = section.member(issuer, settings);
        let mut headers = issuer.member("headers", &settings.headers);
        for (name, claim) in &settings.headers {
            let Ok(parsed) = HeaderName::parse(name) else {
                continue;
            };
            let mut header = headers.member(name, claim);
            let is_alike = |(known, other): &&(&str, HeaderName)| {
                *known != name && other.is_like(name.as_bytes())
            };
            if let Some((known, _)) = seen.iter().find(is_alike) {
                let found = format!("{name:?}, which is easily taken for {known:?}");
                header.bad_name(found, "names that differ in more than - and _");
            }
            // A header cannot be removed as the credential and set as a claim.
            let mut credentials = credentials.iter();
            if let Some(credential) = credentials.find(|other| parsed.is_like(other.as_bytes())) {
                let found = format!("the header {credential:?}, in which tokens are looked for");
                header.bad_name(found, "a header of its own");
            }
            seen.push((name, parsed));
        }
    }
}
