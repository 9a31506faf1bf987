use std::io::Read;

use bytes::Bytes;
use jiff::{Timestamp, tz::Offset};
use proptest::prelude::*;

use super::*;
use crate::{
    codec::{Codec, Decoder, Encoding},
    pg::{Lsn, Oid, TimelineId},
    repository::{
        Attributes,
        barman::{
            ArchiveLimits,
            tar::{read_tar, test_data::*},
        },
    },
};

/// Collects the objects, and checks that each is whole before the next begins.
#[derive(Debug, Default)]
struct Objects {
    whole: Vec<(String, Vec<u8>)>,
    open: Option<(String, Vec<u8>)>,
}

impl ObjectSink for Objects {
    fn write(&mut self, name: &ObjectName, bytes: &[u8]) -> io::Result<()> {
        let (open, content) = self
            .open
            .get_or_insert_with(|| (name.as_str().to_owned(), Vec::new()));
        assert_eq!(open, name.as_str(), "two objects at once");
        content.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, name: &ObjectName) -> io::Result<()> {
        let (open, content) = self.open.take().expect("it has begun");
        assert_eq!(open, name.as_str());
        self.whole.push((open, content));
        Ok(())
    }

    fn discard(&mut self, name: &ObjectName) -> io::Result<()> {
        panic!("{name} is wanted")
    }
}

impl Objects {
    fn names(&self) -> Vec<&str> {
        self.whole.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Reads the members of each object.
    fn events(&self) -> Vec<Vec<TreeEvent>> {
        let read = |(name, content): &(String, Vec<u8>)| {
            let (_, codec) = ArchiveName::parse(name).unwrap();
            let decoder = Decoder::new(codec, &content[..], 1 << 30).unwrap();
            let mut events = Vec::new();
            read_tar(decoder, |event| {
                events.push(event);
                Ok(())
            })
            .unwrap();
            events
        };
        self.whole.iter().map(read).collect()
    }
}

fn encoder(codec: Option<Codec>, max_archive_size: u64, threads: usize) -> ArchiveEncoder {
    let encoding = codec.map_or(Encoding::PLAIN, |codec| Encoding::new(codec, None).unwrap());
    let limits = ArchiveLimits::new(max_archive_size, 0);
    ArchiveEncoder::new(ArchiveEncoding::new(encoding, limits).unwrap(), threads)
}

fn end() -> BackupEnd {
    BackupEnd {
        ended: Timestamp::UNIX_EPOCH,
        offset: Offset::UTC,
        timeline: TimelineId::new(1).unwrap(),
        stop: Lsn::new(0x300_0000),
        label: "START WAL LOCATION: 0/2000028\n".to_owned(),
        tablespace_map: "16384 /tablespace\n".to_owned(),
        notes: Vec::new(),
        wal_was_found: true,
    }
}

fn directory(name: &str) -> TreeEvent {
    TreeEvent::Directory(path(name), attributes(0o700))
}

fn link(name: &str) -> TreeEvent {
    TreeEvent::Symlink(path(name), attributes(0o777), "/elsewhere".to_owned())
}

fn file(name: &str, content: &[u8]) -> Vec<TreeEvent> {
    let begin = TreeEvent::File(path(name), attributes(0o600), content.len() as u64);
    let mut events = vec![begin];
    for data in content.chunks(TreeEvent::MAX_DATA) {
        events.push(TreeEvent::Data(Bytes::copy_from_slice(data)));
    }
    events.push(TreeEvent::EndOfFile);
    events
}

/// Bytes that do not compress.
fn random(len: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..len).map(|_| random.u8(..)).collect()
}

fn tablespace() -> Tree {
    Tree::Tablespace(Oid::new(16384).unwrap())
}

/// The data directory with as many files of 100,000 bytes.
fn data(files: u32) -> Vec<TreeEvent> {
    let mut events = vec![
        TreeEvent::Tree(Tree::Data),
        directory("."),
        directory("base"),
    ];
    for number in 0..files {
        events.extend(file(
            &format!("base/{number}"),
            &random(100_000, number.into()),
        ));
    }
    events
}

fn encode(mut encoder: ArchiveEncoder, events: &[TreeEvent]) -> io::Result<Objects> {
    let mut objects = Objects::default();
    for event in events {
        encoder.take(event, &mut objects)?;
    }
    encoder.finish(&end(), &mut objects)?;
    assert_eq!(objects.open, None);
    Ok(objects)
}

/// What the label looks like when it is read.
fn label() -> Vec<TreeEvent> {
    let owner = Attributes {
        mode: 0o644,
        uid: 0,
        gid: 104,
        user: None,
        group: None,
        modified: Timestamp::UNIX_EPOCH,
    };
    let text = end().label.into_bytes();
    vec![
        TreeEvent::File(path("backup_label"), owner, text.len() as u64),
        TreeEvent::Data(Bytes::from(text)),
        TreeEvent::EndOfFile,
    ]
}

#[test]
fn each_tree_becomes_a_set_and_the_label_ends_the_data_directory() {
    let version = "PG_15_202209061";
    let mut events = vec![
        TreeEvent::Tree(tablespace()),
        directory("."),
        directory(version),
    ];
    events.extend(file(&format!("{version}/1"), &random(700, 1)));
    let in_tablespace = events[2..].to_vec();
    events.extend(data(2));
    events.extend([
        directory("pg_tblspc"),
        link("pg_tblspc/16384"),
        link("pg_hba.conf"),
    ]);
    let mut in_data = data(2)[1..].to_vec();
    in_data.extend([directory("pg_tblspc"), link("pg_hba.conf")]);
    in_data.extend(label());

    for codec in [
        None,
        Some(Codec::Gzip),
        Some(Codec::Lz4),
        Some(Codec::Snappy),
    ] {
        if codec.is_some_and(|codec| !codec.is_available()) {
            continue;
        }
        let objects = encode(encoder(codec, 1 << 40, 2), &events).unwrap();

        let ending = codec.map_or(String::new(), |codec| {
            format!(".{}", codec.barman_extension())
        });
        let names = ["16384", "data"].map(|set| format!("{set}.tar{ending}"));
        assert_eq!(objects.names(), names);
        assert_eq!(objects.events(), [in_tablespace.clone(), in_data.clone()]);
    }
}

#[test]
fn a_full_archive_is_continued_before_the_next_member() {
    let objects = encode(encoder(None, 250_000, 1), &data(7)).unwrap();

    assert_eq!(
        objects.names(),
        ["data.tar", "data_0001.tar", "data_0002.tar"]
    );
    let events = objects.events();
    assert_eq!(events[1][0], data(7)[3 + 3 * 3]);
    let mut expected = data(7)[1..].to_vec();
    expected.extend(label());
    assert_eq!(events.concat(), expected);
    // Each has three of the files: the limit is looked at before a member, not inside one.
    assert!(
        objects.whole[..2]
            .iter()
            .all(|(_, archive)| archive.len() > 300_000)
    );
}

#[test]
fn an_archive_has_a_member_whatever_the_limit() {
    let objects = encode(encoder(Some(Codec::Gzip), 0, 1), &data(0)).unwrap();

    // Both entries fit in a block that is not full, of which nothing is written yet.
    assert!(objects.events().iter().all(|events| !events.is_empty()));
}

#[test]
fn events_out_of_order_are_refused() {
    let data = || TreeEvent::Tree(Tree::Data);
    let announced = |size| TreeEvent::File(path("a"), attributes(0o600), size);
    let bytes = TreeEvent::Data(Bytes::from_static(b"xx"));
    for events in [
        vec![],
        vec![directory(".")],
        vec![bytes.clone()],
        vec![TreeEvent::Tree(tablespace())],
        vec![TreeEvent::Tree(tablespace()), TreeEvent::Tree(tablespace())],
        vec![data(), directory("."), TreeEvent::Tree(tablespace())],
        vec![data(), directory("base")],
        vec![data(), announced(0)],
        vec![data()],
        vec![data(), directory("."), announced(1), bytes.clone()],
        vec![
            data(),
            directory("."),
            announced(3),
            bytes.clone(),
            TreeEvent::EndOfFile,
        ],
        vec![data(), directory("."), announced(2), bytes],
    ] {
        let error = encode(encoder(None, 1 << 40, 1), &events).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{events:?}");
    }
}

#[test]
fn an_error_of_the_sink_is_passed_on() {
    struct Full;

    impl ObjectSink for Full {
        fn write(&mut self, _: &ObjectName, _: &[u8]) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn end(&mut self, _: &ObjectName) -> io::Result<()> {
            Ok(())
        }

        fn discard(&mut self, _: &ObjectName) -> io::Result<()> {
            Ok(())
        }
    }

    let mut encoder = encoder(Some(Codec::Gzip), 1 << 40, 2);
    let results = data(30)
        .iter()
        .try_for_each(|event| encoder.take(event, &mut Full));

    assert_eq!(results.unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn barman_reads_one_member_of_gzip_per_archive() {
    let objects = encode(encoder(Some(Codec::Gzip), 2 << 20, 2), &data(40)).unwrap();

    assert_eq!(objects.names(), ["data.tar.gz", "data_0001.tar.gz"]);
    for (name, archive) in &objects.whole {
        let mut member = flate2::bufread::GzDecoder::new(&archive[..]);
        let mut decoded = Vec::new();
        member.read_to_end(&mut decoded).unwrap();
        assert!(member.into_inner().is_empty(), "{name}");
        assert_eq!(decoded.len() % 10_240, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn objects_depend_on_files_and_encoding_alone(
        files in 0..25_u32,
        limit in 0..1_500_000_u64,
        threads in 2..5_usize,
    ) {
        let events = data(files);
        for codec in [None, Some(Codec::Gzip)] {
            let one = encode(encoder(codec, limit, 1), &events).unwrap();
            let many = encode(encoder(codec, limit, threads), &events).unwrap();

            prop_assert_eq!(one.names(), many.names());
            prop_assert!(one.whole == many.whole);
        }
    }
}
