//! What a repository holds, from its listings.

use futures_util::{TryStreamExt, stream::BoxStream};
use jiff::Timestamp;

use super::{
    BackupKind, DamagedBackup, Error, Repository, Result, StoredBackup, StoredWal, listing::Ahead,
};
use crate::{
    pg::{
        SegmentHeader, SegmentName, SegmentRange, SegmentSize, SystemId, TimelineHistory,
        TimelineId, WalFileName,
    },
    store::Class,
};

/// What a repository holds, from its listings: base backups one by one, WAL as ranges, so that a
/// million segments take no more memory than a handful if none is missing between them.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// The base backups, in the layout's order, oldest first.
    pub backups: Vec<HeldBackup>,
    /// Those that are there and could not be understood.
    pub damaged: Vec<DamagedBackup>,
    /// Places of base backups that no record lists.
    pub strays: Vec<StrayBackup>,
    /// The WAL of each cluster, the oldest cluster first.
    pub archives: Vec<HeldArchive>,
    /// Base backups of which something is remembered, whether they are there or not.
    pub remembered: Vec<String>,
    /// Size of the segments: what the newest backup says, else the first segment that is sound, else
    /// PostgreSQL's usual 16 MiB.
    pub segment_size: SegmentSize,
}

/// A base backup, and what it depends on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeldBackup {
    /// What is known of it.
    pub stored: StoredBackup,
    /// Whether it holds all files itself.
    pub kind: BackupKind,
    /// The backup that it cannot be restored without.
    pub prior: Option<String>,
    /// The [archive](HeldArchive::id) with its WAL.
    pub archive: String,
    /// Whether all of its objects are there, as far as a listing shows it.
    pub is_whole: bool,
    /// Whether the layout's own tools may remove it when a policy says so.
    pub may_expire: bool,
    /// When something was last written of an unfinished one, by the store's clock, where known.
    pub touched: Option<Timestamp>,
}

/// The place of a base backup that no record lists: one in progress, or what is left of one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StrayBackup {
    /// What the layout would call it.
    pub id: String,
    /// Whether it looks complete, so that only its record is missing.
    pub is_complete: bool,
    /// Whether whoever took it could go on with it.
    pub is_begun: bool,
    /// When something was last written, by the store's clock.
    pub touched: Timestamp,
}

/// The WAL of one cluster.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct HeldArchive {
    /// What the layout calls it; empty where there is one for all clusters.
    pub id: String,
    /// The cluster, where the layout records it.
    pub system_id: Option<SystemId>,
    /// Whether new WAL goes there.
    pub is_current: bool,
    /// The segments, in the order of the archive.
    pub segments: Vec<SegmentRange>,
    /// Partial segments and backup labels, in the order of the archive.
    pub others: Vec<WalFileName>,
    /// The timelines of which a history file is there.
    pub timelines: Vec<TimelineId>,
    /// The histories of timelines, as far as they can be understood.
    pub histories: Vec<TimelineHistory>,
    /// Size of the objects, in bytes.
    pub stored_size: u64,
    /// Size of those from the layout's folder of the last segment on, in bytes.
    pub last_folder_size: u64,
    /// When the newest file was stored, by the store's clock.
    pub newest: Option<Timestamp>,
}

/// Files of one archive.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct WalSelection {
    /// The [archive](HeldArchive::id).
    pub archive: String,
    /// Segments, in the order of the archive.
    pub segments: Vec<SegmentRange>,
    /// Partial segments, backup labels and history files, in the order of the archive.
    pub others: Vec<WalFileName>,
}

/// What became of the removal of base backups.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Removal {
    /// How many objects were removed.
    pub objects: u64,
    /// The backups that somebody has begun to keep meanwhile, which stay.
    pub kept: Vec<String>,
}

impl WalSelection {
    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty() && self.others.is_empty()
    }

    /// Returns whether a file is one of them.
    pub fn contains(&self, name: WalFileName) -> bool {
        let WalFileName::Segment(segment) = name else {
            return self.others.binary_search(&name).is_ok();
        };
        let after = self.segments.partition_point(|range| range.last < segment);
        let range = self.segments.get(after);
        range.is_some_and(|range| range.contains(segment))
    }

    /// Returns the folders of both layouts with files of it: each holds those of a timeline whose
    /// names have the same first 16 digits. History files are in none.
    pub fn folders(&self) -> impl Iterator<Item = SegmentName> + '_ {
        let of_ranges = self.segments.iter().flat_map(|range| {
            let folders = range.first.folder()..=range.last.folder();
            folders.map(|number| range.first.first_of_folder(number))
        });
        let others = self.others.iter().filter_map(|name| name.segment());
        let of_others = others.map(|segment| segment.first_of_folder(segment.folder()));
        let mut all: Vec<_> = of_ranges.chain(of_others).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter()
    }
}

impl Catalog {
    /// Returns the archive of a backup, if there is one.
    pub fn archive(&self, id: &str) -> Option<&HeldArchive> {
        self.archives.iter().find(|archive| archive.id == id)
    }

    /// Returns the archive to which new WAL goes, if there is one.
    pub fn current_archive(&self) -> Option<&HeldArchive> {
        self.archives.iter().find(|archive| archive.is_current)
    }

    /// Returns whether an archive is of the cluster whose new WAL comes here: a stanza may have left
    /// the cluster and come back.
    pub fn is_of_current_cluster(&self, archive: &str) -> bool {
        let archive = self.archive(archive);
        archive
            .zip(self.current_archive())
            .is_some_and(|(one, current)| {
                one.id == current.id
                    || one.system_id.is_some() && one.system_id == current.system_id
            })
    }

    /// Returns the archives of that cluster.
    pub fn current_archives(&self) -> impl Iterator<Item = &HeldArchive> + Clone {
        let archives = self.archives.iter();
        archives.filter(|archive| self.is_of_current_cluster(&archive.id))
    }

    /// Returns when the newest file of any archive was stored, by the store's clock.
    pub fn newest_wal(&self) -> Option<Timestamp> {
        let newest = self.archives.iter().map(|archive| archive.newest);
        newest.max().flatten()
    }

    /// Adds an archive, of which only what it is called is known, by a listing in the order of the
    /// archive; `list` begins one at a name. What an earlier catalog, `known`, has of it is not
    /// listed again, but for its last folder.
    ///
    /// # Errors
    ///
    /// Those of the store; there is no partial answer.
    pub(super) async fn add_archive(
        &mut self,
        repository: &dyn Repository,
        mut archive: HeldArchive,
        known: Option<&Self>,
        list: impl FnOnce(Option<WalFileName>, Ahead) -> BoxStream<'static, Result<StoredWal>>,
    ) -> Result<()> {
        let mut told = self.told_segment_size();
        let known = known.filter(|known| told.is_none_or(|size| size == known.segment_size));
        let known = known.and_then(|known| {
            let archive = known.archive(&archive.id)?;
            let floor = archive.floor()?;
            told = Some(known.segment_size);
            Some((archive, floor))
        });
        self.segment_size = told.unwrap_or(self.segment_size);
        let floor = known.map(|(_, floor)| floor);
        if let Some((known, floor)) = known {
            archive = HeldArchive {
                system_id: archive.system_id,
                is_current: archive.is_current,
                ..known.before(floor, self.segment_size)
            };
        }
        let mut wal = list(floor, Ahead::everything(self.segment_size));
        while let Some(stored) = wal.try_next().await? {
            if told.is_none() && stored.name.is_segment() {
                told = read_segment_size(repository, &stored).await?;
                // A damaged one tells nothing; one look at it is enough.
                self.segment_size = *told.get_or_insert(self.segment_size);
            }
            if let WalFileName::History(timeline) = stored.name {
                let history = read_history(repository, &stored, timeline).await?;
                archive.histories.extend(history);
            }
            archive.measure(&stored);
            archive.add(stored.name, self.segment_size);
        }
        self.archives.push(archive);
        Ok(())
    }

    /// Returns what the newest backup that says it says.
    fn told_segment_size(&self) -> Option<SegmentSize> {
        let mut backups = self.backups.iter().rev();
        backups.find_map(|one| one.stored.segment_size)
    }
}

impl HeldArchive {
    /// Returns where a listing that goes on with this one begins: at the last folder, which may
    /// have grown.
    fn floor(&self) -> Option<WalFileName> {
        let last = self.segments.last()?.last;
        Some(last.first_of_folder(last.folder()).into())
    }

    /// Returns what is known without what comes at the floor or after it.
    #[must_use]
    fn before(&self, floor: WalFileName, size: SegmentSize) -> Self {
        let mut before = self.clone();
        before.stored_size -= before.last_folder_size;
        before.last_folder_size = 0;
        before.others.retain(|name| *name < floor);
        before
            .timelines
            .retain(|one| WalFileName::History(*one) < floor);
        let is_before = |timeline| WalFileName::History(timeline) < floor;
        before.histories.retain(|one| is_before(one.timeline()));
        before
            .segments
            .retain(|range| WalFileName::Segment(range.first) < floor);
        let end = floor.segment().and_then(|floor| floor.previous(size));
        if let (Some(range), Some(end)) = (before.segments.last_mut(), end)
            && range.last.timeline() == end.timeline()
        {
            range.last = range.last.min(end);
        }
        before
    }

    fn measure(&mut self, stored: &StoredWal) {
        self.newest = self.newest.max(Some(stored.modified));
        self.stored_size += stored.stored_size;
        let folder = |name: SegmentName| (name.timeline(), name.folder());
        let last = self.segments.last().map(|range| folder(range.last));
        match stored.name {
            WalFileName::Segment(name) if Some(folder(name)) != last => {
                self.last_folder_size = stored.stored_size;
            }
            _ => self.last_folder_size += stored.stored_size,
        }
    }

    /// Adds a file; they come in the order of the archive.
    pub fn add(&mut self, name: WalFileName, size: SegmentSize) {
        match name {
            WalFileName::Segment(segment) => match self.segments.last_mut() {
                Some(range) if range.last == segment || follows(range.last, segment, size) => {
                    range.last = segment;
                }
                _ => self.segments.push(SegmentRange {
                    first: segment,
                    last: segment,
                }),
            },
            WalFileName::History(timeline) if self.timelines.last() != Some(&timeline) => {
                self.timelines.push(timeline);
            }
            WalFileName::History(_) => {}
            WalFileName::Partial(_) | WalFileName::BackupLabel { .. } => {
                if self.others.last() != Some(&name) {
                    self.others.push(name);
                }
            }
        }
    }
}

/// Names that no segment of this size has stay by themselves.
fn follows(last: SegmentName, next: SegmentName, size: SegmentSize) -> bool {
    last.is_valid_for(size) && next.is_valid_for(size) && last.next(size) == next
}

/// Reads the size of segments from the beginning of one; `None` if it is damaged or gone.
async fn read_segment_size(
    repository: &dyn Repository,
    stored: &StoredWal,
) -> Result<Option<SegmentSize>> {
    let read = async {
        let mut blocks = repository.read_wal(stored, 1 << 30).await?;
        let mut head = Vec::new();
        while head.len() < SegmentHeader::LEN {
            match blocks.try_next().await? {
                Some(block) => head.extend_from_slice(&block),
                None => break,
            }
        }
        Ok::<_, Error>(head)
    };
    match read.await {
        Ok(head) => Ok(SegmentHeader::parse(&head)
            .ok()
            .map(|header| header.segment_size)),
        Err(error) if matches!(error.class(), Class::Invalid | Class::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a history; `None` if it is damaged or gone.
async fn read_history(
    repository: &dyn Repository,
    stored: &StoredWal,
    timeline: TimelineId,
) -> Result<Option<TimelineHistory>> {
    let read = async {
        let blocks: Vec<_> = repository
            .read_wal(stored, MAX_HISTORY)
            .await?
            .try_collect()
            .await?;
        Ok::<_, Error>(blocks.concat())
    };
    match read.await {
        Ok(content) => {
            let text = String::from_utf8_lossy(&content);
            Ok(TimelineHistory::parse(timeline, &text).ok())
        }
        Err(error) if matches!(error.class(), Class::Invalid | Class::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Far more than any history has, in bytes.
const MAX_HISTORY: u64 = 1 << 20;
