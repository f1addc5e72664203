//! Answers that wait for the test, and never for each other.

use reqwest::Client;
use tokio::task::JoinSet;

use super::{KeyServer, Reply, SET, client, fetch, response};

/// Two ends of each connection are open files of this process, and other tests run beside.
const FILES_FOR_ONE: usize = 3;

#[tokio::test]
async fn a_held_request_gets_the_reply_of_its_release() {
    let server = KeyServer::start(Reply::ok("old").held());
    let release = async {
        server.requests_reach(1).await;
        server.reply(Reply::ok("new"));
        assert_eq!(fetch(&server).await.unwrap(), "new", "others go on");
        assert_eq!(server.completed(), 1);
        server.release();
    };
    let (held, ()) = tokio::join!(fetch(&server), release);
    assert_eq!(held.unwrap(), "new");
    server.completed_reach(2).await;
}

#[tokio::test]
async fn a_held_request_gets_its_own_reply_where_no_other_came() {
    let server = KeyServer::start(Reply::ok(SET).held());
    for requests in 1..=2 {
        let release = async {
            server.requests_reach(requests).await;
            assert_eq!(server.completed(), requests - 1, "held again");
            server.release();
        };
        let (held, ()) = tokio::join!(fetch(&server), release);
        assert_eq!(held.unwrap(), SET);
        server.completed_reach(requests).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_it_is_held_is_noticed() {
    let server = KeyServer::start(Reply::ok(SET).held());
    let fetching = tokio::spawn(client().get(server.uri()).send());
    server.requests_reach(1).await;
    fetching.abort();
    server.abandoned_reach(1).await;
    assert_eq!(server.completed(), 0);
}

#[tokio::test]
async fn a_withheld_body_comes_after_its_head() {
    let server = KeyServer::start(Reply::ok(SET).withheld());
    let answer = response(&server).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(server.completed(), 0);
    server.release();
    assert_eq!(answer.text().await.unwrap(), SET);
}

#[tokio::test]
async fn a_dripped_body_comes_byte_by_byte_until_it_is_released() {
    let server = KeyServer::start(Reply::ok(SET).dripped());
    let mut answer = response(&server).await;
    for byte in &SET.as_bytes()[..4] {
        server.tick();
        assert_eq!(answer.chunk().await.unwrap().unwrap(), [*byte].as_slice());
    }
    assert_eq!(server.completed(), 0);
    server.release();
    assert_eq!(answer.text().await.unwrap(), &SET[4..]);
}

#[tokio::test]
async fn a_thousand_connections_wait_together_and_hold_nobody_up() {
    let crowd = 1000.min(open_files() / FILES_FOR_ONE);
    let server = KeyServer::start(Reply::ok(SET).held());
    server.reply_at("/other", Reply::ok("at once"));
    let client = client();
    let mut fetches = JoinSet::new();
    for _ in 0..crowd {
        fetches.spawn(text(client.clone(), server.uri()));
    }
    server.requests_at_reach("/keys", crowd).await;
    assert_eq!((server.connections(), server.completed()), (crowd, 0));
    assert_eq!(text(client, server.uri_of("/other")).await, "at once");

    server.release();
    for answer in fetches.join_all().await {
        assert_eq!(answer, SET);
    }
    server.completed_reach(crowd + 1).await;
}

async fn text(client: Client, uri: String) -> String {
    let answer = client.get(uri).send().await.unwrap();
    answer.text().await.unwrap()
}

/// The number of files that this process may open. Where the system does not tell, few.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let mut lines = limits.lines();
    let line = lines.find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    match soft {
        Some("unlimited") => usize::MAX,
        soft => soft.and_then(|soft| soft.parse().ok()).unwrap_or(200),
    }
}
