//! Destinations with a past, made up from a seed: records with what retention reads, and empty
//! files where only the name matters.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use walcast::{
    clock::Clock,
    pg::{MajorVersion, SegmentName, SegmentSize, SystemId, TimelineId},
    repository::{
        ClusterIdentity,
        barman::{BackupInfo, BackupStatus},
        pgbackrest::{Ini, PgBackRestRepository, PgBackRestSettings, StanzaSecrets},
    },
    store::MemoryStore,
    workers::Workers,
};

/// What lies in a store.
pub(super) type Objects = BTreeMap<String, Vec<u8>>;

const SIZE: SegmentSize = SegmentSize::DEFAULT;
const SYSTEM_ID: u64 = 7_711_211_386_514_761_850;

/// A clock that stands still.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopped(Timestamp);

impl Stopped {
    pub(super) fn long_before(now: Timestamp) -> Self {
        Self(now - SignedDuration::from_hours(24 * 30))
    }
}

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Where the WAL is.
struct Wal {
    timeline: u32,
    /// The next segment.
    number: u64,
}

impl Wal {
    /// Begins a little before the end of a folder of the archive.
    fn new(rng: &mut Rng) -> Self {
        Self {
            timeline: 1,
            number: rng.u64(225..256),
        }
    }

    fn name(&self, number: u64) -> SegmentName {
        SegmentName::from_number(TimelineId::new(self.timeline).unwrap(), number, SIZE)
    }
}

/// Returns when backups began, the oldest first.
fn times(rng: &mut Rng, now: Timestamp) -> Vec<Timestamp> {
    let mut at = now - SignedDuration::from_hours(rng.i64(2..40)) - SignedDuration::from_mins(17);
    let mut times: Vec<_> = (0..rng.usize(1..11))
        .map(|_| {
            at -= SignedDuration::from_hours(rng.i64(2..60));
            at
        })
        .collect();
    times.reverse();
    times
}

/// A server in Barman's layout, below `pg/<server>/`.
pub(super) fn barman(seed: u64, server: &str, now: Timestamp) -> Objects {
    let mut rng = Rng::with_seed(seed);
    let mut objects = Objects::new();
    let mut wal = Wal::new(&mut rng);
    let ending = *rng.choice(&["", ".gz", ".lz4"]).unwrap();
    let root = format!("pg/{server}");
    let archive = |objects: &mut Objects, folder: SegmentName, name: &str| {
        let folder = folder.directory();
        objects.insert(format!("{root}/wals/{folder}/{name}{ending}"), Vec::new());
    };
    for began in times(&mut rng, now) {
        if rng.u8(..8) == 0 {
            wal.timeline += 1;
            let history = format!("{:08X}.history", wal.timeline);
            objects.insert(format!("{root}/wals/{history}{ending}"), Vec::new());
        }
        let first = wal.number + rng.u64(..7);
        let last = first + rng.u64(..2);
        let lacking = (rng.u8(..12) == 0).then_some(first);
        for number in (wal.number..=last).filter(|number| Some(*number) != lacking) {
            let name = wal.name(number);
            archive(&mut objects, name, &name.to_string());
        }
        wal.number = last + 1;
        let name = wal.name(first);
        archive(&mut objects, name, &format!("{name}.00000028.backup"));
        let id = began.strftime("%Y%m%dT%H%M%S");
        let base = format!("{root}/base/{id}");
        let status = match rng.u8(..10) {
            0 => BackupStatus::Failed,
            1 if now.duration_since(began).as_hours() > 80 => BackupStatus::Started,
            _ => BackupStatus::Done,
        };
        let is_done = status == BackupStatus::Done;
        let ended = began + SignedDuration::from_mins(20);
        let info = BackupInfo {
            begin_time: Some(began.into()),
            begin_wal: Some(name),
            end_time: is_done.then(|| ended.into()),
            end_wal: is_done.then(|| wal.name(last)),
            server_name: Some(BackupInfo::SERVER_NAME.to_owned()),
            status: Some(status),
            systemid: Some(SystemId::new(SYSTEM_ID)),
            timeline: TimelineId::new(wal.timeline).ok(),
            version: Some(150_020),
            ..BackupInfo::default()
        };
        objects.insert(format!("{base}/backup.info"), info.to_string().into());
        objects.insert(format!("{base}/data.tar"), Vec::new());
        if rng.u8(..4) == 0 {
            objects.insert(format!("{base}/data_0001.tar"), Vec::new());
        }
        if is_done && rng.u8(..6) == 0 {
            let target = *rng.choice(&["full", "standalone"]).unwrap();
            objects.insert(format!("{base}/annotations/keep"), target.into());
        }
    }
    for number in wal.number..wal.number + 3 {
        let name = wal.name(number);
        archive(&mut objects, name, &name.to_string());
    }
    objects
}

/// A stanza in pgBackRest's layout.
pub(super) struct PgBackRest {
    rng: Rng,
    pub(super) objects: Objects,
    entries: BTreeMap<String, String>,
    wal: Wal,
    /// The number of the cluster in the history.
    cluster: u32,
    full: Option<String>,
    last: Option<String>,
}

impl PgBackRest {
    pub(super) async fn new(seed: u64, now: Timestamp) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut past = Self {
            wal: Wal::new(&mut rng),
            rng,
            objects: Objects::new(),
            entries: BTreeMap::new(),
            cluster: 1,
            full: None,
            last: None,
        };
        for began in times(&mut past.rng, now) {
            if past.rng.u8(..14) == 0 {
                past.cluster += 1;
                past.wal = Wal::new(&mut past.rng);
                (past.full, past.last) = (None, None);
            }
            if past.rng.u8(..8) == 0 {
                past.wal.timeline += 1;
                let history = format!("{:08X}.history", past.wal.timeline);
                past.archive(&history);
            }
            past.back_up(began);
        }
        for number in past.wal.number..past.wal.number + 3 {
            past.segment(number);
        }
        if past.rng.u8(..5) == 0 {
            past.leave_behind(now);
        }
        past.write_records().await;
        past
    }

    fn back_up(&mut self, began: Timestamp) {
        let first = self.wal.number + self.rng.u64(..7);
        let last = first + self.rng.u64(..2);
        let lacking = (self.rng.u8(..14) == 0).then_some(first);
        for number in (self.wal.number..=last).filter(|number| Some(*number) != lacking) {
            self.segment(number);
        }
        self.wal.number = last + 1;
        let (first, last) = (self.wal.name(first), self.wal.name(last));
        self.archive(&format!("{}/{first}.00000028.backup", first.directory()));
        let stamp = began.strftime("%Y%m%d-%H%M%S").to_string();
        let kind = match (&self.full, self.rng.u8(..5)) {
            (None, _) | (_, 0 | 1) => "full",
            (_, 2) => "diff",
            _ => "incr",
        };
        let (label, prior) = match kind {
            "full" => (format!("{stamp}F"), None),
            "diff" => (self.depending(&stamp, 'D'), self.full.clone()),
            _ => (self.depending(&stamp, 'I'), self.last.clone()),
        };
        let (start, cluster) = (began.as_second(), self.cluster);
        let stop = start + 1200;
        let prior_json = prior.map_or_else(String::new, |prior| {
            format!("\"backup-prior\":\"{prior}\",\"backup-reference\":[\"{prior}\"],")
        });
        let json = format!(
            "{{\"backrest-format\":5,\"backrest-version\":\"2.45\",\
             \"backup-archive-start\":\"{first}\",\"backup-archive-stop\":\"{last}\",\
             \"backup-error\":false,\"backup-info-repo-size\":10,\
             \"backup-info-repo-size-delta\":10,\"backup-info-size\":10,\
             \"backup-info-size-delta\":10,\"backup-lsn-start\":\"0/2000028\",\
             \"backup-lsn-stop\":\"0/2000100\",{prior_json}\
             \"backup-timestamp-start\":{start},\"backup-timestamp-stop\":{stop},\
             \"backup-type\":\"{kind}\",\"db-id\":{cluster},\"option-archive-check\":true,\
             \"option-archive-copy\":false,\"option-backup-standby\":false,\
             \"option-checksum-page\":false,\"option-compress\":true,\"option-hardlink\":false,\
             \"option-online\":true}}"
        );
        for name in [
            "backup.manifest",
            "backup.manifest.copy",
            "pg_data/PG_VERSION.gz",
        ] {
            self.objects
                .insert(format!("backup/main/{label}/{name}"), Vec::new());
        }
        let year = &label[..4];
        let memory = format!("backup/main/backup.history/{year}/{label}.manifest.gz");
        self.objects.insert(memory, Vec::new());
        self.entries.insert(label.clone(), json);
        if kind == "full" {
            self.full = Some(label.clone());
        }
        self.last = Some(label);
    }

    fn depending(&self, stamp: &str, kind: char) -> String {
        format!("{}_{stamp}{kind}", self.full.as_ref().unwrap())
    }

    fn segment(&mut self, number: u64) {
        let name = self.wal.name(number);
        let (folder, digest) = (name.directory(), self.rng.u128(..));
        self.archive(&format!("{folder}/{name}-{digest:040x}.gz"));
    }

    fn archive(&mut self, name: &str) {
        let key = format!("archive/main/15-{}/{name}", self.cluster);
        self.objects.insert(key, Vec::new());
    }

    /// What a killed backup left, as the oldest or as the newest.
    fn leave_behind(&mut self, now: Timestamp) {
        let hours = if self.rng.bool() { 1 } else { 5000 };
        let at = now - SignedDuration::from_hours(hours);
        let label = at.strftime("%Y%m%d-%H%M%SF");
        let folder = format!("backup/main/{label}");
        self.objects
            .insert(format!("{folder}/pg_data/base/1/1.gz"), Vec::new());
        if self.rng.bool() {
            self.objects
                .insert(format!("{folder}/backup.manifest.copy"), Vec::new());
        }
    }

    async fn write_records(&mut self) {
        let store = MemoryStore::new();
        let repository = PgBackRestRepository::new(
            std::sync::Arc::new(store.clone()),
            PgBackRestSettings::new("", super::STANZA),
            Workers::inline(),
        );
        let identity = |cluster: u32| ClusterIdentity {
            system_id: SystemId::new(SYSTEM_ID + u64::from(cluster) - 1),
            version: MajorVersion::V15,
        };
        let secrets = StanzaSecrets::random().unwrap();
        repository
            .create_stanza(&identity(1), &secrets)
            .await
            .unwrap();
        for cluster in 2..=self.cluster {
            repository.upgrade_stanza(&identity(cluster)).await.unwrap();
        }
        for (key, content) in super::contents(&store) {
            let text = String::from_utf8(content).unwrap();
            let mut record = Ini::parse(&text).unwrap();
            if key.contains("backup.info") {
                for (label, json) in &self.entries {
                    record.set("backup:current", label, json.as_str());
                }
            }
            self.objects
                .insert(key, record.to_text().as_bytes().to_vec());
        }
    }
}
