//! Area `encoding`: the compact form, strictly. One text, one token.

use serde_json::json;

use super::call::Call;
use super::catalogue::{Case, Row, row};
use super::tokens::{self, CORP, ED, RSA, claims, segments, with};

pub(crate) mod changes;
pub(crate) mod forms;

pub(crate) const ROWS: &[Row] = &[
    row!("ENC-01", padding_is_malformed),
    row!("ENC-02", standard_alphabet_is_malformed),
    row!("ENC-03", white_space_in_a_segment_is_malformed),
    row!("ENC-04", trailing_bits_are_malformed),
    row!("ENC-05", impossible_length_is_malformed),
    row!("ENC-06", nul_is_malformed),
    row!("ENC-07", other_characters_are_malformed),
    row!("ENC-08", other_numbers_of_dots_are_malformed),
    row!("ENC-09", dots_alone_are_malformed),
    row!("ENC-10", megabytes_of_dots_are_too_large),
    row!("ENC-11", empty_segment_is_malformed),
];

/// The token with one of its three segments changed, for each of them.
fn each_segment(token: &str, change: impl Fn(&str) -> String) -> [String; 3] {
    [0, 1, 2].map(|index| {
        let mut parts = segments(token).map(str::to_owned);
        parts[index] = change(&parts[index]);
        parts.join(".")
    })
}

fn all_malformed(case: &mut Case, what: &str, tokens: &[String]) {
    for (index, token) in tokens.iter().enumerate() {
        case.refuses(&CORP, &format!("{what}, {index}"), token, "token_malformed");
    }
}

fn padding_is_malformed(case: &mut Case) {
    let good = tokens::good();
    case.accepts(&CORP, "without padding", &good);
    for padding in ["=", "==", "===="] {
        all_malformed(
            case,
            padding,
            &each_segment(&good, |segment| format!("{segment}{padding}")),
        );
    }
    all_malformed(case, "=.=.=", &[good.replace('.', "=.") + "="]);
}

/// Tokens that have `-` and `_` in each segment, so that the other alphabet is visible.
fn standard_alphabet_is_malformed(case: &mut Case) {
    for number in 0.. {
        let header = with(RSA.header(), "x", json!(format!("???>>>~~~{number}")));
        let claims = tokens::claims_with("x", json!(format!("???>>>~~~{number}")));
        let token = RSA.sign_with(&header, &claims);
        let both = |text: &&str| text.contains('-') && text.contains('_');
        if segments(&token)
            .iter()
            .filter(|segment| both(segment))
            .count()
            == 3
        {
            case.accepts(&CORP, "base64url", &token);
            let tokens = each_segment(&token, |segment| {
                segment.replace('-', "+").replace('_', "/")
            });
            all_malformed(case, "+ and /", &tokens);
            all_malformed(
                case,
                "+",
                &each_segment(&token, |segment| segment.replace('-', "+")),
            );
            return;
        }
    }
}

fn white_space_in_a_segment_is_malformed(case: &mut Case) {
    let good = tokens::good();
    for space in [" ", "\t", "\r", "\n", "\r\n ", "\u{b}", "\u{c}"] {
        let what = space.escape_debug().to_string();
        let middle = |segment: &str| format!("{}{space}{}", &segment[..5], &segment[5..]);
        all_malformed(case, &what, &each_segment(&good, middle));
        all_malformed(
            case,
            &what,
            &[
                good.replace('.', &format!(".{space}")),
                good.replace('.', &format!("{space}.")),
            ],
        );
    }
}

fn trailing_bits_are_malformed(case: &mut Case) {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // Every segment has bits to spare: 64 and 256 bytes of signature do, and header and payload are
    // padded so.
    for signer in [&*RSA, &*ED] {
        let [header, payload] = [signer.header(), claims()].map(|object| {
            let plain = with(object.clone(), "x", json!("")).to_string().len();
            with(object, "x", json!("x".repeat((4 - plain % 3) % 3))).to_string()
        });
        let token = signer.sign_text(&header, payload.as_bytes());
        case.accepts(&CORP, "clean, and now cached", &token);
        for index in 0..3 {
            let segment = segments(&token)[index];
            let clean = tokens::unb64(segment).expect("base64url");
            let (last, head) = segment.as_bytes().split_last().expect("not empty");
            let place = ALPHABET
                .iter()
                .position(|byte| byte == last)
                .expect("base64url");
            let spare = if segment.len() % 4 == 2 { 16 } else { 4 };
            case.holds(
                "the segment has spare bits",
                !clean.len().is_multiple_of(3) && place.is_multiple_of(spare),
            );
            for bits in 1..spare {
                let changed = [head, &[ALPHABET[place + bits]]].concat();
                let changed = String::from_utf8(changed).expect("ASCII");
                let mut parts = segments(&token).map(str::to_owned);
                parts[index] = changed;
                case.refuses(
                    &CORP,
                    &format!("segment {index}, bits {bits}"),
                    parts.join("."),
                    "token_malformed",
                );
            }
        }
        case.accepts(&CORP, "clean, afterwards", &token);
    }
}

fn impossible_length_is_malformed(case: &mut Case) {
    let good = tokens::good();
    let lengthened = each_segment(&good, |segment| {
        let missing = (5 - segment.len() % 4) % 4;
        let missing = if missing == 0 { 4 } else { missing };
        format!("{segment}{}", "A".repeat(missing))
    });
    for token in &lengthened {
        case.holds(
            "4k+1",
            segments(token).iter().any(|segment| segment.len() % 4 == 1),
        );
    }
    all_malformed(case, "4k+1", &lengthened);
    all_malformed(
        case,
        "one character",
        &each_segment(&good, |_| "A".to_owned()),
    );
}

fn nul_is_malformed(case: &mut Case) {
    let good = tokens::good();
    for nul in ["\0", "%00", "\\0", "\\u0000"] {
        let middle = |segment: &str| format!("{}{nul}{}", &segment[..8], &segment[8..]);
        all_malformed(
            case,
            &nul.escape_debug().to_string(),
            &each_segment(&good, middle),
        );
        all_malformed(
            case,
            "at an end",
            &[format!("{good}{nul}"), format!("{nul}{good}")],
        );
    }
}

fn other_characters_are_malformed(case: &mut Case) {
    let good = tokens::good();
    for text in [
        "é", "\u{200b}", "\u{feff}", "\u{2011}", "\u{ff21}", "\u{430}", "😀", "~", "!", "\u{7f}",
    ] {
        let middle = |segment: &str| format!("{}{text}{}", &segment[..8], &segment[8..]);
        all_malformed(case, text, &each_segment(&good, middle));
        all_malformed(
            case,
            text,
            &[format!("{good}{text}"), format!("{text}{good}")],
        );
    }
    for dot in ["\u{ff0e}", "\u{3002}", "\u{2024}", "%2E", "%2e"] {
        all_malformed(
            case,
            dot,
            &[good.replace('.', dot), good.replacen('.', dot, 1)],
        );
    }
    let raw: Vec<Vec<u8>> = [0x80, 0xff, 0xc3]
        .map(|byte| [good.as_bytes(), &[byte]].concat())
        .to_vec();
    for token in raw {
        case.refuses(&CORP, "not UTF-8", token, "token_malformed");
    }
}

fn other_numbers_of_dots_are_malformed(case: &mut Case) {
    let good = tokens::good();
    let [header, payload, signature] = segments(&good);
    for dots in [0, 1, 3, 5, 6, 1000] {
        let cycle = [header, payload, signature].into_iter().cycle();
        let short: Vec<&str> = if dots == 1000 {
            vec!["e30"; 1001]
        } else {
            cycle.take(dots + 1).collect()
        };
        case.refuses(
            &CORP,
            &format!("{dots} dots"),
            short.join("."),
            "token_malformed",
        );
    }
    case.refuses(
        &CORP,
        "a dot too many at the end",
        format!("{good}."),
        "token_malformed",
    );
    case.refuses(
        &CORP,
        "a dot too many at the start",
        format!(".{good}"),
        "token_malformed",
    );
}

fn dots_alone_are_malformed(case: &mut Case) {
    for token in ["..", "....", ".", "...", "....."] {
        case.refuses(&CORP, token, token, "token_malformed");
    }
}

/// 10 MB exceed the limit of a message too, which is checked first.
fn megabytes_of_dots_are_too_large(case: &mut Case) {
    case.refuses(&CORP, "17 KiB", ".".repeat(17 << 10), "token_too_large");
    case.refuses(&CORP, "1 MiB", ".".repeat(1 << 20), "token_too_large");
    case.refuses(&CORP, "3 MB", ".".repeat(3_000_000), "token_too_large");
    let call = Call::bearing(".".repeat(10_000_000));
    case.denies(&CORP, "10 MB", &call, 400, "request_malformed");
    case.accepts(&CORP, "a good token afterwards", tokens::good());
}

fn empty_segment_is_malformed(case: &mut Case) {
    let good = tokens::good();
    all_malformed(case, "empty", &each_segment(&good, |_| String::new()));
    let [header, payload, signature] = segments(&good);
    all_malformed(
        case,
        "two empty",
        &[
            format!("{header}.."),
            format!(".{payload}."),
            format!("..{signature}"),
        ],
    );
}
