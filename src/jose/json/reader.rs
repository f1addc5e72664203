//! A recursive-descent parser for RFC 8259 with a depth limit.

use super::{Json, JsonError, Number, Object};

pub(super) const MAX_DEPTH: usize = 32;

#[derive(Default)]
pub(super) struct JsonReader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    max_values: usize,
    values: usize,
    /// The elements and members of the unfinished arrays and objects. They move out when one ends,
    /// so it allocates exactly what it needs.
    elements: Vec<Json>,
    members: Vec<(Box<str>, Json)>,
}

impl<'a> JsonReader<'a> {
    pub(super) fn new(text: &'a str, max_values: usize) -> Self {
        Self {
            text,
            max_values,
            ..Self::default()
        }
    }

    /// Parses the whole text as one value; also returns the number of values in it.
    pub(super) fn single_value(mut self) -> Result<(Json, usize), JsonError> {
        let value = self.value()?;
        self.skip_space();
        if self.peek().is_some() {
            return Err(self.syntax());
        }
        Ok((value, self.values))
    }

    fn value(&mut self) -> Result<Json, JsonError> {
        self.skip_space();
        if self.values == self.max_values {
            let (most, at) = (self.max_values, self.at);
            return Err(JsonError::Values { most, at });
        }
        self.values += 1;
        match self.peek() {
            Some(b'"') => self.string().map(Json::String),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b't') => self.literal("true", Json::Bool(true)),
            Some(b'f') => self.literal("false", Json::Bool(false)),
            Some(b'n') => self.literal("null", Json::Null),
            _ => self.number(),
        }
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Json, JsonError>,
    ) -> Result<Json, JsonError> {
        if self.depth == MAX_DEPTH {
            return Err(JsonError::Depth(self.at));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Json, JsonError> {
        let start = self.members.len();
        if !self.ends(b'}') {
            loop {
                self.skip_space();
                let name = self.string()?;
                self.skip_space();
                self.expect(b':')?;
                let value = self.value()?;
                self.members.push((name, value));
                if !self.another(b'}')? {
                    break;
                }
            }
        }
        let members = self.members.get_mut(start..).unwrap_or_default();
        members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        if !members.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(JsonError::Duplicate(self.at));
        }
        Ok(Json::Object(Object(self.members.drain(start..).collect())))
    }

    fn array(&mut self) -> Result<Json, JsonError> {
        let start = self.elements.len();
        if !self.ends(b']') {
            loop {
                let value = self.value()?;
                self.elements.push(value);
                if !self.another(b']')? {
                    break;
                }
            }
        }
        Ok(Json::Array(self.elements.drain(start..).collect()))
    }

    /// Returns true if the array or object is empty, and then consumes the closing byte.
    fn ends(&mut self, close: u8) -> bool {
        self.skip_space();
        let ends = self.peek() == Some(close);
        self.at += usize::from(ends);
        ends
    }

    /// Consumes `,` (true: another entry follows) or the closing byte (false).
    fn another(&mut self, close: u8) -> Result<bool, JsonError> {
        self.skip_space();
        let byte = self.peek();
        if byte == Some(b',') || byte == Some(close) {
            self.at += 1;
            return Ok(byte == Some(b','));
        }
        Err(self.syntax())
    }

    fn literal(&mut self, word: &str, value: Json) -> Result<Json, JsonError> {
        if !self.rest().starts_with(word) {
            return Err(self.syntax());
        }
        self.at += word.len();
        Ok(value)
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    fn number(&mut self) -> Result<Json, JsonError> {
        let start = self.at;
        self.skip_if(|b| b == b'-');
        if self.skip_if(|b| b == b'0') {
            if self.peek().is_some_and(|b| b.is_ascii_digit()) {
                return Err(self.syntax());
            }
        } else {
            self.digits()?;
        }
        if self.skip_if(|b| b == b'.') {
            self.digits()?;
        }
        if self.skip_if(|b| matches!(b, b'e' | b'E')) {
            self.skip_if(|b| matches!(b, b'+' | b'-'));
            self.digits()?;
        }
        let text = self.text.get(start..self.at).ok_or_else(|| self.syntax())?;
        let number = Number(text.into());
        // RFC 8259 §6: only the range of doubles is interoperable.
        if number.to_f64().is_finite() {
            Ok(Json::Number(number))
        } else {
            Err(self.syntax())
        }
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !self.skip_if(|b| b.is_ascii_digit()) {
            return Err(self.syntax());
        }
        while self.skip_if(|b| b.is_ascii_digit()) {}
        Ok(())
    }

    fn string(&mut self) -> Result<Box<str>, JsonError> {
        self.expect(b'"')?;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let plain = rest
                .bytes()
                .position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f))
                .ok_or(JsonError::Syntax(self.text.len()))?;
            let run = rest.get(..plain).ok_or_else(|| self.syntax())?;
            self.at += plain;
            if self.skip_if(|b| b == b'"') {
                return Ok(if text.is_empty() {
                    run.into()
                } else {
                    (text + run).into()
                });
            }
            text.push_str(run);
            self.expect(b'\\')?;
            text.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let byte = self.peek().ok_or_else(|| self.syntax())?;
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(),
            _ => return Err(self.syntax()),
        })
    }

    /// The rest of a `\u` escape, with the second half of a surrogate pair.
    fn code_point(&mut self) -> Result<char, JsonError> {
        let first = self.hex4()?;
        let code = match first {
            0xd800..=0xdbff => {
                self.expect(b'\\')?;
                self.expect(b'u')?;
                match self.hex4()? {
                    second @ 0xdc00..=0xdfff => {
                        0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    _ => return Err(self.syntax()),
                }
            }
            _ => first,
        };
        char::from_u32(code).ok_or_else(|| self.syntax())
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let digits = self
            .rest()
            .get(..4)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
        self.at += 4;
        code.ok_or_else(|| self.syntax())
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.skip_if(|b| b == byte) {
            Ok(())
        } else {
            Err(self.syntax())
        }
    }

    fn skip_if(&mut self, wanted: impl Fn(u8) -> bool) -> bool {
        let found = self.peek().is_some_and(wanted);
        self.at += usize::from(found);
        found
    }

    fn skip_space(&mut self) {
        while self.skip_if(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {}
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn syntax(&self) -> JsonError {
        JsonError::Syntax(self.at)
    }
}
