//! Rules apply to requests: without one, the answer is about the token alone.

use serde_json::json;

use crate::api::{Reason, Request, ValidateRequest};
use crate::site::{self, Site, about, expired_token, get, good_token, header, token};

fn with(token: String, request: Request) -> ValidateRequest {
    ValidateRequest {
        request: Some(request),
        ..about(token)
    }
}

#[tokio::test]
async fn rules_apply_only_with_a_request() {
    let site = Site::start().await;
    let alone = site.validate(about(good_token())).await;
    assert_eq!(alone.rule, "");
    assert_eq!(site::allow(alone).subject, "alice");

    let refused = site.validate(with(good_token(), get("/admin/users"))).await;
    assert_eq!(refused.rule, "admin");
    let deny = site::deny(refused);
    assert_eq!(deny.reason(), Reason::InsufficientScope);
    assert_eq!(deny.http_status, 403);
    assert!(deny.www_authenticate.ends_with(", scope=\"admin\""));

    let admin = token(&json!({"scope": "admin"}));
    let opened = site.validate(with(admin, get("/admin/users"))).await;
    assert_eq!(opened.rule, "admin");
    assert_eq!(site::allow(opened).subject, "alice");
}

#[tokio::test]
async fn request_that_no_rule_is_for_is_denied() {
    let site = Site::start().await;
    let orders = site.validate(with(good_token(), get("/orders/1"))).await;
    assert_eq!(orders.rule, "orders");
    site::allow(orders);
    let other_method = Request {
        method: "DELETE".to_owned(),
        ..get("/orders/1")
    };
    let other_host = Request {
        host: "other.example.com".to_owned(),
        ..get("/orders/1")
    };
    for request in [get("/reports/1"), other_method, other_host] {
        let response = site.validate(with(good_token(), request)).await;
        assert_eq!(response.rule, "");
        assert_eq!(site::deny(response).reason(), Reason::PolicyDenied);
    }
}

#[tokio::test]
async fn nobody_is_anonymous_but_where_a_rule_needs_no_token() {
    let site = Site::start().await;
    for path in ["/public/logo.svg", "/optional/news"] {
        let allow = site.allowed(with(String::new(), get(path))).await;
        assert!(allow.anonymous);
        assert_eq!((allow.subject.as_str(), allow.claims), ("", None));
        assert!(
            allow
                .headers_to_remove
                .contains(&"x-auth-subject".to_owned())
        );
    }
    let deny = site.denied(with(expired_token(), get("/optional/news")));
    assert_eq!(deny.await.reason(), Reason::TokenExpired);
    let deny = site.denied(with(String::new(), get("/orders/1"))).await;
    assert_eq!(deny.reason(), Reason::TokenMissing);
}

#[tokio::test]
async fn path_with_two_readings_is_a_denial() {
    let site = Site::start().await;
    let path = "/public/..%2fadmin/users";
    let deny = site.denied(with(good_token(), get(path))).await;
    assert_eq!(deny.reason(), Reason::RequestMalformed);
    site.allowed(with(good_token(), get("/public/users"))).await;
}

#[tokio::test]
async fn context_is_what_the_caller_says() {
    let site = Site::start().await;
    let mut request = get("/reports/1");
    request.context.insert("zone".into(), "edge".into());
    let response = site.validate(with(good_token(), request.clone())).await;
    assert_eq!(response.rule, "edge");
    site::allow(response);
    request.context.insert("zone".into(), "other".into());
    let deny = site.denied(with(good_token(), request)).await;
    assert_eq!(deny.reason(), Reason::PolicyDenied);
}

#[tokio::test]
async fn token_is_looked_for_in_the_headers_where_none_is_given() {
    let site = Site::start().await;
    let bearing = |token: String| Request {
        headers: vec![header("Authorization", &format!("Bearer {token}"))],
        ..get("/orders/1")
    };
    let found = with(String::new(), bearing(good_token()));
    assert_eq!(site.allowed(found).await.subject, "alice");
    let found = with(String::new(), bearing(expired_token()));
    assert_eq!(site.denied(found).await.reason(), Reason::TokenExpired);
    let given = with(expired_token(), bearing(good_token()));
    assert_eq!(site.denied(given).await.reason(), Reason::TokenExpired);
    let given = with(good_token(), bearing(expired_token()));
    assert_eq!(site.allowed(given).await.subject, "alice");
}
