//! The steps for the form of a token: segments, header, payload.

use crate::jose::{Compact, JoseHeader, Json, MAX_HEADER_VALUES, Object};
use crate::token::{BearerToken, Denial, MAX_CLAIM_VALUES, UnverifiedToken};

use super::steps::Explainer;
use super::text;

const HEADER: &str = "base64url of a JSON object with alg, and no crit; kid and typ are strings";

impl Explainer<'_, '_, '_> {
    /// Parses the token.
    pub(super) fn token<'r>(&mut self, token: &BearerToken<'r>) -> Option<UnverifiedToken<'r>> {
        let read = self.open(token.as_str());
        if read.is_none() {
            self.skip(&["issuer"]);
        }
        read
    }

    fn open<'r>(&mut self, token: &'r str) -> Option<UnverifiedToken<'r>> {
        let expected = "3 segments with dots between them";
        let compact = match Compact::split(token) {
            Ok(compact) => compact,
            Err(error) => {
                let segments = token.split('.').count();
                let found = format!("{segments} segment{}", text::plural(segments));
                self.step("form", Err(error.into()), found, expected);
                self.skip(&["header", "payload"]);
                return None;
            }
        };
        let found = match &compact {
            Compact::Jws { .. } => "3 segments: signed (JWS)",
            Compact::Jwe { .. } => "5 segments: encrypted (JWE)",
        };
        self.step("form", Ok(()), found, expected);
        let header = match compact.header() {
            Ok(header) => header,
            Err(error) => {
                let found = header_fault(&compact);
                self.step("header", Err(error.into()), found, HEADER);
                self.skip(&["payload"]);
                return None;
            }
        };
        let bytes = compact.header_bytes();
        let shown = bytes.map(|bytes| Json::parse(&bytes, MAX_HEADER_VALUES));
        if let Ok(Ok(shown)) = shown {
            let alg = shown.as_object().and_then(|header| header.get("alg"));
            self.algorithm = alg.map(text::value).unwrap_or_default();
            self.step("header", Ok(()), text::value(&shown), HEADER);
        }
        self.payload(compact, header)
    }

    fn payload<'r>(
        &mut self,
        compact: Compact<'r>,
        header: JoseHeader,
    ) -> Option<UnverifiedToken<'r>> {
        let fault = match &compact {
            Compact::Jws { .. } => (
                "payload or signature is not base64url",
                "base64url without padding",
            ),
            Compact::Jwe { .. } => (
                "encrypted",
                "a signed token: encrypted ones are not supported",
            ),
        };
        let jws = match compact.open(header) {
            Ok(jws) => jws,
            Err(error) => {
                self.step("payload", Err(error.into()), fault.0, fault.1);
                return None;
            }
        };
        let found = match Json::parse(jws.payload(), MAX_CLAIM_VALUES) {
            Ok(Json::Object(claims)) => names(&claims),
            Ok(_) => "JSON, but not an object".to_owned(),
            Err(error) => error.to_string(),
        };
        let read = UnverifiedToken::read(jws);
        let result = read.as_ref().map(drop).map_err(Denial::clone);
        self.step("payload", result, found, "a JSON object of claims");
        read.ok()
    }
}

/// The fault of a header, in words.
fn header_fault(compact: &Compact<'_>) -> String {
    let Ok(bytes) = compact.header_bytes() else {
        return "not base64url without padding".to_owned();
    };
    let header = match Json::parse(&bytes, MAX_HEADER_VALUES) {
        Ok(Json::Object(header)) => header,
        Ok(_) => return "JSON, but not an object".to_owned(),
        Err(error) => return error.to_string(),
    };
    let texts = ["alg", "kid", "typ"].into_iter();
    let odd = texts.filter_map(|name| Some((name, header.get(name)?)));
    let mut odd = odd.filter(|(_, value)| value.as_str().is_none());
    if !header.contains("alg") {
        "no alg".to_owned()
    } else if let Some(crit) = header.get("crit") {
        format!("crit {}", text::value(crit))
    } else if header.contains("b64") {
        "b64 without crit".to_owned()
    } else if let Some((name, value)) = odd.next() {
        format!("{name} {}", text::value(value))
    } else {
        text::value(&Json::Object(header))
    }
}

fn names(claims: &Object) -> String {
    let count = claims.iter().count();
    let names = text::list(claims.iter().map(|(name, _)| text::plain(name)));
    let plural = text::plural(count);
    if count == 0 {
        return "0 claims".to_owned();
    }
    format!("{count} claim{plural}: {names}")
}
