//! Area `claims`: `aud`. The configured audience here is `api`.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::settings::Settings;
use super::super::site::Site;
use super::super::tokens::{RSA, claims_with, claims_without, corp};

pub(crate) const ROWS: &[Row] = &[
    row!("CLM-33", audience_must_be_there),
    row!("CLM-34", equal_text_is_the_audience),
    row!("CLM-35", one_of_several_is_the_audience),
    row!("CLM-36", empty_audience_is_nobodys),
    row!("CLM-37", audience_of_another_type_is_invalid),
    row!("CLM-38", similar_audience_is_another),
    row!("CLM-39", long_list_is_judged_in_time),
];

static API: LazyLock<Site> = LazyLock::new(|| {
    Site::start(&Settings::of(corp().audiences("audiences: [api]")).server("max_token_size: 65536"))
});

fn for_audience(aud: Value) -> String {
    RSA.sign(&claims_with("aud", aud))
}

fn audience_must_be_there(case: &mut Case) {
    let token = RSA.sign(&claims_without("aud"));
    case.refuses(&API, "missing", token, "audience_mismatch");
}

fn equal_text_is_the_audience(case: &mut Case) {
    case.accepts(&API, "api", for_audience(json!("api")));
    let both = corp().audiences("audiences: [api, web]");
    let site = Site::start(&Settings::of(both));
    case.accepts(&site, "api of api and web", for_audience(json!("api")));
    case.accepts(&site, "web of api and web", for_audience(json!("web")));
    case.refuses(
        &site,
        "neither",
        for_audience(json!("app")),
        "audience_mismatch",
    );
}

fn one_of_several_is_the_audience(case: &mut Case) {
    for aud in [
        json!(["x", "api"]),
        json!(["api", "x"]),
        json!(["api"]),
        json!(["api", "api"]),
    ] {
        case.accepts(&API, &aud.to_string(), for_audience(aud.clone()));
    }
    case.refuses(
        &API,
        "none of several",
        for_audience(json!(["x", "y"])),
        "audience_mismatch",
    );
}

fn empty_audience_is_nobodys(case: &mut Case) {
    for aud in [json!([]), json!(""), json!([""])] {
        case.refuses(
            &API,
            &aud.to_string(),
            for_audience(aud.clone()),
            "audience_mismatch",
        );
    }
}

fn audience_of_another_type_is_invalid(case: &mut Case) {
    for aud in [
        json!(["api", 1]),
        json!([["api"]]),
        json!({"api": 1}),
        json!(null),
        json!(1),
        json!(true),
        json!([null, "api"]),
        json!([{"api": "api"}, "api"]),
    ] {
        case.refuses(
            &API,
            &aud.to_string(),
            for_audience(aud.clone()),
            "claim_invalid",
        );
    }
    let anybody = Site::start(&Settings::of(corp().audiences("any_audience: true")));
    case.accepts(&anybody, "any audience", for_audience(json!("x")));
    case.refuses(
        &anybody,
        "any audience, wrong type",
        for_audience(json!(1)),
        "claim_invalid",
    );
}

fn similar_audience_is_another(case: &mut Case) {
    for aud in [
        "api-admin",
        "ap",
        "API",
        "api/",
        " api",
        "api evil",
        "x,api",
        "api ",
        "api\n",
        "api\0",
        "*",
        "a*",
        "\u{430}pi",
        "xapi",
        "api,x",
        "[\"api\"]",
    ] {
        case.refuses(&API, aud, for_audience(json!(aud)), "audience_mismatch");
        case.refuses(
            &API,
            &format!("[{aud}]"),
            for_audience(json!([aud])),
            "audience_mismatch",
        );
    }
}

/// The bound of 2 ms is for a release build alone on its processor; here the clock only catches
/// what is not linear.
fn long_list_is_judged_in_time(case: &mut Case) {
    let mut list = vec!["x".to_owned(); 9_999];
    list.push("api".to_owned());
    let token = for_audience(json!(list));
    let asked = Instant::now();
    let call = super::super::call::Call::bearing(&token);
    let outcome = API.ask(&call);
    let expected = if outcome.is_allow() {
        Expect::Allow
    } else {
        Expect::Deny(401, "claim_invalid")
    };
    case.judge("10000 entries, match last", &API, &call, &outcome, expected);
    case.holds(
        "within two seconds",
        asked.elapsed() < Duration::from_secs(2),
    );
    list.pop();
    list.push("ap".to_owned());
    let token = for_audience(json!(list));
    case.refuses(&API, "10000 entries, no match", token, "audience_mismatch");
}
