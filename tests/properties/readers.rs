//! Models of common readers of cookies and query parameters, written from their documentation and
//! behaviour. Each lists every value that it may take for a name; versions differ in which of
//! several counts.

/// The readers, with their names.
pub(crate) type Reader = (&'static str, fn(&str, &str) -> Vec<String>);

pub(crate) const COOKIES: [Reader; 8] = [
    ("RFC 6265", rfc6265),
    ("Go", go_cookies),
    ("Node cookie", node_cookies),
    ("Python http.cookies", python_cookies),
    ("Django", django_cookies),
    ("PHP", php_cookies),
    ("ASP.NET", aspnet_cookies),
    ("Tomcat, legacy", tomcat_cookies),
];

pub(crate) const QUERIES: [Reader; 7] = [
    ("WHATWG", |query, name| exact(query, "&", name)),
    ("Go, before 1.17", |query, name| exact(query, "&;", name)),
    ("PHP", |query, name| php(query, '&', name)),
    ("qs (Node)", qs),
    ("Rack", rack),
    ("ASP.NET", aspnet_query),
    ("Java with ;", |query, name| exact(query, "&;", name)),
];

fn pairs(text: &str, separator: char) -> Vec<(&str, &str)> {
    let pieces = text.split(separator);
    pieces.filter_map(|piece| piece.split_once('=')).collect()
}

fn unquoted(value: &str) -> &str {
    let inner = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    inner.unwrap_or(value)
}

fn rfc6265(header: &str, name: &str) -> Vec<String> {
    let blank = |c| matches!(c, ' ' | '\t');
    let pairs = pairs(header, ';').into_iter();
    pairs
        .filter(|(key, _)| key.trim_matches(blank) == name)
        .map(|(_, value)| value.trim_matches(blank).to_owned())
        .collect()
}

fn go_cookies(header: &str, name: &str) -> Vec<String> {
    rfc6265(header, name)
        .iter()
        .map(|value| unquoted(value).to_owned())
        .collect()
}

/// JavaScript's `trim` removes Unicode white space and the byte order mark.
fn node_cookies(header: &str, name: &str) -> Vec<String> {
    let blank = |c: char| c.is_whitespace() || c == '\u{feff}';
    let pairs = pairs(header, ';').into_iter();
    pairs
        .filter(|(key, _)| key.trim_matches(blank) == name)
        .map(|(_, value)| decode(unquoted(value.trim_matches(blank)), false))
        .collect()
}

/// White space ends a pair as `;` does.
fn python_cookies(header: &str, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = header.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c == ';' || c.is_ascii_whitespace());
        let (key, after) = rest.split_at(end.unwrap_or(rest.len()));
        let after = after.trim_start();
        if let Some(value) = after.strip_prefix('=') {
            let value = value.trim_start();
            let end = match value.strip_prefix('"') {
                Some(quoted) => quoted.find('"').map(|at| at + 2),
                None => value.find(|c: char| c == ';' || c.is_ascii_whitespace()),
            };
            let (value, after) = value.split_at(end.unwrap_or(value.len()));
            if key == name {
                found.push(unquoted(value).to_owned());
            }
            rest = after;
        } else {
            rest = after;
        }
        rest = rest.trim_start_matches(|c: char| c == ';' || c.is_ascii_whitespace());
        if key.is_empty() && rest.len() == header.len() {
            break;
        }
    }
    found
}

fn django_cookies(header: &str, name: &str) -> Vec<String> {
    let pairs = pairs(header, ';').into_iter();
    pairs
        .filter(|(key, _)| key.trim() == name)
        .map(|(_, value)| unquoted(value.trim()).to_owned())
        .collect()
}

fn php_cookies(header: &str, name: &str) -> Vec<String> {
    php(header, ';', name)
}

/// Ignores the case of names.
fn aspnet_cookies(header: &str, name: &str) -> Vec<String> {
    let pairs = pairs(header, ';').into_iter();
    pairs
        .filter(|(key, _)| key.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .collect()
}

fn tomcat_cookies(header: &str, name: &str) -> Vec<String> {
    rfc6265(&header.replace(',', ";"), name)
        .iter()
        .map(|value| unquoted(value).to_owned())
        .collect()
}

/// White space before a name is skipped, a NUL ends it, brackets make it an array, and dots and
/// spaces become `_`.
fn php(text: &str, separator: char, name: &str) -> Vec<String> {
    let wanted = name.replace(['.', ' '], "_");
    let pairs = pairs(text, separator).into_iter();
    pairs
        .filter(|(key, _)| {
            let key = decode(key, true);
            let key = key.trim_start_matches(|c: char| c.is_ascii_whitespace());
            let key = key.split('\0').next().unwrap();
            // An index needs its closing bracket.
            let key = match key.split_once('[') {
                Some((name, index)) if index.contains(']') => name,
                _ => key,
            };
            key.replace(['.', ' ', '['], "_") == wanted
        })
        .map(|(_, value)| decode(value, true))
        .collect()
}

fn exact(query: &str, separators: &str, name: &str) -> Vec<String> {
    let pieces = query.split(|c| separators.contains(c));
    pieces
        .filter_map(|piece| piece.split_once('='))
        .filter(|(key, _)| decode(key, true) == name)
        .map(|(_, value)| decode(value, true))
        .collect()
}

/// Removes brackets around a name; brackets behind it make an array or object.
fn qs(query: &str, name: &str) -> Vec<String> {
    let pieces = pairs(query, '&').into_iter();
    pieces
        .filter(|(key, _)| {
            let key = decode(key, true);
            let inner = key.strip_prefix('[').and_then(|key| key.split_once(']'));
            let inner = inner.map_or(key.as_str(), |(inner, _)| inner);
            inner.split('[').next() == Some(name)
        })
        .map(|(_, value)| decode(value, true))
        .collect()
}

fn rack(query: &str, name: &str) -> Vec<String> {
    let pieces = query.split(['&', ';']);
    pieces
        .filter_map(|piece| piece.trim_start_matches(' ').split_once('='))
        .filter(|(key, _)| decode(key, true).split('[').next() == Some(name))
        .map(|(_, value)| decode(value, true))
        .collect()
}

fn aspnet_query(query: &str, name: &str) -> Vec<String> {
    let pieces = pairs(query, '&').into_iter();
    pieces
        .filter(|(key, _)| decode(key, true).eq_ignore_ascii_case(name))
        .map(|(_, value)| decode(value, true))
        .collect()
}

fn decode(text: &str, plus: bool) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let hex = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = hex
            .filter(|_| *first == b'%')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None if plus && *first == b'+' => bytes.push(b' '),
            None => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
