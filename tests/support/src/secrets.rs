//! Finds secrets in output: tests register every secret, and scan all output for them.
//!
//! A secret is cut into pieces of 16 characters, so that 31 characters of it in a row are found
//! anywhere. Output is scanned as it comes, and not kept. So a secret must be registered before it
//! can be in output.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, RwLock};

/// All secrets and all output of this process's tests.
pub static SECRETS: LazyLock<SecretScanner> = LazyLock::new(SecretScanner::default);

const PIECE: usize = 16;
/// A piece with fewer different characters is a filler, which others may use too.
const VARIETY: usize = 8;
/// Findings that are kept.
const MAX_FOUND: usize = 20;

#[derive(Default)]
pub struct SecretScanner {
    pieces: RwLock<HashSet<[u8; PIECE]>>,
    secrets: AtomicUsize,
    seen: Mutex<BTreeMap<&'static str, usize>>,
    found: Mutex<Vec<String>>,
}

impl SecretScanner {
    /// Registers a secret. Of a longer text, only the parts that look random count: others may have
    /// the same words and numbers.
    pub fn register(&self, secret: &[u8]) {
        let mut pieces = runs(secret).flat_map(pieces).peekable();
        if pieces.peek().is_none() {
            return;
        }
        let pieces: Vec<_> = pieces.collect();
        let known = self.pieces.read().unwrap();
        if pieces.iter().all(|piece| known.contains(piece)) {
            return;
        }
        drop(known);
        self.secrets.fetch_add(1, Ordering::Relaxed);
        self.pieces.write().unwrap().extend(pieces);
    }

    /// Scans output, which must not begin or end within a secret.
    pub fn scan(&self, source: &'static str, output: &[u8]) {
        *self.seen.lock().unwrap().entry(source).or_default() += output.len();
        let mut runs = runs(output).peekable();
        if runs.peek().is_none() {
            return;
        }
        let known = self.pieces.read().unwrap();
        for run in runs {
            if windows(run).any(|window| known.contains(window)) {
                self.report(source, output, run);
            }
        }
    }

    fn report(&self, source: &str, output: &[u8], run: &[u8]) {
        let mut found = self.found.lock().unwrap();
        if found.len() < MAX_FOUND {
            let short = |text: &[u8], length: usize| {
                String::from_utf8_lossy(text.get(..length).unwrap_or(text)).into_owned()
            };
            let (run, output) = (short(run, 60), short(output, 400));
            found.push(format!("{source}: {run} in {output}"));
        }
    }

    /// The findings so far.
    pub fn findings(&self) -> Vec<String> {
        self.found.lock().unwrap().clone()
    }

    /// The numbers of secrets and of their pieces.
    pub fn counts(&self) -> (usize, usize) {
        let pieces = self.pieces.read().unwrap().len();
        (self.secrets.load(Ordering::Relaxed), pieces)
    }

    /// Bytes of scanned output, by source.
    pub fn scanned(&self) -> BTreeMap<&'static str, usize> {
        self.seen.lock().unwrap().clone()
    }
}

/// Output of this name, which [`SECRETS`] scans.
#[derive(Clone, Copy)]
pub struct Sink(pub &'static str);

impl Write for Sink {
    /// Takes whole lines.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        SECRETS.scan(self.0, lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The parts of a text that are long enough and of the alphabets of base64 only. Dots separate the
/// parts of a token.
fn runs(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let runs = text.split(|byte| !(byte.is_ascii_alphanumeric() || b"-_+/".contains(byte)));
    runs.filter(|run| run.len() >= PIECE)
}

/// One piece after the other, and the last 16 characters.
fn pieces(run: &[u8]) -> impl Iterator<Item = [u8; PIECE]> {
    let whole = run.chunks_exact(PIECE);
    let last = run.last_chunk::<PIECE>().map(<[u8; PIECE]>::as_slice);
    let all = whole.chain(last).filter_map(|piece| piece.try_into().ok());
    all.filter(looks_random)
}

/// False for four of 10,000 random pieces.
fn looks_random(piece: &[u8; PIECE]) -> bool {
    let different: HashSet<u8> = piece.iter().copied().collect();
    different.len() >= VARIETY
        && piece.iter().any(u8::is_ascii_uppercase)
        && piece.iter().any(u8::is_ascii_lowercase)
}

/// All 16 characters in a row.
fn windows(run: &[u8]) -> impl Iterator<Item = &[u8; PIECE]> {
    let windows = run.windows(PIECE);
    windows.filter_map(|window| window.try_into().ok())
}
