//! What memory costs, so that bounds can count it.
//!
//! Text of a token or a key set becomes many small allocations, each of which costs more than it
//! holds.

/// Bytes that an allocation of so many takes, at most; none are none.
///
/// glibc's malloc adds 8 bytes for its own use, rounds up to 16, and gives no chunk of less than 32
/// (`request2size` and `MINSIZE` in its malloc/malloc.c). This is never less than that, and at most 16
/// more, so that it holds for other allocators of its kind too.
pub(crate) const fn allocated(bytes: usize) -> usize {
    if bytes == 0 {
        return 0;
    }
    bytes.next_multiple_of(16).saturating_add(16)
}

/// As [`allocated`], for a value that an `Arc` owns: its two counters stand before it.
pub(crate) const fn shared(bytes: usize) -> usize {
    allocated(bytes.saturating_add(2 * size_of::<usize>()))
}

#[cfg(test)]
mod tests {
    use super::allocated;

    #[test]
    fn an_allocation_costs_no_less_than_with_glibc() {
        assert_eq!(allocated(0), 0);
        for bytes in 1..10_000_usize {
            let glibc = (bytes + 8).next_multiple_of(16).max(32);
            assert!((glibc..=glibc + 16).contains(&allocated(bytes)), "{bytes}");
        }
    }
}
