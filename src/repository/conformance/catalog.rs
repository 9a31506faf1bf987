use std::collections::BTreeSet;

use bytes::Bytes;

use super::{
    Checked, Sample, World, check,
    removal::{NAMES, name},
};
use crate::{
    pg::WalFileName,
    repository::{NoteName, Survey},
    store::{Key, Payload, PutOptions},
};

pub(super) async fn catalog_is_what_is_there(world: &World) -> Checked {
    world.put_all().await?;

    let catalog = world.repository.catalog(None).await?;

    check(catalog.archives.len() == 1, || format!("{catalog:?}"))?;
    let archive = &catalog.archives[0];
    let segments = archive.segments.iter();
    let segments = segments.flat_map(|range| range.segments(catalog.segment_size));
    let segments = segments.map(WalFileName::from);
    let timelines = archive
        .timelines
        .iter()
        .map(|one| WalFileName::History(*one));
    let others = archive.others.iter().copied();
    let found: BTreeSet<_> = segments.chain(timelines).chain(others).collect();
    let expected: BTreeSet<_> = NAMES.map(name).into();
    check(archive.is_current && found == expected, || {
        format!("{archive:?}")
    })
}

pub(super) async fn catalog_goes_on(world: &World) -> Checked {
    world.put_all().await?;
    let known = world.repository.catalog(None).await?;
    let new = [
        "000000010000000100000001",
        "000000010000000100000002",
        "000000010000000200000000",
        "000000020000000100000001",
        "00000003.history",
    ];
    for (seed, name) in (10..).zip(new) {
        world
            .put_new(&world.wal(name, &Sample::new(seed, 700)))
            .await?;
    }

    let on = world.repository.catalog(Some(&known)).await?;

    let fresh = world.repository.catalog(None).await?;
    check(on.archives == fresh.archives, || {
        format!("{:?} is not {:?}", on.archives, fresh.archives)
    })?;
    let again = world.repository.catalog(Some(&on)).await?;
    check(again.archives == fresh.archives, || {
        format!("then {:?} is not {:?}", again.archives, fresh.archives)
    })
}

pub(super) async fn survey_tells_what_is_foreign(world: &World) -> Checked {
    world.put_all().await?;
    let first = world.find_one(name(NAMES[0])).await?;
    let before = world.repository.survey().await?;
    check(before.foreign == 0 && before.objects > 6, || {
        format!("{before:?}")
    })?;
    let foreign = format!("{}.orig", first.key);
    let foreign = Key::parse(foreign).map_err(|error| super::Complaint(error.to_string()))?;
    let put = world
        .store
        .put(&foreign, Payload::new("mine"), PutOptions::default());
    put.await?;

    let after = world.repository.survey().await?;

    let expected = Survey {
        objects: before.objects + 1,
        bytes: before.bytes + 4,
        foreign: 1,
        foreign_bytes: 4,
        examples: vec![foreign],
        uploads: Vec::new(),
    };
    check(after == expected, || format!("{after:?}"))
}

pub(super) async fn notes_come_back(world: &World) -> Checked {
    let named = |text: &str| NoteName::parse(text).expect("the names in the checks are valid");
    for (text, content) in [
        ("drills/1", "a"),
        ("drills/3", "b"),
        ("drills/2", "c"),
        ("other", "d"),
        ("drills/1", "e"),
    ] {
        let content = Bytes::from_static(content.as_bytes());
        world.repository.put_note(&named(text), content).await?;
    }

    let found = world.repository.notes("drills/", 2).await?;
    let all = world.repository.notes("drills/", 10).await?;

    let expected = [("drills/1", "e"), ("drills/2", "c"), ("drills/3", "b")];
    let expected = expected.map(|(name, content)| (named(name), Bytes::from(content)));
    check(found == expected[1..] && all == expected, || {
        format!("{found:?}, {all:?}")
    })?;
    let survey = world.repository.survey().await?;
    check(survey.foreign == 0, || format!("{survey:?}"))
}
