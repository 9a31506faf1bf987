//! pgBackRest removes the same from the same repository.

use std::{collections::BTreeSet, sync::Arc};

use fastrand::Rng;
use jiff::Timestamp;
use walcast::{
    crd::pgbackrest::{BackupType, FullType, RetentionPolicy},
    repository::{BackupKind, Format, pgbackrest::BackupInfo},
    retention::{PgBackRestPolicy, Plan, Policy, WalRule},
};

use super::{STANZA, Tally, contents, files, open, past, plan_and_expire, stored, write};
use crate::support::pgbackrest::PgBackRest;

const SAMPLES: u64 = 220;

/// Returns options of the tool, and what they mean.
fn options(seed: u64) -> (Vec<String>, PgBackRestPolicy) {
    let mut rng = Rng::with_seed(seed ^ 0xB6);
    let mut number = |odds: u8, most: i32| (rng.u8(..odds) == 0).then(|| rng.i32(1..most));
    let mut policy = RetentionPolicy {
        full: number(1, 4),
        diff: number(3, 5),
        archive: number(3, 4),
        ..RetentionPolicy::default()
    };
    let history = number(3, 10);
    if rng.u8(..3) == 0 {
        policy.full_type = Some(FullType::Time);
        policy.full = Some(rng.i32(1..12));
    }
    policy.archive_type = match rng.u8(..5) {
        0 => Some(BackupType::Diff),
        1 => Some(BackupType::Incr),
        _ => None,
    };
    let mut arguments = vec!["expire".to_owned()];
    let mut add = |name: &str, value: Option<String>| {
        arguments.extend(value.map(|value| format!("--repo1-retention-{name}={value}")));
    };
    let text = |number: Option<i32>| number.map(|number| number.to_string());
    add("full", text(policy.full));
    add(
        "full-type",
        policy.full_type.as_ref().map(|_| "time".to_owned()),
    );
    add("diff", text(policy.diff));
    add("archive", text(policy.archive));
    let kind = policy.archive_type.as_ref().map(|kind| match kind {
        BackupType::Diff => "diff",
        _ => "incr",
    });
    add("archive-type", kind.map(str::to_owned));
    add("history", text(history));
    let rule = PgBackRestPolicy::from(&policy.effective());
    let history = history.map(i32::unsigned_abs);
    (arguments, PgBackRestPolicy { history, ..rule })
}

#[tokio::test]
async fn pgbackrest_removes_the_same() {
    let now = Timestamp::now();
    let (mut tally, mut newer) = (Tally::default(), 0);
    for seed in 0..SAMPLES {
        let objects = past::PgBackRest::new(seed, now).await.objects;
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &objects);
        let (arguments, policy) = options(seed);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();

        PgBackRest::on_folder(folder.path()).succeed(&arguments);
        let theirs = files(folder.path());
        let store = stored(&objects, now).await;
        let repository = open(Format::PgBackRest, Arc::new(store.clone()), STANZA);
        let (plan, expired) = plan_and_expire(&*repository, &Policy::PgBackRest(policy), now).await;

        expired.unwrap();
        let mut ours = contents(&store);
        // 2.59 leaves the newest place alone if a backup could go on there, 2.45 does not.
        if let Some(begun) = begun(&objects) {
            ours.retain(|key, _| !key.starts_with(&begun));
            newer += 1;
        }
        if is_of_newer_release(&policy, &plan) {
            let more = theirs.keys().filter(|key| !ours.contains_key(*key));
            assert!(
                more.clone().all(|key| key.starts_with("archive/")),
                "sample {seed}"
            );
            newer += 1;
            continue;
        }
        tally.add(seed, &plan, &ours, &theirs.keys().collect::<BTreeSet<_>>());
        if plan.refusals.is_empty() {
            let labels = |objects: &past::Objects| {
                let info = String::from_utf8(objects["backup/main/backup.info"].clone()).unwrap();
                let info = BackupInfo::parse(&info).unwrap();
                info.backups()
                    .map(|(label, _)| label.to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(labels(&ours), labels(&theirs), "sample {seed}");
        }
    }
    println!("{tally:?}, {newer} by the rule of a newer release");
    assert!(tally.same > 150 && tally.active > 120, "{tally:?}");
    assert!(newer < 60, "{newer}");
}

/// Returns where a backup was begun that is newer than all others.
fn begun(objects: &past::Objects) -> Option<String> {
    let mut copies = objects
        .keys()
        .filter_map(|key| key.strip_suffix("backup.manifest.copy"));
    let newest = copies.next_back()?;
    let is_complete = objects.contains_key(&format!("{newest}backup.manifest"));
    (!is_complete).then(|| newest.to_owned())
}

/// Where full backups are kept for days, 2.45 removes WAL only along with a full backup; 2.59 does
/// once one is older, see `time-2.log` among the fixtures.
fn is_of_newer_release(policy: &PgBackRestPolicy, plan: &Plan) -> bool {
    let removed = plan.removed.iter();
    let goes = removed
        .filter(|backup| backup.kind == Some(BackupKind::Full))
        .count()
        > 0;
    policy.wal == WalRule::WithFulls && !goes
}
