//! Targets `compact` and `jose_header`: the form of tokens.

use serde_json::Value;
use watchword::jose::{JoseError, Jwe, Jws};
use watchword::token::BearerToken;
use watchword_test_support::mint::b64;

use super::json::Strict;
use super::tokens;

/// A text is a signed token, an encrypted one, or neither. One that is taken has one spelling.
pub fn compact(data: &[u8]) -> bool {
    let is_bearer = BearerToken::new(data, 16 * 1024).is_ok();
    let Ok(text) = std::str::from_utf8(data) else {
        assert!(!is_bearer);
        return false;
    };
    let (jws, jwe) = (Jws::parse(text), Jwe::parse(text));
    let dots = text.bytes().filter(|byte| *byte == b'.').count();
    assert!(jws.is_err() || dots == 2, "{text}");
    assert!(jwe.is_err() || dots == 4, "{text}");
    if let Ok(jws) = &jws {
        let segments: Vec<&str> = text.split('.').collect();
        assert_eq!(b64(jws.payload()), segments[1], "another spelling: {text}");
    }
    if (jws.is_ok() || jwe.is_ok()) && text.len() <= 16 * 1024 {
        assert!(is_bearer, "has characters of no token: {text}");
    }
    jws.is_ok() || jwe.is_ok()
}

pub fn compact_seeds() -> Vec<Vec<u8>> {
    let odd = [
        "",
        ".",
        "..",
        "...",
        "....",
        ".....",
        "e30.e30.",
        "e30.e30.e30.e30.e30",
        "a.b.c",
    ];
    let odd = odd.map(|text| text.as_bytes().to_vec());
    odd.into_iter().chain(tokens::seeds()).collect()
}

/// The bytes of a header, of a signed and of an encrypted token. The rules for the first are
/// modelled in full.
pub fn header(data: &[u8]) -> bool {
    let encoded = b64(data);
    let token = format!("{encoded}.e30.AAAA");
    let jws = Jws::parse(&token).map(drop);
    let members = Strict::read(data).and_then(|read| read.within(32, 256));
    let Some(Value::Object(members)) = members else {
        assert!(
            jws.is_err(),
            "no object: {:?}",
            String::from_utf8_lossy(data)
        );
        let jwe = format!("{encoded}.AAAA.AAAA.AAAA.AAAA");
        assert!(Jwe::parse(&jwe).is_err());
        return false;
    };
    let is_text = |name: &str| members.get(name).is_none_or(Value::is_string);
    let is_plain = !["crit", "b64"]
        .iter()
        .any(|name| members.contains_key(*name));
    let is_good = members.contains_key("alg") && ["alg", "kid", "typ"].into_iter().all(is_text);
    assert_eq!(jws.is_ok(), is_good && is_plain, "{members:?}: {jws:?}");
    if members.contains_key("crit") && is_good {
        let refused = Err(JoseError::CritUnsupported);
        assert!(jws == refused || jws == Err(JoseError::Malformed));
    }
    for encrypted_key in ["", "AAAA"] {
        let token = format!("{encoded}.{encrypted_key}.AAAA.AAAA.AAAA");
        let Ok(jwe) = Jwe::parse(&token) else {
            continue;
        };
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        assert!(is_plain, "{members:?}");
        assert_eq!(Some(jwe.algorithm().name()), text("alg"));
        assert_eq!(Some(jwe.encryption().name()), text("enc"));
        assert_eq!(jwe.header().kid(), text("kid"));
        assert_eq!(jwe.header().is_compressed(), text("zip") == Some("DEF"));
    }
    jws.is_ok()
}

pub fn header_seeds() -> Vec<Vec<u8>> {
    let tokens = tokens::RECIPES.iter().map(|recipe| &*recipe.token);
    let header = |token: &str| super::second_opinion::decoded(token.split('.').next()?);
    let headers = tokens.filter_map(header);
    let odd = [
        r#"{"alg":"none"}"#,
        r#"{"alg":"RS256","crit":["exp"],"exp":1}"#,
        r#"{"alg":"RS256","crit":[]}"#,
        r#"{"alg":"HS256","b64":false}"#,
        r#"{"alg":"dir","enc":"A256GCM","zip":"DEF","kid":"k","apu":"AA","epk":{}}"#,
    ];
    let odd = odd.map(|text| text.as_bytes().to_vec());
    headers.chain(odd).collect()
}
