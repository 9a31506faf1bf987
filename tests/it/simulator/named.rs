//! The two scenarios in which pgBackRest 2.59 failed.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use walcast::{
    byte_size::ByteSize,
    fanout::{AtLimit, Policy},
    store::fault::Fault,
};

use super::{checks::Checks, world::World};

const SEGMENTS: usize = 40;

async fn world(policy: Policy) -> (World, fastrand::Rng) {
    let mut world = World::new(1, 2, policy);
    // Each request of the healthy destination takes a while, so that time can be compared.
    world.places[0]
        .faults
        .set(Fault::Delay(Duration::from_millis(100)));
    world.look_ahead = 0;
    (world, fastrand::Rng::with_seed(1))
}

async fn archive_all(world: &mut World, rng: &mut fastrand::Rng) -> Duration {
    world.start().await;
    for _ in 0..SEGMENTS {
        world.postgres.lock().await.write_segment(rng);
    }
    let started = Instant::now();
    assert!(world.until_archived(Duration::from_mins(10)).await);
    started.elapsed()
}

async fn time_alone() -> Duration {
    let (mut world, mut rng) = world(Policy::default()).await;
    world.places.truncate(1);
    archive_all(&mut world, &mut rng).await
}

#[tokio::test(start_paused = true)]
async fn one_of_two_destinations_dead_while_40_segments_arrive() {
    let alone = time_alone().await;
    for fault in [
        Fault::status(503),
        Fault::status(403),
        Fault::Hang,
        Fault::LostAnswer,
    ] {
        let (mut world, mut rng) = world(Policy::default()).await;
        world.places[1].faults.set(fault.clone());

        let took = archive_all(&mut world, &mut rng).await;

        // One patience at the most, when it is found out that nobody answers.
        let limit = alone.mul_f64(1.05) + world.policy.patience;
        assert!(took <= limit, "{fault:?}: {took:?} instead of {alone:?}");
        let mut checks = Checks::default();
        checks.assert_isolated(&world, 1).await;
        checks.assert_safe(&world).await;
        world.places[1].faults.clear();
        assert!(world.until_complete(Duration::from_mins(10)).await);
        checks.assert_converged(&world).await;
        world.kill().await;
    }
}

#[tokio::test(start_paused = true)]
async fn debt_limit_reached() {
    for at_limit in [AtLimit::BackFill, AtLimit::Refuse] {
        let (mut world, mut rng) = world(Policy {
            at_limit,
            ..Policy::default()
        })
        .await;
        world.limit = ByteSize::new(1000);
        world.places[1].faults.set(Fault::status(503));
        world.start().await;
        for _ in 0..SEGMENTS {
            world.postgres.lock().await.write_segment(&mut rng);
        }
        let mut checks = Checks::default();
        for _ in 0..60 {
            sleep(Duration::from_secs(2)).await;
            checks.assert_safe(&world).await;
        }
        let waiting = world.postgres.lock().await.ready().len();
        match at_limit {
            // The healthy one misses none although the spool is full.
            AtLimit::BackFill => assert_eq!(waiting, 0),
            AtLimit::Refuse => assert!(waiting > 0, "the debt is not bounded"),
        }

        world.places[1].faults.clear();

        assert!(world.until_archived(Duration::from_mins(10)).await);
        assert!(world.until_complete(Duration::from_mins(10)).await);
        checks.assert_converged(&world).await;
        world.kill().await;
    }
}
