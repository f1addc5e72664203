//! Area `rules`: hosts, context, and headers in which clients try to rename their requests.

use std::sync::LazyLock;

use super::super::call::Call;
use super::super::catalogue::{Case, Row, row};
use super::super::settings::Settings;
use super::super::site::Site;
use super::super::tokens::corp;
use super::{OPEN_END, PATHS, admin, alice};

pub(crate) const ROWS: &[Row] = &[
    row!("RUL-08", spelling_of_a_host_gets_no_laxer_rule),
    row!("RUL-10", headers_that_rename_a_request_are_ignored),
    row!("RUL-11", forwarding_headers_are_ignored),
    row!("RUL-15", unknown_context_is_denied),
    row!("RUL-16", header_is_no_context),
];

/// Strict for one host and one domain, lax for the rest.
static HOSTS: LazyLock<Site> = LazyLock::new(|| {
    let rules = "\
- {name: admin, match: {hosts: [admin.example.com]}, require: {scopes: [admin]}}
- {name: domain, match: {hosts: ['*.internal.example']}, require: {scopes: [admin]}}
- {name: rest, require: {optional: true}}";
    Site::start(&Settings::of(corp()).rules(rules))
});

fn spelling_of_a_host_gets_no_laxer_rule(case: &mut Case) {
    let strict = [
        "admin.example.com",
        "ADMIN.example.com",
        "Admin.Example.COM",
        "a.internal.example",
        "A.B.Internal.Example",
    ];
    for host in strict {
        let call = || Call::get("/orders").host(host);
        case.denies(&HOSTS, host, &call(), 401, "token_missing");
        case.denies(
            &HOSTS,
            host,
            &call().token(alice()),
            403,
            "insufficient_scope",
        );
        case.allows(&HOSTS, host, &call().token(admin()));
    }
    // What the proxy makes of a port or a final dot is not known here.
    let odd: [&[u8]; 25] = [
        b"admin.example.com:443",
        b"admin.example.com:8080",
        b"admin.example.com.",
        b"ADMIN.EXAMPLE.COM.:443",
        b"A.Internal.Example:1",
        b"a.b.internal.example.",
        b"user@admin.example.com",
        b"admin.example.com@evil.example",
        b"",
        b"admin.example.com,other.example",
        b"other.example,admin.example.com",
        b"other.example, admin.example.com",
        b"admin.example.com:",
        b"admin.example.com:x",
        b"admin.example.com:443:443",
        b"admin.example.com:443@x",
        b" admin.example.com",
        b"admin.example.com\t",
        b"admin..example.com",
        b".admin.example.com",
        b"admin.example.com/",
        b"admin.example.com\0",
        b"\xffadmin.example.com",
        b"[::1",
        b"admin.example.com..",
    ];
    for host in odd {
        let what = String::from_utf8_lossy(host).into_owned();
        let call = || Call::get("/orders").host(host);
        // An empty host leaves the pseudo-header, which is empty here too.
        case.denies(&HOSTS, &what, &call(), 400, "request_malformed");
        case.denies(
            &HOSTS,
            &what,
            &call().token(admin()),
            400,
            "request_malformed",
        );
    }
    for host in [
        "other.example",
        "[::1]",
        "[::1]:8443",
        "127.0.0.1",
        "xadmin.example.com",
        "internal.example",
        "xinternal.example",
    ] {
        let outcome = case.allows(&HOSTS, host, &Call::get("/orders").host(host));
        case.equal("another host's rule", outcome.rule(), "rest");
    }
}

/// Frameworks read them; no service behind the proxy gets one.
const OVERRIDES: [&str; 5] = [
    "x-http-method-override",
    "x-original-url",
    "x-rewrite-url",
    "x-method-override",
    "x-http-method",
];
const RENAMING: [&str; 12] = [
    OVERRIDES[0],
    OVERRIDES[1],
    OVERRIDES[2],
    OVERRIDES[3],
    OVERRIDES[4],
    "x-forwarded-uri",
    "x-forwarded-path",
    "x-envoy-original-path",
    "x-original-uri",
    "x-forwarded-prefix",
    "x-envoy-original-method",
    "x-original-method",
];

fn headers_that_rename_a_request_are_ignored(case: &mut Case) {
    override_headers_are_removed(case);
    for name in RENAMING {
        for value in [
            "/public/x",
            "https://api.example.com/public/x",
            "GET",
            "TRACE",
        ] {
            for site in [&PATHS, &OPEN_END] {
                let call = Call::get("/admin/x").header(name, value);
                case.denies(site, name, &call, 401, "token_missing");
                case.denies(site, name, &call.token(alice()), 403, "insufficient_scope");
            }
        }
        for value in ["/admin/x", "DELETE"] {
            let outcome = case.allows(&PATHS, name, &Call::get("/public/x").header(name, value));
            case.equal("rule", outcome.rule(), "public");
            case.equal(name, outcome.removes(name), OVERRIDES.contains(&name));
        }
        let raw = Call::get("/admin/x").raw_header(name, "/public/x");
        case.denies(&PATHS, name, &raw, 401, "token_missing");
    }
    for pseudo in [":path", ":Path"] {
        let call = Call::get("/admin/x").header(pseudo, "/public/x");
        case.denies(&PATHS, pseudo, &call, 401, "token_missing");
    }
}

/// With services that read none of [`OVERRIDES`].
static FORWARDING: LazyLock<Site> = LazyLock::new(|| {
    let lax = Settings::of(corp()).server("forward_override_headers: true");
    Site::start(&lax.rules("- {name: rest, require: {optional: true}}"))
});
/// Without any enforcement.
static SHADOW: LazyLock<Site> =
    LazyLock::new(|| Site::start(&Settings::of(corp()).top("mode: shadow")));

/// On every allow, and also where the proxy did not tell of them (Envoy's `allowed_headers`).
fn override_headers_are_removed(case: &mut Case) {
    let anonymous = Call::get("/public/x");
    let known = || Call::get("/orders").token(alice());
    for name in OVERRIDES {
        let underscored = name.replace('-', "_");
        for (site, what, call) in [
            (&PATHS, "anonymous", anonymous.clone()),
            (&OPEN_END, "with a token", known()),
        ] {
            let outcome = case.allows(site, what, &call);
            case.holds(name, outcome.removes(name) && outcome.removes(&underscored));
        }
        let shadowed = SHADOW.ask(&anonymous);
        case.holds(
            "in shadow mode",
            shadowed.is_allow() && shadowed.removes(name),
        );
        let dotted = name.replace('-', ".");
        for spelling in [&dotted, &name.replacen('-', "_", 1)] {
            let call = known().header(spelling, "DELETE");
            let outcome = case.allows(&OPEN_END, spelling, &call);
            case.holds(spelling, outcome.removes(spelling));
        }
        for call in [anonymous.clone(), known()] {
            let outcome = case.allows(&FORWARDING, name, &call.header(name, "DELETE"));
            case.holds("it may pass", !outcome.removes(name));
        }
    }
}

fn forwarding_headers_are_ignored(case: &mut Case) {
    for (name, value) in [
        ("x-forwarded-host", "other.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-port", "443"),
        ("x-real-ip", "10.0.0.1"),
        ("forwarded", "host=other.example;proto=https;for=127.0.0.1"),
        ("x-envoy-internal", "true"),
        ("x-envoy-external-address", "127.0.0.1"),
        ("x-host", "other.example"),
        ("host", "other.example"),
        (":authority", "other.example"),
    ] {
        let call = Call::get("/orders")
            .host("admin.example.com")
            .header(name, value);
        case.denies(&HOSTS, name, &call, 401, "token_missing");
        case.denies(
            &HOSTS,
            name,
            &call.token(alice()),
            403,
            "insufficient_scope",
        );
        let lax = Call::get("/orders")
            .host("other.example")
            .header(name, "admin.example.com");
        let outcome = case.allows(&HOSTS, name, &lax);
        case.equal("rule", outcome.rule(), "rest");
    }
}

/// A context extension of the route chooses between rules. No rule fits another value of it.
static CONTEXT: LazyLock<Site> = LazyLock::new(|| {
    let rules = "\
- {name: shop, match: {context: {policy: shop}}}
- {name: open, match: {context: {policy: open, tier: free}}, require: none}";
    Site::start(&Settings::of(corp()).rules(rules))
});

fn unknown_context_is_denied(case: &mut Case) {
    let call = || Call::get("/orders").token(alice());
    let outcome = case.allows(&CONTEXT, "shop", &call().context("policy", "shop"));
    case.equal("rule", outcome.rule(), "shop");
    case.allows(
        &CONTEXT,
        "open",
        &Call::get("/orders")
            .context("policy", "open")
            .context("tier", "free"),
    );
    for (key, value) in [
        ("policy", "none"),
        ("policy", ""),
        ("policy", "Shop"),
        ("policy", "shop "),
        ("Policy", "shop"),
        ("tier", "free"),
        ("", ""),
    ] {
        case.denies(
            &CONTEXT,
            &format!("{key}={value}"),
            &call().context(key, value),
            403,
            "policy_denied",
        );
    }
    case.denies(&CONTEXT, "no context", &call(), 403, "policy_denied");
    let half = Call::get("/orders").context("policy", "open");
    case.denies(&CONTEXT, "half of it", &half, 403, "policy_denied");
}

fn header_is_no_context(case: &mut Case) {
    for (key, value) in [
        ("policy", "shop"),
        ("context", "policy=shop"),
        ("context_extensions", "policy: shop"),
        ("x-policy", "shop"),
    ] {
        let call = Call::get("/orders").token(alice()).header(key, value);
        case.denies(&CONTEXT, key, &call, 403, "policy_denied");
        let raw = Call::get("/orders")
            .raw_header("authorization", format!("Bearer {}", alice()))
            .raw_header(key, value);
        case.denies(&CONTEXT, key, &raw, 403, "policy_denied");
    }
    let open = Call::get("/orders")
        .header("policy", "open")
        .header("tier", "free");
    case.denies(&CONTEXT, "open by header", &open, 403, "policy_denied");
    let beside = Call::get("/orders")
        .token(alice())
        .context("policy", "shop")
        .header("policy", "open")
        .header("tier", "free");
    let outcome = case.allows(&CONTEXT, "another policy by header", &beside);
    case.equal("rule", outcome.rule(), "shop");
}
