//! Sets of shards.

use comet_bus::{MAX_SHARDS, ShardSet};

#[test]
fn sets_of_shards_hold_each_shard_once() {
    let mut set = ShardSet::default();
    for shard in [MAX_SHARDS - 1, 0, 0] {
        set.insert(shard);
    }
    assert_eq!(set.iter().collect::<Vec<_>>(), [0, MAX_SHARDS - 1]);
    set.remove(0);
    set.remove(MAX_SHARDS - 1);
    assert!(set.is_empty());
}
