//! Area `extraction`: more than one credential. Whichever the server picked, an attacker would put
//! the other one beside it.

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::settings::Settings;
use super::super::site::Site;
use super::super::tokens::{self, CORP, ED, claims, corp};
use super::{CUSTOM, authorization};

pub(crate) const ROWS: &[Row] = &[
    row!("EXT-09", joined_headers_are_malformed),
    row!("EXT-10", another_scheme_beside_it_is_malformed),
    row!("EXT-11", two_raw_headers_are_malformed),
    row!("EXT-21", custom_header_given_twice_is_malformed),
];

/// CVE-2021-32777 and its kin: neither the first nor the last of them is picked.
fn joined_headers_are_malformed(case: &mut Case) {
    let (good, other) = (tokens::good(), ED.sign(&claims()));
    for evil in ["evil", "x.y.z", "", &other, &good] {
        for comma in [",", ", ", " , ", " ,"] {
            for value in [
                format!("Bearer {good}{comma}Bearer {evil}"),
                format!("Bearer {evil}{comma}Bearer {good}"),
            ] {
                case.denies(
                    &CORP,
                    "joined",
                    &authorization(value),
                    401,
                    "token_malformed",
                );
            }
        }
    }
    for value in [
        format!("Bearer {good},"),
        format!(",Bearer {good}"),
        format!("Bearer {good}, {other}"),
    ] {
        case.denies(
            &CORP,
            "a comma",
            &authorization(value),
            401,
            "token_malformed",
        );
    }
}

fn another_scheme_beside_it_is_malformed(case: &mut Case) {
    let good = tokens::good();
    for value in [
        format!("Basic x, Bearer {good}"),
        format!("Bearer {good}, Basic x"),
        format!("Basic x,Bearer {good}"),
        format!("DPoP {good}, Bearer {good}"),
        format!("Negotiate, Bearer {good}"),
    ] {
        case.denies(
            &CORP,
            "two schemes",
            &authorization(value),
            401,
            "token_malformed",
        );
    }
}

fn two_raw_headers_are_malformed(case: &mut Case) {
    let (good, bearer) = (tokens::good(), format!("Bearer {}", tokens::good()));
    let get = || Call::get("/orders");
    case.allows(
        &CORP,
        "one raw header",
        &get().raw_header("authorization", &bearer),
    );
    for other in [bearer.as_str(), "Bearer evil", "Basic x", "", "Bearer"] {
        for (first, second) in [(bearer.as_str(), other), (other, bearer.as_str())] {
            for name in ["authorization", "Authorization", "AUTHORIZATION"] {
                let raw = get()
                    .raw_header("authorization", first)
                    .raw_header(name, second);
                case.denies(
                    &CORP,
                    &format!("two raw headers, {name}"),
                    &raw,
                    401,
                    "token_malformed",
                );
                let map = get().header("authorization", first).header(name, second);
                case.denies(
                    &CORP,
                    &format!("two map entries, {name}"),
                    &map,
                    401,
                    "token_malformed",
                );
            }
        }
    }
    let both = get()
        .token(&good)
        .raw_header("authorization", "Bearer evil");
    case.denies(&CORP, "one in each form", &both, 401, "token_malformed");
}

fn custom_header_given_twice_is_malformed(case: &mut Case) {
    let (good, other) = (tokens::good(), ED.sign(&claims()));
    let get = || Call::get("/orders");
    for evil in [&other, &good, "evil", ""] {
        for value in [
            format!("{good},{evil}"),
            format!("{evil},{good}"),
            format!("{good}, {evil}"),
        ] {
            case.denies(
                &CUSTOM,
                "joined",
                &get().header("x-jwt", value),
                401,
                "token_malformed",
            );
        }
        let raw = get().raw_header("x-jwt", &good).raw_header("x-jwt", evil);
        case.denies(&CUSTOM, "raw", &raw, 401, "token_malformed");
    }
    let places = "token_from: [{header: authorization}, {header: x-jwt}]";
    let site = Site::start(&Settings::of(corp()).server(places));
    case.allows(&site, "one of two places", &get().header("x-jwt", &good));
    case.allows(&site, "the other", &Call::bearing(&good));
    let both = Call::bearing(&good).header("x-jwt", &other);
    case.denies(&site, "both places", &both, 401, "token_malformed");
}
