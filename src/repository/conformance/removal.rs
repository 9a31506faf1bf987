use futures_util::TryStreamExt;

use super::{Checked, Sample, World, check};
use crate::{
    pg::{SegmentName, SegmentRange, WalFileName},
    repository::{Pace, WalSelection},
};

pub(super) const NAMES: [&str; 7] = [
    "000000010000000000000001",
    "0000000100000000000000FE",
    "0000000100000000000000FF",
    "0000000100000000000000FF.00000028.backup",
    "000000010000000100000000",
    "000000010000000100000001.partial",
    "00000002.history",
];

pub(super) async fn selected_wal_is_removed(world: &World) -> Checked {
    world.put_all().await?;
    let archive = world.repository.catalog(None).await?.archives.remove(0).id;
    let range = |first: &str, last: &str| SegmentRange {
        first: segment(first),
        last: segment(last),
    };
    let selection = WalSelection {
        archive,
        segments: vec![range(NAMES[0], NAMES[0]), range(NAMES[2], NAMES[4])],
        others: vec![name(NAMES[3]), name(NAMES[6])],
    };

    let removed = world
        .repository
        .remove_wal(&selection, &Pace::unlimited())
        .await?;

    let left: Vec<_> = world.repository.list_wal(None).try_collect().await?;
    let left: Vec<_> = left.into_iter().map(|wal| wal.name).collect();
    let expected = [name(NAMES[1]), name(NAMES[5])];
    check(removed == 5 && left == expected, || {
        format!("{removed} were removed, {left:?} are left")
    })?;
    let again = world
        .repository
        .remove_wal(&selection, &Pace::unlimited())
        .await?;
    check(again == 0, || format!("{again} were removed again"))
}

impl World {
    pub(super) async fn put_all(&self) -> Checked {
        for (seed, name) in (0..).zip(NAMES) {
            self.put_new(&self.wal(name, &Sample::new(seed, 600)))
                .await?;
        }
        Ok(())
    }
}

fn segment(text: &str) -> SegmentName {
    SegmentName::parse(text).expect("the names in the checks are valid")
}

pub(super) fn name(text: &str) -> WalFileName {
    WalFileName::parse(text).expect("the names in the checks are valid")
}
