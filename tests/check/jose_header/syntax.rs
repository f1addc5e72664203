//! Area `jose-header`: the header as JSON text that two readers might read in two ways.

use serde_json::json;
use watchword_test_support::mint;

use super::super::catalogue::{Case, Row, row};
use super::super::tokens::{self, CORP, ROOMY, RSA, claims, headed, with};
use super::malformed;

pub(crate) const ROWS: &[Row] = &[
    row!("HDR-16", duplicate_member_is_malformed),
    row!("HDR-17", duplicate_by_escape_is_malformed),
    row!("HDR-18", names_are_compared_exactly),
    row!("HDR-19", header_that_is_no_object_is_malformed),
    row!("HDR-20", empty_header_is_malformed),
    row!("HDR-21", other_encodings_are_malformed),
    row!("HDR-22", text_after_the_header_is_malformed),
    row!("HDR-23", lax_json_is_malformed),
    row!("HDR-24", deep_nesting_is_malformed),
    row!("HDR-25", large_header_is_refused),
    row!("HDR-28", white_space_is_legal),
    row!("HDR-29", unknown_members_are_ignored),
];

fn duplicate_member_is_malformed(case: &mut Case) {
    case.accepts(
        &CORP,
        "each member once",
        headed(r#"{"alg":"RS256","kid":"rsa-key"}"#),
    );
    malformed(
        case,
        &[
            r#"{"alg":"RS256","alg":"none"}"#,
            r#"{"alg":"none","alg":"RS256"}"#,
            r#"{"alg":"RS256","kid":"rsa-key","alg":"RS256"}"#,
            r#"{"alg":"RS256","kid":"rsa-key","kid":"other"}"#,
            r#"{"alg":"RS256","kid":"rsa-key","typ":"JWT","typ":"at+jwt"}"#,
            r#"{"alg":"RS256","kid":"rsa-key","x":1,"x":2}"#,
            r#"{"alg":"RS256","kid":"rsa-key","x":{"y":1,"y":2}}"#,
        ],
    );
}

fn duplicate_by_escape_is_malformed(case: &mut Case) {
    case.accepts(
        &CORP,
        "escaped once",
        headed(r#"{"\u0061lg":"RS256","kid":"rsa-key"}"#),
    );
    malformed(
        case,
        &[
            r#"{"alg":"RS256","\u0061lg":"none"}"#,
            r#"{"\u0061lg":"none","alg":"RS256"}"#,
            r#"{"alg":"RS256","kid":"rsa-key","\u006bi\u0064":"other"}"#,
        ],
    );
}

fn names_are_compared_exactly(case: &mut Case) {
    case.accepts(
        &CORP,
        "ALG ignored",
        headed(r#"{"alg":"RS256","kid":"rsa-key","ALG":"none"}"#),
    );
    case.accepts(
        &CORP,
        "ALG first",
        headed(r#"{"ALG":"none","alg":"RS256","kid":"rsa-key"}"#),
    );
    case.accepts(
        &CORP,
        "KID ignored",
        headed(r#"{"alg":"RS256","kid":"rsa-key","Kid":"other"}"#),
    );
    let none = headed(r#"{"alg":"none","kid":"rsa-key","ALG":"RS256"}"#);
    case.refuses(&CORP, "alg none, ALG RS256", none, "alg_not_allowed");
    case.refuses(
        &CORP,
        "ALG alone",
        headed(r#"{"ALG":"RS256","kid":"rsa-key"}"#),
        "token_malformed",
    );
}

fn header_that_is_no_object_is_malformed(case: &mut Case) {
    malformed(
        case,
        &[
            "[]",
            r#""x""#,
            "1",
            "null",
            "true",
            r#"["alg","RS256"]"#,
            r#"[{"alg":"RS256"}]"#,
        ],
    );
}

fn empty_header_is_malformed(case: &mut Case) {
    malformed(case, &["{}", "{ }", "", " ", r#"{"kid":"rsa-key"}"#]);
}

fn other_encodings_are_malformed(case: &mut Case) {
    let header = RSA.header().to_string();
    malformed(case, &[&format!("\u{feff}{header}")]);
    let units: Vec<u16> = header.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    let marked = [&[0xff, 0xfe], little.as_slice()].concat();
    let latin = header.replace("JWT", "J\u{1}").into_bytes().into_iter();
    let latin: Vec<u8> = latin
        .map(|byte| if byte == 1 { 0xe4 } else { byte })
        .collect();
    let overlong = [
        &br#"{"alg":"RS256","kid":"rsa-key","x":""#[..],
        b"\xc0\xaf\"}",
    ]
    .concat();
    let surrogate = [
        &br#"{"alg":"RS256","kid":"rsa-key","x":""#[..],
        b"\xed\xa0\x80\"}",
    ]
    .concat();
    let forms = [
        ("UTF-16LE", little),
        ("UTF-16BE", big),
        ("UTF-16 with mark", marked),
        ("Latin-1", latin),
        ("overlong", overlong),
        ("surrogate in UTF-8", surrogate),
    ];
    for (what, header) in forms {
        let input = format!(
            "{}.{}",
            mint::b64(&header),
            mint::b64(claims().to_string().as_bytes())
        );
        let token = format!("{input}.{}", mint::b64(&RSA.signature(input.as_bytes())));
        case.refuses(&CORP, what, token, "token_malformed");
    }
}

fn text_after_the_header_is_malformed(case: &mut Case) {
    let header = RSA.header().to_string();
    case.accepts(&CORP, "the header alone", headed(&header));
    for text in [
        r#"{"alg":"none"}"#,
        &header,
        "x",
        ",",
        "}",
        "\0",
        "//",
        "null",
    ] {
        malformed(case, &[&format!("{header}{text}")]);
    }
}

fn lax_json_is_malformed(case: &mut Case) {
    malformed(
        case,
        &[
            r#"{"alg":"RS256",/* RS */"kid":"rsa-key"}"#,
            "{\"alg\":\"RS256\", // RS\n\"kid\":\"rsa-key\"}",
            r#"{"alg":"RS256","kid":"rsa-key",}"#,
            r"{'alg':'RS256','kid':'rsa-key'}",
            r#"{alg:"RS256",kid:"rsa-key"}"#,
            r#"{"alg":"RS256","kid":"rsa-key","x":NaN}"#,
            r#"{"alg":"RS256","kid":"rsa-key","x":Infinity}"#,
            r#"{"alg":"RS256","kid":"rsa-key","x":+1}"#,
            r#"{"alg":"RS256","kid":"rsa-key","x":01}"#,
            r#"{"alg":"RS256","kid":"rsa-key","x":.5}"#,
            r#"{"alg":"RS256","kid":"rsa-key","x":1.}"#,
            r#"{"alg":"RS256","kid":"rsa-key","x":0x1}"#,
            r#"{"alg":"RS256","kid":"rsa-key","x":True}"#,
            r#"{"alg":"RS256","kid":"rsa-key","x":"\x41"}"#,
            "{\"alg\":\"RS256\",\"kid\":\"rsa-key\",\"x\":\"a\nb\"}",
            r#"{"alg":"RS256","kid":"rsa-key" "x":1}"#,
            r#"{"alg":"RS256",,"kid":"rsa-key"}"#,
            r#"{"alg":"RS256";"kid":"rsa-key"}"#,
            r#"{"alg"="RS256","kid"="rsa-key"}"#,
        ],
    );
}

/// A header with an array of this depth in an unknown member.
fn nested(depth: usize) -> String {
    let (open, close) = ("[".repeat(depth), "]".repeat(depth));
    format!(r#"{{"alg":"RS256","kid":"rsa-key","x":{open}{close}}}"#)
}

fn deep_nesting_is_malformed(case: &mut Case) {
    case.accepts(&CORP, "16 levels", headed(&nested(16)));
    case.refuses(
        &CORP,
        "2000 levels",
        headed(&nested(2_000)),
        "token_malformed",
    );
    case.refuses(
        &ROOMY,
        "10000 levels",
        headed(&nested(10_000)),
        "token_malformed",
    );
    case.refuses(
        &ROOMY,
        "20000 levels",
        headed(&nested(20_000)),
        "token_malformed",
    );
    case.refuses(
        &CORP,
        "10000 levels, small limit",
        headed(&nested(10_000)),
        "token_too_large",
    );
    let objects = format!("{}1{}", r#"{"a":"#.repeat(7_000), "}".repeat(7_000));
    let header = format!(r#"{{"alg":"RS256","kid":"rsa-key","x":{objects}}}"#);
    case.refuses(&ROOMY, "7000 objects", headed(&header), "token_malformed");
    let unclosed = format!(r#"{{"alg":"RS256","x":{}"#, "[".repeat(40_000));
    case.refuses(
        &ROOMY,
        "40000 levels, never closed",
        headed(&unclosed),
        "token_malformed",
    );
}

fn large_header_is_refused(case: &mut Case) {
    let header = with(RSA.header(), "x", json!("x".repeat(64 << 10))).to_string();
    case.refuses(
        &CORP,
        "64 KiB in one member",
        headed(&header),
        "token_too_large",
    );
    let members: String = (0..8_000)
        .map(|number| format!(r#","x{number}":1"#))
        .collect();
    let header = format!(r#"{{"alg":"RS256","kid":"rsa-key"{members}}}"#);
    case.refuses(
        &CORP,
        "64 KiB in 8000 members",
        headed(&header),
        "token_too_large",
    );
}

fn white_space_is_legal(case: &mut Case) {
    for header in [
        "{ \"alg\" : \"RS256\" ,\r\n\t\"kid\" : \"rsa-key\" }",
        "\n\t {\"alg\":\"RS256\",\"kid\":\"rsa-key\"} \r\n",
        "{\n  \"alg\": \"RS256\",\n  \"typ\": \"JWT\",\n  \"kid\": \"rsa-key\"\n}\n",
    ] {
        case.accepts(&CORP, &header.escape_debug().to_string(), headed(header));
        let other = RSA.with_kid("other").header().to_string();
        case.refuses(
            &CORP,
            "another kid, same form",
            headed(&other),
            "key_not_found",
        );
    }
}

fn unknown_members_are_ignored(case: &mut Case) {
    for (name, value) in [
        ("foo", json!("bar")),
        ("enc", json!("A256GCM")),
        ("nonce", json!("n")),
        ("exp", json!(1)),
        ("epk", json!({"kty": "EC"})),
        ("p2c", json!(4_294_967_296_u64)),
        ("", json!(null)),
        ("constructor", json!({})),
    ] {
        let header = with(RSA.header(), name, value);
        case.accepts(&CORP, name, RSA.sign_with(&header, &tokens::claims()));
    }
}
