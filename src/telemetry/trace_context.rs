//! The caller's trace: W3C Trace Context, level 1.

use std::fmt;

use serde::{Serialize, Serializer};

/// The caller's span, as `traceparent` and `tracestate` name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext<'c> {
    pub(super) trace_id: TraceId,
    /// The caller's span; never 0.
    pub(super) parent: u64,
    /// True if the caller records this trace.
    pub(super) is_sampled: bool,
    /// The vendors' data to pass on; empty if the trace is not recorded.
    pub(super) state: &'c str,
}

/// The id of a trace; never 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceId(pub(super) u128);

/// Longest `tracestate` that is passed on, in bytes and in members (§3.3.1.5, §3.3.1.1).
const MAX_STATE: (usize, usize) = (512, 32);

impl<'c> TraceContext<'c> {
    /// Parses the two headers; `None` if `traceparent` is not exactly of version 00. An unusable
    /// `tracestate` is left out.
    #[must_use]
    pub fn parse(traceparent: &[u8], tracestate: Option<&'c [u8]>) -> Option<Self> {
        let traceparent: &[u8; 55] = traceparent.try_into().ok()?;
        let mut parts = traceparent.split(|byte| *byte == b'-');
        let version = parts.next()?;
        let trace_id = hex(parts.next()?, 32)?;
        let parent = u64::try_from(hex(parts.next()?, 16)?).ok()?;
        let flags = hex(parts.next()?, 2)?;
        if version != b"00" || parts.next().is_some() || trace_id == 0 || parent == 0 {
            return None;
        }
        let is_sampled = flags & 1 == 1;
        let state = tracestate.filter(|_| is_sampled).and_then(usable);
        Some(Self {
            trace_id: TraceId(trace_id),
            parent,
            is_sampled,
            state: state.unwrap_or_default(),
        })
    }
}

/// Parses exactly this many hexadecimal digits, in lower case (§3.2.2).
fn hex(digits: &[u8], length: usize) -> Option<u128> {
    let digit = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    if digits.len() != length || !digits.iter().all(digit) {
        return None;
    }
    u128::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn usable(state: &[u8]) -> Option<&str> {
    let state = std::str::from_utf8(state).ok()?.trim_matches([' ', '\t']);
    let members = || {
        state
            .split(',')
            .map(|member| member.trim_matches([' ', '\t']))
    };
    let fits = state.len() <= MAX_STATE.0 && members().count() <= MAX_STATE.1;
    let plain = state
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    // §3.3.1.1: empty members are allowed.
    let listed = members().all(|member| member.is_empty() || member.contains('='));
    (fits && plain && listed).then_some(state)
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::TraceContext;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parse<'c>(traceparent: &str, state: Option<&'c [u8]>) -> Option<TraceContext<'c>> {
        TraceContext::parse(traceparent.as_bytes(), state)
    }

    #[test]
    fn a_good_traceparent_names_trace_parent_and_sampling() {
        let context = parse(GOOD, Some(b"congo=t61rcWkgMzE, rojo=1")).unwrap();
        let trace = context.trace_id.to_string();
        assert_eq!(trace, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.parent, 0x00f0_67aa_0ba9_02b7);
        assert!(context.is_sampled);
        assert_eq!(context.state, "congo=t61rcWkgMzE, rojo=1");
        let unsampled = parse(&GOOD.replace("-01", "-02"), Some(b"congo=1")).unwrap();
        assert!(!unsampled.is_sampled);
        assert_eq!(unsampled.state, "");
        assert!(parse(&GOOD.replace("-01", "-ff"), None).unwrap().is_sampled);
    }

    #[test]
    fn any_other_traceparent_is_none() {
        let zero_trace = GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
        let zero_parent = GOOD.replace("00f067aa0ba902b7", &"0".repeat(16));
        let bad = [
            "",
            &GOOD.replacen("00", "01", 1),
            &GOOD.replacen("00", "ff", 1),
            &GOOD.to_uppercase(),
            &GOOD.replace("4bf9", "4Bf9"),
            &GOOD.replace("4bf9", "+bf9"),
            &GOOD.replace("4bf9", "4bg9"),
            &GOOD.replace('-', "_"),
            &GOOD.replace("-01", "--1"),
            &GOOD.replace("47", "4-"),
            &format!("{GOOD}-"),
            &format!("{GOOD} "),
            &format!(" {GOOD}"),
            &zero_trace,
            &zero_parent,
        ];
        for traceparent in bad {
            assert_eq!(parse(traceparent, None), None, "{traceparent}");
        }
    }

    #[test]
    fn a_tracestate_that_cannot_be_used_is_left_out() {
        let long = format!("a={}", "x".repeat(511));
        let many = "a=1,".repeat(32);
        let bad = [
            &b"a=\xff"[..],
            b"a=1\nb=2",
            b"nothing",
            long.as_bytes(),
            many.as_bytes(),
        ];
        for state in bad {
            assert_eq!(parse(GOOD, Some(state)).unwrap().state, "", "{state:?}");
        }
        let most = format!("a={}", "x".repeat(510));
        assert_eq!(parse(GOOD, Some(most.as_bytes())).unwrap().state, most);
        assert_eq!(
            parse(GOOD, Some(b" a=1,, b=2 ")).unwrap().state,
            "a=1,, b=2"
        );
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_panics(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
            state in prop::collection::vec(any::<u8>(), 0..600),
        ) {
            let _ = TraceContext::parse(&bytes, Some(&state));
            let _ = TraceContext::parse(GOOD.as_bytes(), Some(&state));
        }
    }
}
