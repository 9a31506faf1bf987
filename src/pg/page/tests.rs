use std::path::Path;

use proptest::prelude::*;

use super::*;

fn fixture(path: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pg");
    std::fs::read(root.join(path)).unwrap()
}

fn header(path: &str) -> SegmentHeader {
    SegmentHeader::parse(&fixture(path)).unwrap()
}

fn name(text: &str) -> SegmentName {
    text.parse().unwrap()
}

#[test]
fn headers_written_by_each_major_version_are_read() {
    for (directory, segment, version, system_id, mib) in [
        (
            "13",
            "000000010000000000000001",
            MajorVersion::V13,
            7_711_211_383_082_793_048,
            16,
        ),
        (
            "14",
            "000000010000000000000001",
            MajorVersion::V14,
            7_711_211_384_848_177_257,
            16,
        ),
        (
            "15",
            "000000010000000000000005",
            MajorVersion::V15,
            7_711_211_386_514_761_850,
            1,
        ),
        (
            "16",
            "000000010000000000000001",
            MajorVersion::V16,
            7_711_211_387_965_855_883,
            16,
        ),
        (
            "17",
            "000000010000000000000001",
            MajorVersion::V17,
            7_711_211_389_671_401_628,
            64,
        ),
        (
            "18",
            "000000010000000000000001",
            MajorVersion::V18,
            7_711_211_391_184_939_181,
            16,
        ),
    ] {
        let segment_size = SegmentSize::new(mib << 20).unwrap();

        let header = header(&format!("{directory}/{segment}"));

        assert_eq!(
            header,
            SegmentHeader {
                version,
                timeline: TimelineId::FIRST,
                page_address: name(segment).start_lsn(segment_size),
                system_id: SystemId::new(system_id),
                segment_size,
                block_size: 8192,
            }
        );
        assert_eq!(header.check_name(name(segment)), Ok(()));
        assert_eq!(header.check_system(SystemId::new(system_id)), Ok(()));
    }
}

#[test]
fn the_first_segment_after_a_promotion_keeps_its_ancestors_header() {
    let header = header("15-promoted/000000030000000000000001");

    assert_eq!(header.timeline, TimelineId::FIRST);
    assert_eq!(header.check_name(name("000000030000000000000001")), Ok(()));
}

#[test]
fn another_name_than_the_headers_is_refused() {
    let header = header("15/000000010000000000000005");
    let later = SegmentHeader {
        timeline: TimelineId::new(2).unwrap(),
        ..header
    };

    assert_eq!(
        header
            .check_name(name("000000010000000000000009"))
            .unwrap_err()
            .to_string(),
        "segment 000000010000000000000009 begins at 0/900000, the page header says 0/500000"
    );
    assert_eq!(
        later
            .check_name(name("000000010000000000000005"))
            .unwrap_err()
            .to_string(),
        "segment 000000010000000000000005 is on timeline 00000001, the page header says the \
         later 00000002"
    );
    assert_eq!(
        header
            .check_name(name("000000010000000000001005"))
            .unwrap_err()
            .to_string(),
        "no segment is called 000000010000000000001005 where segments have 1 MiB"
    );
}

#[test]
fn a_recycled_file_that_was_not_written_yet_is_refused() {
    let header = header("15/000000010000000000000009");

    assert_eq!(
        header
            .check_name(name("000000010000000000000009"))
            .unwrap_err()
            .to_string(),
        "segment 000000010000000000000009 begins at 0/900000, the page header says 0/200000"
    );
}

#[test]
fn another_clusters_segment_is_refused() {
    let header = header("15/000000010000000000000005");

    assert_eq!(
        header
            .check_system(SystemId::new(1))
            .unwrap_err()
            .to_string(),
        "the segment is of the cluster 7711211386514761850, not of 1"
    );
}

#[test]
fn damaged_headers_are_refused_with_what_was_found() {
    let good = fixture("18/000000010000000000000001");
    let edited = |offset: usize, bytes: &[u8]| {
        let mut edited = good.clone();
        edited[offset..offset + bytes.len()].copy_from_slice(bytes);
        SegmentHeader::parse(&edited).unwrap_err()
    };

    assert_eq!(edited(0, &[0, 0]), InvalidSegment::Magic { found: 0 });
    assert_eq!(
        edited(0, &[0x01, 0xD1]),
        InvalidSegment::Magic { found: 0xD101 }
    );
    assert_eq!(edited(2, &[5, 0]), InvalidSegment::ShortHeader { found: 5 });
    assert_eq!(
        edited(4, &[0; 4]),
        InvalidSegment::Field {
            field: "timeline",
            found: 0
        }
    );
    assert_eq!(
        edited(32, &[1, 0, 0, 0]),
        InvalidSegment::Field {
            field: "segment size",
            found: 1
        }
    );
    assert_eq!(
        edited(36, &[0; 4]),
        InvalidSegment::Field {
            field: "block size",
            found: 0
        }
    );
    assert_eq!(
        SegmentHeader::parse(&good[..SegmentHeader::LEN - 1]),
        Err(InvalidSegment::TooShort { found: 39 })
    );
    assert!(SegmentHeader::parse(&good[..SegmentHeader::LEN]).is_ok());
}

#[test]
fn each_error_tells_what_to_do() {
    let (name, size) = (name("000000010000000000000005"), SegmentSize::DEFAULT);
    let (expected, found) = (SystemId::new(1), SystemId::new(2));

    for error in [
        InvalidSegment::TooShort { found: 0 },
        InvalidSegment::Magic { found: 0 },
        InvalidSegment::Magic { found: 1 },
        InvalidSegment::Name { name, size },
        InvalidSegment::SystemId { expected, found },
    ] {
        assert!(error.hint().ends_with('.'), "{error}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        version in proptest::sample::select(MajorVersion::ALL.as_slice()),
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut page = version.wal_magic().to_le_bytes().to_vec();
        page.extend(bytes);
        if let Ok(header) = SegmentHeader::parse(&page) {
            prop_assert_eq!(header.version, version);
        }
    }
}
