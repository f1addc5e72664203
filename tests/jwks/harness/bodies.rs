//! Statuses, and bodies that are not what the head says of them.

use super::{KeyServer, Reply, SET, causes, client, failure, fetch, response};

#[tokio::test]
async fn a_status_arrives_with_its_headers_and_body() {
    let server = KeyServer::start(Reply::status(500).body("oh no"));
    let answer = response(&server).await;
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.text().await.unwrap(), "oh no");

    server.reply(Reply::too_many_requests(120));
    let answer = response(&server).await;
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "120");

    for status in [204, 304] {
        server.reply(Reply::status(status));
        let answer = response(&server).await;
        assert_eq!(answer.status(), status);
        assert!(!answer.headers().contains_key("content-length"));
        assert_eq!(answer.text().await.unwrap(), "");
    }
}

#[tokio::test]
async fn a_redirect_leads_where_it_says_or_in_a_circle() {
    let server = KeyServer::start(Reply::redirect(302, "/elsewhere"));
    server.reply_at("/elsewhere", Reply::html());
    assert!(fetch(&server).await.unwrap().contains("Sign in"));
    assert_eq!(server.requests_at("/elsewhere"), 1);

    server.reply(Reply::redirect_loop());
    assert!(fetch(&server).await.unwrap_err().is_redirect());
    assert!(server.requests_at("/keys") > 5);
}

#[tokio::test]
async fn padding_makes_a_body_as_long_as_wanted_and_means_nothing() {
    let server = KeyServer::start(Reply::big(3_000_000));
    let body = fetch(&server).await.unwrap();
    assert_eq!(body.len(), 3_000_000);
    assert_eq!(body.trim_end(), SET);
}

#[tokio::test]
async fn a_body_that_is_cut_breaks_off_where_it_should() {
    let server = KeyServer::start(Reply::ok(SET).cut_at(5));
    let mut answer = response(&server).await;
    assert_eq!(answer.content_length(), Some(11));
    assert_eq!(answer.chunk().await.unwrap().unwrap(), &SET[..5]);
    let error = causes(&answer.chunk().await.unwrap_err());
    assert!(error.contains("IncompleteBody"), "{error}");
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let server = KeyServer::start(Reply::ok(SET).reset_at(5));
    let error = failure(&server).await;
    assert!(error.contains("ConnectionReset"), "{error}");
    server.completed_reach(1).await;
}

#[tokio::test]
async fn a_content_length_can_be_wrong_both_ways() {
    let server = KeyServer::start(Reply::ok(SET).declaring(SET.len() + 1));
    let error = failure(&server).await;
    assert!(error.contains("IncompleteBody"), "{error}");

    server.reply(Reply::ok(SET).declaring(4));
    assert_eq!(fetch(&server).await.unwrap(), &SET[..4]);
}

#[tokio::test]
async fn an_endless_body_goes_on_until_the_client_leaves() {
    let server = KeyServer::start(Reply::endless());
    let mut answer = response(&server).await;
    assert_eq!(answer.content_length(), None);
    let mut read = 0;
    while read < 5_000_000 {
        read += answer.chunk().await.unwrap().unwrap().len();
    }
    assert_eq!((server.completed(), server.abandoned()), (0, 0));
    drop(answer);
    server.abandoned_reach(1).await;
}

#[tokio::test]
async fn a_hang_up_comes_after_the_request_and_before_any_answer() {
    let server = KeyServer::start(Reply::hang_up());
    assert!(!fetch(&server).await.unwrap_err().is_connect());
    server.completed_reach(1).await;
    assert_eq!((server.requests(), server.failed_handshakes()), (1, 0));
}

#[tokio::test]
async fn raw_bytes_are_all_that_is_said() {
    let server = KeyServer::start(Reply::raw("SSH-2.0-sorry\r\n"));
    let error = client().get(server.uri()).send().await.unwrap_err();
    assert!(causes(&error).contains("Parse"), "{}", causes(&error));

    // Without a length the body ends with TLS, and its end is missing (RFC 8446 §6.1).
    server.reply(Reply::raw(format!("HTTP/1.1 200 OK\r\n\r\n{SET}")));
    let error = failure(&server).await;
    assert!(error.contains("UnexpectedEof"), "{error}");
}
