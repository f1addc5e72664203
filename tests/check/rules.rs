//! Area `rules`: the choice of a rule. A request with two readings never gets the laxer one.

use std::sync::LazyLock;

use super::call::Call;
use super::catalogue::{Case, Row, row};
use super::settings::Settings;
use super::site::Site;
use super::tokens::{self, RSA, claims_with, corp};

pub(crate) mod hosts;
pub(crate) mod targets;

pub(crate) const ROWS: &[Row] = &[
    row!("RUL-01", query_plays_no_part),
    row!("RUL-02", path_with_two_readings_is_refused),
    row!("RUL-03", encoded_path_gets_no_laxer_rule),
    row!("RUL-04", similar_path_is_another),
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
        "/public/%c0%ae%c0%ae%c0%afadmin",
        "/public/..%20/x",
        "/public/..%3fx",
        // Who routes by the text of a path does not decode these; the service does.
        "/%61dmin",
        "/%61%64%6d%69%6e",
        "/adm%69n/x",
        "/%61dmin?x",
        "/%70ublic/",
        "/public/%7euser",
    ] {
        refused(case, path);
    }
    for path in ["/public/100%25", "/public/a%20b", "/public/%c3%a9"] {
        case.allows(&PATHS, path, &Call::get(path));
    }
}

/// Documented: a prefix matches whole segments, with and without a final slash. What is only
/// another spelling of a rule's path is refused, since the service may take it for that path.
fn similar_path_is_another(case: &mut Case) {
    for path in [
        "/admin.",
        "/admin..",
        "/adminx",
        "/admin-",
        "/xadmin",
        "/admin%20",
        "/",
    ] {
        for call in by_everybody(path) {
            case.denies(&PATHS, path, &call, 403, "policy_denied");
        }
    }
    for path in ["/ADMIN", "/Admin/", "/ADMIN/x", "/PUBLIC/"] {
        refused(case, path);
    }
    for path in ["/admin", "/admin/", "/admin/x", "/admin/public/"] {
        let [nobody, alice, admin] = by_everybody(path);
        case.denies(&PATHS, path, &nobody, 401, "token_missing");
        case.denies(&PATHS, path, &alice, 403, "insufficient_scope");
        case.allows(&PATHS, path, &admin);
    }
    for path in ["/p.", "/p/x"] {
        for call in by_everybody(path) {
            case.denies(&PATHS, path, &call, 403, "policy_denied");
        }
    }
    for path in ["/p/", "/P"] {
        for call in by_everybody(path) {
            case.denies(&PATHS, path, &call, 400, "request_malformed");
        }
    }
}

/// True if a rule that looks at paths refuses this one, with a good token.
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
