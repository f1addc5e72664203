//! Counts the frames that a client sends (RFC 9113 §4.1), before HTTP/2 acts on them. Pure.
//!
//! Frames other than HEADERS and DATA cost the client nearly nothing and the server some work, and
//! the library logs some. A client has an allowance of them, which grows with its calls and with
//! time. Calls raise it as far as a client needs that reads the answers to all the calls that it
//! may have open at once, and opens its windows after each. The library bounds DATA frames that
//! carry little.

use std::time::Duration;

/// Length of the preface, which precedes the first frame (RFC 9113 §3.4).
const PREFACE: usize = 24;
/// Length of the head of a frame (RFC 9113 §4.1).
const HEAD: usize = 9;
/// The allowance of a new connection, and the most that time alone restores.
const ALLOWANCE: u32 = 1000;
/// Frames that a call adds to the allowance: window updates, pings that measure the line, a reset.
const PER_CALL: u32 = 8;
/// Bytes of answers that add one frame: clients open their windows again, a part at a time.
const BYTES_PER_FRAME: usize = 1024;
/// Frames that each second adds to the allowance.
const PER_SECOND: u32 = 20;
/// Most bytes of trailers. No gRPC client sends any. HTTP/2 keeps them decoded until they are read.
const MAX_TRAILERS: usize = 256;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameViolation {
    #[error("a flood of control frames")]
    ControlFrames,
    #[error("large trailers")]
    Trailers,
}

/// The position in the frames of a client, and the allowance that is left.
#[derive(Debug)]
pub(super) struct FrameLimits {
    /// Bytes of the preface or of a payload that have not arrived.
    skip: usize,
    head: [u8; HEAD],
    /// The bytes of `head` that have arrived.
    head_length: usize,
    allowance: u32,
    max_allowance: u32,
    /// The age of the connection when time last raised the allowance.
    raised: Duration,
    block_is_open: bool,
    calls: usize,
    newest: u32,
    /// Bytes of answers that have not raised the allowance yet.
    answered: usize,
}

impl FrameLimits {
    /// Limits for a client that may have this many calls at a time.
    pub(super) fn new(max_calls: u32) -> Self {
        Self {
            max_allowance: max_calls.saturating_mul(PER_CALL).saturating_add(ALLOWANCE),
            skip: PREFACE,
            head: [0; HEAD],
            head_length: 0,
            allowance: ALLOWANCE,
            raised: Duration::ZERO,
            block_is_open: false,
            calls: 0,
            newest: 0,
            answered: 0,
        }
    }

    /// Returns the number of calls that have begun since it was last called.
    pub(super) fn take_calls(&mut self) -> usize {
        std::mem::take(&mut self.calls)
    }

    /// Returns true if a block of headers has begun and not ended: HTTP/2 keeps its frames.
    pub(super) fn block_is_open(&self) -> bool {
        self.block_is_open
    }

    pub(super) fn record_sent(&mut self, bytes: usize) {
        self.answered += bytes;
        self.raise(u32::try_from(self.answered / BYTES_PER_FRAME).unwrap_or(u32::MAX));
        self.answered %= BYTES_PER_FRAME;
    }

    /// Reads bytes that the client has sent. `age`, that of the connection, is called only if
    /// needed.
    pub(super) fn read(
        &mut self,
        mut bytes: &[u8],
        age: impl Fn() -> Duration,
    ) -> Result<(), FrameViolation> {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let Some((byte, rest)) = bytes.split_first() else {
                return Ok(());
            };
            if let Some(place) = self.head.get_mut(self.head_length) {
                *place = *byte;
                self.head_length += 1;
                bytes = rest;
            }
            if self.head_length == HEAD {
                self.head_length = 0;
                self.frame(&age)?;
            }
        }
    }

    fn frame(&mut self, age: &impl Fn() -> Duration) -> Result<(), FrameViolation> {
        let [long, middle, short, kind, flags, ..] = self.head;
        let length = u32::from_be_bytes([0, long, middle, short]);
        self.skip = usize::try_from(length).unwrap_or(usize::MAX);
        if matches!(kind, HEADERS | CONTINUATION) {
            self.block_is_open = flags & END_HEADERS == 0;
        }
        match kind {
            HEADERS if self.stream() > self.newest => {
                self.newest = self.stream();
                self.calls += 1;
                self.raise(PER_CALL);
            }
            HEADERS => {
                if self.skip > MAX_TRAILERS || self.block_is_open {
                    return Err(FrameViolation::Trailers);
                }
                self.spend(age)?;
            }
            DATA => {}
            _ => self.spend(age)?,
        }
        Ok(())
    }

    /// The stream of the frame (RFC 9113 §4.1), without the reserved bit.
    fn stream(&self) -> u32 {
        let [.., first, second, third, fourth] = self.head;
        u32::from_be_bytes([first & 0x7f, second, third, fourth])
    }

    fn spend(&mut self, age: &impl Fn() -> Duration) -> Result<(), FrameViolation> {
        if self.allowance == 0 {
            let age = age();
            let seconds = age.saturating_sub(self.raised).as_secs();
            if seconds > 0 {
                self.raised = age;
                let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
                self.raise(seconds.saturating_mul(PER_SECOND).min(ALLOWANCE));
            }
        }
        let left = self.allowance.checked_sub(1);
        self.allowance = left.ok_or(FrameViolation::ControlFrames)?;
        Ok(())
    }

    fn raise(&mut self, by: u32) {
        self.allowance = self.allowance.saturating_add(by).min(self.max_allowance);
    }
}

#[cfg(test)]
mod tests;
