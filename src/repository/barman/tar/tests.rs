use std::io::{self, Read};

use bytes::Bytes;
use jiff::Timestamp;
use proptest::{collection::vec, option, prelude::*};

use super::{test_data::*, *};
use crate::{
    codec::{Codec, Decoder},
    repository::{Attributes, TreeEvent, TreePath},
};

fn fixture(encoded: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    Decoder::new(Some(Codec::Gzip), encoded, 1 << 20)
        .unwrap()
        .read_to_end(&mut decoded)
        .unwrap();
    decoded
}

fn read(archive: impl Read) -> io::Result<Vec<TreeEvent>> {
    let mut events = Vec::new();
    read_tar(archive, |event| {
        events.push(event);
        Ok(())
    })?;
    Ok(events)
}

fn write(events: &[TreeEvent]) -> io::Result<Vec<u8>> {
    let (mut writer, mut archive) = (TarWriter::default(), Vec::new());
    for event in events {
        writer.write(event, &mut archive)?;
    }
    writer.finish(&mut archive)?;
    Ok(archive)
}

fn file(name: &str, content: &'static [u8]) -> Vec<TreeEvent> {
    let mut events = vec![TreeEvent::File(
        path(name),
        attributes(0o600),
        content.len() as u64,
    )];
    if !content.is_empty() {
        events.push(TreeEvent::Data(Bytes::from_static(content)));
    }
    events.push(TreeEvent::EndOfFile);
    events
}

#[test]
fn barmans_archive_is_written_again_byte_for_byte() {
    let archive = fixture(include_bytes!(
        "../../../../tests/fixtures/barman/16384.tar.gz"
    ));

    let events = read(&archive[..]).unwrap();

    let directory = Attributes {
        modified: "2026-11-22T12:48:05.5941067Z".parse().unwrap(),
        ..attributes(0o700)
    };
    assert_eq!(
        events[..2],
        [
            TreeEvent::Directory(path("PG_15_202209061"), directory.clone()),
            TreeEvent::Directory(path("PG_15_202209061/16386"), directory),
        ]
    );
    assert!(matches!(&events[2], TreeEvent::File(_, attributes, 8192) if attributes.mode == 0o600));
    assert_eq!(events.len(), 5);
    assert!(write(&events).unwrap() == archive);
}

#[test]
fn a_label_looks_like_barmans() {
    let (mut writer, mut archive) = (TarWriter::default(), Vec::new());
    writer
        .label("START WAL LOCATION", 104, &mut archive)
        .unwrap();
    writer.finish(&mut archive).unwrap();

    // As at the end of a `data.tar` of Barman's, but for the size and the checksum.
    let fields = [
        (0, &b"backup_label\0"[..]),
        (100, b"0000644\0" as &[u8]),
        (108, b"0000000\0"),
        (116, b"0000150\0"),
        (124, b"00000000022\0"),
        (136, b"00000000000\0"),
        (156, b"0\0"),
        (257, b"ustar\x0000\0"),
        (512, b"START WAL LOCATION\0"),
    ];
    for (at, expected) in fields {
        assert_eq!(&archive[at..at + expected.len()], expected, "at {at}");
    }
    assert_eq!(archive.len(), 10_240);
    assert!(
        matches!(&read(&archive[..]).unwrap()[0], TreeEvent::File(name, _, 18) if name.as_str() == "backup_label")
    );
}

#[test]
fn names_are_written_as_barman_writes_them() {
    let mut events = vec![TreeEvent::Directory(path("."), attributes(0o700))];
    events.extend(file("PG_VERSION", b"15\n"));
    events.push(TreeEvent::Directory(path("global"), attributes(0o700)));
    events.extend(file("global/pg_control", b"x"));
    let archive = write(&events).unwrap();

    let mut names = Vec::new();
    for entry in ::tar::Archive::new(&archive[..]).entries().unwrap() {
        names.push(String::from_utf8(entry.unwrap().path_bytes().to_vec()).unwrap());
    }

    assert_eq!(
        names,
        ["./", "./PG_VERSION", "global/", "global/pg_control"]
    );
}

#[test]
fn the_same_tree_is_read_from_every_format() {
    let long = "n".repeat(70);
    let whole_second = |mut events: Vec<TreeEvent>| {
        for event in &mut events {
            if let TreeEvent::Directory(_, attributes)
            | TreeEvent::File(_, attributes, _)
            | TreeEvent::Symlink(_, attributes, _)
            | TreeEvent::HardLink(_, attributes, _) = event
            {
                attributes.modified =
                    Timestamp::from_second(attributes.modified.as_second()).unwrap();
            }
        }
        events
    };
    let mut tree = vec![TreeEvent::Directory(path("."), attributes(0o700))];
    tree.extend(file("PG_VERSION", b"fifteen"));
    tree.extend(file("empty", b""));
    let link = |name: &str, target: &str| {
        TreeEvent::Symlink(path(name), attributes(0o777), target.to_owned())
    };
    tree.extend([
        TreeEvent::Directory(path("sub"), attributes(0o700)),
        TreeEvent::HardLink(path("sub/again"), attributes(0o600), path("PG_VERSION")),
        link("sub/link", "../PG_VERSION"),
        link("sub/longlink", &format!("{long}/{long}")),
        TreeEvent::Directory(path(&format!("sub/{long}")), attributes(0o700)),
    ]);
    tree.extend(file(&format!("sub/{long}/{long}"), b"long"));

    let posix = fixture(include_bytes!(
        "../../../../tests/fixtures/tar/posix.tar.gz"
    ));
    assert_eq!(read(&posix[..]).unwrap(), tree);
    let gnu = fixture(include_bytes!("../../../../tests/fixtures/tar/gnu.tar.gz"));
    assert_eq!(read(&gnu[..]).unwrap(), whole_second(tree.clone()));
    let ustar = fixture(include_bytes!(
        "../../../../tests/fixtures/tar/ustar.tar.gz"
    ));
    tree.retain(|event| *event != link("sub/longlink", &format!("{long}/{long}")));
    assert_eq!(read(&ustar[..]).unwrap(), whole_second(tree));
}

#[test]
fn holes_are_read_where_the_format_is_known_and_refused_elsewhere() {
    let gnu = fixture(include_bytes!(
        "../../../../tests/fixtures/tar/sparse-gnu.tar.gz"
    ));
    let events = read(&gnu[..]).unwrap();
    assert!(matches!(&events[0], TreeEvent::File(_, _, 200_001)));
    let TreeEvent::Data(data) = &events[1] else {
        panic!("{events:?}");
    };
    assert!(data[..200_000].iter().all(|byte| *byte == 0) && data[200_000] == b'x');

    let posix = fixture(include_bytes!(
        "../../../../tests/fixtures/tar/sparse-posix.tar.gz"
    ));
    let error = read(&posix[..]).unwrap_err();
    assert!(
        error.to_string().contains("is stored as a sparse file"),
        "{error}"
    );
}

#[test]
fn what_no_base_backup_has_is_refused_by_its_name() {
    let pipe = fixture(include_bytes!("../../../../tests/fixtures/tar/pipe.tar.gz"));
    assert_eq!(
        read(&pipe[..]).unwrap_err().to_string(),
        "member `./pipe` of the archive is neither file nor directory nor link"
    );

    for name in ["/etc/passwd", "../escape", "base/../../escape"] {
        let mut header = ::tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(0);
        header.set_cksum();
        let error = read(header.as_bytes().as_slice()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_link_out_of_the_tree_is_read_but_a_hard_one_refused() {
    for (kind, is_read) in [
        (::tar::EntryType::Symlink, true),
        (::tar::EntryType::Link, false),
    ] {
        let mut header = ::tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.as_old_mut().name[..1].copy_from_slice(b"a");
        header.as_old_mut().linkname[..4].copy_from_slice(b"/etc");
        header.set_mode(0o777);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(0);
        header.set_cksum();

        assert_eq!(read(header.as_bytes().as_slice()).is_ok(), is_read);
    }
}

#[test]
fn an_archive_may_end_behind_a_member_but_not_inside_one() {
    let content: &[u8] = &[7; 1500];
    let mut events = file("a", content);
    events.extend(file("b", content));
    let archive = write(&events).unwrap();
    // Three headers of 512 bytes, three blocks.
    let member = 3 * 512 + 3 * 512;

    assert_eq!(read(&archive[..member]).unwrap(), events[..3]);
    assert_eq!(read(&archive[..2 * member]).unwrap(), events);
    for cut in [1, 512, 1024, 1100, 1536, 2000, 3035, member + 1] {
        let error = read(&archive[..cut]).unwrap_err();
        assert_eq!(
            error.kind(),
            io::ErrorKind::InvalidData,
            "at {cut}: {error}"
        );
    }
    assert_eq!(
        read(&archive[..2000]).unwrap_err().to_string(),
        "the archive ends inside member `./a`"
    );
}

#[test]
fn damage_is_told_from_a_source_that_fails() {
    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("connection lost"))
        }
    }

    let mut archive = write(&file("a", b"x")).unwrap();
    for cut in [0, 700, 1536, 2048] {
        let error = read(archive[..cut].chain(Broken)).unwrap_err();
        assert_eq!(error.to_string(), "connection lost", "at {cut}");
    }
    archive[1024] ^= 1;
    let error = read(&archive[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the archive is damaged at its beginning: archive header checksum mismatch"
    );
}

#[test]
fn the_source_is_read_to_its_end() {
    let mut archive = write(&[]).unwrap();
    archive.resize(100_000, 7);
    let mut source = &archive[..];

    read(&mut source).unwrap();

    assert!(source.is_empty());
}

#[test]
fn events_out_of_order_are_refused() {
    let announced = |size| TreeEvent::File(path("a"), attributes(0o600), size);
    let data = TreeEvent::Data(Bytes::from_static(b"xx"));
    let directory = TreeEvent::Directory(path("d"), attributes(0o700));
    for events in [
        vec![data.clone()],
        vec![TreeEvent::EndOfFile],
        vec![announced(0)],
        vec![announced(1), data.clone()],
        vec![announced(3), data.clone(), TreeEvent::EndOfFile],
        vec![announced(2), directory],
        vec![announced(2), data, announced(1)],
        vec![TreeEvent::File(path("."), attributes(0o600), 0)],
        vec![TreeEvent::Symlink(
            path("l"),
            attributes(0o777),
            String::new(),
        )],
    ] {
        let error = write(&events).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{events:?}");
    }
}

fn any_path() -> impl Strategy<Value = TreePath> {
    // Long parts, and characters that no ustar field holds.
    vec("[a-zA-Z0-9_. ü]{1,60}", 1..5)
        .prop_filter_map("no path", |parts| TreePath::parse(&parts.join("/")).ok())
        .prop_filter("the tree's own directory", |path| !path.is_root())
}

fn any_attributes() -> impl Strategy<Value = Attributes> {
    let time = -62_135_596_800_000_000_000_i128..253_402_207_200_000_000_000;
    let name = || option::of("[a-zé]{1,40}");
    (
        0..=0o7777_u32,
        any::<u32>(),
        any::<u32>(),
        name(),
        name(),
        time,
    )
        .prop_map(|(mode, uid, gid, user, group, nanosecond)| Attributes {
            mode,
            uid,
            gid,
            user,
            group,
            modified: Timestamp::from_nanosecond(nanosecond).unwrap(),
        })
}

fn any_member() -> impl Strategy<Value = Vec<TreeEvent>> {
    let named = || (any_path(), any_attributes());
    prop_oneof![
        named().prop_map(|(path, attributes)| vec![TreeEvent::Directory(path, attributes)]),
        (named(), vec(any::<u8>(), 0..1500)).prop_map(|((path, attributes), content)| {
            let mut events = vec![TreeEvent::File(path, attributes, content.len() as u64)];
            if !content.is_empty() {
                events.push(TreeEvent::Data(Bytes::from(content)));
            }
            events.push(TreeEvent::EndOfFile);
            events
        }),
        (named(), "[a-z/.ö]{1,150}").prop_map(|((path, attributes), target)| {
            vec![TreeEvent::Symlink(path, attributes, target)]
        }),
        (named(), any_path()).prop_map(|((path, attributes), target)| {
            vec![TreeEvent::HardLink(path, attributes, target)]
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(members in vec(any_member(), 0..6)) {
        let events = members.concat();

        let archive = write(&events).unwrap();

        prop_assert_eq!(archive.len() % 10_240, 0);
        prop_assert_eq!(read(&archive[..]).unwrap(), events);
    }

    #[test]
    fn any_damage_is_an_error_or_other_files_but_no_panic(
        members in vec(any_member(), 1..4),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let mut archive = write(&members.concat()).unwrap();
        let at = at.index(archive.len());
        archive[at] = byte;

        let _ = read(&archive[..]);
    }
}

#[test]
fn a_file_larger_than_a_header_can_say_keeps_its_size() {
    let size = 9 << 30;
    let mut archive = Vec::new();
    let mut writer = TarWriter::default();
    let event = TreeEvent::File(path("base/1/1"), attributes(0o600), size);
    writer.write(&event, &mut archive).unwrap();

    let mut first = None;
    let error = read_tar(&archive[..], |event| {
        first.get_or_insert(event);
        Ok(())
    });

    assert_eq!(first, Some(event));
    assert!(error.is_err());
}
