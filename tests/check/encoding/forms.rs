//! Area `encoding`: tokens in other forms than the compact one, or with something beside them.

use serde_json::json;
use watchword_test_support::mint;

use super::super::catalogue::{Case, Row, row};
use super::super::tokens::{self, CORP, ED, claims, segments};
use super::all_malformed;

pub(crate) const ROWS: &[Row] = &[
    row!("ENC-12", json_serialization_is_malformed),
    row!("ENC-13", polyglot_is_malformed),
    row!("ENC-14", quoted_and_percent_encoded_are_malformed),
    row!("ENC-15", disclosures_are_malformed),
    row!("ENC-16", two_tokens_are_malformed),
];

fn json_serialization_is_malformed(case: &mut Case) {
    let good = tokens::good();
    let [header, payload, signature] = segments(&good);
    let flattened = json!({"protected": header, "payload": payload, "signature": signature});
    let general =
        json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]});
    let encrypted = json!({
        "protected": header, "encrypted_key": payload,
        "iv": "AA", "ciphertext": payload, "tag": signature,
    });
    for form in [flattened, general, encrypted] {
        let text = form.to_string();
        case.refuses(&CORP, "as it is", &text, "token_malformed");
        case.refuses(
            &CORP,
            "in base64url",
            mint::b64(text.as_bytes()),
            "token_malformed",
        );
    }
}

/// CVE-2022-39227: one reader finds a compact token, another a JSON object.
fn polyglot_is_malformed(case: &mut Case) {
    let good = tokens::good();
    let [header, payload, signature] = segments(&good);
    let forged = mint::b64(
        tokens::claims_with("sub", json!("admin"))
            .to_string()
            .as_bytes(),
    );
    for text in [
        format!(r#"{{"{good}":""}}"#),
        format!(r#"{{"token":"{good}"}}"#),
        format!(
            r#"{{"  {header}.":"","protected":"{header}","payload":"{forged}","signature":"{signature}"}}"#
        ),
        format!(r#"{{"  {header}.{forged}.":"","payload":"{payload}","signature":"{signature}"}}"#),
        format!(r#"["{good}"]"#),
    ] {
        case.refuses(&CORP, "polyglot", &text, "token_malformed");
    }
}

fn quoted_and_percent_encoded_are_malformed(case: &mut Case) {
    let good = tokens::good();
    let escaped: String = good.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let texts = [
        format!("\"{good}\""),
        format!("'{good}'"),
        format!("<{good}>"),
        good.replace('.', "%2E"),
        escaped,
        format!("%20{good}"),
    ];
    all_malformed(case, "quoted or escaped", &texts);
}

fn disclosures_are_malformed(case: &mut Case) {
    let good = tokens::good();
    let disclosure = mint::b64(br#"["salt","sub","admin"]"#);
    let texts = [
        format!("{good}~"),
        format!("{good}~{disclosure}~"),
        format!("{good}~{disclosure}~{good}"),
    ];
    all_malformed(case, "SD-JWT", &texts);
}

fn two_tokens_are_malformed(case: &mut Case) {
    let (good, other) = (tokens::good(), ED.sign(&claims()));
    for joint in [" ", ",", ", ", ".", ";", "\n"] {
        let texts = [
            format!("{good}{joint}{other}"),
            format!("{other}{joint}{good}"),
            format!("{good}{joint}{good}"),
        ];
        all_malformed(case, &joint.escape_debug().to_string(), &texts);
    }
}
