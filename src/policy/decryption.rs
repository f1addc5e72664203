//! The keys that decrypt tokens, and the terms on which each issuer accepts encrypted ones.

use std::collections::HashSet;

use crate::jose::{self, ContentEncryption, DecryptionKey, Jwe, KeyAlgorithm};
use crate::token::Denial;

use super::{Issuer, IssuerId, Policy};

/// The limits of keys that are tried for one token, of one issuer and of all. They bound the work
/// that a token without `kid` can cause.
const MAX_KEYS_OF_ISSUER: usize = 4;
const MAX_CANDIDATES: usize = 16;

/// The terms on which an issuer accepts encrypted tokens.
#[derive(Debug)]
pub(crate) struct EncryptionTerms {
    pub(crate) algorithms: Vec<KeyAlgorithm>,
    pub(crate) encryptions: Vec<ContentEncryption>,
    /// True if tokens that are only signed are refused, so that nobody can strip the encryption.
    pub(crate) is_required: bool,
    /// True if compressed content is accepted.
    pub(crate) allows_compression: bool,
    /// True if claims without a signature are accepted from a shared key. Everyone who has the key
    /// can make such tokens.
    pub(crate) trusts_claims: bool,
}

/// The decryption keys of all issuers.
#[derive(Debug, Default)]
pub(crate) struct DecryptionKeys {
    entries: Vec<DecryptionKeyEntry>,
    /// Of each issuer, the newest private key of each type: an index of `entries`.
    newest: Vec<(IssuerId, usize)>,
}

/// A decryption key and the issuers that use it.
#[derive(Debug)]
pub(crate) struct DecryptionKeyEntry {
    pub(crate) key: DecryptionKey,
    pub(crate) issuers: Vec<IssuerId>,
}

/// A key that may decrypt a token, and the issuers that use it and accept the token's algorithms.
#[derive(Debug)]
pub(crate) struct DecryptionCandidate<'p> {
    pub(crate) key: &'p DecryptionKey,
    pub(crate) issuers: Vec<IssuerId>,
}

/// The keys to try for a token: at least one.
#[derive(Debug)]
pub(crate) struct DecryptionCandidates<'p> {
    pub(crate) keys: Vec<DecryptionCandidate<'p>>,
    /// The number of keys that suit too, and are not tried.
    pub(crate) left_out: usize,
}

impl DecryptionKeys {
    /// Adds the keys of an issuer, newest first. A key that several issuers use is stored once.
    pub(crate) fn add(&mut self, issuer: IssuerId, keys: Vec<DecryptionKey>) {
        let mut types = Vec::new();
        for key in keys {
            let public_type = key.public_type();
            let index = self.entry_of(issuer, key);
            if let Some(public_type) = public_type
                && !types.contains(&public_type)
            {
                types.push(public_type);
                self.newest.push((issuer, index));
            }
        }
    }

    /// The index of a key's entry, which has the issuer from now on.
    fn entry_of(&mut self, issuer: IssuerId, key: DecryptionKey) -> usize {
        let mut entries = self.entries.iter_mut().enumerate();
        if let Some((index, known)) = entries.find(|(_, known)| known.key.is_duplicate_of(&key)) {
            if !known.issuers.contains(&issuer) {
                known.issuers.push(issuer);
            }
            return index;
        }
        let issuers = vec![issuer];
        self.entries.push(DecryptionKeyEntry { key, issuers });
        self.entries.len() - 1
    }

    /// The newest private key of each type, of one issuer or of all.
    fn newest(&self, issuer: Option<IssuerId>) -> impl Iterator<Item = &DecryptionKeyEntry> {
        let mut seen = HashSet::new();
        let newest = self.newest.iter();
        let wanted = newest.filter(move |(of, _)| issuer.is_none_or(|issuer| issuer == *of));
        let distinct = wanted.filter(move |(_, index)| seen.insert(*index));
        distinct.filter_map(|(_, index)| self.entries.get(*index))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &DecryptionKeyEntry> {
        self.entries.iter()
    }
}

impl EncryptionTerms {
    pub(crate) fn accept(&self, jwe: &Jwe<'_>) -> bool {
        self.algorithms.contains(&jwe.algorithm())
            && self.encryptions.contains(&jwe.encryption())
            && (self.allows_compression || !jwe.header().is_compressed())
    }
}

impl Policy {
    /// The public keys to encrypt tokens to, as a JWK set, of one issuer or of all: the newest of
    /// each type. A key that serves one algorithm only has it as its `alg`, since Keycloak ignores
    /// keys without `alg`.
    pub(crate) fn public_keys(&self, issuer: Option<IssuerId>) -> String {
        let keys = self.decryption_keys.newest(issuer);
        jose::public_key_set(keys.map(|entry| (&entry.key, self.only_algorithm(entry, issuer))))
    }

    /// The algorithm of a key, if the issuer, or each that uses the key, accepts no other algorithm
    /// that suits the key.
    fn only_algorithm(
        &self,
        entry: &DecryptionKeyEntry,
        issuer: Option<IssuerId>,
    ) -> Option<KeyAlgorithm> {
        let users = entry.issuers.iter();
        let users = users.filter(|user| issuer.is_none_or(|issuer| issuer == **user));
        let issuers = users.filter_map(|id| self.issuer(*id));
        let terms: Vec<_> = issuers
            .filter_map(|issuer| issuer.encryption.as_ref())
            .collect();
        let mut accepted = KeyAlgorithm::ALL.into_iter().filter(|algorithm| {
            let mut terms = terms.iter();
            terms.any(|terms| {
                let mut encryptions = terms.encryptions.iter();
                terms.algorithms.contains(algorithm)
                    && encryptions.any(|enc| entry.key.suits(*algorithm, *enc))
            })
        });
        accepted.next().filter(|_| accepted.next().is_none())
    }

    /// The decryption keys of all issuers.
    pub(crate) fn decryption_keys(&self) -> &DecryptionKeys {
        &self.decryption_keys
    }

    /// The keys to try for a token. All suit its algorithms. If the token has a `kid`, they are the
    /// keys that it names, then those without a `kid` of their own. Those of the issuer that its
    /// header names come first (RFC 7519 §5.3), and keys that do not match its `epk` or encrypted
    /// key last.
    ///
    /// # Errors
    /// [`Denial::AlgNotAllowed`] if no issuer accepts the algorithms, or no key suits them;
    /// [`Denial::KeyNotFound`] if no key has the token's `kid`.
    pub(crate) fn decryption_candidates(
        &self,
        jwe: &Jwe<'_>,
    ) -> Result<DecryptionCandidates<'_>, Denial> {
        let kid = jwe.header().kid();
        let (mut named, mut unnamed) = (Vec::new(), Vec::new());
        let (mut is_accepted, mut is_known) = (false, false);
        for entry in self.decryption_keys.iter() {
            if self.accepting(entry, jwe).next().is_none() {
                continue;
            }
            is_accepted = true;
            let is_named = kid.is_some_and(|kid| entry.key.is_named(kid));
            is_known |= is_named;
            if !entry.key.suits(jwe.algorithm(), jwe.encryption()) {
                continue;
            }
            if is_named {
                named.push(entry);
            } else if kid.is_none() || entry.key.kid().is_none() {
                unnamed.push(entry);
            }
        }
        let mut suitable = named;
        suitable.extend(unnamed);
        if !suitable.is_empty() {
            Ok(self.chosen(suitable, jwe))
        } else if is_accepted && kid.is_some() && !is_known {
            Err(Denial::KeyNotFound)
        } else {
            Err(Denial::AlgNotAllowed)
        }
    }

    /// The issuers that use a key and accept the token's algorithms.
    fn accepting<'p>(
        &'p self,
        entry: &'p DecryptionKeyEntry,
        jwe: &'p Jwe<'_>,
    ) -> impl Iterator<Item = IssuerId> + 'p {
        entry.issuers.iter().copied().filter(|id| {
            let issuer = self.issuer(*id);
            issuer.is_some_and(|issuer| issuer.accepts_encryption(jwe))
        })
    }

    /// The first keys, as many as may be tried. The keys of one issuer do not crowd out those of
    /// another. The work is linear in the number of suitable keys.
    fn chosen<'p>(
        &'p self,
        mut suitable: Vec<&'p DecryptionKeyEntry>,
        jwe: &Jwe<'_>,
    ) -> DecryptionCandidates<'p> {
        let issuer = jwe
            .header()
            .issuer()
            .and_then(|url| self.issuer_by_url(url));
        suitable.sort_by_key(|entry| {
            let is_of_issuer = issuer.is_some_and(|(id, _)| entry.issuers.contains(&id));
            (!entry.key.can_be_recipient_of(jwe), !is_of_issuer)
        });
        let mut keys: Vec<DecryptionCandidate<'p>> = Vec::new();
        let mut left_out = 0;
        for entry in suitable {
            let issuers: Vec<_> = self.accepting(entry, jwe).collect();
            // Issuers may describe the same key differently.
            let mut known = keys.iter_mut();
            if let Some(known) = known.find(|known| known.key.is_same_key(&entry.key)) {
                known.issuers.extend(issuers);
                continue;
            }
            let has_room = |id| {
                let of_issuer = keys.iter().filter(|known| known.issuers.contains(id));
                of_issuer.count() < MAX_KEYS_OF_ISSUER
            };
            if keys.len() < MAX_CANDIDATES && issuers.iter().any(has_room) {
                let key = &entry.key;
                keys.push(DecryptionCandidate { key, issuers });
            } else {
                left_out += 1;
            }
        }
        DecryptionCandidates { keys, left_out }
    }
}

impl Issuer {
    pub(crate) fn accepts_encryption(&self, jwe: &Jwe<'_>) -> bool {
        let terms = self.encryption.as_ref();
        terms.is_some_and(|terms| terms.accept(jwe))
    }

    pub(crate) fn requires_encryption(&self) -> bool {
        self.encryption
            .as_ref()
            .is_some_and(|terms| terms.is_required)
    }
}
