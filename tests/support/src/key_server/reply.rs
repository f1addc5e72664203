//! A key server's answer to one request, and how much of it arrives.

use std::fmt::{self, Display};

use http::StatusCode;

use super::PATH;

/// One answer. It is good unless a method adds a fault.
#[derive(Clone)]
pub struct Reply {
    name: String,
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    pub(super) delivery: Delivery,
    pub(super) held: bool,
    pub(super) keep_alive: bool,
}

/// The part of the body that is sent, and the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Delivery {
    Whole,
    /// Whole, under another `content-length`.
    Declaring(usize),
    /// This number of bytes, then an orderly end.
    Cut(usize),
    /// This number of bytes, then a TCP reset.
    Reset(usize),
    /// A byte for each tick.
    Dripped,
    /// The head at once, the body once it is released.
    Withheld,
    /// Again and again, in chunks.
    Endless,
    /// Without a head.
    Raw,
    /// Nothing at all.
    HangUp,
}

impl Reply {
    /// 200 with a body of JSON.
    pub fn ok(body: impl Display) -> Self {
        Self::status(200)
            .with("content-type", "application/json")
            .body(body)
    }

    /// A status without headers and body.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap();
        Self {
            name: status.to_string(),
            status,
            headers: Vec::new(),
            body: String::new(),
            delivery: Delivery::Whole,
            held: false,
            keep_alive: false,
        }
    }

    /// 429 with a `Retry-After` of seconds or a date.
    pub fn too_many_requests(retry_after: impl Display) -> Self {
        Self::status(429).with("retry-after", retry_after)
    }

    /// A redirect.
    pub fn redirect(status: u16, location: impl Display) -> Self {
        Self::status(status).with("location", location)
    }

    /// A redirect to the same URL.
    pub fn redirect_loop() -> Self {
        Self::redirect(302, PATH).named("redirect loop")
    }

    /// A page for people, under status 200.
    pub fn html() -> Self {
        Self::status(200)
            .with("content-type", "text/html")
            .body("<!doctype html><title>Sign in</title>")
            .named("HTML")
    }

    /// An empty key set, padded with white space to this number of bytes.
    pub fn big(bytes: usize) -> Self {
        Self::ok(r#"{"keys":[]}"#)
            .padded_to(bytes)
            .named(format!("{bytes} bytes"))
    }

    /// A body without an end.
    pub fn endless() -> Self {
        let reply = Self::ok(" ".repeat(16 * 1024));
        reply.delivered(Delivery::Endless).named("endless body")
    }

    /// Reads the request and closes the connection without an answer.
    pub fn hang_up() -> Self {
        let reply = Self::status(200);
        reply.delivered(Delivery::HangUp).named("hang-up")
    }

    /// These bytes instead of an answer, and then the end of the TCP connection without the end of
    /// TLS.
    pub fn raw(bytes: impl Display) -> Self {
        let reply = Self::status(200).body(bytes);
        reply.delivered(Delivery::Raw).named("raw bytes")
    }

    /// Adds a header, or replaces it.
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Replaces the body.
    pub fn body(mut self, body: impl Display) -> Self {
        self.body = body.to_string();
        self
    }

    /// Pads the body with white space to this size, which JSON ignores.
    pub fn padded_to(mut self, bytes: usize) -> Self {
        assert!(self.body.len() <= bytes, "longer already");
        self.body
            .extend(std::iter::repeat_n(' ', bytes - self.body.len()));
        self
    }

    /// The name that a failing assertion prints.
    pub fn named(mut self, name: impl Display) -> Self {
        self.name = name.to_string();
        self
    }

    /// All of the body under a `content-length` that is wrong, then the end of the connection.
    pub fn declaring(self, bytes: usize) -> Self {
        self.delivered(Delivery::Declaring(bytes))
    }

    /// This number of bytes of the body, then an orderly end of TLS and TCP. Only `content-length`
    /// shows that more was due.
    pub fn cut_at(self, bytes: usize) -> Self {
        self.delivered(Delivery::Cut(bytes))
    }

    /// This number of bytes of the body, then a TCP reset, which may overtake unread data.
    pub fn reset_at(self, bytes: usize) -> Self {
        self.delivered(Delivery::Reset(bytes))
    }

    /// The head at once, and a byte of the body for each
    /// [`KeyServer::tick`](super::KeyServer::tick).
    pub fn dripped(self) -> Self {
        self.delivered(Delivery::Dripped)
    }

    /// The head at once, and the body at the next
    /// [`KeyServer::release`](super::KeyServer::release).
    pub fn withheld(self) -> Self {
        self.delivered(Delivery::Withheld)
    }

    /// Nothing until the next [`KeyServer::release`](super::KeyServer::release). Then the server
    /// sends its current reply, which is this one unless a test has replaced it.
    pub fn held(mut self) -> Self {
        self.held = true;
        self
    }

    /// Leaves the connection open for the next request. Other replies close it, so that each
    /// request has a connection of its own.
    pub fn keep_alive(mut self) -> Self {
        self.keep_alive = true;
        self
    }

    fn delivered(mut self, delivery: Delivery) -> Self {
        self.name = format!("{}, {delivery:?}", self.name);
        self.delivery = delivery;
        self
    }
}

impl Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        f.write_str(if self.held { ", held" } else { "" })
    }
}
