//! Reading again what is stored, a part in each run.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{TryStreamExt, future::join_all};
use jiff::{SignedDuration, Timestamp};

use super::{Observation, Problem, Proofs};
use crate::{
    catalog::{Catalog, Segments},
    codec::ContentDigest,
    destination::DestinationId,
    error::chain,
    fanout::Destination,
    pg::{SegmentHeader, SegmentName, SegmentSize, WalFileName, runs},
    repository::{BackupState, Error, Repository, Result, StoredWal, digest_of},
    store::Class,
    workers::Workers,
};

/// How much is read.
#[derive(Clone, Copy, Debug)]
pub struct ProofSettings {
    /// How many bytes of objects are read of each destination, roughly; `None` is everything that
    /// is due.
    pub budget: Option<u64>,
    /// Within which time everything is to be read: what was read since then is not due.
    pub period: SignedDuration,
    /// The time.
    pub now: Timestamp,
}

/// What reading a destination showed.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What is known of it now.
    pub proofs: Proofs,
    /// How many bytes of objects were read.
    pub bytes: u64,
    /// Why reading ended early, if it did.
    pub interrupted: Option<String>,
}

/// Reads what is due: what was never read first, the newest of it, then what was read longest ago.
///
/// Each part is read from all destinations for which it is due, so that what they hold is also
/// compared with each other. A destination that fails is left out from then on; what is damaged is
/// remembered, and does not end it.
pub async fn prove(
    destinations: &[Destination],
    observations: &[Observation],
    settings: ProofSettings,
    workers: &Workers,
) -> Vec<Proof> {
    let mut subjects: Vec<_> = destinations
        .iter()
        .zip(observations)
        .map(|(destination, observation)| Subject::new(destination, observation, &settings))
        .collect();
    for work in plan(&subjects, &settings) {
        match work.part {
            Part::Backup(place, id, size) => {
                subjects[place].read_backup(&id, size, settings.now).await;
            }
            Part::Wal(folder) => read_folder(&mut subjects, folder, &settings, workers).await,
        }
    }
    subjects.into_iter().map(|subject| subject.proof).collect()
}

/// A destination on its way through the work.
struct Subject<'a> {
    id: &'a DestinationId,
    repository: &'a dyn Repository,
    catalog: Option<&'a Catalog>,
    due: Segments,
    proof: Proof,
    budget: Option<u64>,
}

/// Something to read.
#[derive(Debug)]
struct Work {
    /// When that was last done.
    last: Option<Timestamp>,
    /// Where in the archive it is.
    segment: Option<SegmentName>,
    part: Part,
}

#[derive(Debug)]
enum Part {
    /// A backup of the destination at this place, by its id, with its size.
    Backup(usize, String, u64),
    /// The segments of a folder of the layouts, by its first one.
    Wal(SegmentName),
}

/// Decides what is read, and in which order.
fn plan(subjects: &[Subject<'_>], settings: &ProofSettings) -> Vec<Work> {
    let mut work: Vec<Work> = Vec::new();
    let mut folders: BTreeMap<SegmentName, Option<Timestamp>> = BTreeMap::new();
    for (place, subject) in subjects.iter().enumerate() {
        let Some(catalog) = subject.catalog else {
            continue;
        };
        let proofs = &subject.proof.proofs;
        for backup in &catalog.backups {
            let stored = &backup.stored;
            let last = proofs.backups.get(&stored.id).map(|proof| proof.at);
            let is_due = last.is_none_or(|last| last < settings.since());
            if stored.state == BackupState::Complete && is_due {
                let part = Part::Backup(place, stored.id.clone(), stored.stored_size);
                let segment = stored.first_segment;
                work.push(Work {
                    last,
                    segment,
                    part,
                });
            }
        }
        for range in subject.due.ranges(catalog.segment_size) {
            for number in range.first.folder()..=range.last.folder() {
                let folder = range.first.first_of_folder(number);
                let last = proofs.wal_proved(folder.max(range.first));
                let known = folders.entry(folder).or_insert(last);
                *known = last.min(*known);
            }
        }
    }
    let wal = folders.into_iter();
    work.extend(wal.map(|(folder, last)| Work {
        last,
        segment: Some(folder),
        part: Part::Wal(folder),
    }));
    work.sort_by_key(|work| (work.last, std::cmp::Reverse(work.segment)));
    work
}

/// Reads the due segments of a folder from everybody, and compares them.
async fn read_folder(
    subjects: &mut [Subject<'_>],
    folder: SegmentName,
    settings: &ProofSettings,
    workers: &Workers,
) {
    let mut sound: Vec<Vec<SegmentName>> = vec![Vec::new(); subjects.len()];
    for (name, objects) in list_folder(subjects, folder).await {
        let reads = objects.iter().filter_map(|(place, stored)| {
            let subject = &subjects[*place];
            let catalog = subject.catalog.filter(|_| subject.goes_on())?;
            let (repository, size) = (subject.repository, catalog.segment_size);
            Some(async move {
                let read = read_segment(repository, stored, name, size, workers).await;
                (*place, stored.stored_size, read)
            })
        });
        let (mut digests, mut damaged) = (Vec::new(), BTreeSet::new());
        for (place, bytes, read) in join_all(reads).await {
            let subject = &mut subjects[place];
            subject.spend(bytes);
            match read {
                Ok(digest) => digests.push((place, digest)),
                Err(Trouble::Gone) => {}
                Err(Trouble::Failed(error)) => subject.interrupt(&error),
                Err(Trouble::Damaged(problem)) => {
                    damaged.insert(place);
                    subject.note(&name.to_string(), Problem::Damaged(problem), settings.now);
                }
            }
        }
        if compare(subjects, name, &digests, settings.now) {
            let places: BTreeSet<_> = digests.iter().map(|(place, _)| *place).collect();
            for place in places.difference(&damaged) {
                sound[*place].push(name);
            }
        }
    }
    for (subject, names) in subjects.iter_mut().zip(sound) {
        let size = subject.segment_size();
        for range in runs(names, size) {
            subject.proof.proofs.add_wal(range, settings.now, size);
        }
    }
}

/// Returns the due segments of a folder, each with who holds it in which object.
async fn list_folder(
    subjects: &mut [Subject<'_>],
    folder: SegmentName,
) -> BTreeMap<SegmentName, Vec<(usize, StoredWal)>> {
    let listed = join_all(subjects.iter().map(|subject| subject.list(folder))).await;
    let mut objects: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (place, listed) in listed.into_iter().enumerate() {
        match listed {
            Ok(listed) => {
                for (name, stored) in listed {
                    objects.entry(name).or_default().push((place, stored));
                }
            }
            Err(error) => subjects[place].interrupt(&error),
        }
    }
    objects
}

/// Returns whether everybody holds the same, and notes who holds something else than another one.
/// Nobody can say here who is right.
fn compare(
    subjects: &mut [Subject<'_>],
    name: SegmentName,
    digests: &[(usize, ContentDigest)],
    now: Timestamp,
) -> bool {
    let name = name.to_string();
    let all_alike = digests.windows(2).all(|two| two[0].1 == two[1].1);
    for (place, digest) in digests.iter().filter(|_| !all_alike) {
        let mut others = digests.iter();
        let other = others.find(|(_, other)| other != digest);
        let Some((other, _)) = other else { continue };
        let problem = if other == place {
            Problem::Damaged("it is there twice, with different content".to_owned())
        } else {
            Problem::Differs(subjects[*other].id.clone())
        };
        subjects[*place].note(&name, problem, now);
    }
    all_alike
}

impl ProofSettings {
    fn since(&self) -> Timestamp {
        self.now.checked_sub(self.period).unwrap_or(Timestamp::MIN)
    }
}

impl<'a> Subject<'a> {
    fn new(
        destination: &'a Destination,
        observation: &'a Observation,
        settings: &ProofSettings,
    ) -> Self {
        let catalog = observation.catalog.as_ref().ok();
        let mut proofs = observation.remembered.proofs.clone();
        let mut due = Segments::default();
        if let Some(catalog) = catalog {
            proofs.forget_gone(catalog);
            due = Segments::of(
                &proofs.due_wal(catalog, settings.since()),
                catalog.segment_size,
            );
        }
        Self {
            id: &destination.id,
            repository: &*destination.repository,
            catalog,
            due,
            proof: Proof {
                proofs,
                bytes: 0,
                interrupted: None,
            },
            budget: settings.budget,
        }
    }

    fn segment_size(&self) -> SegmentSize {
        self.catalog
            .map(|catalog| catalog.segment_size)
            .unwrap_or_default()
    }

    /// Whether it is read further.
    fn goes_on(&self) -> bool {
        let is_spent = self.budget.is_some_and(|budget| self.proof.bytes >= budget);
        self.catalog.is_some() && self.proof.interrupted.is_none() && !is_spent
    }

    fn spend(&mut self, bytes: u64) {
        self.proof.bytes += bytes;
    }

    fn interrupt(&mut self, error: &Error) {
        self.proof.interrupted.get_or_insert_with(|| chain(error));
    }

    fn note(&mut self, name: &str, problem: Problem, now: Timestamp) {
        let size = self.segment_size();
        self.proof.proofs.add_oddity(name, problem, now, size);
    }

    /// Lists the due segments of a folder.
    async fn list(&self, folder: SegmentName) -> Result<Vec<(SegmentName, StoredWal)>> {
        let mut found = Vec::new();
        if !self.goes_on() {
            return Ok(found);
        }
        let size = self.segment_size();
        let mut listed = self.repository.list_wal(Some(folder.into()));
        while let Some(stored) = listed.try_next().await? {
            let segment = stored.name.segment();
            let is_inside = |one: SegmentName| {
                (one.timeline(), one.folder()) == (folder.timeline(), folder.folder())
            };
            match (stored.name, segment) {
                (_, Some(segment)) if !is_inside(segment) => break,
                (WalFileName::History(_), _) => break,
                (WalFileName::Segment(segment), _) if self.due.contains(segment, size) => {
                    found.push((segment, stored));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    async fn read_backup(&mut self, id: &str, size: u64, now: Timestamp) {
        if !self.goes_on() {
            return;
        }
        self.spend(size);
        let read = async {
            let reader = self.repository.open_backup(id).await?;
            for (tree, _) in reader.trees() {
                let mut events = reader.read(tree).await?;
                while events.try_next().await?.is_some() {}
            }
            Ok::<_, Error>(())
        };
        match read.await {
            Ok(()) => self.proof.proofs.add_backup(id, now),
            Err(error) if error.class() == Class::Invalid => {
                self.note(id, Problem::Damaged(chain(&error)), now);
            }
            // Retention may have removed it, and what is wrong with its objects a look tells.
            Err(error) if error.class() == Class::Missing => {}
            Err(error) => self.interrupt(&error),
        }
    }
}

/// Why a segment is not proved.
enum Trouble {
    /// It is not there any more.
    Gone,
    /// Its content is not what it should be.
    Damaged(String),
    /// It could not be read.
    Failed(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error.class() {
            Class::Missing => Self::Gone,
            Class::Invalid => Self::Damaged(chain(&error)),
            _ => Self::Failed(error),
        }
    }
}

async fn read_segment(
    repository: &dyn Repository,
    stored: &StoredWal,
    name: SegmentName,
    size: SegmentSize,
    workers: &Workers,
) -> std::result::Result<ContentDigest, Trouble> {
    let mut head = Vec::new();
    let blocks = repository.read_wal(stored, size.bytes()).await?;
    let blocks = blocks.inspect_ok(|block| {
        let wanted = SegmentHeader::LEN.saturating_sub(head.len());
        head.extend_from_slice(&block[..wanted.min(block.len())]);
    });
    let digest = digest_of(blocks, workers).await?;
    match SegmentHeader::check_whole(name, &head, digest.len) {
        Ok(_) => Ok(digest),
        Err(error) => Err(Trouble::Damaged(error.to_string())),
    }
}
