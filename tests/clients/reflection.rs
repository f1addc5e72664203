//! The schema over gRPC reflection.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::FileDescriptorProto;
use tonic::Code;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use tonic_reflection::pb::v1alpha::ServerReflectionRequest as AlphaRequest;
use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient as AlphaClient;
use tonic_reflection::pb::v1alpha::server_reflection_request::MessageRequest as AlphaQuestion;

use crate::site::Site;

async fn reflecting() -> Site {
    Site::edited(&[("reflection: false", "reflection: true")]).await
}

async fn ask(site: &Site, question: MessageRequest) -> Result<MessageResponse, Code> {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    };
    let mut client = ServerReflectionClient::new(site.channel());
    let stream = client.server_reflection_info(tokio_stream::once(request));
    let mut stream = stream.await.map_err(|status| status.code())?.into_inner();
    let answer = stream.message().await.map_err(|status| status.code())?;
    // What is too long ends the stream without an answer.
    let answer: ServerReflectionResponse = answer.ok_or(Code::Ok)?;
    Ok(answer.message_response.expect("a response"))
}

async fn ask_v1alpha(site: &Site) -> Result<bool, Code> {
    let request = AlphaRequest {
        host: String::new(),
        message_request: Some(AlphaQuestion::ListServices(String::new())),
    };
    let mut client = AlphaClient::new(site.channel());
    let stream = client.server_reflection_info(tokio_stream::once(request));
    let mut stream = stream.await.map_err(|status| status.code())?.into_inner();
    let answer = stream.message().await.map_err(|status| status.code())?;
    Ok(answer.is_some())
}

fn services() -> MessageRequest {
    MessageRequest::ListServices(String::new())
}

/// The file with this symbol, decoded.
async fn file_with(site: &Site, symbol: &str) -> FileDescriptorProto {
    let question = MessageRequest::FileContainingSymbol(symbol.to_owned());
    match ask(site, question).await.unwrap() {
        MessageResponse::FileDescriptorResponse(files) => {
            FileDescriptorProto::decode(files.file_descriptor_proto[0].as_slice()).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn schema_is_not_told_unless_configured() {
    let site = Site::start().await;
    assert_eq!(ask(&site, services()).await, Err(Code::Unimplemented));
    assert_eq!(ask_v1alpha(&site).await, Err(Code::Unimplemented));
    let site = reflecting().await;
    ask(&site, services()).await.unwrap();
    assert_eq!(ask_v1alpha(&site).await, Ok(true));
}

#[tokio::test]
async fn every_service_is_listed() {
    let site = reflecting().await;
    let MessageResponse::ListServicesResponse(list) = ask(&site, services()).await.unwrap() else {
        panic!("a list");
    };
    let names: BTreeSet<&str> = list.service.iter().map(|entry| &*entry.name).collect();
    let wanted = [
        "envoy.service.auth.v3.Authorization",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "watchword.v1.TokenValidation",
    ];
    assert_eq!(names, BTreeSet::from(wanted));
    assert_eq!(list.service.len(), wanted.len());
}

/// Clients are lost if one file of the chain is missing, or tells of `bytes` where the schema has
/// text.
#[tokio::test]
async fn schema_is_told_as_it_stands_with_all_that_it_imports() {
    let site = reflecting().await;
    let file = file_with(&site, "watchword.v1.TokenValidation").await;
    let message = &file.message_type[0];
    assert_eq!(message.name(), "ValidateRequest");
    assert_eq!(
        message.field[0].r#type(),
        prost_types::field_descriptor_proto::Type::String
    );
    let mut wanted = file.dependency;
    let check = file_with(&site, "envoy.service.auth.v3.Authorization.Check").await;
    wanted.extend(check.dependency);
    while let Some(name) = wanted.pop() {
        let question = MessageRequest::FileByFilename(name.clone());
        let answer = ask(&site, question).await;
        let Ok(MessageResponse::FileDescriptorResponse(files)) = answer else {
            panic!("{name}: {answer:?}");
        };
        let file = FileDescriptorProto::decode(files.file_descriptor_proto[0].as_slice()).unwrap();
        assert_eq!(file.name(), name);
        wanted.extend(file.dependency);
    }
}

#[tokio::test]
async fn only_short_questions_are_read() {
    let site = reflecting().await;
    let long = |length| MessageRequest::FileByFilename("x".repeat(length));
    assert_eq!(ask(&site, long(1000)).await, Err(Code::NotFound));
    assert_eq!(ask(&site, long(5000)).await, Err(Code::Ok));
}
