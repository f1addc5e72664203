//! The servers under load, as child processes of the benchmark.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tonic::transport::Server as TonicServer;
use tonic::transport::server::TcpIncoming;
use watchword::app::App;
use watchword::clock::Clock;
use watchword::config::Config;

use crate::keys::Keys;
use crate::noop::Noop;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Noop,
    Watchword,
}

impl Kind {
    fn name(self) -> &'static str {
        if self == Self::Noop {
            "noop"
        } else {
            "watchword"
        }
    }

    pub(crate) fn from_name(name: &str) -> Self {
        if name == "noop" {
            Self::Noop
        } else {
            Self::Watchword
        }
    }
}

/// A server process; dropping it ends the process.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(kind: Kind, keys: &Keys) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["serve", kind.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(keys.config().as_bytes()).unwrap();
        drop(input);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            address: line.trim().parse().unwrap(),
        }
    }

    /// Processor time of all threads so far.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let nanos = |task: std::io::Result<std::fs::DirEntry>| {
            let text = std::fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
            text.split(' ').next().unwrap().parse::<u64>().unwrap()
        };
        Duration::from_nanos(tasks.map(nanos).sum())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The child process: serves until killed, on one thread, so the client has the other core.
pub(crate) fn run(kind: Kind) {
    let mut config = String::new();
    std::io::stdin().read_to_string(&mut config).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        match kind {
            Kind::Noop => {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                println!("{}", listener.local_addr().unwrap());
                let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
                TonicServer::builder()
                    .add_service(Noop)
                    .serve_with_incoming(incoming)
                    .await
                    .unwrap();
            }
            Kind::Watchword => {
                let config = Config::parse(&config, std::path::Path::new("bench.yaml")).unwrap();
                let app = App::start(config, Clock::system()).await.unwrap();
                println!("{}", app.address());
                std::future::pending::<()>().await;
            }
        }
    });
}
