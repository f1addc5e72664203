//! Counts the fields of a message before it is decoded: an empty entry of a map is two bytes on the
//! wire, and a hundred in memory.

use bytes::Buf as _;
use prost::encoding::{WireType, decode_key, decode_varint};

/// Most fields of a message, its headers included. Envoy takes 100 headers unless it is told
/// otherwise.
const MAX_FIELDS: usize = 16_384;
/// A field takes two bytes at least.
const ALWAYS_FEW: usize = 2 * MAX_FIELDS;

/// The fields of a message, by number, that hold messages whose fields count too. All other fields
/// are texts, or entries without further entries.
pub(super) struct CountedFields(pub(super) &'static [(u32, CountedFields)]);

/// Returns true if a message has few enough fields to be decoded, or cannot be read at all. Returns
/// false if it has groups, which nobody has sent for a decade.
pub(super) fn are_few(message: &[u8], nested: &CountedFields) -> bool {
    let mut left = MAX_FIELDS;
    message.len() <= ALWAYS_FEW || count(message, nested, &mut left).is_some()
}

/// Counts fields. `None` if there are more than are left.
fn count(
    mut message: &[u8],
    CountedFields(nested): &CountedFields,
    left: &mut usize,
) -> Option<()> {
    while message.has_remaining() {
        *left = left.checked_sub(1)?;
        // What is malformed ends here; decoding says so.
        let Ok((number, kind)) = decode_key(&mut message) else {
            return Some(());
        };
        let length = match kind {
            WireType::Varint => {
                if decode_varint(&mut message).is_err() {
                    return Some(());
                }
                0
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => match decode_varint(&mut message) {
                Ok(length) => usize::try_from(length).unwrap_or(usize::MAX),
                Err(_) => return Some(()),
            },
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        let Some((field, rest)) = message.split_at_checked(length) else {
            return Some(());
        };
        if let Some((_, nested)) = nested.iter().find(|(known, _)| *known == number)
            && kind == WireType::LengthDelimited
        {
            count(field, nested, left)?;
        }
        message = rest;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAT: CountedFields = CountedFields(&[]);
    const NESTED: CountedFields = CountedFields(&[(1, CountedFields(&[(4, FLAT)]))]);

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2];
        prost::encoding::encode_varint(u64::try_from(content.len()).unwrap(), &mut field);
        field.extend(content);
        field
    }

    #[test]
    fn entries_count_wherever_they_stand() {
        let entries = |number: usize| field(3, b"").repeat(number);
        // Long enough to be counted at all.
        let text = field(9, &vec![0; ALWAYS_FEW]);
        for wrap in [0, 1, 2] {
            let inside = |number: usize| {
                let message = match wrap {
                    0 => entries(number),
                    1 => field(1, &entries(number - 1)),
                    _ => field(1, &field(4, &entries(number - 2))),
                };
                are_few(&[message, text.clone()].concat(), &NESTED)
            };
            assert!(inside(MAX_FIELDS - 1) && !inside(MAX_FIELDS), "{wrap}");
        }
        // What is skipped whole costs nothing.
        assert!(are_few(&field(2, &entries(MAX_FIELDS * 4)), &NESTED));
    }

    #[test]
    fn any_bytes_are_counted_without_a_panic() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            let mut bytes = vec![0; ALWAYS_FEW + 100];
            random.fill(&mut bytes);
            let few = random.usize(..bytes.len());
            let _ = are_few(&bytes, &NESTED);
            let _ = count(&bytes[few..], &NESTED, &mut 10);
        }
        let groups = vec![0x0b; ALWAYS_FEW + 1];
        assert!(!are_few(&groups, &NESTED));
    }
}
