//! The memory budget: what the process may use, and what others can make it hold.
//!
//! Whatever a caller, a token or a key server can make the process hold is drawn from a pool by its
//! cost in memory, and given back when it is dropped. What finds no room is refused. Knows nothing of
//! what is held.

mod limit;
mod pool;

pub use limit::{MemoryLimit, MemoryLimitSource};
pub use pool::{Account, Pool, Reservation};

/// Memory that is not drawn: the program, its threads and buffers of fixed size. Measured at rest:
/// 14 MiB, and 4 MiB of buffers for log lines.
const FIXED: usize = 32 * MIB;
/// The smallest budget, where the limit is too low for the program itself.
const SMALLEST: usize = 8 * MIB;
const MIB: usize = 1024 * 1024;

/// The parts of the memory limit.
///
/// Half of what the program itself leaves is handed out. The other half is for what the allocator
/// keeps of memory that was given back, and for what one thread needs to work on one call.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    /// The limit of the process.
    pub limit: MemoryLimit,
    /// For connections, in bytes: a quarter.
    pub connections: usize,
    /// For what is held for calls: five sixteenths.
    pub calls: Pool,
    /// For calls that are refused, until their answer is taken: a sixteenth.
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
    /// The parts of the limit of a process that has none: for tests, and for who embeds the core.
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
