//! Mutations of any input: bytes, blocks, words of the formats, and parts of other inputs.

use crate::random::Random;

/// Words that random bytes do not find. `fuzz/dictionary.txt` gives libFuzzer the same.
const DICTIONARY: &str = include_str!("../../fuzz/dictionary.txt");
/// Longer inputs are cut.
const MAX_LENGTH: usize = 20_000;

/// A changed input; `others` are those to take parts of.
pub(crate) fn mutated(random: &mut Random, input: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(3) {
        change(random, &mut bytes, others);
    }
    bytes.truncate(MAX_LENGTH);
    bytes
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    let at = random.below(bytes.len());
    let length = (1 + random.below(24)).min(bytes.len() - at);
    let end = at + length;
    match random.below(10) {
        0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
        2 if !bytes.is_empty() => {
            let edges = b"\0\x01\x7f\x80\xff .\"{}[],:=/%-_09azAZ\n";
            bytes[at] = *random.pick(edges);
        }
        3 => drop(bytes.drain(at..end)),
        4 => {
            let block = bytes[at..end].to_vec();
            let place = random.below(bytes.len() + 1);
            bytes.splice(place..place, block.repeat(1 + random.below(3)));
        }
        5 | 6 => {
            let word = word(random);
            let replaced = if random.one_in(2) { end } else { at };
            bytes.splice(at..replaced, word);
        }
        7 => {
            let other = random.pick(others);
            let from = random.below(other.len() + 1);
            let to = (from + 1 + random.below(200)).min(other.len());
            let part = other[from.min(to)..to].to_vec();
            bytes.splice(at..end, part);
        }
        8 => bytes.truncate(at),
        _ => bytes.insert(at, random.next() as u8),
    }
}

fn word(random: &mut Random) -> Vec<u8> {
    let lines: Vec<&str> = DICTIONARY
        .lines()
        .filter(|it| it.starts_with('"'))
        .collect();
    let line = *random.pick(&lines);
    let inside = &line[1..line.len() - 1];
    inside
        .replace("\\\"", "\"")
        .replace("\\\\", "\\")
        .into_bytes()
}
