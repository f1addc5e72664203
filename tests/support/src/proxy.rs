//! An Envoy process: it is started, watched until it is ready, asked for its ports, and ends with
//! this process.

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Becomes the program in "$@", with a watcher that kills it when the other end of standard input
/// closes. So Envoy ends with the test process, however that ends.
const ENDS_WITH_US: &str = r#"exec 3<&0 </dev/null
(read -r _ <&3; kill -9 $$ 2>/dev/null) &
exec "$@" 3<&-"#;

/// The secret that callers of Watchword show where it demands one. Envoy has it from its
/// environment.
pub const SECRET: &str = "a-secret-of-this-test-only";

pub struct Proxy {
    process: Child,
    folder: PathBuf,
    admin: SocketAddr,
    ports: HashMap<String, SocketAddr>,
}

impl Proxy {
    /// Starts Envoy with files in `folder`, and waits until it serves.
    ///
    /// # Errors
    /// Envoy ended, or was not ready in time: with what it logged.
    pub async fn start(binary: &Path, folder: &Path, bootstrap: &Value) -> Result<Self, String> {
        let config = folder.join("bootstrap.json");
        fs::write(&config, bootstrap.to_string()).map_err(|error| error.to_string())?;
        let process = spawn(binary, folder, &config)
            .map_err(|error| format!("cannot start Envoy: {error}"))?;
        let mut proxy = Self {
            process,
            folder: folder.to_owned(),
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            ports: HashMap::new(),
        };
        match timeout(TIMEOUT, proxy.become_ready()).await {
            Ok(Ok(())) => Ok(proxy),
            Ok(Err(problem)) => Err(format!("{problem}\n{}", proxy.log())),
            Err(_) => Err(format!(
                "Envoy was not ready after {TIMEOUT:?}\n{}",
                proxy.log()
            )),
        }
    }

    /// The address of the listener of this name.
    pub fn port(&self, listener: &str) -> SocketAddr {
        self.ports[listener]
    }

    /// A counter or gauge; 0 if Envoy has not made it yet.
    pub async fn statistic(&self, name: &str) -> u64 {
        let (_, text) = self
            .ask("/stats?usedonly")
            .await
            .expect("the admin endpoint answers");
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.map_or(0, |value| value.parse().expect("a number"))
    }

    /// The line of the access log that holds `text`, as soon as it is written.
    pub async fn logged(&self, text: &str) -> Value {
        let line = timeout(TIMEOUT, async {
            loop {
                let log = fs::read_to_string(self.folder.join("stdout"))
                    .expect("Envoy's standard output");
                if let Some(line) = log
                    .lines()
                    .find(|line| line.contains(text) && line.ends_with('}'))
                {
                    return line.to_owned();
                }
                sleep(POLL).await;
            }
        });
        let line = line
            .await
            .unwrap_or_else(|_| panic!("{text} is not in the access log"));
        serde_json::from_str(&line).expect("the access log is JSON")
    }

    async fn become_ready(&mut self) -> Result<(), String> {
        while !self.is_live().await {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("Envoy ended: {status}"));
            }
            sleep(POLL).await;
        }
        let (_, text) = self.ask("/listeners?format=json").await?;
        let listeners: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        for listener in listeners["listener_statuses"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let socket = &listener["local_address"]["socket_address"];
            let address = format!(
                "{}:{}",
                socket["address"].as_str().unwrap_or_default(),
                socket["port_value"]
            );
            let address = address
                .parse()
                .map_err(|error| format!("{address}: {error}"))?;
            self.ports.insert(
                listener["name"].as_str().unwrap_or_default().to_owned(),
                address,
            );
        }
        Ok(())
    }

    async fn is_live(&mut self) -> bool {
        let written = fs::read_to_string(self.folder.join("admin")).unwrap_or_default();
        let Ok(address) = written.trim().parse() else {
            return false;
        };
        self.admin = address;
        matches!(self.ask("/ready").await, Ok((200, text)) if text.trim() == "LIVE")
    }

    async fn ask(&self, path: &str) -> Result<(u16, String), String> {
        get(self.admin, path)
            .await
            .map_err(|error| format!("{path}: {error}"))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("stderr")).unwrap_or_default()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(binary: &Path, folder: &Path, config: &Path) -> std::io::Result<Child> {
    Command::new("sh")
        .args(["-c", ENDS_WITH_US, "sh"])
        .arg(binary)
        .arg("--config-path")
        .arg(config)
        .arg("--admin-address-path")
        .arg(folder.join("admin"))
        .args([
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "--log-level",
            "warning",
        ])
        .args(["--file-flush-interval-msec", "20"])
        .env("WATCHWORD_SECRET", SECRET)
        .stdin(Stdio::piped())
        .stdout(File::create(folder.join("stdout"))?)
        .stderr(File::create(folder.join("stderr"))?)
        .spawn()
}

async fn get(address: SocketAddr, path: &str) -> Result<(u16, String), Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = http::Request::get(path)
        .header("host", "admin")
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    connection.abort();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
