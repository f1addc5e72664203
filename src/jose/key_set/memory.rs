//! The memory cost of a key set.

use super::{ExposedKey, KeySet, PreparedKey, UnusableKey};
use crate::jose::heap::allocated;

impl KeySet {
    /// Bytes that it holds beyond its own size, with what the allocator adds.
    #[must_use]
    pub fn heap_size(&self) -> usize {
        let kid = |kid: &Option<Box<str>>| kid.as_ref().map_or(0, |kid| allocated(kid.len()));
        let keys = self.keys.iter().map(PreparedKey::heap_size);
        let skipped = self.skipped.iter().map(|key| kid(&key.kid));
        let exposed = self.exposed.iter().map(|key| kid(&key.kid));
        let lists = [
            self.keys.capacity() * size_of::<PreparedKey>(),
            self.skipped.capacity() * size_of::<UnusableKey>(),
            self.exposed.capacity() * size_of::<ExposedKey>(),
        ];
        let public = self
            .published()
            .filter_map(|prepared| Some(prepared.first()?.public_size()));
        let lists = lists.map(allocated).into_iter();
        let names = skipped.chain(exposed);
        lists.chain(keys).chain(public).chain(names).sum()
    }
}
