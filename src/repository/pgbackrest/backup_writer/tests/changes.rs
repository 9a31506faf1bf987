//! Backups of what changed.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_changes_holds_what_changed_and_refers_to_the_rest() {
    let large = noise(1, 3 << 20);
    let other = noise(2, 3 << 20);
    for bundles in [None, Some(Bundles::default())] {
        let (repository, _) = repository(PgBackRestSettings {
            bundles,
            ..settings()
        })
        .await;
        let before: [File<'_>; 6] = [
            ("base/5/same", b"same", 10),
            ("base/5/touched", b"touched", 10),
            ("base/5/changed", b"before", 10),
            ("base/5/empty", b"", 10),
            ("base/5/large", &large, 10),
            ("base/5/large_changed", &large, 10),
        ];
        let (full, _) = back_up(&repository, &start(BackupKind::Full, 100), &events(&before)).await;
        let after: [File<'_>; 7] = [
            ("base/5/same", b"same", 10),
            ("base/5/touched", b"touched", 200),
            ("base/5/changed", b"after!", 200),
            ("base/5/empty", b"", 10),
            ("base/5/new", b"new", 200),
            ("base/5/large", &large, 200),
            ("base/5/large_changed", &other, 200),
        ];

        let (incr, objects) = back_up(
            &repository,
            &start(BackupKind::Incremental, 300),
            &events(&after),
        )
        .await;

        assert!(incr.starts_with(&format!("{full}_")) && incr.ends_with('I'));
        let found = holders(&repository, &incr).await;
        for name in ["base/5/same", "base/5/touched", "base/5/large"] {
            assert_eq!(found[name], full, "{name}");
        }
        for name in [
            "base/5/changed",
            "base/5/new",
            "base/5/empty",
            "base/5/large_changed",
            "global/pg_control",
            "backup_label",
        ] {
            assert_eq!(found[name], incr, "{name}");
        }
        let discarded: Vec<_> = objects.discarded.iter().map(ObjectName::as_str).collect();
        assert_eq!(discarded, ["pg_data/base/5/large.gz"]);
        let restored = contents(&repository, &incr).await;
        for (name, content, _) in after {
            assert_eq!(restored[name], Sha1::of(content), "{name}");
        }
        // A differential one goes back to the full, whatever came since.
        let kind = BackupKind::Differential;
        let (diff, _) = back_up(&repository, &start(kind, 400), &events(&after)).await;
        assert_eq!(holders(&repository, &diff).await["base/5/new"], diff);
        // References lead to the backup that holds the bytes.
        let kind = BackupKind::Incremental;
        let (next, _) = back_up(&repository, &start(kind, 500), &events(&after)).await;
        let found = holders(&repository, &next).await;
        assert_eq!(
            (&found["base/5/same"], &found["base/5/new"]),
            (&full, &diff)
        );
        let manifest = manifest(&repository, &next).await;
        assert_eq!(manifest.references, [full, diff.clone(), next.clone()]);
        assert_eq!(manifest.prior, Some(diff));
        contents(&repository, &next).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_wanted_need_not_be_read_unless_times_are_odd() {
    let (repository, _) = repository(settings()).await;
    let files: [File<'_>; 2] = [("base/5/a", b"a", 10), ("base/5/b", b"b", 10)];
    back_up(&repository, &start(BackupKind::Full, 100), &events(&files)).await;
    let begin = async |by_checksum: bool, seconds: i64| {
        let start = BackupStart {
            by_checksum,
            ..start(BackupKind::Incremental, seconds)
        };
        repository.begin(&start, &Taker::of_backup()).await.unwrap()
    };
    let wants = |plan: &FilePlan, modified: i64| {
        plan.wants(Tree::Data, &path("base/5/a"), 1, time(modified))
    };

    let plan = Arc::clone(&begin(false, 200).await.plan);
    assert!(!wants(&plan, 10));
    assert!(wants(&plan, 11));
    assert!(plan.wants(Tree::Data, &path("base/5/a"), 2, time(10)));
    assert!(plan.wants(Tree::Data, &path("global/pg_control"), 8192, time(0)));
    plan.notice(Tree::Data, &path("base/5/b"), 1, time(12));
    assert!(!wants(&plan, 10));
    // Another content of the same time: times tell nothing.
    plan.notice(Tree::Data, &path("base/5/b"), 2, time(10));
    assert!(wants(&plan, 10));

    let plan = Arc::clone(&begin(true, 201).await.plan);
    assert!(wants(&plan, 10));

    let mut other_timeline = start(BackupKind::Incremental, 202);
    other_timeline.timeline = TimelineId::new(2).unwrap();
    let writer = repository.begin(&other_timeline, &Taker::of_backup()).await;
    assert!(wants(&writer.unwrap().plan, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_changes_without_one_before_is_a_full_one() {
    let (repository, store) = repository(settings()).await;
    let kind = BackupKind::Incremental;
    let files: [File<'_>; 1] = [("base/5/a", b"a", 10)];

    let (first, _) = back_up(&repository, &start(kind, 100), &events(&files)).await;

    assert!(first.ends_with('F'));
    for name in ["backup.manifest", "backup.manifest.copy"] {
        let key = repository.backup_key(&first, name).unwrap();
        assert!(store.delete(&[key]).await[0].is_ok());
    }
    let writer = repository
        .begin(&start(kind, 200), &Taker::of_backup())
        .await;
    assert!(writer.unwrap().label.ends_with('F'));
}
