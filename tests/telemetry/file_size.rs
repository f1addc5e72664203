//! Log files that reach the limit on file sizes (`RLIMIT_FSIZE`): lines are dropped and counted.

use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;

use crate::server::{Server, Settings, until};
use crate::unread::check;

/// Each writes some 300 bytes to either log, which take 8 KiB at most.
const CALLS: usize = 200;

#[tokio::test]
async fn a_server_whose_log_files_may_not_grow_answers_counts_and_stops() {
    let settings = Settings {
        log: ", level: debug, decisions: {policy: all}",
        file_size: Some(8),
        ..Settings::default()
    };
    let server = Server::start("file_size", &settings);
    let client = AuthorizationClient::connect(format!("http://{}", server.grpc));
    let mut client = client.await.unwrap();
    for _ in 0..CALLS {
        let answer = client.check(check()).await.unwrap().into_inner();
        assert_eq!(answer.status.unwrap().code, 16);
    }
    for log in ["operational", "decisions"] {
        let series = format!("watchword_log_lines_dropped_total{{log=\"{log}\"}}");
        let dropped = || Some(server.metric(&series)).filter(|dropped| *dropped > 0);
        let dropped = until("lines are dropped", dropped);
        assert!(dropped <= 2 * CALLS as u64, "{log}: {dropped}");
    }
    let answer = client.check(check()).await.unwrap().into_inner();
    assert_eq!(answer.status.unwrap().code, 16);
    let log = server.stop();
    assert!(!log.is_empty() && log.len() <= 8 * 1024, "{}", log.len());
}
