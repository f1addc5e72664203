//! Protobuf by hand: messages that no generated type would make, and a look at what is on the wire.
//!
//! It knows tags, varints and lengths, and nothing of any schema.

/// A length-delimited field: text, bytes or a message.
pub(crate) fn bytes(number: u64, content: &[u8]) -> Vec<u8> {
    let mut field = varint(number << 3 | 2);
    field.extend(varint(content.len() as u64));
    field.extend_from_slice(content);
    field
}

/// A varint field: a number, an enum or a bool.
pub(crate) fn number(number: u64, value: u64) -> Vec<u8> {
    let mut field = varint(number << 3);
    field.extend(varint(value));
    field
}

pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut encoded = Vec::new();
    while value > 0x7f {
        encoded.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    encoded.push(value as u8);
    encoded
}

/// The field numbers of a message in wire order; `None` where it cannot be read to its end.
pub(crate) fn field_numbers(mut message: &[u8]) -> Option<Vec<u64>> {
    let mut numbers = Vec::new();
    while !message.is_empty() {
        let tag = read_varint(&mut message)?;
        let length = match tag & 7 {
            0 => read_varint(&mut message).map(|_| 0)?,
            1 => 8,
            2 => usize::try_from(read_varint(&mut message)?).ok()?,
            5 => 4,
            _ => return None,
        };
        message = message.get(length..)?;
        numbers.push(tag >> 3);
    }
    Some(numbers)
}

fn read_varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
