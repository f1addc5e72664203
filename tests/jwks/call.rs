//! One question to Watchword over gRPC, and what the answer says.

use prost::Message as _;
use prost_types::value::Kind;
use tonic::Status;
use tonic::transport::Channel;
use watchword::wire::envoy::service::auth::v3::attribute_context::http_request::HeadersEntry;
use watchword::wire::envoy::service::auth::v3::attribute_context::{HttpRequest, Request};
use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use watchword::wire::envoy::service::auth::v3::check_response::HttpResponse;
use watchword::wire::envoy::service::auth::v3::{AttributeContext, CheckRequest, CheckResponse};

/// A connection to Watchword. Clones share it.
pub(crate) type Client = AuthorizationClient<Channel>;

/// An answer as a proxy reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) reason: String,
    /// The HTTP status of a denial; 200 stands for an allow.
    pub(crate) status: i32,
}

/// Asks whether a request for this path with this token may pass.
pub(crate) async fn ask(mut client: Client, path: &str, token: &str) -> Answer {
    let answer = client.check(question(path, token)).await;
    Answer::of(answer.unwrap().into_inner())
}

/// The same, by a caller who waits no longer than this.
pub(crate) async fn ask_within(
    mut client: Client,
    patience: std::time::Duration,
    token: &str,
) -> Result<Answer, Status> {
    let mut question = tonic::Request::new(question("/", token));
    question.set_timeout(patience);
    let answer = client.check(question).await?;
    Ok(Answer::of(answer.into_inner()))
}

fn question(path: &str, token: &str) -> CheckRequest {
    let headers = vec![HeadersEntry {
        key: "authorization".into(),
        value: format!("Bearer {token}").into(),
    }];
    let http = HttpRequest {
        path: path.to_owned().into(),
        headers,
        ..HttpRequest::default()
    };
    let request = Some(Request { http: Some(http) });
    CheckRequest {
        attributes: Some(AttributeContext {
            request,
            context_extensions: Vec::new(),
        }),
    }
}

impl Answer {
    fn of(answer: CheckResponse) -> Self {
        let metadata = prost_types::Struct::decode(answer.dynamic_metadata).unwrap();
        let Some(Kind::StringValue(reason)) = &metadata.fields["reason"].kind else {
            panic!("no reason");
        };
        let status = match answer.http_response {
            Some(HttpResponse::DeniedResponse(denied)) => denied.status.unwrap().code,
            Some(HttpResponse::OkResponse(_)) => 200,
            None => panic!("neither an allow nor a denial"),
        };
        assert_eq!(answer.status.unwrap().code == 0, status == 200);
        assert_eq!(reason == "allowed", status == 200);
        Self {
            reason: reason.clone(),
            status,
        }
    }
}
