use std::task::{Context, Poll, Waker};

use futures_util::future::join_all;

use super::{Checked, Sample, World, check, check_class, check_is_there};
use crate::{
    codec::{Codec, Encoding},
    repository::{Expect, PutOutcome},
    store::Class,
};

const SEGMENT: &str = "000000010000000A000000FF";
const EXPECTATIONS: [Expect; 2] = [Expect::Unknown, Expect::Absent];

pub(super) async fn repeated_put_finds_it_present(world: &World) -> Checked {
    for name in [
        SEGMENT,
        "000000010000000A000000FF.partial",
        "00000002.history",
    ] {
        let sample = Sample::new(1, 300_000);
        let wal = world.wal(name, &sample);
        world.put_new(&wal).await?;

        for expect in EXPECTATIONS {
            let outcome = world.repository.put_wal(&wal, expect).await?;
            check(outcome == PutOutcome::Present, || {
                format!("{name}, {expect:?}: {outcome:?}")
            })?;
        }
        let stored = world.find_one(wal.name).await?;
        world.check_content(&stored, &sample).await?;
    }
    Ok(())
}

pub(super) async fn other_encoding_is_present(world: &World) -> Checked {
    let sample = Sample::new(1, 100_000);
    let wal = world.wal(SEGMENT, &sample);
    let other = match wal.encoding.codec() {
        Some(_) => Encoding::PLAIN,
        None => Encoding::new(Codec::Gzip, None).expect("gzip is in every build"),
    };
    world.put_new(&sample.encoded(SEGMENT, other)).await?;

    let outcome = world.repository.put_wal(&wal, Expect::Unknown).await?;

    check(outcome == PutOutcome::Present, || {
        format!("a put came to {outcome:?}")
    })?;
    let stored = world.find_one(wal.name).await?;
    world.check_content(&stored, &sample).await
}

pub(super) async fn other_content_is_a_conflict(world: &World) -> Checked {
    let sample = Sample::new(1, 100_000);
    let stored = world.put_new(&world.wal(SEGMENT, &sample)).await?;

    for other in [
        Sample::new(2, 100_000),
        Sample::new(1, 99_999),
        Sample::new(1, 100_001),
    ] {
        for expect in EXPECTATIONS {
            let wal = world.wal(SEGMENT, &other);
            let outcome = world.repository.put_wal(&wal, expect).await?;
            let is_conflict =
                matches!(&outcome, PutOutcome::Conflict(with) if with.key == stored.key);
            check(is_conflict, || format!("{expect:?}: {outcome:?}"))?;
            let still = world.find_one(wal.name).await?;
            world.check_content(&still, &sample).await?;
        }
    }
    Ok(())
}

pub(super) async fn damaged_object_is_not_replaced(world: &World) -> Checked {
    let wal = world.wal(SEGMENT, &Sample::new(1, 300_000));
    let stored = world.put_new(&wal).await?;
    let whole = world.raw(&stored).await?;
    let cut = whole.slice(..=whole.len() / 2);
    world.replace_raw(&stored, cut.clone()).await?;

    for expect in EXPECTATIONS {
        match world.repository.put_wal(&wal, expect).await {
            // The layout says what it is.
            Ok(PutOutcome::Present) if stored.sha1 == Some(wal.content.sha1) => {}
            // Without a codec it is merely something else.
            Ok(PutOutcome::Conflict(_)) if stored.codec.is_none() => {}
            result => check_class(result, Class::Invalid, &format!("a put with {expect:?}"))?,
        }
    }
    let now = world.raw(&stored).await?;
    check(now == cut, || "the object was replaced".to_owned())
}

pub(super) async fn concurrent_puts_agree(world: &World) -> Checked {
    let sample = Sample::new(1, 300_000);
    let wal = world.wal(SEGMENT, &sample);

    let puts = [
        Expect::Absent,
        Expect::Unknown,
        Expect::Absent,
        Expect::Unknown,
    ];
    let puts = puts.map(|expect| world.repository.put_wal(&wal, expect));
    for outcome in join_all(puts).await {
        check_is_there(&outcome?)?;
    }
    let stored = world.find_one(wal.name).await?;
    world.check_content(&stored, &sample).await
}

pub(super) async fn dropped_put_can_be_repeated(world: &World) -> Checked {
    let sample = Sample::new(1, 100_000);
    for polls in 0..8 {
        let wal = world.wal(&format!("000000010000000A000000F{polls}"), &sample);
        let mut put = world.repository.put_wal(&wal, Expect::Absent);
        for _ in 0..polls {
            if let Poll::Ready(outcome) = put.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            {
                check_is_there(&outcome?)?;
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(put);

        check_is_there(&world.repository.put_wal(&wal, Expect::Unknown).await?)?;
        let stored = world.find_one(wal.name).await?;
        world.check_content(&stored, &sample).await?;
    }
    Ok(())
}
