//! Killed at each place that the table names.

use walcast::failpoint;

use super::{Attempt, Residents, Scene, resident::arm};

/// What happens, in order.
const SCRIPT: [Step; 8] = [
    Step::Archive(1),
    Step::TakeDown,
    Step::Archive(2),
    Step::Archive(3),
    // PostgreSQL may ask again for what it was told is archived.
    Step::Archive(3),
    Step::BringBack,
    Step::Archive(4),
    Step::Archive(5),
];

#[derive(Clone, Copy)]
enum Step {
    Archive(u64),
    TakeDown,
    BringBack,
}

#[test]
fn a_one_shot_killed_anywhere_loses_nothing() {
    for place in failpoint::ALL {
        let mut scene = Scene::new();
        let mut kills = 0;
        for step in SCRIPT {
            match step {
                Step::Archive(number) => kills += one_shots(&mut scene, number, place),
                Step::TakeDown => scene.take_down(),
                Step::BringBack => scene.bring_back(),
            }
        }
        scene.converge(6);
        assert!(kills > 0, "nobody passes {place}");
    }
}

/// Archives a segment, killed at the first pass of `place`, then at the second and so on until
/// there are no more; returns how often it was killed.
fn one_shots(scene: &mut Scene, number: u64, place: &str) -> usize {
    for pass in 1.. {
        let path = scene.write(number);
        let mut command = scene.one_shot(&path);
        arm(&mut command, Some(&format!("{place}:{pass}")));
        let attempt = scene.ended(number, &command.output().unwrap());
        scene.check();
        scene.check_status();
        if attempt == Attempt::Acknowledged {
            return pass - 1;
        }
    }
    unreachable!("the passes are finite")
}

#[test]
fn a_resident_killed_anywhere_loses_nothing() {
    for place in failpoint::ALL {
        let mut scene = Scene::new();
        let mut killed = Killed {
            place,
            residents: Residents::default(),
            kills: 0,
        };
        for step in SCRIPT {
            match step {
                Step::Archive(number) => killed.archive(&mut scene, number),
                Step::TakeDown => scene.take_down(),
                Step::BringBack => {
                    killed.stop(&scene);
                    scene.bring_back();
                }
            }
        }
        killed.complete(&mut scene);
        killed.stop(&scene);
        scene.converge(6);
        assert!(killed.kills > 0, "nobody passes {place}");
    }
}

/// Residents that are killed at the first pass of a place, at the second and so on.
struct Killed {
    place: &'static str,
    residents: Residents,
    kills: usize,
}

impl Killed {
    fn archive(&mut self, scene: &mut Scene, number: u64) {
        loop {
            self.arm();
            let attempt = self.residents.archive(scene, number);
            if self.is_done(scene, attempt) {
                return;
            }
        }
    }

    fn complete(&mut self, scene: &mut Scene) {
        loop {
            self.arm();
            let attempt = self.residents.until_complete(scene);
            if self.is_done(scene, attempt) {
                return;
            }
        }
    }

    fn stop(&mut self, scene: &Scene) {
        let attempt = self.residents.stop();
        self.is_done(scene, attempt);
        scene.check();
    }

    fn arm(&mut self) {
        self.residents.kill_at = Some(format!("{}:{}", self.place, self.kills + 1));
    }

    /// Checks what a dead resident left.
    fn is_done(&mut self, scene: &Scene, attempt: Attempt) -> bool {
        if attempt == Attempt::Acknowledged {
            return true;
        }
        self.kills += 1;
        scene.check();
        scene.check_status();
        // Whoever was down may be back.
        scene.world.end_pauses();
        false
    }
}
