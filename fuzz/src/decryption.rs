//! Target `decrypt`: header and segments of an encrypted token, decrypted with a fixed key of each
//! kind.

use watchword::jose::Jwe;
use watchword_test_support::mint::b64;

use super::input::{Input, joined};
use super::keys::RECIPIENTS;
use super::second_opinion::decoded;
use super::{tokens, unsealed};

const MAX_CONTENT: usize = 16 * 1024;

/// Header, encrypted key, IV, tag, and ciphertext. A key decrypts it here if and only if it does so
/// in the second implementation, and to the same content.
pub fn decrypt(data: &[u8]) -> bool {
    let mut input = Input(data);
    let [header, key, iv, tag] = [(); 4].map(|()| input.part());
    let segments = [header, key, iv, input.0, tag].map(b64);
    let token = segments.join(".");
    let Ok(jwe) = Jwe::parse(&token) else {
        return false;
    };
    let mut is_decrypted = false;
    for recipient in RECIPIENTS.iter() {
        let ours = jwe.decrypt(&recipient.decryption, MAX_CONTENT).ok();
        let theirs = unsealed::open(&token, &recipient.secret, MAX_CONTENT);
        assert_eq!(
            ours.as_deref(),
            theirs.as_deref(),
            "{} decrypts {token} differently",
            recipient.name
        );
        is_decrypted |= ours.is_some();
    }
    is_decrypted
}

/// The token of each recipe, taken apart.
pub fn seeds() -> Vec<Vec<u8>> {
    let sealed = tokens::RECIPES
        .iter()
        .filter(|recipe| recipe.seal.is_some());
    let apart = sealed.map(|recipe| {
        let parts: Option<Vec<Vec<u8>>> = recipe.token.split('.').map(decoded).collect();
        let parts = parts.expect("base64");
        joined(&[&parts[0], &parts[1], &parts[2], &parts[4]], &parts[3])
    });
    apart.collect()
}
