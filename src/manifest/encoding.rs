//! Bytes to text.

/// The bytes of a file are not the text of a manifest.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// Another encoding, by its byte order mark or by the zeros between its letters.
    #[error("the text is {0}, not UTF-8")]
    Other(&'static str),
    /// A byte that UTF-8 does not have there.
    #[error("line {line} is not UTF-8, at byte {offset} of the file")]
    Invalid {
        /// Bytes before it.
        offset: usize,
        /// Its line, from 1.
        line: usize,
    },
}

impl EncodingError {
    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Other(_) => "Save the file as UTF-8.",
            Self::Invalid { .. } => "Save the file as UTF-8, or check that it is the right file.",
        }
    }
}

/// Takes the bytes of a file as text.
///
/// A byte order mark of UTF-8 stays: positions count from the first byte of the file.
///
/// # Errors
/// [`EncodingError`] if they are not UTF-8.
pub fn text_of(bytes: Vec<u8>) -> Result<String, EncodingError> {
    if let Some(encoding) = other_encoding(&bytes) {
        return Err(EncodingError::Other(encoding));
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..offset];
        let line = before.split(|byte| *byte == b'\n').count();
        EncodingError::Invalid { offset, line }
    })
}

/// Tells UTF-16 and UTF-32 by how they begin: YAML begins with a character of ASCII.
fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] | [_, 0, 0, 0, ..] | [0, 0, 0, _, ..] => {
            Some("UTF-32")
        }
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("UTF-16"),
        [first, second, ..] if (*first == 0) != (*second == 0) => Some("UTF-16"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_encodings_are_named() {
        let utf16 = |order: fn(u16) -> [u8; 2], text: &str| -> Vec<u8> {
            text.encode_utf16().flat_map(order).collect()
        };
        let cases = [
            (utf16(u16::to_le_bytes, "\u{feff}a: 1"), "UTF-16"),
            (utf16(u16::to_be_bytes, "\u{feff}a: 1"), "UTF-16"),
            (utf16(u16::to_le_bytes, "a: 1"), "UTF-16"),
            (utf16(u16::to_be_bytes, "a: 1"), "UTF-16"),
            (b"\xff\xfe\0\0a\0\0\0".to_vec(), "UTF-32"),
            (b"\0\0\0a".to_vec(), "UTF-32"),
        ];
        for (bytes, encoding) in cases {
            assert_eq!(text_of(bytes), Err(EncodingError::Other(encoding)));
        }
    }

    #[test]
    fn bytes_that_are_not_text_are_found() {
        let error = text_of(b"a: 1\nb: \xe4\n".to_vec()).unwrap_err();

        assert_eq!(error, EncodingError::Invalid { offset: 8, line: 2 });
        assert_eq!(
            error.to_string(),
            "line 2 is not UTF-8, at byte 8 of the file"
        );
    }

    #[test]
    fn utf_8_is_taken_as_it_is() {
        for text in ["", "a", "ä: 1\n", "\u{feff}a: 1\n", "a: \0"] {
            assert_eq!(text_of(text.into()).as_deref(), Ok(text));
        }
    }
}
