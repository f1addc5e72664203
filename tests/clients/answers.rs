//! The contents of allows and denials.

use prost_types::Duration;
use serde_json::json;
use tonic::Request;
use tonic::codegen::http::uri::PathAndQuery;
use tonic_prost::ProstCodec;

use crate::api::{Reason, ValidateRequest, ValidateResponse};
use crate::site::{self, NOW, Site, about, expired_token, get, good_token, header, token};

#[tokio::test]
async fn allow_says_whose_token_it_is() {
    let site = Site::start().await;
    let response = site.validate(about(good_token())).await;
    assert_eq!(response.rule, "", "no rule was applied");
    let allow = site::allow(response);
    assert!(!allow.anonymous);
    assert_eq!(allow.issuer_name, "corp");
    assert_eq!(allow.issuer, "https://idp.example.com");
    assert_eq!(allow.subject, "alice");
    assert_eq!(allow.audiences, ["orders-api"]);
    let expires = allow.expires_at.unwrap();
    assert_eq!((expires.seconds, expires.nanos), (NOW + 300, 0));
}

#[tokio::test]
async fn denial_says_why_in_every_form() {
    let site = Site::start().await;
    let deny = site.denied(about(expired_token())).await;
    assert_eq!(deny.reason(), Reason::TokenExpired);
    assert_eq!(deny.code, "token_expired");
    assert_eq!(deny.message, "the token has expired");
    assert_eq!(deny.http_status, 401);
    assert_eq!(
        deny.www_authenticate,
        "Bearer realm=\"test\", error=\"invalid_token\", \
         error_description=\"the token has expired\""
    );
    assert_eq!(deny.retry_after_seconds, 0);
}

#[tokio::test]
async fn empty_question_is_one_without_a_token() {
    let site = Site::start().await;
    let deny = site.denied(ValidateRequest::default()).await;
    assert_eq!(deny.reason(), Reason::TokenMissing);
    assert_eq!(deny.www_authenticate, "Bearer realm=\"test\"");
    assert!(!site.allowed(about(good_token())).await.anonymous);
}

#[tokio::test]
async fn token_with_its_scheme_is_malformed() {
    let site = Site::start().await;
    let deny = site.denied(about(format!("Bearer {}", good_token()))).await;
    assert_eq!(deny.reason(), Reason::TokenMalformed);
}

#[tokio::test]
async fn keys_that_are_not_there_are_worth_another_try() {
    // Nothing listens on the discard port of loopback.
    let keys = "jwks: {uri: 'http://127.0.0.1:9/jwks', allow_http: true, timeout: 100ms}";
    let site = Site::edited(&[("jwks: {inline: '(keys)'}", keys)]).await;
    let deny = site.denied(about(good_token())).await;
    assert_eq!(deny.reason(), Reason::JwksUnavailable);
    assert_eq!(deny.http_status, 503);
    assert!(deny.retry_after_seconds > 0);
    assert_eq!(deny.www_authenticate, "");
}

#[tokio::test]
async fn allow_has_the_claim_headers_and_those_to_remove() {
    let site = Site::start().await;
    let with_tenant = about(token(&json!({"tenant": "acme"})));
    let allow = site.allowed(with_tenant).await;
    let wanted = [
        header("x-auth-subject", "alice"),
        header("x-auth-tenant", "acme"),
    ];
    assert_eq!(allow.headers, wanted);
    let removes = |name: &str| allow.headers_to_remove.iter().any(|other| other == name);
    assert!(!removes("x-auth-subject") && !removes("x-auth-tenant"));

    let mut forged = about(good_token());
    let mut request = get("/orders/1");
    request.headers = vec![
        header("X-Auth-Tenant", "evil"),
        header("x.auth.subject", "admin"),
    ];
    forged.request = Some(request);
    let allow = site.allowed(forged).await;
    assert_eq!(allow.headers, [header("x-auth-subject", "alice")]);
    let removes = |name: &str| allow.headers_to_remove.iter().any(|other| other == name);
    assert!(removes("x-auth-tenant"), "{:?}", allow.headers_to_remove);
    assert!(removes("x.auth.subject"), "{:?}", allow.headers_to_remove);
    assert!(!removes("authorization"));
}

#[tokio::test]
async fn token_that_must_not_be_handed_on_is_among_the_headers_to_remove() {
    let site = Site::edited(&[("forward_token: true", "forward_token: false")]).await;
    let mut request = get("/orders/1");
    let bearer = format!("Bearer {}", good_token());
    request.headers = vec![header("Authorization", &bearer)];
    let question = ValidateRequest {
        request: Some(request),
        ..ValidateRequest::default()
    };
    let allow = site.allowed(question).await;
    assert!(
        allow
            .headers_to_remove
            .contains(&"authorization".to_owned())
    );
    let in_hand = site.allowed(about(good_token())).await;
    assert!(
        !in_hand
            .headers_to_remove
            .contains(&"authorization".to_owned())
    );
}

/// An error would leave the choice to the caller's handling of errors.
#[tokio::test]
async fn message_that_cannot_be_read_is_a_denial() {
    let site = Site::start().await;
    // A Duration has a number where a question has its token.
    let number = Duration {
        seconds: 1,
        nanos: 0,
    };
    let mut client = tonic::client::Grpc::new(site.channel());
    client.ready().await.unwrap();
    let codec = ProstCodec::<Duration, ValidateResponse>::default();
    let path = PathAndQuery::from_static("/watchword.v1.TokenValidation/Validate");
    let answer = client.unary(Request::new(number), path, codec).await;
    let deny = site::deny(answer.unwrap().into_inner());
    assert_eq!(deny.reason(), Reason::RequestMalformed);
    assert_eq!(deny.http_status, 400);
}
