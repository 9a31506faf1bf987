//! A random schedule: what happens, and when.

use std::{num::NonZeroUsize, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, sleep};
use walcast::{
    byte_size::ByteSize,
    disk::sim::DiskFault,
    fanout::{AtLimit, MinCopies, Policy},
    store::{Key, Payload, PutOptions, Store, fault::Fault},
};

use super::{
    checks::Checks,
    world::{World, spool_folder},
};

/// Runs the schedule of `seed` and panics when an invariant is broken.
pub(super) fn run(seed: u64, loud: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut schedule = Schedule::new(seed, loud);
        schedule.run().await;
    });
}

struct Schedule {
    rng: fastrand::Rng,
    world: World,
    checks: Checks,
    disk_fault: bool,
    disk_sound_since: Instant,
    answers_lied: bool,
    spool_lost: bool,
}

impl Schedule {
    fn new(seed: u64, loud: bool) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let destinations = rng.usize(2..=4);
        let mut world = World::new(seed, destinations, policy(&mut rng, destinations));
        world.loud = loud;
        if rng.u8(..4) == 0 {
            world.limit = ByteSize::new(rng.u64(0..600));
        }
        Self {
            rng,
            world,
            checks: Checks::default(),
            disk_fault: false,
            disk_sound_since: Instant::now(),
            answers_lied: false,
            spool_lost: false,
        }
    }

    async fn run(&mut self) {
        self.world.start().await;
        for _ in 0..self.rng.usize(5..25) {
            self.step().await;
            let magnitude = self.rng.u32(0..17);
            let pause = Duration::from_millis(self.rng.u64(0..1 << magnitude));
            sleep(pause).await;
            self.after_step().await;
        }
        self.finish().await;
    }

    async fn step(&mut self) {
        match self.rng.u8(0..24) {
            0..=8 => self.write_segments().await,
            9 => {
                self.world.say(|| "timeline switch".into());
                self.world
                    .postgres
                    .lock()
                    .await
                    .switch_timeline(&mut self.rng);
            }
            10 => self.world.postgres.lock().await.write_label(),
            11 => self.world.postgres.lock().await.ask_again(&mut self.rng),
            12..=15 => self.break_a_place(),
            16..=17 => self.mend_places(),
            18 => self.break_the_disk(),
            19 => self.crash_at_an_operation(),
            20 => self.crash_now().await,
            21 => self.lose_the_spool().await,
            22 => self.second_primary().await,
            _ => self.deliver_late().await,
        }
    }

    async fn write_segments(&mut self) {
        let count = self.rng.usize(1..5);
        let mut postgres = self.world.postgres.lock().await;
        for _ in 0..count {
            let name = postgres.write_segment(&mut self.rng);
            self.world.say(|| format!("write {name}"));
        }
    }

    fn break_a_place(&mut self) {
        let faulty = self
            .world
            .places
            .iter()
            .filter(|place| place.is_faulty)
            .count();
        if faulty + usize::from(self.disk_fault) >= 2 {
            return;
        }
        let index = self.rng.usize(..self.world.places.len());
        let fault = fault(&mut self.rng);
        // An answer that lies cannot be told from the truth when nobody remembers it: after the
        // spool was lost there is nothing but the destinations' word.
        let lies = matches!(
            fault,
            Fault::StaleList { .. }
                | Fault::IncompleteList { .. }
                | Fault::FlippedBit { .. }
                | Fault::TruncatedBody { .. }
        );
        if lies {
            if self.spool_lost || !self.world.places[index].atomic_create {
                return;
            }
            self.answers_lied = true;
        }
        let seed = self.rng.u64(..);
        let place = &mut self.world.places[index];
        place.is_faulty = true;
        if self.rng.bool() {
            place.faults.set(fault.clone());
        } else {
            place.faults.randomly(seed, 0.4, [fault.clone()]);
        }
        self.world.say(|| format!("d{index} gets {fault:?}"));
    }

    fn mend_places(&mut self) {
        for place in &mut self.world.places {
            place.faults.clear();
            if place.is_faulty {
                place.is_faulty = false;
                place.sound_since = Instant::now();
            }
        }
        self.world.disk.set_fault(None);
        self.disk_fault = false;
        self.disk_sound_since = Instant::now();
        self.world.say(|| "all mended".into());
    }

    fn break_the_disk(&mut self) {
        if self.world.places.iter().any(|place| place.is_faulty) && self.rng.bool() {
            return;
        }
        let faults = [DiskFault::Full, DiskFault::FailedSync, DiskFault::ReadOnly];
        let fault = faults[self.rng.usize(..faults.len())];
        self.world.disk.set_fault(Some(fault));
        self.disk_fault = true;
        self.world.say(|| format!("disk gets {fault:?}"));
    }

    fn crash_at_an_operation(&mut self) {
        let operations = self.rng.u64(0..30);
        self.world
            .say(|| format!("crash after {operations} disk operations"));
        self.world.disk.crash_after(operations);
    }

    async fn crash_now(&mut self) {
        self.world.kill().await;
        self.restart().await;
    }

    async fn restart(&mut self) {
        let power = self.rng.bool();
        self.world.say(|| format!("restart, power failed: {power}"));
        if power {
            self.world.disk.power_failure(&mut self.rng);
        } else {
            self.world.disk.restart();
        }
        self.world.start().await;
    }

    async fn lose_the_spool(&mut self) {
        if self.answers_lied || self.disk_fault {
            return;
        }
        self.world.say(|| "the spool is lost".into());
        self.world.kill().await;
        self.world.disk.wipe(spool_folder());
        self.spool_lost = true;
        let archived = self
            .world
            .postgres
            .lock()
            .await
            .acknowledged
            .keys()
            .copied()
            .collect();
        self.checks.forgotten = archived;
        self.world.disk.restart();
        self.world.start().await;
    }

    /// Another primary writes other content under a name that is about to be used.
    async fn second_primary(&mut self) {
        let index = self.rng.usize(..self.world.places.len());
        let place = &self.world.places[index];
        if !place.atomic_create {
            return;
        }
        let name = self.world.postgres.lock().await.coming();
        let directory = &name.to_string()[..16];
        let suffix = place.encoding.codec().map_or(String::new(), |codec| {
            format!(".{}", codec.barman_extension())
        });
        let key = Key::parse(format!("wal/server/wals/{directory}/{name}{suffix}")).unwrap();
        let content = format!("of another primary {}", self.rng.u64(..));
        let encodings = [place.encoding];
        let (_, mut encoded) =
            walcast::codec::read_encoded(content.as_bytes(), &encodings, content.len()).unwrap();
        let bytes = encoded.remove(0).sink;
        let payload = Payload::new(Bytes::from(bytes));
        if place
            .store
            .put(&key, payload, PutOptions::create())
            .await
            .is_ok()
        {
            self.world
                .say(|| format!("another primary writes {name} to d{index}"));
            self.checks.foreign.insert((index, name));
        }
    }

    async fn deliver_late(&mut self) {
        for place in &self.world.places {
            place.faults.deliver_late().await;
        }
    }

    async fn after_step(&mut self) {
        if self.world.disk.has_crashed() {
            self.world.kill().await;
            self.restart().await;
        }
        self.checks.assert_safe(&self.world).await;
        let disk_sound_since = (!self.disk_fault).then_some(self.disk_sound_since);
        self.checks
            .assert_patient(&self.world, disk_sound_since)
            .await;
    }

    /// The faults stop: everything must come to be everywhere.
    async fn finish(&mut self) {
        self.mend_places();
        self.deliver_late().await;
        if self.world.disk.has_crashed() {
            self.world.kill().await;
            self.restart().await;
        }
        // A crash that was to come does not.
        self.world.disk.restart();
        self.write_segments().await;
        let conflicts = !self.checks.foreign.is_empty();
        let archived = self.world.until_archived(Duration::from_mins(30)).await;
        // A policy that needs a destination with other content can never be satisfied.
        assert!(
            archived || conflicts,
            "I5: PostgreSQL still waits: {:#?}",
            self.world.process().archiver.status()
        );
        if archived {
            let complete = self.world.until_complete(Duration::from_hours(1)).await;
            let status = self.world.process().archiver.status();
            assert!(complete || conflicts, "I5: not complete: {status:#?}");
            self.checks.assert_converged(&self.world).await;
        } else {
            self.checks.assert_safe(&self.world).await;
        }
        self.world.kill().await;
    }
}

fn policy(rng: &mut fastrand::Rng, destinations: usize) -> Policy {
    let copies = rng.usize(1..=destinations);
    let min_copies = match rng.u8(..8) {
        0 => MinCopies::All,
        1 | 2 => MinCopies::AtLeast(NonZeroUsize::new(copies).unwrap()),
        _ => MinCopies::AtLeast(NonZeroUsize::MIN),
    };
    let at_limit = if rng.bool() {
        AtLimit::BackFill
    } else {
        AtLimit::Refuse
    };
    let mut policy = Policy {
        min_copies,
        at_limit,
        ..Policy::default()
    };
    if rng.u8(..8) == 0 {
        policy.required.insert("d0".parse().unwrap());
    }
    policy
}

fn fault(rng: &mut fastrand::Rng) -> Fault {
    let seconds = Duration::from_secs(rng.u64(1..40));
    let codes = [403, 404, 408, 409, 412, 429, 500, 503];
    let code = codes[rng.usize(..codes.len())];
    let at = rng.u64(..400);
    let faults = [
        Fault::status(code),
        Fault::Status {
            code,
            retry_after: Some(seconds),
        },
        Fault::ConnectTimeout(seconds),
        Fault::ReadTimeout(seconds),
        Fault::Hang,
        Fault::Delay(seconds),
        Fault::ResetBody { at },
        Fault::SlowBody {
            block: 16,
            pause: seconds / 8,
        },
        Fault::TruncatedBody { at },
        Fault::FlippedBit { at },
        Fault::LostAnswer,
        Fault::Twice,
        Fault::Late,
        Fault::StaleList { missing: 2 },
        Fault::IncompleteList { items: 1 },
        Fault::OrphanUpload,
        Fault::ExpiredCredentials,
        Fault::RefusedClock,
        Fault::ShiftedClock(jiff::SignedDuration::from_hours(3)),
        Fault::NoSpace,
        Fault::IoError,
        Fault::FailedSync,
    ];
    let index = rng.usize(..faults.len());
    faults[index].clone()
}
