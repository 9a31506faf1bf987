use proptest::prelude::*;

use super::*;

type Bytes = [u8; DataPage::SIZE];

/// Block 3 of a table, written by PostgreSQL 13 and 18.
const PAGES: [&Bytes; 2] = [
    include_bytes!("../../../tests/fixtures/pg/13/page-3"),
    include_bytes!("../../../tests/fixtures/pg/18/page-3"),
];

/// Later than any change of these pages.
const LATER: Lsn = Lsn::new(u64::MAX);

#[test]
fn pages_that_postgresql_wrote_are_valid() {
    for bytes in PAGES {
        let page = DataPage::new(bytes);

        assert_eq!(page.checksum(3), page.stored_checksum());
        assert_eq!(page.verify(3, LATER), PageVerdict::Valid);
        assert!(!page.is_new());
    }
}

#[test]
fn the_position_of_the_last_change_is_read() {
    let lsn = DataPage::new(PAGES[0]).lsn();

    assert!(
        lsn > Lsn::new(0x0100_0000) && lsn < Lsn::new(0x0500_0000),
        "{lsn}"
    );
}

#[test]
fn a_page_in_the_place_of_another_is_noticed() {
    let page = DataPage::new(PAGES[0]);
    let found = page.stored_checksum();
    let expected = page.checksum(4);

    assert_ne!(expected, found);
    assert_eq!(
        page.verify(4, LATER),
        PageVerdict::Invalid { expected, found }
    );
}

#[test]
fn a_page_of_zeros_is_new_and_any_other_without_a_header_is_not() {
    let mut bytes = [0; DataPage::SIZE];
    assert_eq!(DataPage::new(&bytes).verify(7, LATER), PageVerdict::New);

    bytes[DataPage::SIZE - 1] = 1;
    assert!(DataPage::new(&bytes).is_new());
    let verdict = DataPage::new(&bytes).verify(7, LATER);
    assert!(
        matches!(verdict, PageVerdict::Invalid { found: 0, .. }),
        "{verdict:?}"
    );
}

#[test]
fn a_wrong_page_that_was_changed_since_the_backup_began_may_be_torn() {
    let mut bytes = *PAGES[1];
    bytes[4096..].fill(0xAA);
    let page = DataPage::new(&bytes);
    let lsn = page.lsn();

    assert_eq!(page.verify(3, lsn), PageVerdict::Newer { lsn });
    let begun_later = lsn.checked_add(1).unwrap();
    assert!(matches!(
        page.verify(3, begun_later),
        PageVerdict::Invalid { .. }
    ));
}

proptest! {
    #[test]
    fn a_changed_bit_is_noticed(offset in 0..DataPage::SIZE, bit in 0..8, block in 0..9_u32) {
        let mut bytes = *PAGES[0];
        bytes[offset] ^= 1_u8 << bit;
        let changed = DataPage::new(&bytes);

        let verdict = changed.verify(3, LATER);

        prop_assert!(matches!(verdict, PageVerdict::Invalid { .. }), "{:?}", verdict);
        prop_assert_ne!(changed.checksum(block), 0);
    }

    #[test]
    fn the_checksum_does_not_cover_itself(checksum: [u8; 2]) {
        let mut bytes = *PAGES[0];
        bytes[CHECKSUM..CHECKSUM + 2].copy_from_slice(&checksum);

        let expected = DataPage::new(PAGES[0]).stored_checksum();

        prop_assert_eq!(DataPage::new(&bytes).checksum(3), expected);
    }
}
