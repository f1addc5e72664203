//! The methods that are served: from the path of a call to whoever answers it.

use std::sync::Arc;

use http::{Request, Response};
use tonic::body::Body;
use tonic::service::Routes;

use crate::listen::{BegunCall, CallHandler, Connection};

use super::ext_authz::Check;
use super::library::{self, LibraryMethod};
use super::validate::Validate;
use super::{State, endpoint, validate_batch};

/// The services whose health is reported.
pub(crate) const SERVICES: &[&str] = &[
    "envoy.service.auth.v3.Authorization",
    "watchword.v1.TokenValidation",
];

#[derive(Clone, Copy)]
enum Method {
    Check,
    Validate,
    ValidateBatch,
    Library(LibraryMethod),
}

const UNARY: Method = Method::Library(LibraryMethod::Unary);
const WATCH: Method = Method::Library(LibraryMethod::Watch);

const METHODS: [(&str, Method); 8] = [
    ("/envoy.service.auth.v3.Authorization/Check", Method::Check),
    ("/watchword.v1.TokenValidation/Validate", Method::Validate),
    (
        "/watchword.v1.TokenValidation/ValidateBatch",
        Method::ValidateBatch,
    ),
    ("/grpc.health.v1.Health/Check", UNARY),
    ("/grpc.health.v1.Health/List", UNARY),
    ("/grpc.health.v1.Health/Watch", WATCH),
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        Method::Library(LibraryMethod::Reflection),
    ),
    (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        Method::Library(LibraryMethod::Reflection),
    ),
];

/// Answers the calls of a listener.
#[derive(Clone)]
pub struct Methods {
    /// `None` on a listener for health.
    state: Option<Arc<State>>,
    library: Routes,
}

impl Methods {
    /// All methods. `library` answers those of health and reflection.
    pub(crate) fn new(state: Arc<State>, library: Routes) -> Self {
        Self {
            state: Some(state),
            ..Self::of_health(library)
        }
    }

    /// The methods of a listener for health.
    #[must_use]
    pub fn of_health(library: Routes) -> Self {
        Self {
            state: None,
            library: library.prepare(),
        }
    }
}

impl CallHandler for Methods {
    fn begin(&self, call: Request<Body>, connection: &Connection) -> BegunCall {
        let path = call.uri().path();
        let method = METHODS.iter().find(|(known, _)| *known == path);
        match (method, &self.state) {
            (Some((_, Method::Check)), Some(state)) => {
                endpoint::begin::<Check, _>(state, call, connection, endpoint::answer::<Check>)
            }
            (Some((_, Method::Validate)), Some(state)) => {
                let answer = endpoint::answer::<Validate>;
                endpoint::begin::<Validate, _>(state, call, connection, answer)
            }
            (Some((_, Method::ValidateBatch)), Some(state)) => {
                let answer = validate_batch::answer;
                endpoint::begin::<Validate, _>(state, call, connection, answer)
            }
            (Some((path, Method::Library(method))), _) => {
                library::begin(&self.library, path, *method, call.into_body(), connection)
            }
            (Some(_) | None, _) => library::unimplemented(connection),
        }
    }
}

/// Calls methods from within the process, without a connection.
#[derive(Clone)]
pub struct InProcessClient {
    methods: Methods,
    connection: Arc<Connection>,
}

impl InProcessClient {
    /// A client whose calls count in the limit that all share.
    #[must_use]
    pub fn new(state: Arc<State>) -> Self {
        Self {
            connection: Arc::new(Connection::in_process(&state.in_flight_limit)),
            methods: Methods::new(state, Routes::default()),
        }
    }

    /// Calls the method of a request's path. The call is over when the returned future is dropped.
    pub fn call(&self, call: Request<Body>) -> impl Future<Output = Response<Body>> + Send + use<> {
        self.methods.begin(call, &self.connection).answer
    }
}

#[cfg(test)]
mod tests {
    use super::{METHODS, Method, SERVICES};

    #[test]
    fn health_is_reported_of_the_services_that_decide() {
        for (path, method) in METHODS {
            let service = path[1..].split_once('/').unwrap().0;
            let decides = !matches!(method, Method::Library(_));
            assert_eq!(SERVICES.contains(&service), decides, "{path}");
        }
    }
}
