//! The section `issuers`: the issuers whose tokens are accepted, their keys and expectations.

mod access;
mod decryption;
mod expectations;
mod headers;
mod keys;
mod timing;
mod url;

pub(super) use access::server_url_fault;
pub(super) use url::parse_url;

use std::collections::BTreeMap;

use crate::jose::{Algorithm, DecryptionKey};
use crate::jwks::Source;
use crate::policy::{DecryptionKeys, Issuer, IssuerId, Policy};
use crate::token::Audiences;

use super::mistakes;
use super::rules::is_printable_name;
use super::setting::Setting;
use super::settings::{IssuerSettings, Settings, Text, boxed};

/// Issuers in the order of their names, with their keys.
#[derive(Default)]
pub(super) struct ConfiguredIssuers {
    pub(super) all: Vec<Issuer>,
    /// The source of each issuer's keys; `None`: it has a problem.
    pub(super) sources: Vec<Option<Source>>,
    pub(super) decryption_keys: DecryptionKeys,
}

pub(super) fn issuers(root: &mut Setting<'_, '_, Settings>) -> ConfiguredIssuers {
    let settings = root.value;
    let ids = Policy::issuer_ids(settings.issuers.len());
    let mut configured = ConfiguredIssuers::default();
    headers::refuse_alike(root);
    let mut section = root.member("issuers", &settings.issuers);
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for (id, (name, issuer)) in ids.zip(&settings.issuers) {
        let iss = &*issuer.issuer;
        let mut issuer = section.member(name, issuer);
        if let Some(other) = names.insert(iss, name) {
            let found = format!("the issuer of {other:?} again");
            issuer
                .member("issuer", &())
                .found(found, "each issuer only once");
        }
        if !is_printable_name(name) {
            let expected = "a name of 1 to 64 printable characters";
            issuer.bad_name(format!("{name:?}"), expected);
        }
        let (built, source, keys) = issuer.build(name);
        configured.all.push(built);
        configured.sources.push(source);
        configured.decryption_keys.add(id, keys);
    }
    configured
}

/// Each source with its issuer's place in the policy.
pub(super) fn with_ids(sources: Vec<Option<Source>>) -> Vec<(IssuerId, Source)> {
    let ids = Policy::issuer_ids(sources.len());
    ids.zip(sources)
        .filter_map(|(id, source)| Some((id, source?)))
        .collect()
}

impl Setting<'_, '_, IssuerSettings> {
    fn build(&mut self, name: &str) -> (Issuer, Option<Source>, Vec<DecryptionKey>) {
        let settings = self.value;
        let mistake = mistakes::of_issuer(&settings.issuer);
        self.member("issuer", &settings.issuer).mistake(mistake);
        let algorithms = self.algorithms();
        let decryption = settings.decryption.as_ref();
        let decryption = decryption.map(|decryption| self.member("decryption", decryption).build());
        let (encryption, keys) = decryption.unzip();
        let issuer = Issuer {
            name: name.into(),
            expectations: self.expectations(),
            encryption,
            headers: self.claim_headers(),
            required: settings.required,
            forward_token: settings.forward_token,
            algorithms: algorithms.clone(),
        };
        self.refuse_impossible(&issuer);
        (issuer, self.source(&algorithms), keys.unwrap_or_default())
    }

    fn algorithms(&mut self) -> Vec<Algorithm> {
        let is_symmetric = self.value.secret_file.is_some();
        let Some(names) = &self.value.algorithms else {
            return Algorithm::defaults(is_symmetric).collect();
        };
        let mut algorithms = Vec::new();
        self.member("algorithms", &**names).for_each(|mut name| {
            let text = &**name.value;
            match Algorithm::from_name(text) {
                None => {
                    let known = Algorithm::ALL.into_iter().map(Algorithm::name);
                    name.unknown("algorithm", text, known);
                }
                Some(algorithm) if algorithm.is_symmetric() == is_symmetric => {
                    algorithms.push(algorithm);
                }
                Some(_) => {
                    let expected = if is_symmetric {
                        "HS algorithms only, since secret_file gives a shared secret"
                    } else {
                        "public-key algorithms only, since the issuer has no secret_file"
                    };
                    name.found(format!("{text:?}"), expected);
                }
            }
        });
        algorithms
    }
}

impl Setting<'_, '_, [Text]> {
    pub(super) fn audiences(&mut self) -> Audiences {
        self.for_each(|mut audience| {
            let mistake = mistakes::of_audience(audience.value);
            audience.mistake(mistake);
        });
        Audiences::OneOf(boxed(self.value))
    }
}
