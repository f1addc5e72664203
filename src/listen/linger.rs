//! Ends a connection without a loss: all that was written arrives, even if the client still sends.
//!
//! The system resets a socket that is closed with bytes unread, or that receives more. Bytes that
//! it has not delivered are lost then: the last answers, or the reason for the end. Clients do send
//! to the end (`WINDOW_UPDATE`, answers to pings). So the sending half is closed first, and the
//! rest is read until the client closes its half.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::address::ByteStream;

/// Longest time for the client to read the rest and close. Proxies do so at once.
const MAX_LINGER: Duration = Duration::from_secs(2);
/// Most bytes that are read until then: about as many as a client may send that knows only the
/// first limits.
const MAX_DISCARDED: usize = 2 * 1024 * 1024;

/// A connection whose shutdown ends when the client has closed its half too, within bounds.
pub(super) struct Lingering<T> {
    io: T,
    end: Option<LingerState>,
}

struct LingerState {
    time: Pin<Box<Sleep>>,
    is_sent: bool,
    room: usize,
}

impl<T: ByteStream> Lingering<T> {
    pub(super) fn new(io: T) -> Self {
        Self { io, end: None }
    }
}

impl<T: ByteStream> AsyncRead for Lingering<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

/// Not vectored: with a vectored writer, h2 makes one write for every body of 256 bytes or more.
/// Without one, it copies bodies of up to 1 KiB, as answers are, and writes many at once.
impl<T: ByteStream> AsyncWrite for Lingering<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { io, end } = &mut *self;
        let end = end.get_or_insert_with(|| LingerState {
            time: Box::pin(sleep(MAX_LINGER)),
            is_sent: false,
            room: MAX_DISCARDED,
        });
        if end.time.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        if !end.is_sent {
            ready!(Pin::new(&mut *io).poll_shutdown(cx))?;
            end.is_sent = true;
        }
        while end.room > 0 {
            let mut chunk = [MaybeUninit::uninit(); 4096];
            let mut chunk = ReadBuf::uninit(&mut chunk);
            let read = ready!(Pin::new(&mut *io).poll_read(cx, &mut chunk));
            if read.is_err() || chunk.filled().is_empty() {
                break;
            }
            end.room = end.room.saturating_sub(chunk.filled().len());
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
