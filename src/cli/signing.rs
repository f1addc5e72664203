//! Signs tokens for tests and for the demo.

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::explain::plain;
use crate::jose::{Algorithm, Json, Object, PrivateKey};

/// A key with an algorithm that it signs with.
pub(super) struct TokenSigner {
    key: PrivateKey,
    algorithm: Algorithm,
    /// The key's own, or its thumbprint. A shared secret may have none: a thumbprint would help to
    /// guess it.
    kid: Option<String>,
}

impl TokenSigner {
    /// `wanted` is the name of an algorithm. Without one, takes the key's own, or the usual one
    /// for its type.
    pub(super) fn new(key: PrivateKey, wanted: Option<&str>) -> anyhow::Result<Self> {
        let algorithm = algorithm(&key, wanted)?;
        let kid = key.public().map(|public| public.kid());
        let kid = kid.or_else(|| key.kid().map(ToOwned::to_owned));
        Ok(Self {
            key,
            algorithm,
            kid,
        })
    }

    pub(super) fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// A compact token with these claims, which are JSON.
    pub(super) fn sign(&self, typ: &str, claims: &str) -> anyhow::Result<String> {
        let mut header = vec![
            ("alg", Json::string(self.algorithm.name())),
            ("typ", Json::string(typ)),
        ];
        header.extend(self.kid.as_deref().map(|kid| ("kid", Json::string(kid))));
        let mut json = String::new();
        Json::Object(Object::of(header)).write_ascii(&mut json);
        let [header, claims] = [&*json, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let signing_input = format!("{header}.{claims}");
        let signature = self.key.sign(self.algorithm, signing_input.as_bytes())?;
        Ok(format!("{signing_input}.{signature}"))
    }
}

fn algorithm(key: &PrivateKey, wanted: Option<&str>) -> anyhow::Result<Algorithm> {
    if !key.may_sign() {
        bail!("found a key that is not for signing, by its use or key_ops");
    }
    let kind = key.kind();
    let fitting = key.signing_algorithms();
    let usual = fitting.first();
    let usual = usual.with_context(|| format!("found a key that cannot sign: {kind}"))?;
    let Some(name) = wanted.or(key.alg()) else {
        return Ok(*usual);
    };
    let chosen = fitting.iter().find(|algorithm| algorithm.name() == name);
    let chosen = chosen.with_context(|| {
        let names: Vec<&str> = fitting.iter().map(|algorithm| algorithm.name()).collect();
        let (found, names) = (plain(name), names.join(", "));
        format!("found the algorithm {found}; expected {names}, for a key of type {kind}")
    })?;
    if let Some(own) = key.alg()
        && !chosen.fits_key_alg(own)
    {
        let own = plain(own);
        bail!("found the algorithm {name}; expected {own}, the alg of the key");
    }
    Ok(*chosen)
}
