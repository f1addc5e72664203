//! The memory cost of allocations, for memory limits.
//!
//! A token or a key set becomes many small allocations, each of which costs more than its content.

/// The most memory that an allocation of this many bytes takes. 0 for 0.
///
/// glibc's malloc adds 8 bytes, rounds up to 16, and allocates at least 32 (`request2size` and
/// `MINSIZE` in malloc/malloc.c). The result is never less than that and at most 16 more, so it
/// also holds for similar allocators.
pub(crate) const fn allocated(bytes: usize) -> usize {
    if bytes == 0 {
        return 0;
    }
    bytes.next_multiple_of(16).saturating_add(16)
}

/// As [`allocated`], for a value in an `Arc`, which adds two counters.
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
