//! What retention removes, step by step and beside the products' own tools.

mod barman;
mod crash;
mod golden;
mod past;
mod pgbackrest;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};
use walcast::{
    destination::DestinationId,
    repository::{
        Format, Pace, Repository,
        barman::{BarmanRepository, BarmanSettings},
        pgbackrest::{PgBackRestRepository, PgBackRestSettings},
    },
    retention::{ExpireError, Moment, Plan, Policy, RetentionRequest, expire},
    store::{Key, MemoryStore, PutOptions, Store, StoreExt},
    workers::Workers,
};

use self::past::Objects;

const STANZA: &str = "main";

fn open(format: Format, store: Arc<dyn Store>, name: &str) -> Arc<dyn Repository> {
    if format == Format::PgBackRest {
        let settings = PgBackRestSettings::new("", name);
        return Arc::new(PgBackRestRepository::new(
            store,
            settings,
            Workers::inline(),
        ));
    }
    let settings = BarmanSettings::new("pg", name);
    Arc::new(BarmanRepository::new(store, settings, Workers::inline()))
}

/// A store with objects that were written long before `now`.
async fn stored(objects: &Objects, now: Timestamp) -> MemoryStore {
    let store = MemoryStore::with_clock(Arc::new(past::Stopped::long_before(now)));
    for (key, content) in objects {
        let key = Key::parse(key.clone()).unwrap();
        let content = content.clone().into();
        store
            .put_bytes(&key, content, PutOptions::create())
            .await
            .unwrap();
    }
    store
}

fn contents(store: &MemoryStore) -> Objects {
    let all = store.contents().into_iter();
    all.map(|(key, bytes)| (key.to_string(), bytes.to_vec()))
        .collect()
}

async fn plan(repository: &dyn Repository, policy: &Policy, now: Timestamp) -> Plan {
    let catalog = repository.catalog(None).await.unwrap();
    let request = RetentionRequest {
        destination: DestinationId::parse("here").unwrap(),
        format: repository.format(),
        policies: std::slice::from_ref(policy),
        moment: Moment {
            now,
            zone: TimeZone::UTC,
        },
    };
    request.plan(&catalog)
}

async fn plan_and_expire(
    repository: &dyn Repository,
    policy: &Policy,
    now: Timestamp,
) -> (Plan, Result<(), ExpireError>) {
    let plan = plan(repository, policy, now).await;
    let expired = expire(repository, &plan, &Pace::unlimited()).await;
    (plan, expired.map(drop))
}

/// Returns the paths of the files below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap();
                let content = fs::read(&path).unwrap();
                found.insert(name.to_str().unwrap().to_owned(), content);
            }
        }
    }
    found
}

fn write(folder: &Path, objects: &Objects) {
    for (key, content) in objects {
        let path = folder.join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// What agrees, and what does not, over many samples.
#[derive(Debug, Default)]
struct Tally {
    same: usize,
    /// We removed less, and said why.
    stricter: usize,
    /// We removed something.
    active: usize,
}

impl Tally {
    /// Compares what is left: the tool's is `theirs`, of what was there before.
    #[track_caller]
    fn add(&mut self, seed: u64, plan: &Plan, ours: &Objects, theirs: &BTreeSet<&String>) {
        let ours: BTreeSet<_> = ours.keys().collect();
        self.active += usize::from(!plan.is_empty());
        let more: Vec<_> = theirs.difference(&ours).collect();
        assert!(
            more.is_empty(),
            "sample {seed}: we removed {more:?}: {plan:#?}"
        );
        if ours == *theirs {
            self.same += 1;
            return;
        }
        let left: Vec<_> = ours.difference(theirs).collect();
        assert!(
            !plan.refusals.is_empty(),
            "sample {seed}: without a reason we left {left:#?}: {plan:#?}"
        );
        self.stricter += 1;
    }
}
