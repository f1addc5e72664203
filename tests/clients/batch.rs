//! Many questions in one call.

use prost::Message as _;
use prost_types::FieldMask;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::api::{Reason, ValidateBatchResponse, ValidateRequest};
use crate::site::{self, Site, about, expired_token, get, good_token, token};

#[tokio::test]
async fn answers_stand_in_the_order_of_the_questions() {
    let site = Site::start().await;
    let public = ValidateRequest {
        request: Some(get("/public/logo.svg")),
        ..ValidateRequest::default()
    };
    let questions = vec![
        about(token(&json!({"sub": "first"}))),
        about(expired_token()),
        public,
        about("nonsense".to_owned()),
        about(token(&json!({"sub": "last"}))),
        ValidateRequest::default(),
    ];
    let answers = site.batch(questions).await.unwrap();
    let [first, expired, public, nonsense, last, empty] = answers.try_into().unwrap();
    assert_eq!(site::allow(first).subject, "first");
    assert_eq!(site::deny(expired).reason(), Reason::TokenExpired);
    assert_eq!(public.rule, "public");
    assert!(site::allow(public).anonymous);
    assert_eq!(site::deny(nonsense).reason(), Reason::TokenMalformed);
    assert_eq!(site::allow(last).subject, "last");
    assert_eq!(site::deny(empty).reason(), Reason::TokenMissing);
}

#[tokio::test]
async fn batch_of_another_size_is_no_batch() {
    let site = Site::start().await;
    let many = |number| site.batch(vec![about(good_token()); number]);
    assert_eq!(many(0).await, Err(Code::InvalidArgument));
    assert_eq!(many(101).await, Err(Code::InvalidArgument));
    let answers = many(100).await.unwrap();
    assert_eq!(answers.len(), 100);
    for answer in answers {
        assert_eq!(site::allow(answer).subject, "alice");
    }
}

const BATCH: &str = "/watchword.v1.TokenValidation/ValidateBatch";

/// Sends any message in the place of a batch.
async fn send<M>(site: &Site, message: M) -> Result<ValidateBatchResponse, Status>
where
    M: prost::Message + Default + 'static,
{
    let mut client = tonic::client::Grpc::new(site.channel());
    client.ready().await.unwrap();
    let codec = ProstCodec::<M, ValidateBatchResponse>::default();
    let path = PathAndQuery::from_static(BATCH);
    let answer = client.unary(Request::new(message), path, codec).await?;
    Ok(answer.into_inner())
}

#[tokio::test]
async fn batch_that_cannot_be_read_is_an_error() {
    let site = Site::start().await;
    // A Duration has a number where a batch has its questions.
    let number = prost_types::Duration {
        seconds: 1,
        nanos: 0,
    };
    let answer = send(&site, number).await;
    assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument);
}

/// A caller that is told of a bad batch does not try again.
#[tokio::test]
async fn large_batch_is_not_called_bad_where_there_is_no_room_for_it() {
    // Calls may hold 5 MiB then, whatever the machine has, and those of one connection half of what
    // is left.
    let limit = ("realm: test", "memory_limit: 64Mi");
    let site = Site::edited(&[limit]).await;
    let paths = vec!["x".repeat(1024); 100];
    let large = || FieldMask {
        paths: paths.clone(),
    };
    let answered = send(&site, large()).await.unwrap().responses;
    assert_eq!(answered.len(), 100);
    let mut held = JoinSet::new();
    for _ in 0..40 {
        // A message that has come, and an end that does not.
        let endless = tokio_stream::once(large()).chain(tokio_stream::pending());
        let mut client = tonic::client::Grpc::new(site.channel());
        held.spawn(async move {
            client.ready().await.unwrap();
            let codec = ProstCodec::<FieldMask, ValidateBatchResponse>::default();
            let path = PathAndQuery::from_static(BATCH);
            let held = client.client_streaming(Request::new(endless), path, codec);
            held.await.map_err(|status| status.code()).map(|_| ())
        });
    }
    // Those that have room are given up after 10 s.
    let first = held.join_next().await.unwrap().unwrap();
    assert_eq!(first, Err(Code::Unavailable));
}

/// One caller's fault must not become another's.
#[tokio::test]
async fn question_that_cannot_be_read_is_denied_by_itself() {
    let site = Site::start().await;
    // A FieldMask has texts where a batch has its questions. In the second, a number is where the
    // token should be.
    let good = ValidateRequest {
        request: Some(get("/public/logo.svg")),
        ..ValidateRequest::default()
    };
    let good = String::from_utf8(good.encode_to_vec()).expect("a short question, all ASCII");
    let paths = vec![good.clone(), "\u{8}\u{1}".to_owned(), good];
    let answers = send(&site, FieldMask { paths }).await.unwrap().responses;
    let [before, broken, after] = answers.try_into().unwrap();
    assert!(site::allow(before).anonymous);
    assert_eq!(site::deny(broken).reason(), Reason::RequestMalformed);
    assert!(site::allow(after).anonymous);
}
