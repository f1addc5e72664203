//! Area `rules`: request targets that are no paths, and methods.

use std::sync::LazyLock;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::expect::Expect;
use super::super::settings::Settings;
use super::super::site::Site;
use super::super::tokens::{self, corp};
use super::{PATHS, admin, alice, refused};

pub(crate) const ROWS: &[Row] = &[
    row!("RUL-05", fragment_is_refused),
    row!("RUL-06", targets_without_a_path_are_refused),
    row!("RUL-09", methods_are_case_sensitive),
    row!("RUL-12", preflight_is_no_way_around),
];

fn fragment_is_refused(case: &mut Case) {
    for path in [
        "/public/#frag",
        "/admin#",
        "/public/x?y#z",
        "#",
        "/p#/public/",
        "/public/..#",
    ] {
        refused(case, path);
        let no_rules = Call::get(path).token(alice());
        case.denies(
            &tokens::CORP,
            "without rules",
            &no_rules,
            400,
            "request_malformed",
        );
    }
}

fn targets_without_a_path_are_refused(case: &mut Case) {
    let no_utf8 = [
        &b"/public/\xff"[..],
        b"/\xc0\xaf",
        b"/public/\xe9",
        b"\xff",
        b"/public/a b",
        b"/public/\0",
        b"/public/\r\n",
    ];
    let forms = [
        "",
        "*",
        "http://evil/admin",
        "https://api.example.com/public/",
        "public/",
        "admin",
        "?x=/public/",
        ":80",
        "api.example.com:443",
    ];
    for path in no_utf8.into_iter().chain(forms.map(str::as_bytes)) {
        refused(case, path);
        for method in ["CONNECT", "OPTIONS"] {
            let call = Call::get(path).method(method).token(admin());
            case.denies(&PATHS, method, &call, 400, "request_malformed");
        }
    }
    // Where no rule looks at paths, a good token is enough, unless the target is no service's at
    // all.
    for path in ["", "*"] {
        case.allows(
            &tokens::CORP,
            "no rules, a token",
            &Call::get(path).token(alice()),
        );
        case.denies(
            &tokens::CORP,
            "no rules, no token",
            &Call::get(path),
            401,
            "token_missing",
        );
    }
    let absolute = Call::get("http://evil/admin").token(alice());
    case.denies(
        &tokens::CORP,
        "absolute form, no rules",
        &absolute,
        400,
        "request_malformed",
    );
}

static METHODS: LazyLock<Site> = LazyLock::new(|| {
    let rules = "\
- {name: read, match: {methods: [GET, HEAD]}}
- {name: open, match: {methods: [TRACE], path: {prefix: /public/}}, require: none}
- {name: write, match: {methods: [POST]}, require: {scopes: [admin]}}";
    Site::start(&Settings::of(corp()).rules(rules))
});

fn methods_are_case_sensitive(case: &mut Case) {
    let call = |method: &str| Call::get("/orders").method(method).token(alice());
    for method in ["GET", "HEAD"] {
        let outcome = case.allows(&METHODS, method, &call(method));
        case.equal("rule", outcome.rule(), "read");
    }
    case.denies(&METHODS, "POST", &call("POST"), 403, "insufficient_scope");
    for method in [
        "", "FOO", "GET ", " GET", "PUT", "GETX", "G", "CONNECT", "OPTIONS",
    ] {
        case.denies(&METHODS, method, &call(method), 403, "policy_denied");
    }
    // The service may take them for the methods of the rules.
    for method in ["get", "GeT", "post", "Post"] {
        case.denies(&METHODS, method, &call(method), 400, "request_malformed");
    }
    for method in [&b"\xff"[..], b"GET\0", b"GET\xff", b"GET\r\n"] {
        let call = Call::get("/orders").method(method).token(admin());
        case.denies(&METHODS, "not a method", &call, 403, "policy_denied");
    }
}

fn preflight_is_no_way_around(case: &mut Case) {
    for path in ["/admin/x", "/p"] {
        let options = || Call::get(path).method("OPTIONS");
        let preflight = options()
            .header("origin", "https://app.example.com")
            .header("access-control-request-method", "DELETE");
        for call in [
            options(),
            preflight.clone(),
            options().header("origin", "null"),
        ] {
            case.denies(&PATHS, path, &call, 401, "token_missing");
        }
        let with_token = preflight.token(alice());
        case.check(
            path,
            &PATHS,
            &with_token,
            Expect::Deny(403, "insufficient_scope"),
        );
        case.allows(&PATHS, path, &options().token(admin()));
    }
    let preflight = Call::get("/orders")
        .method("OPTIONS")
        .header("access-control-request-method", "GET");
    case.denies(&tokens::CORP, "no rules", &preflight, 401, "token_missing");
}
