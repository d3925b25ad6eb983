//! The source's index in memory: what every FFmpeg process of a video reads again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::OnceCell;

/// Size of a block in bytes: what is read from the source and handed to the connection at a time.
/// Small, because whatever FFmpeg does not take before it drops the connection was read in vain.
pub(super) const BLOCK_BYTES: u64 = 64 * 1024;

/// The most blocks kept: 16 MiB. The index of two hours of MP4 with sound is 8 MB.
const MAX_BLOCKS: usize = 256;

/// How many of the first bytes it is sent a reader may put into the cache.
///
/// A demuxer reads the index (moov, Cues, idx1) before any media, so this is where the index is. Less than
/// fits, because a reader that filled the cache would begin to push out its own first blocks, the index,
/// before a second reader has asked for them.
pub(super) const ADMISSION_BYTES: u64 = MAX_BLOCKS as u64 * BLOCK_BYTES * 3 / 4;

/// A block that is there, or is being read: who holds one awaits the same single read.
pub(super) type Slot = Arc<OnceCell<Bytes>>;

/// A bounded set of blocks, by index from the start of the source.
///
/// Two segments in one map. A block is *shared* once a second reader has asked for it: that is the
/// index, for media is read by one chunk job, or two neighbours at most. When the cache is full the
/// least recently used block goes, and shared blocks go last.
#[derive(Debug, Default)]
pub(super) struct BlockCache {
    blocks: Mutex<Blocks>,
}

#[derive(Debug, Default)]
struct Blocks {
    by_index: HashMap<u64, Block>,
    /// Counts uses; a block's own copy says how long ago its last one was.
    uses: u64,
}

#[derive(Debug)]
struct Block {
    slot: Slot,
    first_reader: u64,
    shared: bool,
    last_use: u64,
}

impl BlockCache {
    /// The slot of block `index`, for `reader` to await or to fill.
    ///
    /// `None` when the block is not in the cache and `admit` is false: it is then read past the cache.
    pub(super) fn slot(&self, index: u64, reader: u64, admit: bool) -> Option<Slot> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let Blocks { by_index, uses } = &mut *blocks;
        *uses += 1;
        if let Some(block) = by_index.get_mut(&index) {
            block.shared |= block.first_reader != reader;
            block.last_use = *uses;
            return Some(Arc::clone(&block.slot));
        }
        if !admit {
            return None;
        }
        if by_index.len() >= MAX_BLOCKS {
            let oldest = by_index
                .iter()
                .min_by_key(|(_, block)| (block.shared, block.last_use));
            let oldest = *oldest.expect("a full cache has a block").0;
            by_index.remove(&oldest);
        }
        let slot = Slot::default();
        let block = Block {
            slot: Arc::clone(&slot),
            first_reader: reader,
            shared: false,
            last_use: *uses,
        };
        by_index.insert(index, block);
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u64 = MAX_BLOCKS as u64;

    fn holds(cache: &BlockCache, index: u64, reader: u64) -> bool {
        cache.slot(index, reader, false).is_some()
    }

    #[test]
    fn the_cache_never_holds_more_than_its_bound() {
        let cache = BlockCache::default();
        for index in 0..10 * MAX {
            assert!(cache.slot(index, index % 3, true).is_some());
            assert!(cache.blocks.lock().unwrap().by_index.len() <= MAX_BLOCKS);
        }
    }

    #[test]
    fn a_block_that_is_not_admitted_leaves_no_trace() {
        let cache = BlockCache::default();
        assert!(cache.slot(7, 1, false).is_none());
        assert!(!holds(&cache, 7, 2));
    }

    #[test]
    fn the_index_that_two_readers_asked_for_survives_media_of_any_length() {
        let cache = BlockCache::default();
        for reader in [1, 2] {
            for index in 0..20 {
                cache.slot(index, reader, true);
            }
        }
        for media in 1000..1000 + 5 * MAX {
            cache.slot(media, 2, true);
        }
        assert!((0..20).all(|index| holds(&cache, index, 3)));
    }

    #[test]
    fn media_goes_in_the_order_of_its_last_use() {
        let cache = BlockCache::default();
        for index in 0..MAX {
            cache.slot(index, 1, true);
        }
        cache.slot(0, 1, true);
        cache.slot(MAX, 1, true);
        assert!(cache.blocks.lock().unwrap().by_index.contains_key(&0));
        assert!(!cache.blocks.lock().unwrap().by_index.contains_key(&1));
    }
}
