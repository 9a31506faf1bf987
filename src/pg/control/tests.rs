use std::path::Path;

use super::*;

fn fixture(directory: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pg");
    std::fs::read(root.join(directory).join("pg_control")).unwrap()
}

fn with_valid_checksum(mut bytes: Vec<u8>, version: MajorVersion) -> Vec<u8> {
    let offset = checksum_offset(version);
    let checksum = crc32c::crc32c(&bytes[..offset]);
    bytes[offset..offset + 4].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// `pg_controldata` printed these values.
#[test]
fn files_written_by_each_major_version_are_read() {
    for (directory, version, system_id, checkpoint, mib, data_checksum_version) in [
        (
            "13",
            MajorVersion::V13,
            7_711_211_383_082_793_048,
            "0/15C4968",
            16,
            0,
        ),
        (
            "14",
            MajorVersion::V14,
            7_711_211_384_848_177_257,
            "0/1943190",
            16,
            1,
        ),
        (
            "15",
            MajorVersion::V15,
            7_711_211_386_514_761_850,
            "0/5F4AB8",
            1,
            0,
        ),
        (
            "16",
            MajorVersion::V16,
            7_711_211_387_965_855_883,
            "0/14DDE08",
            16,
            0,
        ),
        (
            "17",
            MajorVersion::V17,
            7_711_211_389_671_401_628,
            "0/44D89D0",
            64,
            0,
        ),
        (
            "18",
            MajorVersion::V18,
            7_711_211_391_184_939_181,
            "0/174B250",
            16,
            1,
        ),
    ] {
        let checkpoint: Lsn = checkpoint.parse().unwrap();

        assert_eq!(
            ControlData::parse(&fixture(directory)).unwrap(),
            ControlData {
                system_id: SystemId::new(system_id),
                control_version: version.control_version(),
                catalog_version: version.catalog_version(),
                version,
                state: ClusterState::ShutDown,
                checkpoint,
                redo: checkpoint,
                timeline: TimelineId::FIRST,
                data_checksum_version,
                segment_size: SegmentSize::new(mib << 20).unwrap(),
                block_size: 8192,
                wal_block_size: 8192,
            },
            "PostgreSQL {directory}"
        );
    }
}

#[test]
fn a_running_promoted_server_is_recognised() {
    let control = ControlData::parse(&fixture("15-promoted")).unwrap();

    assert_eq!(control.state, ClusterState::InProduction);
    assert_eq!(control.timeline.get(), 3);
    assert_eq!(control.checkpoint.to_string(), "0/152CC10");
    assert_eq!(control.redo.to_string(), "0/152CBA8");
    assert!(!control.has_data_checksums());
}

#[test]
fn every_flipped_bit_that_the_checksum_covers_is_found() {
    for (directory, version) in [("15", MajorVersion::V15), ("18", MajorVersion::V18)] {
        let good = fixture(directory);
        for bit in 0..8 * (checksum_offset(version) + 4) {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(
                ControlData::parse(&bytes).is_err(),
                "PostgreSQL {directory}, bit {bit}"
            );
        }
    }
}

#[test]
fn impossible_values_are_refused_even_with_a_valid_checksum() {
    for (offset, name) in [(16, "state"), (48, "timeline"), (228, "WAL segment size")] {
        let mut bytes = fixture("15");
        let value = if offset == 48 { 0 } else { 99 };
        bytes[offset..offset + 4].copy_from_slice(&u32::to_le_bytes(value));

        let error = ControlData::parse(&with_valid_checksum(bytes, MajorVersion::V15)).unwrap_err();

        assert_eq!(
            error,
            InvalidControlFile::Field {
                field: name,
                found: value
            }
        );
    }
}

#[test]
fn other_versions_and_short_files_are_refused() {
    let good = fixture("15");
    let mut unknown = good.clone();
    unknown[8..12].copy_from_slice(&1902_u32.to_le_bytes());

    assert_eq!(
        ControlData::parse(&unknown).unwrap_err().to_string(),
        "pg_control version 1902 with catalog version 202209061 is not of PostgreSQL 13 to 18"
    );
    assert_eq!(
        ControlData::parse(&good[..511]),
        Err(InvalidControlFile::TooShort { found: 511 })
    );
    assert!(ControlData::parse(&[]).unwrap_err().hint().ends_with('.'));
}

#[test]
fn each_state_has_its_number() {
    for (number, state) in [
        ClusterState::StartingUp,
        ClusterState::ShutDown,
        ClusterState::ShutDownInRecovery,
        ClusterState::ShuttingDown,
        ClusterState::InCrashRecovery,
        ClusterState::InArchiveRecovery,
        ClusterState::InProduction,
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(
            ClusterState::from_number(u32::try_from(number).unwrap()),
            Some(state)
        );
    }
    assert_eq!(ClusterState::from_number(7), None);
}
