//! The memory budget: the memory that the process may use, and its parts.
//!
//! Everything that a caller, a token or a key server can make the process hold is reserved in a
//! pool by its cost in memory, and returned when it is dropped. It is refused if the pool has no
//! room. Knows nothing of the things that are held.

mod limit;
mod pool;

pub use limit::{MemoryLimit, MemoryLimitSource};
pub use pool::Pool;

pub(crate) use pool::{Account, Reservation};

/// Memory that is not reserved: the program, its threads and buffers of fixed size. Measured at
/// rest: 14 MiB, and 4 MiB of buffers for log lines.
const FIXED: usize = 32 * MIB;
/// The smallest budget, if the limit is too low for the program itself.
const SMALLEST: usize = 8 * MIB;
const MIB: usize = 1024 * 1024;

/// The parts of the memory limit.
///
/// Half of the memory that the program itself leaves is the budget. The other half is for memory
/// that was freed and that the allocator keeps, and for work on one call in each thread.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    /// The limit of the process.
    pub limit: MemoryLimit,
    /// For connections, in bytes: a quarter.
    pub connections: usize,
    /// For calls: five sixteenths.
    pub calls: Pool,
    /// For refused calls, until their answer is sent: a sixteenth.
    pub refusals: Pool,
    /// For key sets: an eighth.
    pub keys: Pool,
    /// For the cache of verified tokens, in bytes: a quarter.
    pub tokens: usize,
}

impl MemoryBudget {
    /// The parts of this limit.
    #[must_use]
    pub fn of(limit: MemoryLimit) -> Self {
        let budget = (limit.bytes.saturating_sub(FIXED) / 2).max(SMALLEST);
        let eighth = budget / 8;
        Self {
            limit,
            connections: 2 * eighth,
            calls: Pool::new(eighth * 5 / 2),
            refusals: Pool::new(eighth / 2),
            keys: Pool::new(eighth),
            tokens: 2 * eighth,
        }
    }
}

impl Default for MemoryBudget {
    /// The parts of the default limit: for tests, and for programs that embed the core.
    fn default() -> Self {
        Self::of(MemoryLimit::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_leave_room_for_the_program_and_its_allocator() {
        for mebibytes in [32, 64, 128, 256, 1024] {
            let limit = MemoryLimit {
                bytes: mebibytes * MIB,
                source: MemoryLimitSource::Setting,
            };
            let budget = MemoryBudget::of(limit);
            let pools = budget.calls.size() + budget.refusals.size() + budget.keys.size();
            let parts = budget.connections + pools + budget.tokens;
            assert!(parts >= SMALLEST - 8, "{mebibytes}");
            if mebibytes >= 64 {
                assert!(FIXED + 2 * parts <= limit.bytes, "{mebibytes}");
            }
        }
    }
}
