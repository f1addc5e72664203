//! Claims as a `google.protobuf.Struct`, whose numbers are doubles.
//!
//! An integer that doubles cannot tell from its neighbours becomes a string, as the token has it.

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Timestamp, Value};

use crate::jose::{Json, Number, Object};
use crate::token::{Claims, UnixTime};

/// The largest integer up to which doubles hold every one (RFC 7493 §2.2).
const MAX_EXACT: f64 = 9_007_199_254_740_991.0;

pub(super) fn of(claims: &Claims) -> Struct {
    object(claims.members())
}

/// A time in whole microseconds. One that the type cannot hold becomes the nearest that it can.
pub(super) fn timestamp(time: UnixTime) -> Timestamp {
    // 9999-12-31T23:59:59Z, the last second that the type allows.
    const LAST: u64 = 253_402_300_799;
    let since = time.since(UnixTime::EPOCH);
    let micros = since.subsec_micros().cast_signed();
    Timestamp {
        seconds: since.as_secs().min(LAST).cast_signed(),
        nanos: micros.saturating_mul(1000),
    }
}

fn object(members: &Object) -> Struct {
    let fields = members
        .iter()
        .map(|(name, member)| (name.to_owned(), value(member)));
    Struct {
        fields: fields.collect(),
    }
}

/// The depth was bounded when the token was read.
fn value(json: &Json) -> Value {
    let kind = match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(value) => Kind::BoolValue(*value),
        Json::Number(number) => self::number(number),
        Json::String(text) => Kind::StringValue(text.to_string()),
        Json::Array(elements) => Kind::ListValue(ListValue {
            values: elements.iter().map(value).collect(),
        }),
        Json::Object(members) => Kind::StructValue(object(members)),
    };
    Value { kind: Some(kind) }
}

fn number(number: &Number) -> Kind {
    let double = number.to_f64();
    if double.fract() != 0.0 || double.abs() <= MAX_EXACT {
        Kind::NumberValue(double)
    } else {
        Kind::StringValue(number.as_str().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use prost_types::value::Kind;

    use crate::token::{Claims, UnixTime};

    use super::{of, timestamp};

    fn claim(text: &str) -> Kind {
        let claims = Claims::parse(format!("{{\"n\":{text}}}").as_bytes()).unwrap();
        of(&claims).fields.remove("n").unwrap().kind.unwrap()
    }

    #[test]
    fn no_digit_of_a_number_is_lost() {
        for (text, double) in [
            ("0", 0.0),
            ("-5", -5.0),
            ("1.5", 1.5),
            ("1e3", 1000.0),
            ("9007199254740991", 9_007_199_254_740_991.0),
            ("-9007199254740991", -9_007_199_254_740_991.0),
        ] {
            assert_eq!(claim(text), Kind::NumberValue(double), "{text}");
        }
        for text in [
            "9007199254740992",
            "9007199254740993",
            "-9007199254740993",
            "18446744073709551615",
            "1e300",
        ] {
            assert_eq!(claim(text), Kind::StringValue(text.to_owned()), "{text}");
        }
    }

    #[test]
    fn other_claims_keep_their_types() {
        assert_eq!(claim("null"), Kind::NullValue(0));
        assert_eq!(claim("true"), Kind::BoolValue(true));
        assert_eq!(claim("\"\u{e9}\""), Kind::StringValue("\u{e9}".to_owned()));
        let Kind::ListValue(list) = claim("[1,{\"a\":\"b\"}]") else {
            panic!("a list");
        };
        assert_eq!(list.values.len(), 2);
    }

    #[test]
    fn times_beyond_the_type_are_cut() {
        let seconds = |time| timestamp(UnixTime::from_secs(time)).seconds;
        assert_eq!(seconds(1.75e9), 1_750_000_000);
        assert_eq!(seconds(9.0e15), 253_402_300_799);
        assert_eq!(timestamp(UnixTime::from_secs(1.25)).nanos, 250_000_000);
    }
}
