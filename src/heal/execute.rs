//! Doing what a plan says.

use std::{collections::BTreeSet, num::NonZeroU32, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, future::join_all};

use super::{HealPlan, HealReport, Step, StepContent, StepReport};
use crate::{
    backup::{BackupOutcome, BackupSettings, Progress, copy_backup},
    byte_size::ByteSize,
    destination::DestinationId,
    error::chain,
    fanout::{Destination, WalCopier},
    pg::{SegmentRange, WalFileName},
    repository::{Pace, PutOutcome, Result, StoredWal, digest_of},
    workers::Workers,
};

/// How copies are made.
#[derive(Clone, Debug)]
pub struct HealSettings {
    /// How base backups are copied.
    pub backup: BackupSettings,
    /// Memory for WAL on its way.
    pub memory: ByteSize,
    /// Most bytes of WAL that are read per second, before they are compressed; `None` is as fast
    /// as it goes.
    pub rate: Option<ByteSize>,
    /// Most files of the archive that are copied per second.
    pub files_per_second: Option<NonZeroU32>,
    /// Whether what was written is read again and compared.
    pub read_back: bool,
}

impl Default for HealSettings {
    /// No limits, 64 MiB, and everything is read back.
    fn default() -> Self {
        Self {
            backup: BackupSettings::default(),
            memory: ByteSize::mib(64),
            rate: None,
            files_per_second: None,
            read_back: true,
        }
    }
}

/// Copies what a plan says. What fails does not keep the rest from being copied.
///
/// May be stopped at any time: dropping the future leaves each destination with whole files and
/// backups, and the next plan goes on.
pub async fn heal(
    plan: &HealPlan,
    destinations: &[Destination],
    settings: &HealSettings,
    workers: &Workers,
    progress: &Arc<Progress>,
) -> HealReport {
    let healer = Healer {
        plan,
        destinations,
        settings,
        workers,
        copier: WalCopier::new(settings.memory, workers.clone()),
        files: settings
            .files_per_second
            .map_or_else(Pace::unlimited, Pace::new),
        kibibytes: settings.rate.map_or_else(Pace::unlimited, per_second),
        progress,
    };
    let mut report = HealReport::default();
    for step in &plan.steps {
        report.steps.push(healer.take(step).await);
    }
    report
}

/// Returns the pace of a number of bytes, in KiB.
fn per_second(rate: ByteSize) -> Pace {
    let kibibytes = u32::try_from(rate.bytes() >> 10).unwrap_or(u32::MAX);
    Pace::new(NonZeroU32::new(kibibytes).unwrap_or(NonZeroU32::MIN))
}

struct Healer<'a> {
    plan: &'a HealPlan,
    destinations: &'a [Destination],
    settings: &'a HealSettings,
    workers: &'a Workers,
    copier: WalCopier,
    files: Pace,
    kibibytes: Pace,
    progress: &'a Arc<Progress>,
}

/// What became of one file of the archive in each destination.
type Outcomes = Vec<(DestinationId, std::result::Result<bool, String>)>;

impl Healer<'_> {
    async fn take(&self, step: &Step) -> StepReport {
        let mut report = StepReport::new(step);
        match &step.content {
            StepContent::Histories { from, timelines } => {
                for timeline in timelines {
                    let name = WalFileName::History(*timeline);
                    let copied = self.try_all(name, from, &step.to, &[]).await;
                    add(&mut report, name, copied);
                }
            }
            StepContent::Wal {
                from,
                ranges,
                replaces,
                ..
            } => {
                for range in ranges {
                    if *replaces {
                        self.replace(*range, from, &step.to, &mut report).await;
                    } else {
                        self.copy_range(*range, from, &step.to, &mut report).await;
                    }
                }
            }
            StepContent::Backup { from, .. } => {
                self.copy_backup(from, &step.to, &mut report).await;
            }
        }
        report
    }

    fn find(&self, id: &DestinationId) -> Option<&Destination> {
        self.destinations.iter().find(|one| one.id == *id)
    }

    fn find_all(&self, ids: &[DestinationId]) -> Vec<&Destination> {
        ids.iter().filter_map(|id| self.find(id)).collect()
    }

    /// Copies segments that follow each other, several at a time, in their order.
    async fn copy_range(
        &self,
        range: SegmentRange,
        from: &[DestinationId],
        to: &[DestinationId],
        report: &mut StepReport,
    ) {
        let Some(holder) = from.first().and_then(|id| self.find(id)) else {
            report.fail(None, None, "who holds it is not configured");
            return;
        };
        let listed = holder.repository.list_wal(Some(range.first.into()));
        let files = listed
            .try_filter_map(async |stored| Ok(stored.name.is_segment().then_some(stored)))
            .try_take_while(|stored| {
                let is_wanted = stored.name <= range.last.into();
                async move { Ok(is_wanted) }
            });
        let pending = files.map(|stored| async move {
            let stored = stored.map_err(|error| chain(&error))?;
            let name = stored.name;
            Ok::<_, String>((name, self.copy(stored, holder, from, to).await))
        });
        let mut pending = std::pin::pin!(pending.buffered(SIDE_BY_SIDE));
        let mut done = BTreeSet::new();
        while let Some(one) = pending.next().await {
            match one {
                // The same file may be there in several encodings.
                Ok((name, _)) if done.contains(&name) => {}
                Ok((name, outcomes)) => {
                    done.insert(name);
                    add(report, name, outcomes);
                }
                Err(reason) => report.fail(None, None, format!("{}: {reason}", holder.id)),
            }
        }
        let size = self.plan.segment_size;
        if done.len() as u64 != range.count(size) {
            let gone = range.segments(size).map(WalFileName::from);
            for name in gone.filter(|name| !done.contains(name)) {
                let outcomes = self.try_all(name, from, to, &[]).await;
                add(report, name, outcomes);
            }
        }
    }

    /// Copies a listed file, from others if its holder cannot give it.
    async fn copy(
        &self,
        stored: StoredWal,
        holder: &Destination,
        from: &[DestinationId],
        to: &[DestinationId],
    ) -> std::result::Result<Outcomes, String> {
        self.admit(stored.name).await;
        match self.copy_from(&stored, holder, to, &[]).await {
            Ok(outcomes) => Ok(outcomes),
            Err(first) => {
                let others: Vec<_> = from
                    .iter()
                    .filter(|id| **id != holder.id)
                    .cloned()
                    .collect();
                self.try_all(stored.name, &others, to, &[])
                    .await
                    .map_err(|others| format!("{first}; {others}"))
            }
        }
    }

    /// Copies a file from the first who can give it.
    async fn try_all(
        &self,
        name: WalFileName,
        from: &[DestinationId],
        to: &[DestinationId],
        damaged: &[(&Destination, StoredWal)],
    ) -> std::result::Result<Outcomes, String> {
        let mut reasons = Vec::new();
        for holder in self.find_all(from) {
            let found = match holder.repository.find_wal(name).await {
                Ok(found) => found,
                Err(error) => {
                    reasons.push(format!("{}: {}", holder.id, chain(&error)));
                    continue;
                }
            };
            for stored in &found {
                match self.copy_from(stored, holder, to, damaged).await {
                    Ok(outcomes) => return Ok(outcomes),
                    Err(reason) => reasons.push(reason),
                }
            }
        }
        if reasons.is_empty() {
            reasons.push("nobody holds it any more".to_owned());
        }
        Err(reasons.join("; "))
    }

    /// Copies a file; what is damaged is set aside as soon as sound bytes are at hand.
    async fn copy_from(
        &self,
        stored: &StoredWal,
        holder: &Destination,
        to: &[DestinationId],
        damaged: &[(&Destination, StoredWal)],
    ) -> std::result::Result<Outcomes, String> {
        let to = self.find_all(to);
        let (limit, cluster) = (self.limit(stored.name), self.plan.cluster);
        let fetched = self.copier.fetch(stored, holder, &to, limit, cluster).await;
        let fetched = fetched.map_err(|error| chain(&error))?;
        for (destination, damaged) in damaged {
            let set_aside = destination.repository.set_aside(damaged).await;
            set_aside.map_err(|error| chain(&error))?;
        }
        let puts = to.iter().map(|destination| async {
            let put = fetched.put(destination).await;
            let outcome = match put {
                Ok(PutOutcome::Conflict(other)) => {
                    Err(format!("other content is there, as {}", other.key))
                }
                Ok(outcome) => Ok(outcome == PutOutcome::Stored),
                Err(error) => Err(chain(&error)),
            };
            let outcome = match outcome {
                Ok(true) if self.settings.read_back => {
                    let read = self.read_back(destination, stored.name).await;
                    match read {
                        Ok(found) if found == fetched.content() => Ok(true),
                        Ok(_) => Err("what was written is not what was read back".to_owned()),
                        Err(error) => Err(format!("reading it back: {}", chain(&error))),
                    }
                }
                outcome => outcome,
            };
            (destination.id.clone(), outcome)
        });
        Ok(join_all(puts).await)
    }

    async fn read_back(
        &self,
        destination: &Destination,
        name: WalFileName,
    ) -> Result<Option<crate::codec::ContentDigest>> {
        let repository = &destination.repository;
        let found = repository.find_wal(name).await?;
        let Some(stored) = found.first() else {
            return Ok(None);
        };
        let blocks = repository.read_wal(stored, self.limit(name)).await?;
        digest_of(blocks, self.workers).await.map(Some)
    }

    /// Replaces what is damaged, one after the other.
    async fn replace(
        &self,
        range: SegmentRange,
        from: &[DestinationId],
        to: &[DestinationId],
        report: &mut StepReport,
    ) {
        for name in range.segments(self.plan.segment_size) {
            let name = WalFileName::from(name);
            self.admit(name).await;
            let found = join_all(self.find_all(to).into_iter().map(|one| async move {
                let found = one.repository.find_wal(name).await?;
                Ok(found.into_iter().map(move |stored| (one, stored)))
            }));
            let found: Result<Vec<_>> = found.await.into_iter().collect();
            let outcomes = match found {
                Ok(found) => {
                    let damaged: Vec<_> = found.into_iter().flatten().collect();
                    self.try_all(name, from, to, &damaged).await
                }
                Err(error) => Err(chain(&error)),
            };
            add(report, name, outcomes);
        }
    }

    async fn copy_backup(
        &self,
        from: &[(DestinationId, String)],
        to: &[DestinationId],
        report: &mut StepReport,
    ) {
        let to: Vec<Destination> = self.find_all(to).into_iter().cloned().collect();
        let mut reasons = Vec::new();
        for (holder, backup) in from {
            let Some(holder) = self.find(holder) else {
                continue;
            };
            let settings = &self.settings.backup;
            let copied = copy_backup(backup, holder, &to, settings, self.progress).await;
            let reports = match copied {
                Ok(reports) => reports,
                Err(error) => {
                    reasons.push(chain(&error));
                    continue;
                }
            };
            for one in reports {
                let read_back = match (&one.outcome, &one.backup) {
                    (BackupOutcome::Complete, Some(id)) => self.read_backup(&one.id, id).await,
                    (BackupOutcome::Failed { reason }, _) => Err(reason.clone()),
                    (BackupOutcome::Complete, None) => Ok(()),
                };
                match read_back {
                    Ok(()) => report.stored += 1,
                    Err(reason) => report.fail(Some(&one.id), None, reason),
                }
            }
            return;
        }
        report.fail(None, None, reasons.join("; "));
    }

    async fn read_backup(
        &self,
        id: &DestinationId,
        backup: &str,
    ) -> std::result::Result<(), String> {
        let Some(destination) = self.find(id).filter(|_| self.settings.read_back) else {
            return Ok(());
        };
        let read = async {
            let reader = destination.repository.open_backup(backup).await?;
            for (tree, _) in reader.trees() {
                let mut events = reader.read(tree).await?;
                while events.try_next().await?.is_some() {}
            }
            Ok::<_, crate::repository::Error>(())
        };
        read.await
            .map_err(|error| format!("reading it back: {}", chain(&error)))
    }

    async fn admit(&self, name: WalFileName) {
        self.files.admit(1).await;
        let kibibytes = usize::try_from(self.limit(name) >> 10).unwrap_or(usize::MAX);
        self.kibibytes.admit(kibibytes).await;
    }

    /// Returns the most bytes that a file can have.
    fn limit(&self, name: WalFileName) -> u64 {
        match name {
            WalFileName::Segment(_) | WalFileName::Partial(_) => self.plan.segment_size.bytes(),
            WalFileName::History(_) | WalFileName::BackupLabel { .. } => LARGEST_TEXT,
        }
    }
}

fn add(
    report: &mut StepReport,
    name: WalFileName,
    outcomes: std::result::Result<Outcomes, String>,
) {
    match outcomes {
        Err(reason) => report.fail(None, Some(name), reason),
        Ok(outcomes) => {
            for (id, outcome) in outcomes {
                match outcome {
                    Ok(true) => report.stored += 1,
                    Ok(false) => report.present += 1,
                    Err(reason) => report.fail(Some(&id), Some(name), reason),
                }
            }
        }
    }
}

/// How many files of the archive are copied at once.
const SIDE_BY_SIDE: usize = 4;
/// Far more than any history has, in bytes.
const LARGEST_TEXT: u64 = 1 << 20;
