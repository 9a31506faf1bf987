/// Returns whether a name is the label of a base backup: `YYYYMMDD-HHMMSSF`, and for one that
/// depends on others `_YYYYMMDD-HHMMSSD` or `I` behind it.
pub(super) fn is_label(name: &str) -> bool {
    match name.split_once('_') {
        None => is_moment(name, &['F']),
        Some((full, own)) => is_moment(full, &['F']) && is_moment(own, &['D', 'I']),
    }
}

fn is_moment(text: &str, kinds: &[char]) -> bool {
    let Some(digits) = text.strip_suffix(kinds) else {
        return false;
    };
    let is_number = |part: &str, len| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
    let parts = digits.split_once('-');
    parts.is_some_and(|(date, time)| is_number(date, 8) && is_number(time, 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_told_from_other_names() {
        for label in ["20261122-114823F", "20261122-114823F_20261122-114826D"] {
            assert!(is_label(label), "{label}");
        }
        assert!(is_label("20261122-114823F_20261122-114828I"));
        for other in [
            "",
            "latest",
            "backup.history",
            "20261122-114823",
            "20261122-114823D",
            "2026112-2114823F",
            "20261122-114823F_20261122-114826F",
            "20261122-114823F_",
            "20261122-114823F.tmp",
        ] {
            assert!(!is_label(other), "{other}");
        }
    }
}
