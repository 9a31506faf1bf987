//! Did you mean …?

/// Returns the candidate that `word` most likely stands for, if any is near.
///
/// Near is at most one edit in three letters; the case of letters does not count.
pub(crate) fn closest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns how many letters must be inserted, removed or replaced (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a.to_ascii_lowercase() != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_and_nothing_far() {
        let fields = ["endpointURL", "endpointCA", "tags"];

        assert_eq!(closest("endpointUrl", fields), Some("endpointURL"));
        assert_eq!(closest("endpointCa", fields), Some("endpointCA"));
        assert_eq!(closest("endpoint", fields), Some("endpointCA"));
        assert_eq!(closest("tag", fields), Some("tags"));
        assert_eq!(closest("retention", fields), None);
        assert_eq!(closest("", fields), None);
    }
}
