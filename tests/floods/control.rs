//! Frames that carry no call, and calls that are withdrawn at once.

use crate::crowd::crowd;
use crate::frames::{
    ACK, Block, CONTINUATION, END_STREAM, HEADER_TABLE_SIZE, HEADERS, INITIAL_WINDOW_SIZE, PING,
    PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, headers, settings,
};
use crate::messages::CHECK;
use crate::target::{Held, Target};
use crate::windows::Reading;

/// Connections that send them.
const CONNECTIONS: usize = 4;

/// A kind of frames, or of groups of frames.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Control {
    Ping,
    PingAck,
    Settings,
    SettingsAck,
    /// Each frame with 2,000 settings.
    ManySettings,
    /// `SETTINGS_HEADER_TABLE_SIZE` of 4 GiB and of 0 in turn.
    TableSize,
    Priority,
    WindowUpdate,
    /// On streams that have begun and not ended.
    StreamWindow,
    Reset,
    RapidReset,
    /// The same, of calls that are whole.
    RapidResetOfWhole,
    EmptyContinuation,
    UnknownKind,
    UnknownKindOnStreams,
    /// GOAWAY with 16 KiB of debug data.
    GoAway,
}

impl Control {
    fn make(self, next: &mut u32) -> Vec<u8> {
        let stream = *next;
        let call = Block::call("/a/b").0;
        if !matches!(self, Self::StreamWindow | Self::EmptyContinuation) {
            *next += 2;
        }
        let cancel = || frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        match self {
            Self::Ping => frame(PING, 0, 0, &[7; 8]),
            Self::PingAck => frame(PING, ACK, 0, &[7; 8]),
            Self::Settings => frame(SETTINGS, 0, 0, &[]),
            Self::SettingsAck => frame(SETTINGS, ACK, 0, &[]),
            Self::ManySettings => settings(&[(0x7777, 1); 2000]),
            Self::TableSize => [u32::MAX, 0]
                .map(|size| settings(&[(HEADER_TABLE_SIZE, size)]))
                .concat(),
            Self::Priority => frame(PRIORITY, 0, stream, &[0, 0, 0, 0, 16]),
            Self::WindowUpdate => frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()),
            Self::StreamWindow if stream == 1 => {
                *next += 2;
                headers(1, 0, &call)
            }
            Self::StreamWindow => frame(WINDOW_UPDATE, 0, 1, &1_u32.to_be_bytes()),
            Self::Reset => cancel(),
            Self::RapidReset => [headers(stream, 0, &call), cancel()].concat(),
            Self::RapidResetOfWhole => [headers(stream, END_STREAM, &call), cancel()].concat(),
            Self::EmptyContinuation if stream == 1 => {
                *next += 2;
                frame(HEADERS, 0, 1, &call)
            }
            Self::EmptyContinuation => frame(CONTINUATION, 0, 1, &[]),
            Self::UnknownKind => frame(0xee, 0xff, 0, &[0; 1024]),
            Self::UnknownKindOnStreams => frame(0xee, 0xff, stream, &[0; 16]),
            Self::GoAway => frame(crate::frames::GOAWAY, 0, 0, &[0; 16_000]),
        }
    }
}

/// So many frames on each of a few connections.
pub(crate) async fn frames(
    target: Target,
    control: Control,
    frames: usize,
    reading: Reading,
) -> Held {
    let rounds = target.share(frames);
    crowd(
        &target,
        CONNECTIONS,
        reading,
        &[],
        move |mut connection| async move {
            connection
                .write_many(rounds, |next| control.make(next))
                .await?;
            Ok(connection)
        },
    )
    .await
}

/// Another initial window again and again, which the server has to give to each of 1,000 calls.
pub(crate) async fn window_sizes(target: Target) -> Held {
    let rounds = target.share(20_000);
    crowd(
        &target,
        CONNECTIONS,
        Reading::All,
        &[],
        move |mut connection| async move {
            for _ in 0..1000 {
                connection.begin(&Block::call(CHECK).0).await?;
            }
            let mut size = 0;
            connection
                .write_many(rounds, |_| {
                    size ^= 1;
                    settings(&[(INITIAL_WINDOW_SIZE, size)])
                })
                .await?;
            Ok(connection)
        },
    )
    .await
}

/// Pings, each byte in a packet of its own.
pub(crate) async fn one_byte_writes(target: Target) -> Held {
    let rounds = target.share(5_000);
    crowd(
        &target,
        CONNECTIONS,
        Reading::All,
        &[],
        move |mut connection| async move {
            for _ in 0..rounds {
                for byte in frame(PING, 0, 0, &[7; 8]) {
                    connection.write(&[byte]).await?;
                }
                if connection.target().is_over() {
                    break;
                }
            }
            Ok(connection)
        },
    )
    .await
}
