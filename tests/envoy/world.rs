//! One world for each place, which all tests share: issuers, Watchword with the policy of the
//! example, the upstream, and the proxy.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use watchword::app::App;
use watchword::clock::Clock;
use watchword::config::Config;
use watchword_test_support::envoy::{self, Version};
use watchword_test_support::harness::pass_unchecked;
use watchword_test_support::proxy::Proxy;
use watchword_test_support::sealed::DECRYPTION_KEY;
use watchword_test_support::{build_folder, helm};

use crate::bootstrap::{Listener, Peers, bootstrap, example, tcp};
use crate::client::{Ask, Reply, fresh_number};
use crate::issuer::{Issuer, NOW};
use crate::upstream::{Seen, Upstream};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
static OLDEST: LazyLock<Result<World, String>> = LazyLock::new(|| World::start(Place::Oldest));
static NEWEST: LazyLock<Result<World, String>> = LazyLock::new(|| World::start(Place::Newest));
static POD: LazyLock<Result<World, String>> = LazyLock::new(|| World::start(Place::Pod));

/// The version of the proxy, and the source of its bootstrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The oldest Envoy, as in `examples/envoy`.
    Oldest,
    /// The newest.
    Newest,
    /// The newest, as the chart of `examples/kubernetes/sidecar` has it, with Watchword behind a
    /// Unix socket.
    Pod,
}

impl Place {
    pub(crate) fn version(self) -> Version {
        match self {
            Self::Oldest => Version::Oldest,
            Self::Newest | Self::Pod => Version::Newest,
        }
    }

    /// The reason why Envoy or Helm is missing, if one of them is.
    fn missing(self) -> Option<String> {
        let helm = (self == Self::Pod).then(helm::missing).flatten();
        let helm = helm.map(str::to_owned);
        helm.or_else(|| envoy::binary(self.version()).err())
    }
}

/// Runs one fact in the world of one place, unless the place's programs cannot be fetched.
pub(crate) fn on(place: Place, fact: &impl AsyncFn(&World)) {
    if let Some(problem) = place.missing() {
        return pass_unchecked(&problem);
    }
    let world = match place {
        Place::Oldest => &*OLDEST,
        Place::Newest => &*NEWEST,
        Place::Pod => &*POD,
    };
    match world {
        Ok(world) => RUNTIME.block_on(fact(world)),
        Err(problem) => panic!("no Envoy {}: {problem}", place.version().number()),
    }
}

pub(crate) struct World {
    pub(crate) place: Place,
    /// The bootstrap as users get it.
    pub(crate) shipped: PathBuf,
    pub(crate) issuers: Issuers,
    pub(crate) upstream: Upstream,
    pub(crate) proxy: Proxy,
    /// The address of Watchword, if it listens on a port.
    pub(crate) watchword: SocketAddr,
    _app: App,
    /// Bound and never listening: its port refuses connections for as long as the world exists.
    _nobody: TcpSocket,
}

/// The issuers that sign tokens.
pub(crate) struct Issuers {
    /// The issuer of the example's policy.
    pub(crate) example: Issuer,
    /// Its tokens are not forwarded.
    pub(crate) silent: Issuer,
    /// Its key server refuses connections.
    pub(crate) outage: Issuer,
    /// Its tokens must be encrypted.
    pub(crate) sealed: Issuer,
    /// Calls itself by the example's name, with another key under the same key id.
    pub(crate) impostor: Issuer,
}

impl Issuers {
    fn new() -> Self {
        Self {
            example: Issuer::new("https://issuer.example"),
            silent: Issuer::new("https://silent.example"),
            outage: Issuer::new("https://outage.example"),
            sealed: Issuer::new("https://sealed.example"),
            impostor: Issuer::new("https://issuer.example"),
        }
    }
}

/// The response to a request, and the requests that reached the upstream.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) reply: Reply,
    seen: Vec<Seen>,
}

impl Outcome {
    /// The request as the upstream saw it, which it did once.
    #[track_caller]
    pub(crate) fn allowed(&self) -> &Seen {
        assert_eq!(
            (self.reply.status, self.reply.body.as_str()),
            (200, "upstream"),
            "{:?}",
            self.reply
        );
        assert_eq!(self.seen.len(), 1, "the upstream saw {:?}", self.seen);
        &self.seen[0]
    }

    /// The answer of a Watchword that said no with this status and reason; the upstream saw
    /// nothing.
    #[track_caller]
    pub(crate) fn denied(&self, status: u16, reason: &str) -> &Reply {
        assert_eq!(self.stopped().status, status, "{:?}", self.reply);
        assert_eq!(
            self.reply.header("content-type"),
            Some("application/json"),
            "{:?}",
            self.reply
        );
        assert_eq!(self.reply.json()["reason"], reason, "{:?}", self.reply);
        &self.reply
    }

    /// The answer of Envoy or Watchword, whichever stopped the request; the upstream saw nothing.
    #[track_caller]
    pub(crate) fn stopped(&self) -> &Reply {
        assert!(self.seen.is_empty(), "the upstream saw {:?}", self.seen);
        assert!(self.reply.status >= 400, "{:?}", self.reply);
        &self.reply
    }
}

impl World {
    /// Sends a request through one of the proxy's doors.
    pub(crate) async fn send(&self, ask: &Ask, through: Listener) -> Outcome {
        let number = fresh_number();
        let reply = ask.send(self.proxy.port(through.name()), &number).await;
        Outcome {
            reply,
            seen: self.upstream.seen(&number),
        }
    }

    fn start(place: Place) -> Result<Self, String> {
        let version = place.version();
        let binary = envoy::binary(version)?;
        let run = format!(
            "envoy-run/{place:?}-{}-{}",
            version.number(),
            std::process::id()
        );
        let folder = build_folder().join(run);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        RUNTIME.block_on(Self::assemble(place, &binary, &folder))
    }

    async fn assemble(place: Place, binary: &Path, folder: &Path) -> Result<Self, String> {
        let issuers = Issuers::new();
        let (nobody, refusing) = refusing_port().map_err(|error| error.to_string())?;
        let upstream = Upstream::start().await.map_err(|error| error.to_string())?;
        let mut policy = policy(&issuers, refusing)?;
        policy["issuers"]["sealed"] = sealed(&issuers.sealed, folder)?;
        let site = match place {
            Place::Oldest | Place::Newest => Site::of_the_example(policy),
            Place::Pod => Site::of_a_pod(policy, folder)?,
        };
        let key_set = issuers.example.key_set().to_string();
        fs::write(folder.join("jwks.json"), key_set).map_err(|error| error.to_string())?;
        let config = Config::parse(&site.configuration, &folder.join("watchword.yaml"))
            .map_err(|problems| problems.to_string())?;
        let app = App::start(config, Clock::fixed(NOW))
            .await
            .map_err(|error| format!("Watchword: {error}"))?;
        let watchword = app.address();
        let peers = Peers {
            watchword: site.socket.unwrap_or_else(|| tcp(watchword)),
            nobody: refusing,
            upstream_http1: upstream.http1,
            upstream_http2: upstream.http2,
        };
        let proxy = Proxy::start(binary, folder, &bootstrap(site.bootstrap, &peers)).await?;
        Ok(Self {
            place,
            shipped: site.shipped,
            issuers,
            upstream,
            proxy,
            watchword,
            _app: app,
            _nobody: nobody,
        })
    }
}

/// The configurations of a world.
pub(crate) struct Site {
    /// Of Watchword.
    pub(crate) configuration: String,
    /// Of Envoy.
    pub(crate) bootstrap: Value,
    /// The file that has it.
    pub(crate) shipped: PathBuf,
    /// Watchword's address in Envoy's form, unless it is a port.
    pub(crate) socket: Option<Value>,
}

impl Site {
    /// On a free port.
    fn of_the_example(mut policy: Value) -> Self {
        policy["server"]["grpc"]["address"] = json!("127.0.0.1:0");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/envoy/envoy.yaml");
        Self {
            configuration: policy.to_string(),
            bootstrap: example(),
            shipped,
            socket: None,
        }
    }
}

/// The settings of an issuer whose tokens must be encrypted, with a key in this folder.
fn sealed(issuer: &Issuer, folder: &Path) -> Result<Value, String> {
    let file = folder.join("decryption.json");
    fs::write(&file, DECRYPTION_KEY).map_err(|error| error.to_string())?;
    Ok(json!({
        "issuer": issuer.url(), "audiences": ["example-api"],
        "jwks": {"inline": issuer.key_set()}, "headers": {"x-auth-subject": "sub"},
        "decryption": {"keys": [file], "required": true},
    }))
}

fn refusing_port() -> std::io::Result<(TcpSocket, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// The policy of the example; added are two issuers that the example has no use for, and in front
/// the rules for them. Its key set is beside it, as the example has it.
fn policy(issuers: &Issuers, refusing: SocketAddr) -> Result<Value, String> {
    let mut policy: Value =
        serde_saphyr::from_str(include_str!("../../examples/envoy/watchword.yaml"))
            .map_err(|error| format!("the example's policy: {error}"))?;
    policy["issuers"]["silent"] = json!({
        "issuer": issuers.silent.url(), "audiences": ["example-api"], "forward_token": false,
        "token_from": [{"cookie": "session"}, {"query": "access_token"}],
        "jwks": {"inline": issuers.silent.key_set()}, "headers": {"x-auth-subject": "sub"},
    });
    policy["issuers"]["outage"] = json!({
        "issuer": issuers.outage.url(), "audiences": ["example-api"],
        "jwks": {"uri": format!("http://{refusing}/jwks.json"), "allow_http": true},
    });
    let rules = policy["rules"]
        .as_array_mut()
        .ok_or("the example has no rules")?;
    rules.splice(
        0..0,
        [
            json!({"match": {"path": {"prefix": "/silent/"}}, "require": {"issuers": ["silent"]}}),
            json!({"match": {"path": {"prefix": "/outage/"}}, "require": {"issuers": ["outage"]}}),
            json!({"match": {"path": {"prefix": "/sealed/"}}, "require": {"issuers": ["sealed"]}}),
            json!({"match": {"hosts": ["outage.example"]}, "require": {"issuers": ["outage"]}}),
            json!({"match": {"hosts": ["admin.example"]}, "require": {"scopes": ["admin"]}}),
            json!({"match": {"hosts": ["public.example"]}, "require": "none"}),
            json!({"match": {"path": {"prefix": "/users/@me/"}}, "require": {"scopes": ["admin"]}}),
            json!({
                "match": {"path": {"glob": "/v1/accounts/*:delete"}},
                "require": {"scopes": ["admin"]},
            }),
            json!({"match": {"path": {"exact": "/settings"}}, "require": {"scopes": ["admin"]}}),
            json!({
                "match": {"path": {"prefix": "/items/"}, "methods": ["POST"]},
                "require": {"scopes": ["admin"]},
            }),
            json!({"match": {"path": {"prefix": "/optional/"}}, "require": {"optional": true}}),
        ],
    );
    Ok(policy)
}
