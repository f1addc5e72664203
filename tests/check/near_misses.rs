//! Near misses of a strict rule or of a credential: each was seen to pass by way of a weaker rule,
//! or unnoticed.

use super::call::Call;
use super::outcome::Outcome;
use super::settings::Settings;
use super::site::Site;
use super::tokens::{self, RSA, claims, claims_with, corp};

watchword_test_support::tests![
    another_port_or_a_final_dot_does_not_reach_the_public_rule,
    a_port_is_ignored_where_the_proxy_ignores_it,
    a_pattern_with_a_port_is_for_that_port,
    a_port_that_a_later_rule_names_is_that_rules,
    an_escape_does_not_lead_past_a_rule,
    case_and_a_final_slash_do_not_lead_past_a_rule,
    exact_spelling_lets_rules_differ_only_in_case,
    an_encoded_slash_passes_only_where_a_rule_takes_it,
    a_method_in_lower_case_does_not_lead_past_a_rule,
    a_cookie_under_another_spelling_is_neither_overlooked_nor_forwarded,
    a_query_parameter_under_another_spelling_is_not_overlooked,
    a_header_that_looks_like_the_credential_never_passes_beside_another_or_alone,
    exact_spelling_is_of_the_path_alone,
    a_shadow_rule_refuses_no_near_miss,
];

/// A site with these rules and settings of `server`.
fn site(server: &[&str], rules: &str) -> Site {
    let settings = server
        .iter()
        .fold(Settings::of(corp()), |settings, line| settings.server(line));
    Site::start(&settings.rules(rules))
}

fn scoped(scope: &str) -> String {
    RSA.sign(&claims_with("scope", serde_json::json!(scope)))
}

#[track_caller]
fn is_refused(outcome: &Outcome, reason: &str) {
    assert!(!outcome.is_allow(), "{outcome:?}");
    assert_eq!(outcome.reason, reason);
}

#[track_caller]
fn is_allowed_by(outcome: &Outcome, rule: &str) {
    assert!(outcome.is_allow(), "{outcome:?}");
    assert_eq!(outcome.rule(), rule);
}

fn another_port_or_a_final_dot_does_not_reach_the_public_rule() {
    let rules = "\
- {name: public, match: {hosts: [public.example.com]}, require: none}
- {name: rest}";
    let site = site(&[], rules);
    for host in [
        "public.example.com:9999",
        "public.example.com:80",
        "public.example.com.",
        "PUBLIC.example.com.:1",
    ] {
        is_refused(&site.ask(&Call::get("/").host(host)), "request_malformed");
    }
    is_allowed_by(
        &site.ask(&Call::get("/").host("Public.example.com")),
        "public",
    );
    let internal = || Call::get("/").host("internal.example.com:9999");
    is_refused(&site.ask(&internal()), "token_missing");
    is_allowed_by(&site.ask(&internal().token(tokens::good())), "rest");
}

fn a_port_is_ignored_where_the_proxy_ignores_it() {
    let rules = "\
- {name: public, match: {hosts: [public.example.com]}, require: none}
- {name: rest}";
    let site = site(&["proxy_ignores_host_port: true"], rules);
    is_allowed_by(
        &site.ask(&Call::get("/").host("public.example.com:9999")),
        "public",
    );
    is_refused(
        &site.ask(&Call::get("/").host("public.example.com.:9999")),
        "request_malformed",
    );
    is_refused(
        &site.ask(&Call::get("/").host("internal.example.com:80")),
        "token_missing",
    );
}

fn a_pattern_with_a_port_is_for_that_port() {
    let rules = "\
- {name: public, match: {hosts: ['localhost:8080']}, require: none}
- name: admin
  match: {hosts: ['localhost:9090', '*.admin.example:9090']}
  require: {scopes: [admin]}
- {name: rest}";
    let site = site(&[], rules);
    let ask = |host: &str| site.ask(&Call::get("/").host(host).token(tokens::good()));
    is_allowed_by(&ask("localhost:8080"), "public");
    is_refused(&ask("localhost:9090"), "insufficient_scope");
    is_refused(&ask("a.admin.example:9090"), "insufficient_scope");
    for host in [
        "localhost",
        "localhost:80",
        "localhost.:8080",
        "localhost:08080",
        "a.admin.example",
    ] {
        is_refused(&ask(host), "request_malformed");
    }
    is_allowed_by(&ask("other.example"), "rest");
}

fn a_port_that_a_later_rule_names_is_that_rules() {
    let rules = "\
- {name: public, match: {hosts: [localhost]}, require: none}
- {name: admin, match: {hosts: ['localhost:9090']}, require: {scopes: [admin]}}
- {name: rest}";
    let site = site(&[], rules);
    let ask = |host: &str| site.ask(&Call::get("/").host(host).token(tokens::good()));
    is_allowed_by(&ask("localhost"), "public");
    is_refused(&ask("localhost:9090"), "insufficient_scope");
    is_refused(&ask("localhost:9091"), "request_malformed");
}

fn an_escape_does_not_lead_past_a_rule() {
    let rules = "\
- {name: me, match: {path: {prefix: /users/@me/}}, require: {scopes: [admin]}}
- {name: delete, match: {path: {glob: '/v1/accounts/*:delete'}}, require: {scopes: [admin]}}
- {name: rest}";
    let site = site(&[], rules);
    for path in [
        "/users/%40me/x",
        "/v1/accounts/7%3Adelete",
        "/v1/accounts/7%3adelete",
        "/users/@ME/x",
    ] {
        is_refused(
            &site.ask(&Call::get(path).token(scoped("read"))),
            "request_malformed",
        );
        is_refused(
            &site.ask(&Call::get(path).token(scoped("admin"))),
            "request_malformed",
        );
    }
    for (path, rule) in [("/users/@me/x", "me"), ("/v1/accounts/7:delete", "delete")] {
        is_refused(
            &site.ask(&Call::get(path).token(scoped("read"))),
            "insufficient_scope",
        );
        is_allowed_by(&site.ask(&Call::get(path).token(scoped("admin"))), rule);
    }
    is_allowed_by(
        &site.ask(&Call::get("/users/%40you/x").token(scoped("read"))),
        "rest",
    );
}

fn case_and_a_final_slash_do_not_lead_past_a_rule() {
    let rules = "\
- {name: admin, match: {path: {exact: /admin}}, require: {scopes: [admin]}}
- {name: rest}";
    let site = site(&[], rules);
    for path in ["/admin/", "/ADMIN", "/Admin/", "/adm%69n"] {
        is_refused(
            &site.ask(&Call::get(path).token(scoped("read"))),
            "request_malformed",
        );
    }
    is_refused(
        &site.ask(&Call::get("/admin").token(scoped("read"))),
        "insufficient_scope",
    );
    is_allowed_by(
        &site.ask(&Call::get("/admin").token(scoped("admin"))),
        "admin",
    );
    // Both spellings lead to one rule.
    for path in ["/Orders", "/orders/", "/ORDERS"] {
        is_allowed_by(&site.ask(&Call::get(path).token(scoped("read"))), "rest");
    }
}

fn exact_spelling_lets_rules_differ_only_in_case() {
    let rules = "\
- {name: upper, match: {path: {exact: /Report, exact_spelling: true}}, require: {scopes: [admin]}}
- {name: lower, match: {path: {exact: /report, exact_spelling: true}}}
- {name: rest, require: {scopes: [other]}}";
    let site = site(&[], rules);
    let ask = |path: &str| site.ask(&Call::get(path).token(scoped("read")));
    is_refused(&ask("/Report"), "insufficient_scope");
    is_allowed_by(&ask("/report"), "lower");
    for path in ["/REPORT", "/report/"] {
        let outcome = ask(path);
        is_refused(&outcome, "insufficient_scope");
        assert_eq!(outcome.rule(), "rest");
    }
}

fn an_encoded_slash_passes_only_where_a_rule_takes_it() {
    let rules = "\
- {name: admin, match: {path: {prefix: /npm/admin}}, require: {scopes: [admin]}}
- {name: npm, match: {path: {prefix: /npm/, encoded_slashes: true}}}
- {name: files, match: {path: {prefix: /files/}}}
- {name: rest, match: {path: {prefix: /}}, require: {scopes: [admin]}}";
    let site = site(&[], rules);
    let ask = |path: &str| site.ask(&Call::get(path).token(scoped("read")));
    is_allowed_by(&ask("/npm/@scope%2fname"), "npm");
    is_allowed_by(&ask("/npm/@scope%2Fname"), "npm");
    for path in [
        "/npm/admin%2fusers",
        "/npm%2fadmin",
        "/npm/..%2fadmin",
        "/npm/%2fadmin",
        "/npm/a%2f%2fb",
        "/npm/a%252fb",
        "/NPM/@scope%2fname",
        "/files/a%2fb",
    ] {
        is_refused(&ask(path), "request_malformed");
    }
    is_allowed_by(&ask("/files/a"), "files");
}

fn a_method_in_lower_case_does_not_lead_past_a_rule() {
    let rules = "\
- {name: write, match: {methods: [POST, PUT]}, require: {scopes: [write]}}
- {name: read}";
    let site = site(&[], rules);
    let ask =
        |method: &str, scope: &str| site.ask(&Call::get("/").method(method).token(scoped(scope)));
    for method in ["post", "Post", "pUT"] {
        is_refused(&ask(method, "read"), "request_malformed");
        is_refused(&ask(method, "write"), "request_malformed");
    }
    is_refused(&ask("POST", "read"), "insufficient_scope");
    is_allowed_by(&ask("POST", "write"), "write");
    is_allowed_by(&ask("get", "read"), "read");
}

fn a_cookie_under_another_spelling_is_neither_overlooked_nor_forwarded() {
    let optional = "- {name: optional, require: {optional: true}}";
    let places = "token_from: [{cookie: session}]";
    let settings = Settings::of(corp().line("forward_token: false")).server(places);
    let site = Site::start(&settings.rules(optional));
    let (good, evil) = (tokens::good(), "forged");
    for cookies in [
        format!("session ={evil}"),
        format!("session ={evil}; session={good}"),
        format!("session={good}; Session={evil}"),
        format!("a=b session={evil}"),
        format!("session[]={evil}"),
    ] {
        let call = Call::get("/").header("cookie", &cookies);
        is_refused(&site.ask(&call), "token_malformed");
    }
    let call = Call::get("/").header("cookie", format!("session={good}; a=1"));
    let outcome = site.ask(&call);
    is_allowed_by(&outcome, "optional");
    assert_eq!(outcome.header("cookie"), Some("a=1"));
    let outcome = site.ask(&Call::get("/").header("cookie", "a=1"));
    assert_eq!(outcome.reason, "anonymous");
}

fn a_query_parameter_under_another_spelling_is_not_overlooked() {
    let optional = "- {name: optional, require: {optional: true}}";
    let site = site(&["token_from: [{query: access_token}]"], optional);
    let good = tokens::good();
    for other in [
        "access_token[]=x",
        "ACCESS_TOKEN=x",
        "access_token%00=x",
        "x=1;access_token=x",
        "%61ccess_token=x",
        "access.token=x",
    ] {
        for query in [
            other.to_owned(),
            format!("access_token={good}&{other}"),
            format!("{other}&access_token={good}"),
        ] {
            is_refused(
                &site.ask(&Call::get(format!("/?{query}"))),
                "token_malformed",
            );
        }
    }
    is_allowed_by(
        &site.ask(&Call::get(format!("/?access_token={good}&x=1"))),
        "optional",
    );
}

fn a_header_that_looks_like_the_credential_never_passes_beside_another_or_alone() {
    let optional = "- {name: optional, require: {optional: true}}";
    let site = site(
        &["token_from: [{header: x-token}, {header: authorization}]"],
        optional,
    );
    for name in ["x_token", "X.Token", "x token"] {
        is_refused(
            &site.ask(&Call::get("/").header(name, "forged")),
            "token_malformed",
        );
        let beside = Call::get("/").header(name, "forged").token(tokens::good());
        is_refused(&site.ask(&beside), "token_malformed");
    }
    let outcome = site.ask(&Call::get("/").header("X-Token", RSA.sign(&claims())));
    is_allowed_by(&outcome, "optional");
    // A token without its scheme, which some services take all the same.
    let bare = Call::get("/").header("authorization", tokens::good());
    is_refused(&site.ask(&bare), "token_malformed");
}

fn exact_spelling_is_of_the_path_alone() {
    let rules = "\
- name: strict
  match: {hosts: [a.example], methods: [POST], path: {exact: /Report, exact_spelling: true}}
  require: {scopes: [admin]}
- {name: rest}";
    let site = site(&[], rules);
    let ask = |host: &str, method: &str, path: &str| {
        site.ask(
            &Call::get(path)
                .host(host)
                .method(method)
                .token(scoped("read")),
        )
    };
    is_refused(&ask("a.example", "POST", "/Report"), "insufficient_scope");
    is_refused(
        &ask("a.example:443", "POST", "/Report"),
        "request_malformed",
    );
    is_refused(&ask("a.example", "post", "/Report"), "request_malformed");
    is_allowed_by(&ask("a.example", "POST", "/report"), "rest");
}

fn a_shadow_rule_refuses_no_near_miss() {
    let rules = "\
- {name: tried, match: {path: {prefix: /new}}, require: {scopes: [admin]}, mode: shadow}
- {name: strict, match: {path: {prefix: /admin}}, require: {scopes: [admin]}}
- {name: rest}";
    let site = site(&[], rules);
    let ask = |path: &str| site.ask(&Call::get(path).token(scoped("read")));
    for path in ["/NEW/x", "/orders"] {
        is_allowed_by(&ask(path), "rest");
    }
    // The rule behind it looks at paths, and is no trial.
    for path in ["/ADMIN/x", "/a//b"] {
        is_refused(&ask(path), "request_malformed");
    }
    let outcome = ask("/new/x");
    is_allowed_by(&outcome, "tried");
    assert_eq!(outcome.reason, "insufficient_scope");
}
