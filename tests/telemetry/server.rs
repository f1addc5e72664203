//! A server process with both logs in files.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use watchword::clock::Stopwatch;
use watchword_test_support::mint::{self, Signer};

const BINARY: &str = env!("CARGO_BIN_EXE_watchword");
/// Longer than the server takes for anything.
const TIMEOUT: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// A running `watchword serve`. It is killed when dropped.
pub(crate) struct Server {
    child: Child,
    config: PathBuf,
    log: PathBuf,
    pub(crate) grpc: SocketAddr,
    pub(crate) health: SocketAddr,
    admin: SocketAddr,
}

/// The settings that a test changes.
#[derive(Default)]
pub(crate) struct Settings<'s> {
    /// Further settings of `server.grpc`, and of `log`, each after a comma.
    pub(crate) grpc: &'s str,
    pub(crate) log: &'s str,
    /// Further sections.
    pub(crate) sections: &'s str,
    /// The limit on the size of files, in the unit of `ulimit -f`.
    pub(crate) file_size: Option<u32>,
}

impl Server {
    /// Serves on free ports, from a folder of this name.
    pub(crate) fn start(name: &str, settings: &Settings<'_>) -> Self {
        let Settings {
            grpc,
            log,
            sections,
            file_size,
        } = settings;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let keys = mint::key_set(&[&Signer::generate("ES256", "k1")]);
        fs::write(folder.join("keys.json"), keys.to_string()).unwrap();
        let config = folder.join("watchword.yaml");
        let text = format!(
            "\
server:
  grpc: {{address: '127.0.0.1:0'{grpc}}}
  health: {{address: '127.0.0.1:0'}}
  admin: {{address: '127.0.0.1:0'}}
  drain: 0s
  shutdown_timeout: 0s
log: {{format: json{log}}}
issuers:
  corp: {{issuer: 'https://idp.example.com', audiences: [a], jwks: {{file: keys.json}}}}
{sections}"
        );
        fs::write(&config, text).unwrap();
        let (log, decisions) = (folder.join("log"), folder.join("decisions"));
        let limit = file_size.map_or_else(String::new, |size| format!("ulimit -f {size}; "));
        let child = Command::new("sh")
            .args(["-c", &format!("{limit}exec \"$0\" \"$@\""), BINARY])
            .args(["serve", "-c"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(File::create(decisions).unwrap())
            .stderr(File::create(&log).unwrap())
            .spawn();
        let child = child.unwrap();
        let address = |message: &str| until(message, || address(&log, message));
        Self {
            admin: address("listening for operators"),
            health: address("listening for health"),
            grpc: address("listening"),
            child,
            config,
            log,
        }
    }

    /// Appends sections to the configuration, and asks for a reload.
    pub(crate) fn reload_with(&self, sections: &str) {
        let text = fs::read_to_string(&self.config).unwrap();
        fs::write(&self.config, format!("{text}{sections}")).unwrap();
        self.signal("HUP");
    }

    /// The value of a series, with its labels in the name.
    pub(crate) fn metric(&self, series: &str) -> u64 {
        let page = self.metrics();
        let lines = page.lines().filter_map(|line| line.rsplit_once(' '));
        let mut found = lines.filter(|(name, _)| *name == series);
        found.next().expect("the metric").1.parse().unwrap()
    }

    /// All series of counters, with their labels in the names, and their values.
    pub(crate) fn counters(&self) -> Vec<(String, f64)> {
        let page = self.metrics();
        let series = page.lines().filter(|line| !line.starts_with('#'));
        let series = series.filter_map(|line| line.rsplit_once(' '));
        let is_counter = |name: &str| name.split('{').next().unwrap().ends_with("_total");
        let counters = series.filter(|(name, _)| is_counter(name));
        let counters = counters.map(|(name, value)| (name.to_owned(), value.parse().unwrap()));
        counters.collect()
    }

    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.admin).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n")
            .unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    }

    /// The whole lines of the operational log so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        whole_lines(&self.log)
    }

    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success(), "SIG{name} is sent");
    }

    /// Sends SIGTERM, waits for the end, and returns the operational log.
    pub(crate) fn stop(mut self) -> String {
        self.signal("TERM");
        let ended = self.child.wait().unwrap();
        let log = fs::read_to_string(&self.log).unwrap();
        assert_ne!(ended.code(), None, "a signal ended it: {ended}\n{log}");
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Calls `look` until it returns something.
pub(crate) fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let clock = Stopwatch::start();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock.elapsed() < TIMEOUT, "never: {what}");
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

fn address(log: &Path, message: &str) -> Option<SocketAddr> {
    let lines = whole_lines(log);
    let line = lines.iter().find(|line| line["message"] == message)?;
    Some(line["address"].as_str().unwrap().parse().unwrap())
}

/// Leaves out a last line that is not yet whole.
fn whole_lines(log: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log).unwrap();
    let lines = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let lines = lines.filter_map(|line| serde_json::from_str(line).ok());
    lines.collect()
}
