//! Area `rules`: which rule a request gets. A request with two readings never gets the laxer one.

use std::sync::LazyLock;

use super::call::Call;
use super::catalogue::{Case, Row};
use super::expect::Expect;
use super::settings::Settings;
use super::site::Site;
use super::tokens::{self, RSA, claims_with, corp};

pub(crate) mod hosts;

pub(crate) const ROWS: &[Row] = &[
    Row::new("RUL-01", query_plays_no_part),
    Row::new("RUL-02", path_with_two_readings_is_refused),
    Row::new("RUL-03", encoded_path_gets_no_laxer_rule),
    Row::new("RUL-04", similar_path_is_another),
    Row::new("RUL-05", fragment_is_refused),
    Row::new("RUL-06", targets_without_a_path_are_refused),
    Row::new("RUL-09", methods_are_case_sensitive),
    Row::new("RUL-12", preflight_is_no_way_around),
];

/// Open below `/public`, a scope below `/admin`, nothing else.
static PATHS: LazyLock<Site> = LazyLock::new(|| {
    let rules = "\
- {name: public, match: {path: {prefix: /public/}}, require: none}
- {name: admin, match: {path: {prefix: /admin/}}, require: {scopes: [admin]}}
- {name: exact, match: {path: {exact: /p}}, require: {scopes: [admin]}}";
    Site::start(&Settings::of(corp()).rules(rules))
});
/// As [`PATHS`], and any good token for the rest.
static OPEN_END: LazyLock<Site> = LazyLock::new(|| {
    let rules = "\
- {name: public, match: {path: {prefix: /public/}}, require: none}
- {name: admin, match: {path: {prefix: /admin/}}, require: {scopes: [admin]}}
- {name: rest}";
    Site::start(&Settings::of(corp()).rules(rules))
});

/// Alice's token: no admin.
fn alice() -> String {
    tokens::good()
}

fn admin() -> String {
    RSA.sign(&claims_with("scope", serde_json::json!("admin")))
}

/// The same path without a token, with Alice's and with an administrator's.
fn by_everybody(path: impl AsRef<[u8]>) -> [Call; 3] {
    let get = || Call::get(path.as_ref());
    [get(), get().token(alice()), get().token(admin())]
}

fn query_plays_no_part(case: &mut Case) {
    for query in [
        "",
        "?",
        "?x=1",
        "?x=/public/",
        "?/../public/",
        "?a=%2f&b=//;c",
        "??",
        "?x=\\",
    ] {
        let [nobody, alice, admin] = by_everybody(format!("/p{query}"));
        case.denies(&PATHS, query, &nobody, 401, "token_missing");
        case.denies(&PATHS, query, &alice, 403, "insufficient_scope");
        let outcome = case.allows(&PATHS, query, &admin);
        case.equal("rule", outcome.rule(), "exact");
    }
    let [nobody, ..] = by_everybody("/public/?x=/admin/");
    let outcome = case.allows(&PATHS, "an open path with a query", &nobody);
    case.equal("rule", outcome.rule(), "public");
    for path in ["/admin?/public/", "/admin/?x=/public/../public/"] {
        case.denies(&PATHS, path, &Call::get(path), 401, "token_missing");
    }
}

fn refused(case: &mut Case, path: impl AsRef<[u8]>) {
    let what = String::from_utf8_lossy(path.as_ref()).into_owned();
    for call in by_everybody(&path) {
        case.denies(&PATHS, &what, &call, 400, "request_malformed");
        case.denies(&OPEN_END, &what, &call, 400, "request_malformed");
    }
}

fn path_with_two_readings_is_refused(case: &mut Case) {
    for path in [
        "//admin",
        "/./admin",
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public/..%2fadmin",
        "/admin;x=1",
        "/public/..;/admin",
        "/public//../admin",
        "/public/.%2e/admin",
        "/public/%2E./admin",
        "///admin",
        "/public/x/../../admin",
        "/public;/../admin",
        "/public/..",
        "/public/.",
        "/public/..\\admin",
        "/public\\..\\admin",
        "/public/%3b/admin",
        "/public//",
        "//public/",
        "/..//admin",
        "/%2e/admin",
    ] {
        refused(case, path);
    }
    for call in by_everybody("/public/...") {
        case.allows(&PATHS, "three dots are a name", &call);
    }
}

fn encoded_path_gets_no_laxer_rule(case: &mut Case) {
    for path in [
        "/admin%2fx",
        "/admin%2Fx",
        "/admin%5cx",
        "/admin%5Cx",
        "/admin%00",
        "/public/%252fadmin",
        "/public/%252e%252e/admin",
        "/admin%252fx",
        "/public/%25%32%66",
        "/public/%252%66",
        "/public/%25%32f",
        "/public/%25%32%65%25%32%65/admin",
        "/public/%",
        "/public/%2",
        "/public/%zz",
        "/public/%0d%0aadmin",
        "/public/%7f",
        "/public/%2f..%2fadmin",
        "/public/%c0%af../admin%2f",
    ] {
        refused(case, path);
    }
    for path in ["/%61dmin", "/%61%64%6d%69%6e", "/adm%69n/x", "/%61dmin?x"] {
        let [nobody, alice, admin] = by_everybody(path);
        for site in [&PATHS, &OPEN_END] {
            case.denies(site, path, &nobody, 401, "token_missing");
            case.denies(site, path, &alice, 403, "insufficient_scope");
            let outcome = case.allows(site, path, &admin);
            case.equal("rule", outcome.rule(), "admin");
        }
    }
    for path in [
        "/public/100%25",
        "/public/a%20b",
        "/public/%c3%a9",
        "/%70ublic/",
    ] {
        case.allows(&PATHS, path, &Call::get(path));
    }
}

/// Documented: paths are case-sensitive, and a prefix matches whole segments, with and without a final slash.
fn similar_path_is_another(case: &mut Case) {
    for path in [
        "/ADMIN",
        "/Admin/",
        "/admin.",
        "/admin..",
        "/adminx",
        "/admin-",
        "/xadmin",
        "/admin%20",
        "/",
        "/PUBLIC/",
    ] {
        for call in by_everybody(path) {
            case.denies(&PATHS, path, &call, 403, "policy_denied");
        }
    }
    for path in ["/admin", "/admin/", "/admin/x", "/admin/public/"] {
        let [nobody, alice, admin] = by_everybody(path);
        case.denies(&PATHS, path, &nobody, 401, "token_missing");
        case.denies(&PATHS, path, &alice, 403, "insufficient_scope");
        case.allows(&PATHS, path, &admin);
    }
    for path in ["/p/", "/P", "/p.", "/p/x"] {
        for call in by_everybody(path) {
            case.denies(&PATHS, path, &call, 403, "policy_denied");
        }
    }
}

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
    // Where no rule looks at paths, a good token is enough, unless the target is no service's at all.
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
        "get", "GeT", "", "FOO", "GET ", " GET", "PUT", "GETX", "G", "post", "Post", "CONNECT",
        "OPTIONS",
    ] {
        case.denies(&METHODS, method, &call(method), 403, "policy_denied");
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

/// Whether a rule that looks at paths refuses this one, with a good token.
pub(crate) fn refuse_path(case: &mut Case, path: &[u8]) -> bool {
    let outcome = case.denies(
        &PATHS,
        "a path",
        &Call::get(path).token(admin()),
        400,
        "request_malformed",
    );
    !outcome.is_allow()
}
