//! Times in extended headers: seconds since 1970 with a fraction.

use jiff::Timestamp;

/// Writes a time as Barman does: with at least one digit behind the point.
pub(super) fn format(time: Timestamp) -> String {
    let sign = if time.as_nanosecond() < 0 { "-" } else { "" };
    let seconds = time.as_second().unsigned_abs();
    let digits = format!("{:09}", time.subsec_nanosecond().unsigned_abs());
    let fraction = match digits.trim_end_matches('0') {
        "" => "0",
        fraction => fraction,
    };
    format!("{sign}{seconds}.{fraction}")
}

/// Returns the time in a header: the nearest second, as Barman has it there.
pub(super) fn rounded(time: Timestamp) -> i64 {
    let up = time.subsec_nanosecond() >= 500_000_000;
    time.as_second() + i64::from(up)
}

/// Reads a time; digits that are finer than nanoseconds are dropped.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (seconds, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if seconds.is_empty() || !seconds.bytes().chain(fraction.bytes()).all(is_digit) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let nanoseconds: i32 = format!("{fraction:0<9}")[..9].parse().ok()?;
    Timestamp::new(sign * seconds, i32::try_from(sign).ok()? * nanoseconds).ok()
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nanoseconds(text: &str) -> Option<i128> {
        parse(text).map(Timestamp::as_nanosecond)
    }

    #[test]
    fn times_are_read_with_and_without_a_fraction() {
        assert_eq!(nanoseconds("7"), Some(7_000_000_000));
        assert_eq!(nanoseconds("7."), Some(7_000_000_000));
        assert_eq!(nanoseconds("-0.5"), Some(-500_000_000));
        assert_eq!(nanoseconds("1.0000000019"), Some(1_000_000_001));
        for text in [
            "",
            ".5",
            "+1",
            "1.x",
            "--1",
            "1e3",
            "99999999999999",
            "1.-1",
        ] {
            assert_eq!(nanoseconds(text), None, "{text:?}");
        }
    }

    #[test]
    fn times_look_like_barmans() {
        let time = parse("1795351685.594106700").unwrap();

        assert_eq!(format(time), "1795351685.5941067");
        assert_eq!(rounded(time), 1_795_351_686);
        assert_eq!(format(parse("1").unwrap()), "1.0");
    }

    proptest! {
        #[test]
        fn times_are_read_as_they_were_written(
            nanosecond in -377_705_023_201_000_000_000_i128..=253_402_207_200_000_000_000,
        ) {
            let time = Timestamp::from_nanosecond(nanosecond).unwrap();

            prop_assert_eq!(parse(&format(time)), Some(time));
        }
    }
}
