//! Checks of the [`Repository`] contract, for layouts and stores of your own.
//!
//! ```
//! # async fn test() -> Result<(), walcast::repository::conformance::Failures> {
//! use std::sync::Arc;
//! use walcast::{
//!     repository::{barman::{BarmanRepository, BarmanSettings}, conformance::{self, World}},
//!     store::MemoryStore,
//!     workers::Workers,
//! };
//!
//! conformance::run(async || {
//!     let store = Arc::new(MemoryStore::new());
//!     let settings = BarmanSettings::new("pg", "server");
//!     let repository = BarmanRepository::new(store.clone(), settings, Workers::inline());
//!     World::new(Arc::new(repository), store)
//! })
//! .await
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test()).unwrap();
//! ```
//!
//! The files that are put are not WAL, nor the base backups PostgreSQL's: a repository does not look
//! into them. What a layout cannot know is not demanded of it: a plain object without a recorded
//! digest may be cut unnoticed, and a damaged one with a recorded digest may be found present.

mod backup;
mod backup_damage;
mod backup_removal;
mod base;
mod catalog;
mod listing;
mod put;
mod read;
mod removal;
mod sample;

use std::{fmt, sync::Arc};

use futures_util::{FutureExt, TryStreamExt, future::BoxFuture};

use self::sample::Sample;
use super::{Error, Expect, PutOutcome, Repository, Result, StoredWal, WalFile};
pub use crate::conformance::{Claim, Failure, Failures};
use crate::{
    conformance::{self, Checked, Complaint, check, conclude},
    pg::WalFileName,
    store::{Class, Store},
};

/// What one check works on.
#[derive(Debug)]
pub struct World {
    repository: Arc<dyn Repository>,
    store: Arc<dyn Store>,
}

impl World {
    /// An empty repository made for the cluster [`IDENTITY`], and the store below it without
    /// whatever makes it fail.
    pub fn new(repository: Arc<dyn Repository>, store: Arc<dyn Store>) -> Self {
        Self { repository, store }
    }
}

/// Runs all [`CHECKS`], each on a world of its own.
pub async fn run(make: impl AsyncFn() -> World) -> Result<(), Failures> {
    let mut results = Vec::new();
    for check in CHECKS {
        results.push(check.run(make().await).await);
    }
    conclude(results)
}

pub use self::sample::IDENTITY;

macro_rules! checks {
    ($($module:ident :: $name:ident: $claim:literal,)*) => {
        /// Every check, in the order in which they run.
        pub const CHECKS: &[Check] = &[$(Check {
            claim: Claim {
                name: stringify!($name),
                text: $claim,
            },
            run: |world| $module::$name(world).boxed(),
        }),*];
    };
}

checks! {
    read::each_kind_of_file_comes_back: "every kind of file comes back as it was put",
    read::large_files_come_in_blocks: "a large file comes back in blocks",
    read::limit_is_obeyed: "no more than the limit is returned, and more is of class invalid",
    read::cut_object_is_noticed: "an object that was cut is of class invalid",
    read::spoilt_object_is_noticed: "an object with a spoilt beginning is of class invalid",
    read::removed_object_is_missing: "an object that was removed is of class missing",
    read::dropped_stream_does_no_harm: "a stream may be dropped half-way",
    put::repeated_put_finds_it_present: "a file that was put is present when put again",
    put::other_encoding_is_present: "a file stored in another encoding is present",
    put::other_content_is_a_conflict: "other content is a conflict and what was there stays",
    put::damaged_object_is_not_replaced: "a damaged object stays, and is reported where it is read",
    put::concurrent_puts_agree: "concurrent puts of one file all succeed",
    put::dropped_put_can_be_repeated: "a put that was dropped can be repeated",
    listing::empty_repository_answers: "an empty repository can be checked and holds nothing",
    listing::partial_is_a_name_of_its_own: "a partial segment is no answer for the segment",
    listing::order_is_that_of_the_archive: "the listing is in archive order, from any name on",
    catalog::catalog_is_what_is_there: "a catalog has every file of the archive",
    catalog::catalog_goes_on: "a catalog that goes on with an earlier one is as a fresh one",
    catalog::survey_tells_what_is_foreign: "what is not the layout's is told apart",
    catalog::notes_come_back: "notes come back, and are not foreign",
    removal::selected_wal_is_removed: "files that are selected are removed, and no others",
    backup::files_of_a_backup_come_back: "the files of a base backup come back as they were",
    backup::objects_of_many_parts_come_back: "files larger than a part come back",
    backup::encoding_is_repeatable: "files become the same objects, however many threads work",
    backup::record_of_a_backup_comes_back: "what was known at the begin and the end comes back",
    backup::unfinished_backup_is_not_complete: "a backup is not complete before it is finished",
    backup::unfinished_backup_is_found_and_removed: "what a killed run left is found and removed",
    backup::given_up_backup_leaves_nothing: "a backup that was given up leaves room for another",
    backup::backup_in_the_same_second_is_refused: "two backups do not begin in the same second",
    backup::backup_of_another_cluster_is_refused: "a backup of another cluster is refused",
    backup::backups_are_listed_oldest_first: "backups are listed and described, oldest first",
    backup::dropped_backup_stream_does_no_harm: "reading a backup may be stopped half-way",
    backup_damage::damaged_backup_is_noticed: "reading a damaged backup is of class invalid",
    backup_damage::backup_without_an_object_is_noticed: "a missing object is of class invalid",
    backup_removal::removed_backup_leaves_the_others: "a removed backup leaves the others",
    backup_damage::removed_backup_is_missing: "a backup that is not there is not opened",
}

/// One sentence of the contract, and the proof of it.
#[derive(Clone, Copy)]
pub struct Check {
    claim: Claim,
    run: for<'a> fn(&'a World) -> BoxFuture<'a, Checked>,
}

impl Check {
    /// Returns what it claims of a repository.
    pub fn claim(&self) -> Claim {
        self.claim
    }

    /// Runs it alone.
    pub async fn run(&self, world: World) -> Result<(), Failure> {
        let checked = (self.run)(&world).await;
        checked.map_err(|complaint| complaint.about(self.claim))
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.claim.name).finish()
    }
}

impl From<std::io::Error> for Complaint {
    fn from(error: std::io::Error) -> Self {
        Self(format!("`{error}`"))
    }
}

impl From<Error> for Complaint {
    fn from(error: Error) -> Self {
        Self(format!("`{error}` ({})", error.class()))
    }
}

/// Complains unless `result` is an error of `class`.
fn check_class<T>(result: Result<T>, class: Class, what: &str) -> Checked {
    conformance::check_class(result, Error::class, &class, what)
}

impl World {
    /// A file in the encoding that the repository wants.
    fn wal(&self, name: &str, sample: &Sample) -> WalFile {
        sample.encoded(name, self.repository.wal_encoding())
    }

    /// Puts a file that must be new.
    async fn put_new(&self, wal: &WalFile) -> Checked<StoredWal> {
        let outcome = self.repository.put_wal(wal, Expect::Absent).await?;
        check_is_there(&outcome)?;
        self.find_one(wal.name).await
    }

    async fn find_one(&self, name: WalFileName) -> Checked<StoredWal> {
        let mut found = self.repository.find_wal(name).await?;
        let count = found.len();
        match found.pop() {
            Some(wal) if count == 1 && wal.name == name => Ok(wal),
            _ => Err(Complaint(format!("{name} was found {count} times"))),
        }
    }

    async fn read(&self, wal: &StoredWal, limit: u64) -> Result<Vec<u8>> {
        let blocks = self.repository.read_wal(wal, limit).await?;
        blocks.try_fold(Vec::new(), append).await
    }

    async fn check_content(&self, wal: &StoredWal, sample: &Sample) -> Checked {
        let found = self.read(wal, sample.len()).await?;
        check(found == sample.bytes(), || {
            format!(
                "{} has other bytes ({} for {})",
                wal.name,
                found.len(),
                sample.len()
            )
        })
    }
}

async fn append(mut bytes: Vec<u8>, block: bytes::Bytes) -> Result<Vec<u8>> {
    bytes.extend_from_slice(&block);
    Ok(bytes)
}

/// Complains of a conflict. A store that repeats a put may call the first one present.
fn check_is_there(outcome: &PutOutcome) -> Checked {
    let is_there = matches!(outcome, PutOutcome::Stored | PutOutcome::Present);
    check(is_there, || format!("a put came to {outcome:?}"))
}
