//! Listings of an archive: which folders are asked for, and how many at once.

use futures_util::{Stream, StreamExt, TryStreamExt, stream};

use super::Result;
use crate::{
    pg::SegmentSize,
    store::{ObjectMeta, Store},
};

/// How much of an archive is asked for before it is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ahead {
    /// How many requests are on their way.
    requests: usize,
    /// How many folders one listing spans, where the store lists in order.
    folders: usize,
}

impl Ahead {
    /// One folder after the other, for whoever may stop early.
    pub(super) const NONE: Self = Self {
        requests: 1,
        folders: 1,
    };

    /// Side by side, for whoever wants everything: a listing spans as many folders as fill a few
    /// pages, so that there are neither many more requests than pages nor many objects in memory.
    pub(super) fn everything(size: SegmentSize) -> Self {
        const OBJECTS: u64 = 4_096;
        let folders = OBJECTS.saturating_mul(size.bytes()) >> 32;
        Self {
            requests: 8,
            folders: usize::try_from(folders).unwrap_or(usize::MAX).max(1),
        }
    }
}

/// What one level of an archive shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Entry {
    /// An object of the level itself.
    Object(ObjectMeta),
    /// A folder, by its prefix.
    Folder(String),
}

/// A part of a listing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// What belongs together, and nothing else.
    Each(Vec<Entry>),
    /// The folders from the first to the last, which are siblings.
    Run { first: String, last: String },
}

/// Joins neighbours where that saves requests.
pub(super) fn join(
    entries: impl IntoIterator<Item = Vec<Entry>>,
    store: &dyn Store,
    ahead: Ahead,
) -> Vec<Step> {
    let is_ordered = store.capabilities().ordered_list;
    let most = if is_ordered { ahead.folders } else { 1 };
    let mut steps: Vec<Step> = Vec::new();
    let mut folders = 0;
    for entries in entries {
        let [Entry::Folder(folder)] = &*entries else {
            steps.push(Step::Each(entries));
            continue;
        };
        match steps.last_mut() {
            Some(Step::Run { last, .. }) if folders < most && parent(last) == parent(folder) => {
                last.clone_from(folder);
                folders += 1;
            }
            _ => {
                folders = 1;
                steps.push(Step::Run {
                    first: folder.clone(),
                    last: folder.clone(),
                });
            }
        }
    }
    steps
}

impl Step {
    /// Lists it, and returns what `wanted` makes of the objects.
    pub(super) async fn list<T: Send>(
        self,
        store: &dyn Store,
        mut wanted: impl FnMut(ObjectMeta) -> Option<T> + Send,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        match self {
            Self::Each(entries) => {
                for entry in entries {
                    match entry {
                        Entry::Object(meta) => found.extend(wanted(meta)),
                        Entry::Folder(folder) => {
                            let mut objects = store.list(&folder, None);
                            while let Some(meta) = objects.try_next().await? {
                                found.extend(wanted(meta));
                            }
                        }
                    }
                }
            }
            Self::Run { first, last } => {
                let begin = (first != last).then_some(first.as_str());
                let mut objects = store.list(common(&first, &last), begin);
                while let Some(meta) = objects.try_next().await? {
                    let key = meta.key.as_str();
                    if key > last.as_str() && !key.starts_with(&last) {
                        break;
                    }
                    found.extend(wanted(meta));
                }
            }
        }
        Ok(found)
    }
}

/// Ends a stream at its first error.
pub(super) fn until_error<T>(
    stream: impl Stream<Item = Result<T>> + Send + 'static,
) -> impl Stream<Item = Result<T>> + Send + 'static
where
    T: Send + 'static,
{
    stream::try_unfold(stream.boxed(), |mut stream| async move {
        let next = stream.try_next().await?;
        Ok(next.map(|item| (item, stream)))
    })
}

impl Ahead {
    /// Lists steps in their order, as many side by side as it says.
    pub(super) fn run<T, F>(
        self,
        steps: Vec<Step>,
        list: impl Fn(Step) -> F + Send + 'static,
    ) -> impl Stream<Item = Result<T>> + Send + 'static
    where
        T: Send + 'static,
        F: Future<Output = Result<Vec<T>>> + Send + 'static,
    {
        stream::iter(steps)
            .map(list)
            .buffered(self.requests)
            .map_ok(|found| stream::iter(found.into_iter().map(Ok)))
            .try_flatten()
    }
}

fn parent(folder: &str) -> &str {
    let name = folder.strip_suffix('/').unwrap_or(folder);
    name.rfind('/').map_or("", |slash| &name[..=slash])
}

/// Returns what both begin with.
fn common<'a>(one: &'a str, other: &str) -> &'a str {
    let pairs = one.char_indices().zip(other.chars());
    let differs = pairs.filter(|((_, a), b)| a != b);
    let end = differs.map(|((at, _), _)| at).next();
    &one[..end.unwrap_or_else(|| one.len().min(other.len()))]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{Key, MemoryStore, Payload, PutOptions};

    const KEYS: [&str; 7] = [
        "a/w/01/x",
        "a/w/01/y",
        "a/w/02/x",
        "a/w/03/x",
        "a/w/03/z",
        "a/w/030/x",
        "a/w/04/x",
    ];

    async fn store() -> Arc<dyn Store> {
        let store = MemoryStore::new();
        for key in KEYS {
            let key = Key::parse(key).unwrap();
            let put = store.put(&key, Payload::new("x"), PutOptions::default());
            put.await.unwrap();
        }
        Arc::new(store)
    }

    fn folder(name: &str) -> Entry {
        Entry::Folder(format!("a/w/{name}/"))
    }

    fn run(first: &str, last: &str) -> Step {
        Step::Run {
            first: format!("a/w/{first}/"),
            last: format!("a/w/{last}/"),
        }
    }

    #[tokio::test]
    async fn folders_are_joined_up_to_the_limit() {
        let store = store().await;
        let ahead = Ahead {
            requests: 2,
            folders: 2,
        };
        let object = store.head(&Key::parse(KEYS[0]).unwrap()).await.unwrap();
        let object = vec![Entry::Object(object)];
        let other = "b/w/03/".to_owned();
        let both = vec![folder("05"), Entry::Folder(other.clone())];
        let entries = vec![
            vec![folder("01")],
            vec![folder("02")],
            vec![folder("03")],
            object.clone(),
            vec![folder("04")],
            vec![Entry::Folder(other.clone())],
            both.clone(),
        ];

        let joined = join(entries.clone(), &*store, ahead);

        let (first, last) = (other.clone(), other);
        let expected = [
            run("01", "02"),
            run("03", "03"),
            Step::Each(object),
            run("04", "04"),
            Step::Run { first, last },
            Step::Each(both),
        ];
        assert_eq!(joined, expected);
        let by_itself = join(entries.clone(), &*store, Ahead::NONE);
        assert_eq!(by_itself.len(), entries.len());
    }

    #[tokio::test]
    async fn a_run_has_the_objects_of_its_folders_and_no_others() {
        let store = store().await;

        for (first, last, expected) in [
            ("01", "03", &KEYS[..5]),
            ("02", "03", &KEYS[2..5]),
            ("02", "02", &KEYS[2..3]),
            ("03", "04", &KEYS[3..]),
        ] {
            let listed = run(first, last).list(&*store, |meta| Some(meta.key.to_string()));
            assert_eq!(listed.await.unwrap(), expected, "{first} to {last}");
        }
    }

    #[test]
    fn a_listing_spans_as_many_folders_as_fill_a_few_pages() {
        let folders = |bytes| Ahead::everything(SegmentSize::new(bytes).unwrap()).folders;

        assert_eq!(folders(1 << 20), 1);
        assert_eq!(folders(16 << 20), 16);
        assert_eq!(folders(1 << 30), 1024);
    }
}
