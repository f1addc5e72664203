//! The real binary as a child process: `serve` with its log and its signals, `check-config` with
//! its exit code.

use std::io::{Read, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tonic::transport::Channel;
use watchword_test_support::secrets::SECRETS;

use super::call::Call;
use super::emitted::{self, CHILDREN};
use super::outcome::Outcome;
use super::settings::Settings;
use super::site::{self, CHECK, RUNTIME};

const BINARY: &str = env!("CARGO_BIN_EXE_watchword");
/// Longer than the child takes for anything.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running `watchword serve`. It is killed when dropped.
pub(crate) struct Process {
    child: Child,
    address: SocketAddr,
    channel: Channel,
    log: Log,
}

/// Everything that the child writes to either stream.
struct Log {
    bytes: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
    grown: Receiver<()>,
}

impl Process {
    pub(crate) fn serve(name: &str, settings: &Settings) -> Self {
        Self::serve_with(name, settings, Command::new(BINARY))
    }

    /// With no more than this many open files.
    pub(crate) fn serve_with_files(name: &str, settings: &Settings, files: usize) -> Self {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            &format!("ulimit -n {files}; exec \"$0\" \"$@\""),
            BINARY,
        ]);
        Self::serve_with(name, settings, command)
    }

    /// With these variables in its environment.
    pub(crate) fn serve_with_variables(
        name: &str,
        settings: &Settings,
        variables: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(BINARY);
        command.envs(variables.iter().copied());
        Self::serve_with(name, settings, command)
    }

    fn serve_with(name: &str, settings: &Settings, mut command: Command) -> Self {
        let file = write(&format!("{name}.yaml"), &settings.text());
        command
            .args(["serve", "-c"])
            .arg(&file)
            .stdin(Stdio::null());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let log = Log::of(&mut child);
        let address = log
            .address(false)
            .unwrap_or_else(|| panic!("no address in the log:\n{}", log.text()));
        Self {
            child,
            address,
            channel: site::connect(address),
            log,
        }
    }

    /// The child reads the system's clock, so tokens for it need the real time.
    pub(crate) fn now() -> i64 {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        i64::try_from(now.as_secs()).expect("before the end of time")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// An admin page with its head, if the settings have the admin port.
    pub(crate) fn page(&self, path: &str) -> String {
        let address = self.log.address(true).expect("an address for operators");
        emitted::page(address, path)
    }

    /// Waits until a page has these words; false if it never has.
    pub(crate) fn shows(&self, path: &str, words: &str) -> bool {
        let deadline = Instant::now() + TIMEOUT;
        while Instant::now() < deadline {
            if self.page(path).contains(words) {
                return true;
            }
        }
        false
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(crate) fn ask(&self, call: &Call) -> Outcome {
        RUNTIME.block_on(self.answer(call))
    }

    pub(crate) async fn answer(&self, call: &Call) -> Outcome {
        Outcome::of(site::send(self.channel(), CHECK, call.encoded()).await)
    }

    /// Repeats the call until it is allowed; panics with the log if it never is.
    pub(crate) fn until_allowed(&self, call: &Call) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let outcome = self.ask(call);
            if outcome.is_allow() {
                return;
            }
            let (said, log) = (outcome.summary(), self.log.text());
            assert!(Instant::now() < deadline, "to the end {said}:\n{log}");
        }
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    /// Makes it read its configuration again.
    pub(crate) fn reload(&self) {
        self.signal("HUP");
    }

    fn signal(&self, name: &str) {
        // The shell has `kill` built in; as a program of its own it may not be there.
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh")
            .args(["-c", &kill])
            .status()
            .expect("sh runs");
        assert!(status.success(), "SIG{name} was sent");
    }

    /// Waits for these words in the log; false if they never come.
    pub(crate) fn logs(&self, words: &str) -> bool {
        let deadline = Instant::now() + TIMEOUT;
        while !self.log.text().contains(words) {
            let left = deadline.saturating_duration_since(Instant::now());
            if self.log.grown.recv_timeout(left).is_err() {
                return self.log.text().contains(words);
            }
        }
        true
    }

    /// Waits for the end, and kills a child that does not end.
    pub(crate) fn wait(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return Some(status);
            }
            // The log's end is the sign; without it, look again now and then.
            let _ = self.log.grown.recv_timeout(Duration::from_millis(50));
        }
        None
    }

    /// SIGTERM, and then the whole log.
    pub(crate) fn stop(mut self) -> Vec<u8> {
        self.terminate();
        assert!(self.wait().is_some(), "it ends after SIGTERM");
        for reader in self.log.readers.drain(..) {
            reader.join().expect("a reader ends");
        }
        self.log.bytes.lock().expect("a log").clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for reader in self.log.readers.drain(..) {
            // One that panicked has read what it has.
            let _ = reader.join();
        }
        SECRETS.scan(CHILDREN, self.log.text().as_bytes());
    }
}

impl Log {
    fn of(child: &mut Child) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (sender, grown) = mpsc::channel();
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|stream| Box::new(stream) as _),
            child.stderr.take().map(|stream| Box::new(stream) as _),
        ];
        let reader = |mut stream: Box<dyn Read + Send>| {
            let (bytes, sender) = (Arc::clone(&bytes), sender.clone());
            thread::spawn(move || {
                let mut chunk = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut chunk) {
                    bytes
                        .lock()
                        .expect("a log")
                        .extend_from_slice(&chunk[..read]);
                    // Nobody may be waiting any more.
                    let _ = sender.send(());
                }
            })
        };
        let readers = streams.into_iter().flatten().map(reader).collect();
        Self {
            bytes,
            readers,
            grown,
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("a log")).into_owned()
    }

    /// The address of the gRPC port or of the admin port, once the log has it.
    fn address(&self, operators: bool) -> Option<SocketAddr> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let text = self.text();
            // Whole lines only: a port may be cut.
            let lines = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
            // Other lines have addresses too: those of key servers.
            let wanted = |line: &&str| {
                line.contains("listening") && line.contains("for operators") == operators
            };
            let found = lines.lines().filter(wanted).find_map(|line| {
                let (_, rest) = line.split_once("127.0.0.1:")?;
                let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
                port.parse().ok().filter(|port| *port != 0)
            });
            if let Some(port) = found {
                return Some(SocketAddr::from(([127, 0, 0, 1], port)));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            self.grown.recv_timeout(left).ok()?;
        }
    }
}

/// Runs `check-config` on a file of this text.
pub(crate) fn check_config(name: &str, text: &str) -> (PathBuf, Output) {
    let file = write(name, text);
    let output = Command::new(BINARY)
        .arg("check-config")
        .arg(&file)
        .output()
        .expect("it runs");
    look_at(&output);
    (file, output)
}

/// As [`check_config`], in a process with no more than this much address space, in KiB.
pub(crate) fn check_config_within(file: &Path, memory: usize) -> Output {
    let limited = format!("ulimit -v {memory}; exec \"$0\" check-config \"$1\"");
    let output = Command::new("sh")
        .args(["-c", &limited, BINARY])
        .arg(file)
        .output();
    let output = output.expect("it runs");
    look_at(&output);
    output
}

/// Runs `validate` on this token, which it reads from standard input.
pub(crate) fn validate(file: &Path, token: &str) -> Output {
    let mut child = Command::new(BINARY)
        .args(["validate", "-c"])
        .arg(file)
        .args(["--path", "/orders", "--at", &site::NOW.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(token.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    look_at(&output);
    output
}

fn look_at(output: &Output) {
    SECRETS.scan(CHILDREN, &output.stdout);
    SECRETS.scan(CHILDREN, &output.stderr);
}

/// A file in the folder for tests' temporary files.
pub(crate) fn write(name: &str, text: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, text).expect("a file in the target folder");
    file
}
