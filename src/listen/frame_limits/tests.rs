//! Floods of frames, and what raises the allowance.

use super::*;

const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const NEVER: Duration = Duration::ZERO;
/// The calls that a client may have at a time.
const CALLS: u16 = 1024;

fn frame(kind: u8, flags: u8, length: u8) -> Vec<u8> {
    frame_of(kind, flags, length, 1)
}

fn frame_of(kind: u8, flags: u8, length: u8, stream: u16) -> Vec<u8> {
    let [high, low] = stream.to_be_bytes();
    let mut frame = vec![0, 0, length, kind, flags, 0, 0, high, low];
    frame.resize(HEAD + usize::from(length), 0xff);
    frame
}

fn frames() -> FrameLimits {
    let mut frames = FrameLimits::new(CALLS.into());
    frames.read(&[0; PREFACE], || NEVER).unwrap();
    frames
}

/// Sends up to `most` frames. Returns the number that is accepted.
fn accepted(frames: &mut FrameLimits, frame: &[u8], age: Duration, most: u32) -> u32 {
    let sent = (0..most).take_while(|_| frames.read(frame, || age).is_ok());
    u32::try_from(sent.count()).unwrap()
}

#[test]
fn a_flood_of_control_frames_is_seen_wherever_it_is_cut() {
    let one = frame(PING, 1, 8);
    let flood: Vec<u8> = one.repeat(1002);
    for size in [1, 7, HEAD, one.len(), 4096, flood.len()] {
        let mut frames = frames();
        let ends = flood
            .chunks(size)
            .any(|chunk| frames.read(chunk, || NEVER).is_err());
        assert!(ends, "chunks of {size}");
        let mut frames = self::frames();
        let fits = one.repeat(1000);
        assert!(
            fits.chunks(size)
                .all(|chunk| frames.read(chunk, || NEVER).is_ok())
        );
    }
}

#[test]
fn calls_and_time_raise_the_allowance_within_bounds() {
    let ping = frame(PING, 0, 8);
    assert_eq!(accepted(&mut frames(), &ping, NEVER, 5000), 1000);
    let exhausted = || FrameLimits {
        allowance: 0,
        ..frames()
    };
    let mut called = exhausted();
    called
        .read(&frame(HEADERS, END_HEADERS, 20), || NEVER)
        .unwrap();
    assert_eq!(accepted(&mut called, &ping, NEVER, 5000), 8);
    let after = |seconds| accepted(&mut exhausted(), &ping, Duration::from_secs(seconds), 5000);
    assert_eq!([0, 2, 3600].map(after), [0, 40, 1000]);
    let mut answered = exhausted();
    (0..7).for_each(|_| answered.record_sent(500));
    assert_eq!(accepted(&mut answered, &ping, NEVER, 5000), 3);
    let mut frames = frames();
    // Each call with its window updates and its reset, for ever.
    for call in 0..10_000 {
        for kind in [HEADERS, DATA, 8, 8, 3, PING] {
            let frame = frame_of(kind, END_HEADERS, 4, 2 * call + 1);
            frames.read(&frame, || NEVER).unwrap();
        }
    }
}

#[test]
fn answers_to_all_calls_may_be_read_at_once() {
    let mut frames = frames();
    for call in 0..CALLS {
        let call = frame_of(HEADERS, END_HEADERS, 20, 2 * call + 1);
        frames.read(&call, || NEVER).unwrap();
    }
    let updates = 8 * u32::from(CALLS);
    let update = frame(WINDOW_UPDATE, 0, 4);
    assert_eq!(
        accepted(&mut frames, &update, NEVER, 20_000),
        1000 + updates
    );
}

#[test]
fn calls_that_are_over_add_no_more_than_open_ones() {
    let mut frames = frames();
    for call in 0..10 * CALLS {
        let call = frame_of(HEADERS, END_HEADERS, 20, 2 * call + 1);
        frames.read(&call, || NEVER).unwrap();
    }
    let most = 1000 + 8 * u32::from(CALLS);
    let ping = frame(PING, 0, 8);
    assert_eq!(accepted(&mut frames, &ping, NEVER, 100_000), most);
}

#[test]
fn a_block_of_headers_is_open_until_its_last_frame() {
    let mut frames = frames();
    for (kind, flags, stream, open) in [
        (HEADERS, 0, 1, true),
        (CONTINUATION, 0, 1, true),
        (CONTINUATION, END_HEADERS, 1, false),
        (HEADERS, END_HEADERS, 3, false),
    ] {
        let frame = frame_of(kind, flags, 3, stream);
        frames.read(&frame, || NEVER).unwrap();
        assert_eq!(frames.block_is_open(), open);
    }
}

#[test]
fn trailers_are_short() {
    let begun = || {
        let mut frames = frames();
        frames
            .read(&frame(HEADERS, END_HEADERS, 20), || NEVER)
            .unwrap();
        frames
    };
    let short = frame(HEADERS, END_HEADERS, 200);
    assert_eq!(begun().read(&short, || NEVER), Ok(()));
    let open = frame(HEADERS, 0, 20);
    assert_eq!(begun().read(&open, || NEVER), Err(FrameViolation::Trailers));
    let long = [0, 1, 1, HEADERS, END_HEADERS, 0, 0, 0, 1];
    assert_eq!(begun().read(&long, || NEVER), Err(FrameViolation::Trailers));
    // The same of a new call is none.
    let call = [0, 1, 1, HEADERS, END_HEADERS, 0, 0, 0, 3];
    assert_eq!(begun().read(&call, || NEVER), Ok(()));
}
