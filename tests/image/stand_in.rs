//! The smallest files that are programs, or nearly: an ELF header and one program header each.

/// `PT_LOAD` and `PT_INTERP`.
const LOAD: u32 = 1;
const INTERPRETER: u32 = 3;
const LOADER: &[u8] = b"/lib/ld-linux.so.2\0";
const HEADERS: u64 = 64 + 56;

/// `e_machine` of the processors that images are built for.
pub(crate) const AMD64: u16 = 62;
pub(crate) const ARM64: u16 = 183;

/// A static program for this processor, with a text that distinguishes it.
pub(crate) fn fixed(machine: u16, mark: &str) -> Vec<u8> {
    elf(machine, LOAD, mark.as_bytes())
}

/// A program that needs a loader.
pub(crate) fn dynamic() -> Vec<u8> {
    elf(AMD64, INTERPRETER, LOADER)
}

fn elf(machine: u16, segment: u32, content: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    // Type (an executable), machine, version, entry, where program and section headers are, flags.
    file.extend(2_u16.to_le_bytes());
    file.extend(machine.to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    for place in [0_u64, 64, 0] {
        file.extend(place.to_le_bytes());
    }
    file.extend(0_u32.to_le_bytes());
    // Sizes and counts: this header, program headers (one), section headers (none).
    for size in [64_u16, 56, 1, 64, 0, 0] {
        file.extend(size.to_le_bytes());
    }
    file.extend(segment.to_le_bytes());
    file.extend(5_u32.to_le_bytes());
    let length = u64::try_from(content.len()).unwrap();
    for number in [HEADERS, HEADERS, HEADERS, length, length, 1] {
        file.extend(number.to_le_bytes());
    }
    file.extend(content);
    file
}
