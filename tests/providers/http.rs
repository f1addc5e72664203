//! One HTTP request to a program on loopback.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The JSON of a page.
pub(crate) async fn get(authority: &str, path: &str) -> Value {
    let request = Request::get(path).header("host", authority);
    send(authority, request.body(Full::default()).unwrap()).await
}

/// The JSON that answers a form.
pub(crate) async fn post(authority: &str, path: &str, form: &str) -> Value {
    let request = Request::post(path)
        .header("host", authority)
        .header("content-type", "application/x-www-form-urlencoded");
    let body = Full::from(form.to_owned());
    send(authority, request.body(body).unwrap()).await
}

async fn send(authority: &str, request: Request<Full<Bytes>>) -> Value {
    let stream = TcpStream::connect(authority).await.expect("a listener");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.expect("an answer");
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(status.is_success(), "{status}: {body:?}");
    serde_json::from_slice(&body).expect("JSON")
}
