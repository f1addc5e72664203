//! A `CheckRequest` as Envoy sends it, or malformed.
//!
//! The bytes are written by hand, so that every field can hold anything, and so that the tests do
//! not rely on the server's own types.

use serde_json::Value;
use watchword_test_support::secrets::SECRETS;

use super::emitted;
use super::pb;
use super::tokens;

/// One request to be judged.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: Vec<u8>,
    path: Vec<u8>,
    host: Vec<u8>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    header_map: Vec<(Vec<u8>, Vec<u8>)>,
    context: Vec<(String, String)>,
}

impl Call {
    pub(crate) fn get(path: impl AsRef<[u8]>) -> Self {
        Self {
            method: b"GET".to_vec(),
            path: path.as_ref().to_vec(),
            host: b"api.example.com".to_vec(),
            headers: Vec::new(),
            header_map: Vec::new(),
            context: Vec::new(),
        }
    }

    /// `GET /orders` with this token in `authorization`.
    pub(crate) fn bearing(token: impl AsRef<[u8]>) -> Self {
        Self::get("/orders").token(token)
    }

    pub(crate) fn method(mut self, method: impl AsRef<[u8]>) -> Self {
        self.method = method.as_ref().to_vec();
        self
    }

    pub(crate) fn host(mut self, host: impl AsRef<[u8]>) -> Self {
        self.host = host.as_ref().to_vec();
        self
    }

    pub(crate) fn token(self, token: impl AsRef<[u8]>) -> Self {
        self.header("authorization", [b"Bearer ", token.as_ref()].concat())
    }

    /// An entry of the `headers` map. A repeated name is sent twice.
    pub(crate) fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// An entry of `header_map`, as Envoy sends it with `encode_raw_headers`.
    pub(crate) fn raw_header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.header_map
            .push((name.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn context(mut self, key: &str, value: &str) -> Self {
        self.context.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The client's headers, whichever way they are sent.
    pub(crate) fn client_headers(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let all = self.headers.iter().chain(&self.header_map);
        all.map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// The encoded `CheckRequest`.
    pub(crate) fn encoded(&self) -> Vec<u8> {
        self.with_http_fields(&[])
    }

    /// The encoded `CheckRequest` with further bytes inside `HttpRequest`.
    pub(crate) fn with_http_fields(&self, more: &[u8]) -> Vec<u8> {
        self.register_secrets();
        let mut attributes = pb::bytes(4, &pb::bytes(2, &[&self.http()[..], more].concat()));
        for (key, value) in &self.context {
            attributes.extend(pb::bytes(10, &entry(key.as_bytes(), value.as_bytes())));
        }
        pb::bytes(1, &attributes)
    }

    /// The encoded `ValidateRequest` with the same facts, which `Validate` must answer as `Check`
    /// does.
    pub(crate) fn as_validate(&self) -> Vec<u8> {
        pb::bytes(2, &self.facts(|_| true))
    }

    /// The same with the token in the field `token`, if `authorization` is the only place that has
    /// one.
    pub(crate) fn as_validate_of_token(&self) -> Option<Vec<u8>> {
        let is_credential = |name: &[u8]| name.eq_ignore_ascii_case(b"authorization");
        let mut credentials = self
            .client_headers()
            .filter(|(name, _)| is_credential(name));
        let (_, value) = credentials.next()?;
        let token = value.strip_prefix(b"Bearer ")?;
        let plain = token.iter().all(u8::is_ascii_graphic) && !token.is_empty();
        if credentials.next().is_some() || !plain {
            return None;
        }
        let facts = self.facts(|name| !is_credential(name));
        Some([pb::bytes(1, token), pb::bytes(2, &facts)].concat())
    }

    /// Output may have the id and the trace of a request, and nothing else of it.
    fn register_secrets(&self) {
        emitted::begin();
        let public: [&[u8]; 3] = [b"x-request-id", b"traceparent", b"tracestate"];
        let headers = self.client_headers();
        for (name, value) in headers.filter(|(name, _)| !public.contains(name)) {
            SECRETS.register(name);
            SECRETS.register(value);
        }
        for text in [&self.method, &self.path, &self.host] {
            SECRETS.register(text);
        }
    }

    /// The encoded `Request` of `Validate`, with these headers.
    fn facts(&self, wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let mut facts = pb::bytes(1, &self.method);
        facts.extend(pb::bytes(2, &self.path));
        facts.extend(pb::bytes(3, &self.host));
        for (key, value) in &self.context {
            facts.extend(pb::bytes(4, &entry(key.as_bytes(), value.as_bytes())));
        }
        for (name, value) in self.client_headers().filter(|(name, _)| wanted(name)) {
            facts.extend(pb::bytes(5, &entry(name, value)));
        }
        facts
    }

    /// The encoded `HttpRequest`. Envoy puts the pseudo-headers among the others.
    fn http(&self) -> Vec<u8> {
        let mut http = pb::bytes(2, &self.method);
        let pseudo: [(&[u8], &[u8]); 3] = [
            (b":method", &self.method),
            (b":path", &self.path),
            (b":authority", &self.host),
        ];
        if self.header_map.is_empty() {
            for (name, value) in pseudo {
                http.extend(pb::bytes(3, &entry(name, value)));
            }
        }
        for (name, value) in &self.headers {
            http.extend(pb::bytes(3, &entry(name, value)));
        }
        http.extend(pb::bytes(4, &self.path));
        http.extend(pb::bytes(5, &self.host));
        if !self.header_map.is_empty() {
            let pseudo = pseudo.into_iter();
            let raw = self
                .header_map
                .iter()
                .map(|(name, value)| (name.as_slice(), value.as_slice()));
            let map: Vec<u8> = pseudo
                .chain(raw)
                .flat_map(|(name, value)| {
                    pb::bytes(1, &[pb::bytes(1, name), pb::bytes(3, value)].concat())
                })
                .collect();
            http.extend(pb::bytes(13, &map));
        }
        http
    }

    /// The caller's words, which no denial may repeat: header values, path, and the strings inside
    /// a token.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = vec![text(&self.path)];
        for (_, value) in self.client_headers() {
            let value = text(value);
            for part in value.split([' ', ',', '.', '"']) {
                words.push(part.to_owned());
                if let Ok(bytes) = tokens::unb64(part) {
                    match serde_json::from_slice(&bytes) {
                        Ok(json) => collect(&json, &mut words),
                        Err(_) => words.push(text(&bytes)),
                    }
                }
            }
            words.push(value);
        }
        words.retain(|word| word.len() >= 6);
        words
    }
}

fn entry(key: &[u8], value: &[u8]) -> Vec<u8> {
    [pb::bytes(1, key), pb::bytes(2, value)].concat()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn collect(json: &Value, words: &mut Vec<String>) {
    match json {
        Value::String(word) => words.push(word.clone()),
        Value::Number(number) => words.push(number.to_string()),
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, words)),
        Value::Object(members) => {
            for (name, value) in members {
                words.push(name.clone());
                collect(value, words);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}
