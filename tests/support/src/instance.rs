//! A `watchword serve` process and its files. Tests can change the files, restart the process and
//! read its admin pages.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::mint;
use crate::pki::{self, Identity};
use crate::secrets::SECRETS;
use crate::settings::key_set;
use crate::{binary, free_address};

/// Longer than the longest drain and the calls after it.
const TIMEOUT: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(20);

/// A server that is killed when it is dropped.
pub struct Instance {
    folder: PathBuf,
    pub grpc: SocketAddr,
    pub admin: SocketAddr,
    process: Option<Child>,
}

impl Instance {
    /// Makes the folder, and picks the addresses. Nothing runs yet.
    pub fn at(folder: PathBuf, grpc: SocketAddr, admin: SocketAddr) -> Self {
        fs::create_dir_all(&folder).expect("a folder");
        // It fails only if it is set already.
        let _ = mint::WITNESS.set(|token| SECRETS.register(token));
        Self {
            folder,
            grpc,
            admin,
            process: None,
        }
    }

    /// Makes a folder with keys and a certificate, and picks two ports. Nothing runs yet.
    pub fn new(folder: PathBuf) -> Self {
        let instance = Self::at(folder, free_address(), free_address());
        instance.write("keys.json", &key_set());
        instance.renew_certificate();
        instance
    }

    /// Replaces a file as a whole, as `mv` does.
    pub fn write(&self, name: &str, text: &str) {
        let draft = self.folder.join(format!("{name}.new"));
        fs::write(&draft, text).expect("a file");
        fs::rename(&draft, self.folder.join(name)).expect("a file takes the place of another");
    }

    /// Replaces the certificate and its key, and returns the new certificate.
    pub fn renew_certificate(&self) -> Vec<u8> {
        let identity = Identity::server();
        let (certificate, key) = identity.pem_files("operations");
        let read = |file: &Path| fs::read_to_string(file).expect("a PEM file");
        // Two files cannot change at once. A reload between the two changes is refused, because
        // they do not fit.
        SECRETS.register(read(&key).as_bytes());
        self.write("tls.key", &read(&key));
        self.write("tls.crt", &read(&certificate));
        identity.chain().remove(0).to_vec()
    }

    pub fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .expect("a log");
        let process = Command::new(binary())
            .args(["serve", "-c"])
            .arg(self.folder.join("watchword.yaml"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn();
        self.process = Some(process.expect("it starts"));
    }

    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Panics if the log of any process of this folder has a token or a private key.
    fn tells_no_secret(&self) {
        let log = self.log();
        SECRETS.scan("logs", log.as_bytes());
        let (secrets, _) = SECRETS.counts();
        assert!(secrets > 0 && !log.is_empty(), "nothing was compared");
        let found = SECRETS.findings();
        assert!(found.is_empty(), "{found:#?}");
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.end().await
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("sh runs").success(), "SIGTERM is sent");
    }

    /// Waits for the end.
    pub async fn end(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("it runs");
        let ended = async {
            loop {
                if let Some(status) = process.try_wait().expect("a child") {
                    return status;
                }
                sleep(POLL).await;
            }
        };
        timeout(TIMEOUT, ended).await.expect("it ends")
    }

    /// Waits until the admin port says that it is ready.
    pub async fn ready(&self) {
        self.until("it is ready", async || {
            matches!(self.page("/readyz").await, Some((200, _)))
        })
        .await;
    }

    /// The numbers of accepted and refused reloads.
    pub async fn reloads(&self) -> (u64, u64) {
        let (_, text) = self.page("/metrics").await.unwrap_or_default();
        let count = |outcome: &str| {
            let line = format!("watchword_config_reloads_total{{outcome=\"{outcome}\"}} ");
            let value = text.lines().find_map(|found| found.strip_prefix(&line));
            value.and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        (count("accepted"), count("refused"))
    }

    /// Waits until new connections are shown this certificate.
    pub async fn shows(&self, certificate: &[u8]) {
        self.until("the certificate is shown", async || {
            self.certificate().await.as_deref() == Some(certificate)
        })
        .await;
    }

    pub async fn until(&self, what: &str, is: impl AsyncFn() -> bool) {
        let waited = timeout(TIMEOUT, async {
            while !is().await {
                sleep(POLL).await;
            }
        });
        assert!(waited.await.is_ok(), "never: {what}\n{}", self.log());
    }

    async fn certificate(&self) -> Option<Vec<u8>> {
        let mut config = pki::client_config();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(self.grpc).await.ok()?;
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await.ok()?;
        let (_, session) = stream.get_ref();
        Some(session.peer_certificates()?.first()?.to_vec())
    }

    /// A page of the admin port.
    pub async fn page(&self, path: &str) -> Option<(u16, String)> {
        let stream = TcpStream::connect(self.admin).await.ok()?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        let request = Request::get(path).header("host", "watchword");
        let request = request.body(Empty::<Bytes>::new()).expect("a request");
        let response = sender.send_request(request).await.ok()?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.ok()?.to_bytes();
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
        if !std::thread::panicking() {
            self.tells_no_secret();
        }
    }
}
