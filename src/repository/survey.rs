//! Everything below a repository's place, counted and told apart.

use futures_util::TryStreamExt;

use super::{Result, uploads::uploads_below};
use crate::store::{Key, ObjectMeta, Store, UnfinishedUpload};

/// What lies where a repository is, foreign objects included.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Survey {
    /// How many objects there are, foreign ones included.
    pub objects: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// How many of them are not the layout's.
    pub foreign: u64,
    /// The size of these, in bytes.
    pub foreign_bytes: u64,
    /// The first of these, at most [`Survey::EXAMPLES`].
    pub examples: Vec<Key>,
    /// Uploads that were begun and did not end; none where the store cannot tell.
    pub uploads: Vec<UnfinishedUpload>,
}

impl Survey {
    /// How many foreign objects are named.
    pub const EXAMPLES: usize = 20;

    /// Lists everything below `prefixes`; what `is_own` does not know is foreign.
    pub(super) async fn of(
        store: &dyn Store,
        prefixes: &[String],
        is_own: impl Fn(&Key) -> bool + Send,
    ) -> Result<Self> {
        let mut survey = Self::default();
        for prefix in prefixes {
            let mut objects = store.list(prefix, None);
            while let Some(meta) = objects.try_next().await? {
                survey.add(meta, &is_own);
            }
            survey.uploads.extend(uploads_below(store, prefix).await?);
        }
        Ok(survey)
    }

    fn add(&mut self, meta: ObjectMeta, is_own: &impl Fn(&Key) -> bool) {
        self.objects += 1;
        self.bytes += meta.size;
        if is_own(&meta.key) {
            return;
        }
        self.foreign += 1;
        self.foreign_bytes += meta.size;
        if self.examples.len() < Self::EXAMPLES {
            self.examples.push(meta.key);
        }
    }
}
