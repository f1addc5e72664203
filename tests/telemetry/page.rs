//! `GET /metrics` of a server: all metrics, in the accepted format.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use watchword::app::App;
use watchword::clock::Clock;

use crate::lint;
use crate::scene::config;

async fn get(app: &App, accept: &str) -> String {
    let address = app.admin_address().unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\n{accept}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn metrics_come_in_the_form_that_is_asked_for() {
    let app = App::start(config(""), Clock::fixed(1_700_000_000))
        .await
        .unwrap();
    let plain = get(&app, "").await;
    let (head, page) = plain.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    assert_eq!(lint::problems(page), [""; 0], "{page}");
    for name in [
        "decision_duration_seconds",
        "jwks_fetches_total",
        "build_info",
        "jwks_age_seconds",
    ] {
        assert!(
            page.contains(&format!("# TYPE watchword_{name} ")),
            "{name} in {page}"
        );
    }

    let accept = "accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let open = get(&app, accept).await;
    assert!(open.contains("content-type: application/openmetrics-text; version=1.0.0"));
    assert!(open.contains("# TYPE watchword_overloaded counter\n"));
    assert!(open.ends_with("# EOF\n"));
    app.stop().await;
}
