//! How files are stored, and which are not.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn repositories_with_the_same_secrets_share_every_byte() {
    let secrets = StanzaSecrets::random().unwrap();
    let mut writers = Vec::new();
    for (passphrase, bundles) in [
        (Some(passphrase()), Some(Bundles::default())),
        (Some(passphrase()), Some(Bundles::default())),
        (Some(passphrase()), None),
        (None, Some(Bundles::default())),
    ] {
        let repository = PgBackRestRepository::new(
            Arc::new(MemoryStore::new()),
            PgBackRestSettings {
                passphrase,
                bundles,
                ..settings()
            },
            Workers::inline(),
        );
        repository.create_stanza(&IDENTITY, &secrets).await.unwrap();
        writers.push(begin(&repository).await);
    }

    let encodings: Vec<_> = writers.iter().map(BackupWriter::encoding).collect();

    assert_eq!(encodings[0], encodings[1]);
    assert_ne!(encodings[0], encodings[2]);
    assert_ne!(encodings[0], encodings[3]);
    let files = events(&[("base/5/a", b"a", 10)]);
    let stored = |writer| encode(writer, &files).0.whole;
    assert_eq!(stored(&writers[0]), stored(&writers[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn unlogged_relations_are_left_out_and_links_are_followed() {
    let (repository, _) = repository(settings()).await;
    let mut all = events(&[
        ("base/5/16385_init", b"", 10),
        ("base/5/16385", b"unlogged", 10),
        ("base/5/16386", b"logged", 10),
        ("base/5/t3_16387", b"temporary", 10),
        ("backup_label.old", b"old", 10),
    ]);
    let at = all.len() - 3;
    let conf = path("extra.conf");
    let elsewhere = path("elsewhere");
    let more = [
        TreeEvent::Symlink(conf.clone(), attributes(5), "/etc/extra.conf".to_owned()),
        TreeEvent::File(conf, attributes(10), 1),
        TreeEvent::Data(Bytes::from_static(b"x")),
        TreeEvent::EndOfFile,
        TreeEvent::Symlink(path("nowhere"), attributes(5), "/gone".to_owned()),
        TreeEvent::DirectoryLink(elsewhere.clone(), attributes(5), "/mnt/dir".to_owned()),
        TreeEvent::Directory(elsewhere.clone(), attributes(5)),
        TreeEvent::File(elsewhere.join("f").unwrap(), attributes(10), 0),
        TreeEvent::EndOfFile,
    ];
    all.splice(at..at, more);

    let (label, _) = back_up(&repository, &start(BackupKind::Full, 0), &all).await;

    let manifest = manifest(&repository, &label).await;
    let names: Vec<_> = manifest.files.iter().map(|(name, _)| &name[8..]).collect();
    let expected = [
        "backup_label",
        "base/5/16385_init",
        "base/5/16386",
        "elsewhere/f",
        "extra.conf",
        "global/pg_control",
    ];
    assert_eq!(names, expected);
    let links: Vec<_> = manifest
        .links
        .iter()
        .map(|(name, link)| (&name[8..], &*link.path, link.file.as_deref()))
        .collect();
    let expected = [
        ("elsewhere", "/mnt/dir", None),
        ("extra.conf", "/etc", Some("extra.conf")),
    ];
    assert_eq!(links, expected);
    let reader = repository.open_base_backup(&label).await.unwrap();
    let read: Vec<_> = reader
        .read(Tree::Data)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let links: Vec<_> = read
        .iter()
        .filter_map(|event| match event {
            TreeEvent::Symlink(path, _, target) => Some((path.as_str(), target.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(links, [("nowhere", "/gone")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_pages_are_told_in_the_manifest_and_the_list() {
    let (repository, _) = repository(settings()).await;
    let mut all = events(&[
        ("base/5/16386", &[1; 16384], 10),
        ("base/5/16387", &[2; 8192], 10),
    ]);
    let ends: Vec<usize> = (0..all.len())
        .filter(|index| all[*index] == TreeEvent::EndOfFile)
        .collect();
    let errors = PageErrors(vec![(1, 1), (131_072, 131_074)]);
    all.insert(ends[1], TreeEvent::Pages(Ok(())));
    all.insert(ends[0], TreeEvent::Pages(Err(errors.clone())));

    let (label, _) = back_up(&repository, &start(BackupKind::Full, 0), &all).await;

    let manifest = manifest(&repository, &label).await;
    let pages = |name: &str| {
        let mut files = manifest.files.iter();
        files
            .find(|(one, _)| one.ends_with(name))
            .unwrap()
            .1
            .pages
            .clone()
    };
    assert_eq!(pages("16386"), Some(Err(errors)));
    assert_eq!((pages("16387"), pages("pg_control")), (Some(Ok(())), None));
    assert_eq!(manifest.options["option-checksum-page"], "true");
    let (_, entry) = repository.backup_entries().await.unwrap().remove(0);
    assert_eq!(entry.unwrap().has_page_errors, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_out_of_order_are_refused() {
    let (repository, _) = repository(settings()).await;
    let writer = begin(&repository).await;
    let whole = events(&[("base/5/a", b"a", 10)]);
    let without = |index: usize| {
        let mut events = whole.clone();
        events.remove(index);
        events
    };
    let link = TreeEvent::HardLink(path("base/5/b"), attributes(0), path("base/5/a"));
    let mut dangling = whole.clone();
    dangling.insert(8, link);
    let mut unread = whole.clone();
    unread.insert(8, TreeEvent::Unread(path("base/5/b"), attributes(0), 1));

    for (events, expected) in [
        (without(0), "no tree has begun"),
        (without(6), "a file is longer or shorter than announced"),
        (without(7), "a file has not ended"),
        (without(5), "data of no file came"),
        (dangling, "a second name of a file came without its content"),
        (unread, "a file that is wanted comes without its content"),
        (
            whole[..8].to_vec(),
            "the data directory did not come, or has no pg_control",
        ),
    ] {
        let mut objects = Objects::default();
        let mut encoder = writer.encoder(1);
        let taken = events
            .iter()
            .try_for_each(|event| encoder.take(event, &mut objects));
        let error = taken.and_then(|()| encoder.finish(&end(0), &mut objects).map(drop));
        assert_eq!(error.unwrap_err().to_string(), expected);
    }
}
