//! A fresh server with the listeners that floods are sent to, and with key servers where a flood
//! comes from there.

use std::time::Duration;

use serde_json::{Value, json};
use watchword_test_support::instance::Instance;
use watchword_test_support::key_server::{KeyServer, Reply};
use watchword_test_support::settings::key_set;
use watchword_test_support::{build_folder, free_address, pki};

use crate::target::{Addresses, Port, Target};
use crate::waiting::{self, SLOW};

/// The server's `server.memory_limit`; without it the setting is left out.
pub(crate) const LIMIT: &str = "WATCHWORD_FLOODS_LIMIT";
/// Sources of keys that go wrong.
const SOURCES: usize = 4;
/// The largest answer that is read.
const MAX_ANSWER: usize = 1024 * 1024;

/// The source of keys, beside those of the honest caller's issuer, which are in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    File,
    /// A source that has given its keys, and then is silent.
    Silent,
    /// Four sources whose answers have 1 MiB of such things.
    Hostile(Answer),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Arrays,
    Objects,
    Keys,
    /// Within a key.
    Members,
    Metadata,
    /// A body that stays away.
    Withheld,
    /// A body without an end.
    Endless,
}

/// A server, and what it fetches from.
pub(crate) struct Site {
    pub(crate) server: Instance,
    pub(crate) addresses: Addresses,
    keys: Keys,
    key_server: Option<KeyServer>,
}

impl Site {
    /// Starts a server and waits until it is ready.
    pub(crate) async fn start(name: &str, main: Port, keys: Keys) -> Self {
        let folder = format!("floods/{}/{name}", std::process::id());
        let folder = build_folder().join(folder);
        let mut server = Instance::new(folder.clone());
        let addresses = Addresses {
            grpc: server.grpc,
            health: free_address(),
            admin: server.admin,
            socket: folder.join("grpc.sock"),
            main,
        };
        let (key_server, issuers) = issuers(keys);
        let mut configuration = configuration(&addresses, &issuers);
        limit(&mut configuration);
        server.write("watchword.yaml", &configuration.to_string());
        server.start();
        server.ready().await;
        if keys == Keys::Silent
            && let Some(key_server) = &key_server
        {
            let has_keys = async || key_server.completed() > 0;
            server.until("keys of the slow issuer", has_keys).await;
            key_server.reply(Reply::ok(key_set()).held());
            // Its next fetch, which one call causes when the cool-down is over, is what others wait
            // for.
            let target = Target::new(&addresses, main, 100, FETCHES);
            let _asked = waiting::unknown_keys_once(target).await;
            let is_asked = async || key_server.requests() > 1;
            server.until("a fetch that is held", is_asked).await;
        }
        Self {
            server,
            addresses,
            keys,
            key_server,
        }
    }

    /// Lets its sources of keys go wrong, where they are to.
    pub(crate) fn go_wrong(&self) {
        if let (Keys::Hostile(answer), Some(key_server)) = (self.keys, &self.key_server) {
            go_wrong(key_server, answer);
        }
    }

    /// Most bytes that its key server has sent.
    pub(crate) fn fetched(&self) -> u64 {
        let answers = self.key_server.as_ref().map_or(0, KeyServer::requests);
        u64::try_from(answers * MAX_ANSWER).unwrap_or(u64::MAX)
    }
}

/// Sets the memory limit that the environment asks for.
pub(crate) fn limit(configuration: &mut Value) {
    if let Ok(limit) = std::env::var(LIMIT) {
        configuration["server"]["memory_limit"] = json!(limit);
    }
}

fn configuration(addresses: &Addresses, issuers: &Value) -> Value {
    let mut grpc = json!({"address": addresses.grpc, "reflection": true});
    match addresses.main {
        Port::Unix => grpc["address"] = json!(format!("unix:{}", addresses.socket.display())),
        Port::Tls => grpc["tls"] = json!({"certificate": "tls.crt", "private_key": "tls.key"}),
        Port::Grpc | Port::Health => {}
    }
    json!({
        "server": {
            "grpc": grpc,
            "health": {"address": addresses.health},
            "admin": {"address": addresses.admin},
            "drain": "0s",
        },
        "issuers": issuers,
    })
}

/// The honest issuer, and those of the key server that goes wrong, if there is one.
pub(crate) fn issuers(keys: Keys) -> (Option<KeyServer>, Value) {
    let mut issuers = json!({"corp": {
        "issuer": "https://idp.example.com", "audiences": ["orders-api"],
        "jwks": {"file": "keys.json"},
    }});
    let key_server = match keys {
        Keys::File => return (None, issuers),
        Keys::Silent => {
            let key_server = KeyServer::start(Reply::ok(key_set()));
            issuers["slow"] = issuer(
                SLOW,
                &json!({
                    "uri": key_server.uri(), "ca": pki::ca_file(),
                    "wait": "10s", "cooldown": "1s", "timeout": "30s",
                }),
            );
            key_server
        }
        Keys::Hostile(answer) => {
            let key_server = KeyServer::start(Reply::ok(key_set()));
            let place = if answer == Answer::Metadata {
                "discovery"
            } else {
                "uri"
            };
            for number in 0..SOURCES {
                let jwks = json!({
                    place: key_server.uri_of(&path(number)), "ca": pki::ca_file(),
                    "cache_duration": "1s", "timeout": "5s",
                });
                issuers[format!("s{number}")] = issuer(&iss(number), &jwks);
            }
            key_server
        }
    };
    (Some(key_server), issuers)
}

/// From now on, all sources of a key server get such answers.
pub(crate) fn go_wrong(key_server: &KeyServer, answer: Answer) {
    if answer != Answer::Metadata {
        return key_server.reply(reply(answer));
    }
    for number in 0..SOURCES {
        let metadata = format!(
            "{{\"issuer\":\"{}\",\"jwks_uri\":\"{}\",\"x\":{}}}",
            iss(number),
            key_server.uri(),
            full_of("[0],")
        );
        key_server.reply_at(&path(number), Reply::ok(metadata));
    }
}

fn iss(number: usize) -> String {
    format!("https://s{number}.example")
}

fn path(number: usize) -> String {
    format!("/s{number}")
}

fn issuer(iss: &str, jwks: &Value) -> Value {
    json!({"issuer": iss, "audiences": ["orders-api"], "required": false, "jwks": jwks})
}

fn reply(answer: Answer) -> Reply {
    let with = |filler: String| {
        let keys = key_set();
        Reply::ok(format!("{},\"x\":{filler}}}", &keys[..keys.len() - 1]))
    };
    match answer {
        Answer::Arrays => with(full_of("[0],")),
        Answer::Objects => with(full_of("{\"\":0},")),
        Answer::Keys => Reply::ok(format!("{{\"keys\":{}}}", full_of("{},"))),
        Answer::Members => {
            let key = key_set().replace("}]}", &format!(",\"x5c\":{}}}]}}", full_of("[0],")));
            Reply::ok(key)
        }
        Answer::Metadata => Reply::ok(key_set()),
        Answer::Withheld => with(full_of("[0],")).withheld(),
        Answer::Endless => Reply::endless(),
    }
}

/// A list that fills an answer, less what is around it.
fn full_of(unit: &str) -> String {
    let times = (MAX_ANSWER - 2_000) / unit.len();
    format!("[{}{}]", unit.repeat(times), unit.trim_end_matches(','))
}

/// The time for which key sources are left alone.
pub(crate) const FETCHES: Duration = Duration::from_secs(6);
