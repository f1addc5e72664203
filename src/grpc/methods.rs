//! The methods that are served, and what a call of each may hold from its arrival on.

use std::sync::Arc;

use http::{HeaderMap, Method, Request, Uri};

use crate::listen::{CallKind, Connection, OnArrival};
use crate::memory::Reservation;

use super::State;
use super::arrival::Arrival;

/// Memory of a call that is read or judged, without its message, in bytes: tasks, streams and the
/// answer's headers. Measured with calls whose message never ends: 5 KiB each.
pub(super) const CALL: usize = 6 * 1024;
/// Memory of a call that is refused, until its answer is taken.
const REFUSED: usize = 3 * 1024;
/// Memory of a call without an end. Measured with watches of health: 7 KiB each.
const LASTING: usize = 8 * 1024;
/// What a client may send on a stream of reflection before it takes its answers.
const UNREAD: usize = 64 * 1024;

/// A method, by what its calls hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Called {
    Check,
    Validate,
    HealthCheck,
    HealthWatch,
    Reflection,
}

const METHODS: [(&str, Called); 8] = [
    ("/envoy.service.auth.v3.Authorization/Check", Called::Check),
    ("/watchword.v1.TokenValidation/Validate", Called::Validate),
    (
        "/watchword.v1.TokenValidation/ValidateBatch",
        Called::Validate,
    ),
    ("/grpc.health.v1.Health/Check", Called::HealthCheck),
    ("/grpc.health.v1.Health/List", Called::HealthCheck),
    ("/grpc.health.v1.Health/Watch", Called::HealthWatch),
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        Called::Reflection,
    ),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        Called::Reflection,
    ),
];
/// Every other method.
const UNKNOWN: &str = "/";

/// What a call of health or reflection holds.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    /// It is refused where there is no memory for it, or no further place.
    pub(super) held: Held,
    /// A place among the calls without an end, where it is one.
    _place: Option<Reservation>,
}

impl Guest {
    fn new(held: Held, place: Option<Reservation>) -> Self {
        Self {
            held,
            _place: place,
        }
    }
}

/// What is done when the metadata of a call arrives: it draws the memory that it will hold, a call of
/// our own services is noted as `Arrival`, and the metadata is let go, so that none is kept while
/// the call's message is on its way.
#[must_use]
pub fn note_arrivals(state: Arc<State>) -> OnArrival {
    note(Some(state))
}

/// As [`note_arrivals`], on a listener for health.
#[must_use]
pub fn note_health_calls() -> OnArrival {
    note(None)
}

fn note(state: Option<Arc<State>>) -> OnArrival {
    let uris = METHODS.map(|(path, method)| (path, method, Uri::from_static(path)));
    let unknown = Uri::from_static(UNKNOWN);
    Arc::new(move |call, connection| {
        let path = call.uri().path();
        let found = uris.iter().find(|(known, ..)| *known == path);
        let (length, uri) = if let Some((_, method, uri)) = found {
            (arrive(*method, state.as_ref(), call, connection), uri)
        } else {
            // Its answer is a constant. What it holds until that is taken is drawn all the same.
            let held = Held::Refused(refused(connection));
            call.extensions_mut().insert(Guest::new(held, None));
            (CallKind::Refused, &unknown)
        };
        let_go(call, uri);
        length
    })
}

/// Drops what a client may make as long as all metadata: headers, path, and method.
fn let_go<B>(call: &mut Request<B>, uri: &Uri) {
    *call.method_mut() = Method::POST;
    *call.uri_mut() = uri.clone();
    *call.headers_mut() = HeaderMap::new();
}

fn arrive<B>(
    method: Called,
    state: Option<&Arc<State>>,
    call: &mut Request<B>,
    connection: &Connection,
) -> CallKind {
    let (bytes, length) = match method {
        Called::Check | Called::Validate => {
            if let Some(state) = state {
                let callers = match method {
                    Called::Check => &state.generation().check_callers,
                    _ => &state.generation().validate_callers,
                };
                let admitted = callers.admit(call.headers(), call.extensions());
                let held = held(connection);
                let length = match (admitted, &held) {
                    (Ok(()), Held::Call(_)) => CallKind::Unary,
                    _ => CallKind::Refused,
                };
                let places = connection.permits();
                let arrival = Arrival::new(state, call.headers(), admitted, held, places);
                call.extensions_mut()
                    .insert(arrival.on(connection.calls_being_answered()));
                return length;
            }
            return CallKind::Refused;
        }
        Called::HealthCheck => (CALL, CallKind::Unary),
        Called::HealthWatch => (LASTING, CallKind::LongLived),
        Called::Reflection => (LASTING + UNREAD, CallKind::LongLived),
    };
    let place = match length {
        CallKind::Unary | CallKind::Refused => None,
        CallKind::LongLived => connection.long_lived_calls().try_reserve(1),
    };
    let held = connection.memory().try_reserve(bytes);
    let held = held.filter(|_| length == CallKind::Unary || place.is_some());
    let (held, length) = match held {
        Some(share) => (Held::Call(share), length),
        None => (Held::Refused(refused(connection)), CallKind::Refused),
    };
    call.extensions_mut().insert(Guest::new(held, place));
    length
}

/// Memory that a call holds.
#[derive(Clone, Debug)]
pub(super) enum Held {
    /// For itself; its message and its answer draw on it.
    Call(Reservation),
    /// There is none: it is refused, and this is held until its answer is taken.
    Refused(Option<Reservation>),
}

fn held(connection: &Connection) -> Held {
    match connection.memory().try_reserve(CALL) {
        Some(share) => Held::Call(share),
        None => Held::Refused(refused(connection)),
    }
}

/// Without memory for the answers that are not taken, there is no use in making another.
fn refused(connection: &Connection) -> Option<Reservation> {
    let share = connection.refusals().try_reserve(REFUSED);
    if share.is_none() {
        connection.close_now();
    }
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A method of 100 kB was kept by each call whose message did not end.
    #[test]
    fn nothing_long_of_the_metadata_is_kept() {
        let long = "A".repeat(100_000);
        let mut call = Request::builder()
            .method(Method::from_bytes(long.as_bytes()).unwrap())
            .uri("https://authority.example/a/path?query")
            .header("x-long", &long)
            .body(())
            .unwrap();
        let_go(&mut call, &Uri::from_static(UNKNOWN));
        assert_eq!(call.method(), Method::POST);
        assert_eq!(
            (call.uri(), call.headers().len()),
            (&Uri::from_static("/"), 0)
        );
    }
}
