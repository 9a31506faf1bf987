//! Checks of the [`Store`] contract, for stores of your own.
//!
//! ```
//! # async fn test() -> Result<(), walcast::store::conformance::Failures> {
//! use walcast::store::{MemoryStore, conformance};
//!
//! let store = MemoryStore::new();
//! conformance::run(&store, "conformance/").await
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test()).unwrap();
//! ```
//!
//! Every check writes below a prefix of its own, so that a shared bucket will do, and everything
//! is deleted afterwards. What a store says that it cannot do, by its
//! [`Capabilities`](super::Capabilities), is not demanded of it. A listing that lags behind is
//! asked again for about five seconds.

mod listing;
mod objects;
mod uploads;

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, TryStreamExt, future::BoxFuture};

use super::{Class, Error, Key, Payload, PutMode, PutOptions, Result, Store, StoreExt};
use crate::conformance::{self, Checked, Complaint, check, conclude};
pub use crate::conformance::{Claim, Failure, Failures};

/// Runs all [`CHECKS`] against `store` below `prefix` and cleans up.
pub async fn run(store: &dyn Store, prefix: &str) -> Result<(), Failures> {
    let mut results = Vec::new();
    for check in CHECKS {
        results.push(check.run(store, prefix).await);
    }
    conclude(results)
}

macro_rules! checks {
    ($($module:ident :: $name:ident: $claim:literal,)*) => {
        /// Every check, in the order in which they run.
        pub const CHECKS: &[Check] = &[$(Check {
            claim: Claim {
                name: stringify!($name),
                text: $claim,
            },
            run: |scope| $module::$name(scope).boxed(),
        }),*];
    };
}

checks! {
    objects::bytes_come_back: "what was put is returned, whatever its size",
    objects::head_agrees_with_get: "head and get know the same of an object",
    objects::missing_is_missing: "an absent key is of class missing",
    objects::create_refuses_an_existing_key: "create leaves an existing object alone",
    objects::overwrite_replaces: "overwrite replaces an object",
    objects::range_returns_those_bytes: "a range returns its bytes, cut at the end",
    objects::range_without_bytes_is_invalid: "a range without bytes is of class invalid",
    objects::if_match_notices_a_change: "if_match is a conflict after a change",
    objects::unusual_keys_work: "a key may hold spaces, punctuation and any letters",
    objects::tags_do_no_harm: "an object with tags can be put",
    objects::delete_answers_for_each_key: "delete removes its keys, missing ones are a success",
    objects::an_interrupted_put_leaves_all_or_nothing: "a dropped put leaves all or nothing",
    listing::prefix_is_any_text: "a listing has the keys that begin with a text",
    listing::order_is_that_of_bytes: "a listing is in byte order of whole keys",
    listing::start_after_skips: "a listing begins after start_after",
    listing::long_listings_are_complete: "a listing is complete over many pages",
    listing::level_separates_folders: "one level has its objects and prefixes",
    listing::nothing_is_an_empty_listing: "a prefix without objects is empty",
    uploads::parts_come_in_any_order: "parts come in any order and again",
    uploads::nothing_shows_before_complete: "an upload is invisible before it is complete",
    uploads::complete_needs_every_part: "an upload without one of its parts does not complete",
    uploads::complete_may_be_repeated: "complete may be repeated",
    uploads::create_mode_counts_at_complete: "an upload in create mode replaces nothing",
    uploads::abort_leaves_nothing: "an aborted upload leaves nothing, abort may be repeated",
    uploads::unfinished_uploads_are_found: "an unfinished upload is listed and removed",
}

/// One sentence of the contract, and the proof of it.
#[derive(Clone, Copy)]
pub struct Check {
    claim: Claim,
    run: for<'a> fn(&'a Scope<'a>) -> BoxFuture<'a, Checked>,
}

impl Check {
    /// Returns what it claims of a store.
    pub fn claim(&self) -> Claim {
        self.claim
    }

    /// Runs it alone, below `prefix` and its name, and deletes what it wrote.
    pub async fn run(&self, store: &dyn Store, prefix: &str) -> Result<(), Failure> {
        let prefix = format!("{prefix}{}/", self.claim.name);
        let scope = Scope { store, prefix };
        let checked = (self.run)(&scope).await;
        let cleaned = scope.clean().await;
        let checked = checked.and(cleaned);
        checked.map_err(|complaint| complaint.about(self.claim))
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.claim.name).finish()
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

/// A store and the prefix that belongs to one check.
struct Scope<'a> {
    store: &'a dyn Store,
    prefix: String,
}

impl Scope<'_> {
    const LISTING_ATTEMPTS: u32 = 10;
    const LISTING_PAUSE: Duration = Duration::from_millis(500);

    fn key(&self, name: &str) -> Key {
        Key::parse(format!("{}{name}", self.prefix)).expect("names of checks make keys")
    }

    async fn put(&self, name: &str, bytes: impl Into<Bytes> + Send) -> Result<()> {
        self.put_as(PutMode::Overwrite, name, bytes).await
    }

    async fn put_as(
        &self,
        mode: PutMode,
        name: &str,
        bytes: impl Into<Bytes> + Send,
    ) -> Result<()> {
        let options = PutOptions {
            mode,
            ..PutOptions::default()
        };
        let payload = Payload::new(bytes);
        self.store.put(&self.key(name), payload, options).await
    }

    async fn read(&self, name: &str) -> Result<Bytes> {
        self.store.get_bytes(&self.key(name), 64 << 20).await
    }

    /// Complains unless the object has exactly `expected`, without printing long content.
    async fn check_content(&self, name: &str, expected: &[u8]) -> Checked {
        let bytes = self.read(name).await?;
        check(bytes == expected, || {
            let (found, wanted) = (bytes.len(), expected.len());
            format!("`{name}` has other bytes than expected ({found} bytes for {wanted})")
        })
    }

    /// Lists, relative to the check's prefix, until the answer is `expected`.
    async fn check_list(&self, prefix: &str, after: Option<&str>, expected: &[&str]) -> Checked {
        let mut found = Vec::new();
        for attempt in 0..Self::LISTING_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(Self::LISTING_PAUSE).await;
            }
            found = self.names(prefix, after).await?;
            if found == expected {
                return Ok(());
            }
        }
        let complaint = format!("listing `{prefix}` after {after:?} has {found:?}");
        Err(Complaint(format!("{complaint} instead of {expected:?}")))
    }

    async fn names(&self, prefix: &str, after: Option<&str>) -> Result<Vec<String>> {
        let prefix = format!("{}{prefix}", self.prefix);
        let after = after.map(|after| format!("{}{after}", self.prefix));
        let listing = self.store.list(&prefix, after.as_deref());
        let mut names = listing
            .map_ok(|meta| self.name(meta.key.as_str()))
            .try_collect::<Vec<_>>()
            .await?;
        if !self.store.capabilities().ordered_list {
            names.sort_unstable();
        }
        Ok(names)
    }

    fn name(&self, key: &str) -> String {
        key.strip_prefix(&self.prefix).unwrap_or(key).to_owned()
    }

    async fn clean(&self) -> Checked {
        for upload in self.unfinished().await? {
            self.store.abort_unfinished(&upload).await?;
        }
        let listed = self.store.list_all(&self.prefix).await?;
        let keys = listed.into_iter().map(|meta| meta.key).collect::<Vec<_>>();
        self.store
            .delete(&keys)
            .await
            .into_iter()
            .collect::<Result<()>>()?;
        Ok(())
    }

    /// Lists unfinished uploads; none where the store cannot.
    async fn unfinished(&self) -> Result<Vec<super::UnfinishedUpload>> {
        match self.store.unfinished_uploads(&self.prefix).await {
            Err(error) if error.class() == Class::Invalid => Ok(Vec::new()),
            answer => answer,
        }
    }
}

#[cfg(test)]
mod tests;
