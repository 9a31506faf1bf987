//! Variables that somebody forgot to put in.

/// Returns the first `${NAME…}` in `text`.
///
/// That is what Flux and `envsubst` replace; `$NAME` without braces is left alone by the former,
/// and `$${NAME}` is its way to write one literally.
pub(super) fn find(text: &str) -> Option<&str> {
    let mut from = 0;
    while let Some(at) = text[from..].find("${") {
        let start = from + at;
        let rest = &text[start..];
        let is_name = rest[2..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        match rest.find('}') {
            Some(end) if is_name && !text[..start].ends_with('$') => return Some(&rest[..=end]),
            _ => from = start + 2,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn finds_what_flux_replaces() {
        assert_eq!(
            find("https://s3.${DOMAIN:=internal}/x"),
            Some("${DOMAIN:=internal}")
        );
        assert_eq!(find("${A}${B}"), Some("${A}"));
        assert_eq!(find("$${A} ${1} ${} ${_b}"), Some("${_b}"));
        for text in ["", "$A", "${", "${A", "$${A}", "${1}", "{A}"] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
