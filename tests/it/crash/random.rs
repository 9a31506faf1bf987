//! Killed at random moments.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{Attempt, Residents, Scene};

/// Rounds in one scene; more would only make the checks slower.
const ROUNDS_PER_SCENE: u64 = 10;

/// Rounds in all: `WALCAST_CRASH_ROUNDS`.
fn rounds() -> u64 {
    let rounds = std::env::var("WALCAST_CRASH_ROUNDS");
    rounds.map_or(100, |text| text.parse().expect("a number of rounds"))
}

#[test]
fn a_one_shot_killed_at_any_moment_loses_nothing() {
    play(|scene, number, rng, usual| {
        let path = scene.write(number);
        let mut child = scene.one_shot(&path).spawn().unwrap();
        thread::sleep(usual.mul_f64(rng.f64() * 1.2));
        // It may have ended.
        let _ = child.kill();
        scene.ended(number, &child.wait_with_output().unwrap())
    });
}

#[test]
fn a_resident_killed_at_any_moment_loses_nothing() {
    play(|scene, number, rng, usual| {
        let mut residents = Residents::default();
        let path = scene.write(number);
        assert!(residents.start(scene));
        residents.ask(scene, &path);
        thread::sleep(usual.mul_f64(rng.f64()));
        residents.kill();
        residents.hear(scene, number)
    });
}

/// Plays scenes in which each segment is offered until it is acknowledged, by `attempt`s that
/// are killed within about the time that one takes.
fn play(mut attempt: impl FnMut(&mut Scene, u64, &mut fastrand::Rng, Duration) -> Attempt) {
    for seed in 0..rounds().div_ceil(ROUNDS_PER_SCENE) {
        println!("seed {seed}");
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut scene = Scene::new();
        let mut number = 2;
        let usual = time_of_one(&mut scene);
        for _ in 0..ROUNDS_PER_SCENE {
            toggle(&scene, &mut rng);
            if attempt(&mut scene, number, &mut rng, usual) == Attempt::Acknowledged {
                number += 1;
            }
            scene.check();
        }
        scene.converge(number + 1);
    }
}

/// Archives the first segment and returns how long that took.
fn time_of_one(scene: &mut Scene) -> Duration {
    let path = scene.write(1);
    let started = Instant::now();
    let output = scene.one_shot(&path).output().unwrap();
    assert_eq!(scene.ended(1, &output), Attempt::Acknowledged);
    started.elapsed()
}

fn toggle(scene: &Scene, rng: &mut fastrand::Rng) {
    match (rng.u8(..3), scene.is_down()) {
        (0, true) => scene.bring_back(),
        (0, false) => scene.take_down(),
        _ => {}
    }
}
