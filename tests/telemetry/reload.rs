//! Counters across a reload.

use watchword::wire::envoy::service::auth::v3::authorization_client::AuthorizationClient;

use crate::server::{Server, Settings, until};
use crate::unread::check;

#[tokio::test]
async fn a_reload_resets_no_counter() {
    let server = Server::start("reload", &Settings::default());
    let client = AuthorizationClient::connect(format!("http://{}", server.grpc));
    let mut client = client.await.unwrap();
    for _ in 0..3 {
        client.check(check()).await.unwrap();
    }
    let before = server.counters();
    let decisions = |counters: &[(String, f64)]| {
        let decisions = counters.iter();
        let decisions = decisions.filter(|(name, _)| name.starts_with("watchword_decisions_total"));
        decisions.map(|(_, value)| value).sum::<f64>()
    };
    assert_eq!(decisions(&before), 3.0, "{before:?}");

    server.reload_with("token_cache: {max_entries: 10}\n");
    let accepted = "watchword_config_reloads_total{outcome=\"accepted\"}";
    until("a reload", || (server.metric(accepted) == 1).then_some(()));
    let after = server.counters();
    for (name, value) in &before {
        let now = after.iter().find(|(other, _)| other == name);
        assert!(now.is_some_and(|(_, now)| now >= value), "{name}: {now:?}");
    }
    client.check(check()).await.unwrap();
    assert_eq!(decisions(&server.counters()), 4.0);
}
