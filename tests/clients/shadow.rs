//! Shadow mode: a denial is reported, and the request is allowed.

use crate::api::validate_response::Verdict;
use crate::api::{Allow, Deny, Reason, ValidateRequest, ValidateResponse};
use crate::site::{self, Site, about, expired_token, get, good_token};

/// The denial that was not enforced, and the allow in its place.
#[track_caller]
fn shadowed(response: ValidateResponse) -> (Allow, Deny) {
    let denial = response.shadowed.expect("a denial that is not enforced");
    match response.verdict {
        Some(Verdict::Allow(allow)) => (allow, denial),
        other => panic!("{other:?}"),
    }
}

fn with(token: String, path: &str) -> ValidateRequest {
    ValidateRequest {
        request: Some(get(path)),
        ..about(token)
    }
}

#[tokio::test]
async fn in_shadow_mode_a_denial_is_told_and_not_enforced() {
    let site = Site::edited(&[("\nrules:", "\nmode: shadow\nrules:")]).await;
    let (allow, denial) = shadowed(site.validate(about(expired_token())).await);
    assert_eq!(denial.reason(), Reason::TokenExpired);
    assert_eq!(denial.http_status, 401);
    assert!(allow.anonymous, "nobody is known");
    assert_eq!((allow.subject.as_str(), allow.claims), ("", None));
    assert_eq!(allow.headers, []);
    assert!(
        allow
            .headers_to_remove
            .contains(&"x-auth-subject".to_owned())
    );

    let (_, denial) = shadowed(site.validate(with(good_token(), "/reports/1")).await);
    assert_eq!(denial.reason(), Reason::PolicyDenied);
    assert_eq!(site.allowed(about(good_token())).await.subject, "alice");
}

#[tokio::test]
async fn shadow_mode_of_a_rule_is_for_that_rule_alone() {
    let rule = "require: {scopes: [admin]}";
    let site = Site::edited(&[(rule, "require: {scopes: [admin]}\n  mode: shadow")]).await;
    let response = site.validate(with(good_token(), "/admin/users")).await;
    assert_eq!(response.rule, "admin");
    let (allow, denial) = shadowed(response);
    assert_eq!(denial.reason(), Reason::InsufficientScope);
    assert!(allow.anonymous);

    let orders = site.denied(with(expired_token(), "/orders/1")).await;
    assert_eq!(orders.reason(), Reason::TokenExpired);
    let alone = site.denied(about(expired_token())).await;
    assert_eq!(alone.reason(), Reason::TokenExpired);
}

#[tokio::test]
async fn without_shadow_mode_nothing_is_shadowed() {
    let site = Site::start().await;
    assert_eq!(site.validate(about(good_token())).await.shadowed, None);
    site::deny(site.validate(with(good_token(), "/admin/users")).await);
}
