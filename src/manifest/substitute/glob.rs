//! Patterns of `${v#pattern}` and its like.

/// Returns whether the whole text matches: `*` is any text, `?` any character, `[a-z]` and
/// `[^a-z]` one of a set and none of it, `\` takes what follows literally.
///
/// Slashes are characters like any other. A set that does not end matches nothing.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Where to go on if what follows the last star does not match: the star takes one more.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        if let Some(rest) = pattern.strip_prefix('*') {
            retry = Some((rest, text));
            pattern = rest;
            continue;
        }
        let mut chars = text.chars();
        let next = chars.next();
        if pattern.is_empty() && next.is_none() {
            return true;
        }
        if let Some(rest) = next.and_then(|c| one(pattern, c)) {
            (pattern, text) = (rest, chars.as_str());
            continue;
        }
        let Some((after_star, taken)) = retry else {
            return false;
        };
        let mut chars = taken.chars();
        if chars.next().is_none() {
            return false;
        }
        retry = Some((after_star, chars.as_str()));
        (pattern, text) = (after_star, chars.as_str());
    }
}

/// Matches one character; returns the rest of the pattern.
fn one(pattern: &str, c: char) -> Option<&str> {
    let mut chars = pattern.chars();
    let is_match = match chars.next()? {
        '?' => true,
        '[' => return set(chars.as_str(), c),
        '\\' => chars.next()? == c,
        literal => literal == c,
    };
    is_match.then_some(chars.as_str())
}

fn set(pattern: &str, c: char) -> Option<&str> {
    let (is_negated, pattern) = match pattern.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut chars = pattern.chars();
    let mut is_in = false;
    let mut is_first = true;
    loop {
        let low = match chars.next()? {
            ']' if !is_first => break,
            '\\' => chars.next()?,
            other => other,
        };
        is_first = false;
        let mut high = low;
        if let Some(rest) = chars.as_str().strip_prefix('-') {
            chars = rest.chars();
            high = match chars.next()? {
                '\\' => chars.next()?,
                other => other,
            };
        }
        is_in |= (low..=high).contains(&c);
    }
    (is_in != is_negated).then_some(chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_whole_texts() {
        let matching = [
            ("", ""),
            ("a", "a"),
            ("*", ""),
            ("*", "a/b"),
            ("*.", "bash."),
            ("a*b*c", "aXbXbc"),
            ("?ä", "öä"),
            ("[a-c]x", "bx"),
            ("[^a-c]", "d"),
            ("[]]", "]"),
            ("\\*", "*"),
            ("[\\]a]", "a"),
        ];
        for (pattern, text) in matching {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        let others = [
            ("", "a"),
            ("a", ""),
            ("a", "ab"),
            ("*a", "ab"),
            ("?", ""),
            ("[a-c]", "d"),
            ("[^a-c]", "b"),
            ("[a", "a"),
            ("[a-", "a"),
            ("\\", "\\"),
        ];
        for (pattern, text) in others {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
