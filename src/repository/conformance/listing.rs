use futures_util::TryStreamExt;

use super::{Checked, IDENTITY, Sample, World, check};
use crate::{
    pg::WalFileName,
    repository::{Repository, Result, StoredWal},
};

/// In archive order.
const NAMES: [&str; 13] = [
    "000000010000000000000001",
    "0000000100000000000000FF",
    "0000000100000000000000FF.partial",
    "0000000100000000000000FF.00000028.backup",
    "0000000100000000000000FF.00000128.backup",
    "000000010000000100000000",
    "00000002.history",
    "000000020000000000000010",
    "00000003.history",
    "0000000A.history",
    "0000000A0000000000000010",
    "0000000A0000000000000010.partial",
    "0000000AFFFFFFFF00000000",
];

pub(super) async fn empty_repository_answers(world: &World) -> Checked {
    world.repository.check(None).await?;
    world.repository.check(Some(&IDENTITY)).await?;
    for name in NAMES {
        let found = world.repository.find_wal(parse(name)).await?.len();
        check(found == 0, || format!("{name} was found {found} times"))?;
    }
    let listed = names(&*world.repository, None).await?;
    check(listed.is_empty(), || format!("{listed:?} were listed"))?;
    let backups = world.repository.backups().await?;
    let is_empty = backups.found.is_empty() && backups.damaged.is_empty();
    check(is_empty, || format!("{backups:?} were listed"))
}

pub(super) async fn partial_is_a_name_of_its_own(world: &World) -> Checked {
    let [segment, partial] = [
        "000000010000000A000000FF",
        "000000010000000A000000FF.partial",
    ]
    .map(parse);
    let (half, whole) = (Sample::new(1, 1000), Sample::new(2, 2000));
    world
        .put_new(&world.wal(&partial.to_string(), &half))
        .await?;
    let found = world.repository.find_wal(segment).await?.len();
    check(found == 0, || {
        format!("the segment was found {found} times")
    })?;

    world
        .put_new(&world.wal(&segment.to_string(), &whole))
        .await?;

    for (name, sample) in [(segment, whole), (partial, half)] {
        let stored = world.find_one(name).await?;
        world.check_content(&stored, &sample).await?;
    }
    Ok(())
}

pub(super) async fn order_is_that_of_the_archive(world: &World) -> Checked {
    let sample = Sample::new(1, 100);
    for index in 0..NAMES.len() {
        // 5 and 13 have no common divisor.
        let name = NAMES[index * 5 % NAMES.len()];
        world.put_new(&world.wal(name, &sample)).await?;
    }

    let all = names(&*world.repository, None).await?;
    check(all == NAMES, || format!("{all:?} were listed"))?;
    let between = [
        "000000010000000000000002",
        "00000002FFFFFFFF00000000",
        "FFFFFFFF.history",
    ];
    for from in NAMES.into_iter().chain(between).map(parse) {
        let listed = names(&*world.repository, Some(from)).await?;
        let expected: Vec<_> = NAMES
            .into_iter()
            .filter(|name| parse(name) >= from)
            .collect();
        check(listed == expected, || {
            format!("{listed:?} were listed from {from} on")
        })?;
    }
    Ok(())
}

async fn names(repository: &dyn Repository, from: Option<WalFileName>) -> Result<Vec<String>> {
    let listed: Vec<StoredWal> = repository.list_wal(from).try_collect().await?;
    Ok(listed.into_iter().map(|wal| wal.name.to_string()).collect())
}

fn parse(name: &str) -> WalFileName {
    WalFileName::parse(name).expect("the names in the checks are valid")
}
