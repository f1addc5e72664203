//! All floods, by their names.

use std::pin::Pin;

use crate::admin::{self, Request};
use crate::bodies;
use crate::control::{self, Control};
use crate::headers;
use crate::messages::{self, Bomb, CHECK, VALIDATE};
use crate::openings;
use crate::site::{Answer, FETCHES, Keys};
use crate::streams;
use crate::target::{Held, Port, Target};
use crate::tokens::{self, Filler};
use crate::unread;
use crate::waiting;
use crate::windows::Reading;

const HEALTH: &str = "/grpc.health.v1.Health/Check";
const UNKNOWN: &str = "/no.such.Service/Method";

const GRPC: &[Port] = &[Port::Grpc];
const BOTH: &[Port] = &[Port::Grpc, Port::Health];
const ALSO_TLS: &[Port] = &[Port::Grpc, Port::Tls];
const ALL: &[Port] = &[Port::Grpc, Port::Tls, Port::Health];

type Attack = Pin<Box<dyn Future<Output = Held> + Send>>;

/// A flood.
pub(crate) struct Flood {
    pub(crate) name: &'static str,
    /// The listeners that it is sent to, one after the other.
    pub(crate) ports: &'static [Port],
    pub(crate) keys: Keys,
    /// True if it is a part of each test run.
    pub(crate) is_short: bool,
    pub(crate) attack: fn(Target) -> Attack,
}

const fn flood(name: &'static str, ports: &'static [Port], attack: fn(Target) -> Attack) -> Flood {
    Flood {
        name,
        ports,
        keys: Keys::File,
        is_short: false,
        attack,
    }
}

impl Flood {
    /// Also in the normal run, on its first port.
    const fn short(mut self) -> Self {
        self.is_short = true;
        self
    }

    const fn with(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }
}

/// `name, ports, attack…;` as floods.
macro_rules! floods {
    ($(
        $name:literal, $ports:expr,
        |$target:ident| $attack:expr $(, $more:ident($($argument:expr)?))*;
    )*) => {
        &[$(flood($name, $ports, |$target| Box::pin($attack))$(.$more($($argument)?))*),*]
    };
}

/// Metadata and messages.
pub(crate) const OF_CALLS: &[Flood] = floods! {
    "a1 references to one field, Health", ALL, |t| headers::references(t, HEALTH), short();
    "a2 references to one field, Check", ALSO_TLS, |t| headers::references(t, CHECK);
    "a3 references to one field, unknown method", BOTH, |t| headers::references(t, UNKNOWN);
    "a4 references to 60 fields, Health", GRPC, |t| headers::distinct_references(t, HEALTH);
    "a5 6,500 names, Health", GRPC, |t| headers::distinct_names(t, HEALTH), short();
    "a6 one large cookie again and again, Health", GRPC, |t| headers::large_cookies(t, HEALTH);
    "a7 cookie crumbs, Health", GRPC, |t| headers::cookie_crumbs(t, HEALTH);
    "a8 a field of 200 kB, Health", GRPC, |t| headers::long_values(t, HEALTH);
    "a9 an unfinished block, 4,000 connections", BOTH,
        |t| headers::unfinished_blocks(t, 4000), short();
    "a10 the same in CONTINUATION frames", GRPC, |t| headers::continuations(t, 4000);
    "a11 blocks far beyond the limit", BOTH, |t| headers::beyond_the_limit(t);
    "a12 references, a Unix socket", &[Port::Unix], |t| headers::references(t, CHECK);
    "a13 one such call on 4,000 connections", BOTH,
        |t| headers::on_many_connections(t, HEALTH, 4000);
    "b1 a Check of empty headers", GRPC, |t| messages::bombs(t, Bomb::Headers, 1, 1), short();
    "b2 of an empty header_map", GRPC, |t| messages::bombs(t, Bomb::HeaderMap, 1, 4);
    "b3 of empty context_extensions", GRPC, |t| messages::bombs(t, Bomb::ContextExtensions, 1, 4);
    "b4 of attributes again and again", GRPC, |t| messages::bombs(t, Bomb::Attributes, 1, 4);
    "b5 of unknown fields", GRPC, |t| messages::bombs(t, Bomb::UnknownFields, 1, 4);
    "b6 of unknown groups", GRPC, |t| messages::bombs(t, Bomb::UnknownGroups, 1, 4);
    "b7 a Validate of empty headers", GRPC, |t| messages::bombs(t, Bomb::ValidateHeaders, 1, 4);
    "b8 of empty context", GRPC, |t| messages::bombs(t, Bomb::ValidateContext, 1, 4);
    "b9 of empty scopes", GRPC, |t| messages::bombs(t, Bomb::ValidateScopes, 1, 4);
    "b10 a batch of 100 of them", GRPC, |t| messages::bombs(t, Bomb::BatchOfHeaders, 1, 4);
    "b11 a batch of two million of nothing", GRPC,
        |t| messages::bombs(t, Bomb::BatchOfNothing, 1, 4), short();
    "b12 Checks of empty headers, 32 at once", ALSO_TLS,
        |t| messages::all_at_once(t, Bomb::Headers, 32);
    "b13 batches of nothing, 32 at once", GRPC,
        |t| messages::all_at_once(t, Bomb::BatchOfNothing, 32);
    "c1 1,024 health watches on 40 connections", ALL, |t| streams::watches(t, 40, ""), short();
    "c2 watches of a service that does not exist", GRPC,
        |t| streams::watches(t, 40, "no such service");
    "c3 reflection, questions of 4 KB", GRPC, |t| streams::reflections(t, 40), short();
    "c4 reflection, the largest file", GRPC, |t| streams::reflected_files(t, 40);
    "c5 reflection, nothing asked", GRPC, |t| streams::silent_reflections(t, 40);
    "d1 60 KiB of each Check, never ended", ALSO_TLS,
        |t| bodies::just_below_large(t, CHECK), short();
    "d2 60 KiB of each Validate", GRPC, |t| bodies::just_below_large(t, VALIDATE);
    "d3 60 KiB of each Health", BOTH, |t| bodies::just_below_large(t, HEALTH);
    "d4 60 KiB for methods that do not exist", BOTH, |t| bodies::just_below_large(t, UNKNOWN);
    "d5 4 MiB declared, 5 bytes sent", GRPC, |t| bodies::never_ended(t, CHECK, 8, 5);
    "d6 the same of Health", GRPC, |t| bodies::never_ended(t, HEALTH, 8, 5);
    "d7 1 byte a frame, all calls in turn", GRPC, |t| bodies::trickle(t, CHECK, 1);
    "d8 1 KiB a frame, all calls in turn", GRPC, |t| bodies::trickle(t, CHECK, 1024);
    "d9 empty DATA frames", GRPC, |t| bodies::empty_frames(t, CHECK);
    "d10 padded DATA frames", GRPC, |t| bodies::padded(t, CHECK);
    "d11 one byte of 1,024 calls on 200 connections", GRPC, |t| bodies::one_byte(t, CHECK, 200);
    "d12 endless bodies", BOTH, |t| bodies::endless(t, UNKNOWN);
    "e1 32 Checks of 4 MiB at once", GRPC, |t| messages::all_at_once(t, Bomb::Plain, 32);
    "e2 200 Checks of 4 MiB at once", ALSO_TLS, |t| messages::all_at_once(t, Bomb::Plain, 200);
};

/// Tokens, answers and keys.
pub(crate) const OF_TOKENS: &[Flood] = floods! {
    "f1 600 tokens of small arrays", GRPC,
        |t| tokens::checked(t, Filler::Arrays, 600, 12_000), short();
    "f2 600 tokens of small objects", GRPC, |t| tokens::checked(t, Filler::Objects, 600, 12_000);
    "f3 600 tokens of 1,300 members", GRPC, |t| tokens::checked(t, Filler::Members, 600, 12_000);
    "f4 600 tokens of empty texts", GRPC, |t| tokens::checked(t, Filler::EmptyTexts, 600, 12_000);
    "f5 600 tokens of numbers", GRPC, |t| tokens::checked(t, Filler::Numbers, 600, 12_000);
    "f6 2,000 tokens of one long text", GRPC,
        |t| tokens::checked(t, Filler::LongText, 2000, 12_000);
    "f7 10,000 tokens of 1 KiB of small arrays", GRPC,
        |t| tokens::checked(t, Filler::Arrays, 10_000, 400), short();
    "f8 600 tokens of small arrays, Validate", GRPC, |t| tokens::validated(t, Filler::Arrays, 600);
    "g1 200 batches, no window, one connection", GRPC,
        |t| tokens::unread_batches(t, 1, 200, Reading::NoWindow, unread::NO_WINDOW), short();
    "g2 200 batches, no window, a connection each", ALSO_TLS,
        |t| tokens::unread_batches(t, 200, 1, Reading::NoWindow, unread::NO_WINDOW);
    "g3 200 batches, sockets not read", ALSO_TLS,
        |t| tokens::unread_batches(t, 200, 1, Reading::Nothing, &[]);
    "g4 Checks for which there is no window", GRPC, |t| unread::checks(t, 40, Reading::NoWindow);
    "g5 Checks, sockets not read", GRPC, |t| unread::checks(t, 40, Reading::Nothing);
    "g6 unknown methods, sockets not read", BOTH, |t| unread::trailers(t, 8, UNKNOWN);
    "g7 empty Checks, sockets not read", GRPC, |t| unread::trailers(t, 8, CHECK);
    "g8 empty Health, sockets not read", BOTH, |t| unread::trailers(t, 8, HEALTH);
    "j1 keys with small arrays, four sources", GRPC,
        |t| left_alone(t), with(Keys::Hostile(Answer::Arrays)), short();
    "j2 keys with small objects", GRPC, |t| left_alone(t), with(Keys::Hostile(Answer::Objects));
    "j3 350,000 empty keys", GRPC, |t| left_alone(t), with(Keys::Hostile(Answer::Keys));
    "j4 small arrays within a key", GRPC, |t| left_alone(t), with(Keys::Hostile(Answer::Members));
    "j5 metadata with small arrays", GRPC, |t| left_alone(t), with(Keys::Hostile(Answer::Metadata));
    "j6 bodies that stay away", GRPC, |t| left_alone(t), with(Keys::Hostile(Answer::Withheld));
    "j7 bodies without an end", GRPC, |t| left_alone(t), with(Keys::Hostile(Answer::Endless));
    "k1 8,000 Checks wait for keys", GRPC,
        |t| waiting::unknown_keys(t, 8, 100), with(Keys::Silent), short();
    "k2 the same of 60 KiB each", ALSO_TLS,
        |t| waiting::unknown_keys(t, 8, 60_000), with(Keys::Silent);
    "k3 the same of 200 KiB each", GRPC,
        |t| waiting::unknown_keys(t, 8, 200_000), with(Keys::Silent);
};

/// Connections and control frames.
pub(crate) const OF_CONNECTIONS: &[Flood] = floods! {
    "h1 4,200 idle connections", ALL, |t| openings::idle(t, 4200), short();
    "h2 4,200 silent connections", BOTH, |t| openings::silent(t, 4200, &[]);
    "h3 4,200 halves of a preface", BOTH, |t| openings::half_a_preface(t, 4200);
    "h4 4,200 TLS handshakes that stall", &[Port::Tls], |t| openings::half_a_handshake(t, 4200);
    "h5 connections opened and closed", BOTH, |t| openings::fleeting(t, 20_000);
    "h6 the same with a call", ALSO_TLS, |t| openings::fleeting_calls(t, 1000);
    "h7 4,000 connections with a call each", ALSO_TLS, |t| openings::one_call(t, CHECK, 4000, 100);
    "h8 the same with 60 KiB each", ALSO_TLS,
        |t| openings::one_call(t, CHECK, 4000, 60_000), short();
    "h9 the same, methods that do not exist", GRPC,
        |t| openings::one_call(t, UNKNOWN, 4000, 60_000);
    "h10 other protocols", BOTH, |t| openings::garbage(t, 500);
    "h11 500 handshakes that lack their end", &[Port::Tls],
        |t| openings::most_of_a_handshake(t, 500);
    "h12 4,000 TLS records that lack a byte", &[Port::Tls], |t| openings::most_of_a_record(t, 4000);
    "h13 4,000 frames that lack a byte", ALSO_TLS, |t| openings::most_of_a_frame(t, 4000);
    "i1 PING", BOTH, |t| control::frames(t, Control::Ping, 500_000, Reading::All);
    "i2 PING, answers not read", BOTH,
        |t| control::frames(t, Control::Ping, 500_000, Reading::Nothing);
    "i3 PING acknowledged", GRPC, |t| control::frames(t, Control::PingAck, 500_000, Reading::All);
    "i4 SETTINGS", BOTH, |t| control::frames(t, Control::Settings, 500_000, Reading::All);
    "i5 SETTINGS, answers not read", GRPC,
        |t| control::frames(t, Control::Settings, 500_000, Reading::Nothing);
    "i6 SETTINGS acknowledged", GRPC,
        |t| control::frames(t, Control::SettingsAck, 500_000, Reading::All);
    "i7 SETTINGS of 2,000 parameters", GRPC,
        |t| control::frames(t, Control::ManySettings, 3_000, Reading::All);
    "i8 table size 4 GiB and 0 in turn", GRPC,
        |t| control::frames(t, Control::TableSize, 200_000, Reading::All);
    "i9 PRIORITY", GRPC, |t| control::frames(t, Control::Priority, 500_000, Reading::All);
    "i10 WINDOW_UPDATE of 1", GRPC,
        |t| control::frames(t, Control::WindowUpdate, 500_000, Reading::All);
    "i11 WINDOW_UPDATE of 1 of a call", GRPC,
        |t| control::frames(t, Control::StreamWindow, 500_000, Reading::All);
    "i12 RST_STREAM of idle streams", GRPC,
        |t| control::frames(t, Control::Reset, 500_000, Reading::All);
    "i13 rapid reset", ALL,
        |t| control::frames(t, Control::RapidReset, 200_000, Reading::All), short();
    "i14 rapid reset of whole calls", BOTH,
        |t| control::frames(t, Control::RapidResetOfWhole, 200_000, Reading::All);
    "i15 empty CONTINUATION", GRPC,
        |t| control::frames(t, Control::EmptyContinuation, 500_000, Reading::All);
    "i16 frames of unknown kinds", GRPC,
        |t| control::frames(t, Control::UnknownKind, 100_000, Reading::All);
    "i17 the same on streams", GRPC,
        |t| control::frames(t, Control::UnknownKindOnStreams, 500_000, Reading::All);
    "i18 1 byte a packet", ALSO_TLS, |t| control::one_byte_writes(t);
    "i19 GOAWAY with 16 kB", GRPC, |t| control::frames(t, Control::GoAway, 3_000, Reading::All);
    "i20 window sizes, 1,000 calls", GRPC, |t| control::window_sizes(t);
    "l1 admin port: large headers", GRPC, |t| admin::requests(t, Request::LargeHeaders), short();
    "l2 admin port: slow headers", GRPC, |t| admin::requests(t, Request::Slow);
    "l3 admin port: nothing said", GRPC, |t| admin::requests(t, Request::Silent);
    "l4 admin port: /metrics not read", GRPC, |t| admin::requests(t, Request::Metrics);
    "l5 admin port: bodies without an end", GRPC, |t| admin::requests(t, Request::Body);
};

/// Every flood.
pub(crate) fn all() -> impl Iterator<Item = &'static Flood> {
    let lists = [OF_CALLS, OF_TOKENS, OF_CONNECTIONS];
    lists.into_iter().flatten()
}

/// Sends nothing: the flood comes from key servers.
async fn left_alone(_: Target) -> Held {
    tokio::time::sleep(FETCHES).await;
    Held::default()
}
