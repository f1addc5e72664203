//! Demands that a caller makes of a token, in addition to the rule's.

use serde_json::json;

use crate::api::{Demand, Reason, Request, ValidateRequest};
use crate::site::{Site, about, get, good_token, token};

fn demand(audiences: &[&str], scopes: &[&str]) -> Demand {
    let owned = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect();
    Demand {
        audiences: owned(audiences),
        scopes: owned(scopes),
    }
}

fn demanding(token: String, demand: Demand) -> ValidateRequest {
    ValidateRequest {
        demand: Some(demand),
        ..about(token)
    }
}

#[tokio::test]
async fn every_scope_is_needed() {
    let site = Site::start().await;
    let both = demand(&[], &["orders.read", "orders.write"]);
    site.allowed(demanding(good_token(), both)).await;
    let one_more = demand(&[], &["orders.read", "admin"]);
    let deny = site.denied(demanding(good_token(), one_more)).await;
    assert_eq!(deny.reason(), Reason::InsufficientScope);
    assert!(
        deny.www_authenticate
            .ends_with(", scope=\"orders.read admin\"")
    );
}

#[tokio::test]
async fn one_audience_is_needed_beside_the_issuers_own() {
    let site = Site::start().await;
    let wanted = demand(&["billing-api", "reports-api"], &[]);
    let both = token(&json!({"aud": ["orders-api", "reports-api"]}));
    site.allowed(demanding(both, wanted.clone())).await;
    let only_ours = demanding(good_token(), wanted.clone());
    assert_eq!(
        site.denied(only_ours).await.reason(),
        Reason::AudienceMismatch
    );
    let only_theirs = demanding(token(&json!({"aud": "reports-api"})), wanted);
    assert_eq!(
        site.denied(only_theirs).await.reason(),
        Reason::AudienceMismatch
    );
}

#[tokio::test]
async fn demand_comes_on_top_of_the_rule() {
    let site = Site::start().await;
    let ask = |scope: &str| ValidateRequest {
        request: Some(get("/admin/users")),
        ..demanding(
            token(&json!({ "scope": scope })),
            demand(&[], &["orders.read"]),
        )
    };
    site.allowed(ask("admin orders.read")).await;
    for scope in ["admin", "orders.read"] {
        let deny = site.denied(ask(scope)).await;
        assert_eq!(deny.reason(), Reason::InsufficientScope, "{scope}");
    }
}

#[tokio::test]
async fn nobody_is_anonymous_where_something_is_demanded() {
    let site = Site::start().await;
    let ask = |token: String, request: Request, demand: Option<Demand>| ValidateRequest {
        token,
        request: Some(request),
        demand,
    };
    for path in ["/public/logo.svg", "/optional/news"] {
        let request = get(path);
        let allow = site.allowed(ask(String::new(), request.clone(), None));
        assert!(allow.await.anonymous);
        let nothing = Some(Demand::default());
        let deny = site.denied(ask(String::new(), request.clone(), nothing.clone()));
        assert_eq!(deny.await.reason(), Reason::TokenMissing, "{path}");
        let allow = site.allowed(ask(good_token(), request, nothing)).await;
        assert_eq!(allow.subject, "alice");
    }
}

#[tokio::test]
async fn impossible_demand_is_malformed() {
    let site = Site::start().await;
    let words = |number: usize| vec!["orders.read".to_owned(); number];
    let scopes = |number| Demand {
        scopes: words(number),
        audiences: Vec::new(),
    };
    let audiences = |number| Demand {
        audiences: words(number),
        scopes: Vec::new(),
    };
    site.allowed(demanding(good_token(), scopes(100))).await;
    let deny = site.denied(demanding(good_token(), audiences(100))).await;
    assert_eq!(deny.reason(), Reason::AudienceMismatch);
    for impossible in [
        scopes(101),
        audiences(101),
        demand(&[""], &[]),
        demand(&[], &[""]),
        demand(&[], &["two words"]),
        demand(&[], &["quo\"te"]),
    ] {
        let deny = site.denied(demanding(good_token(), impossible)).await;
        assert_eq!(deny.reason(), Reason::RequestMalformed);
    }
}
