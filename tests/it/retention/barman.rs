//! Barman's tool removes the same from the same bucket.

use std::{collections::BTreeSet, sync::Arc};

use fastrand::Rng;
use jiff::Timestamp;
use walcast::{
    repository::Format,
    retention::{BarmanPolicy, Policy},
};

use super::{Tally, contents, files, open, past, plan_and_expire, stored, write};
use crate::support::{
    barman::Barman,
    s3::{Options, S3Server},
};

const SAMPLES: u64 = 220;

fn policy(seed: u64) -> BarmanPolicy {
    let mut rng = Rng::with_seed(seed ^ 0xBA);
    let policy = if rng.bool() {
        BarmanPolicy::redundancy(rng.u32(1..5))
    } else {
        BarmanPolicy::window(rng.u32(..14))
    };
    policy.with_minimum(rng.u32(..3))
}

#[tokio::test]
async fn barman_removes_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let server = S3Server::start_in(folder.path(), Options::default());
    // A listing costs time for everything in a bucket.
    let bucket = |seed: u64| folder.path().join(format!("bucket-{seed}"));
    let now = Timestamp::now();
    let sample = |seed: u64| past::barman(seed, &format!("s{seed}"), now);
    let mut jobs = Vec::new();
    for seed in 0..SAMPLES {
        write(&bucket(seed), &sample(seed));
        let (policy, minimum) = (policy(seed), policy(seed).minimum);
        let text = BarmanPolicy {
            minimum: 0,
            ..policy
        }
        .to_string();
        jobs.push(vec![
            format!("--minimum-redundancy={minimum}"),
            format!("--retention-policy={text}"),
            format!("s3://bucket-{seed}/pg"),
            format!("s{seed}"),
        ]);
    }

    let codes = Barman::on(&server).delete_all(&jobs);

    let mut tally = Tally::default();
    for seed in 0..SAMPLES {
        let place = usize::try_from(seed).unwrap();
        assert_eq!(codes[place], 0, "{:?}", jobs[place]);
        let (objects, name) = (sample(seed), format!("s{seed}"));
        let below = format!("pg/{name}/");
        let left = files(&bucket(seed).join(&below));
        let theirs: BTreeSet<String> = left
            .into_keys()
            .map(|key| format!("{below}{key}"))
            .collect();
        let store = stored(&objects, now).await;
        let repository = open(Format::Barman, Arc::new(store.clone()), &name);

        let (plan, expired) =
            plan_and_expire(&*repository, &Policy::Barman(policy(seed)), now).await;

        expired.unwrap();
        tally.add(seed, &plan, &contents(&store), &theirs.iter().collect());
    }
    println!("{tally:?}");
    assert!(tally.same > 170 && tally.active > 80, "{tally:?}");
}
