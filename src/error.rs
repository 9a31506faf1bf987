//! Errors as people read them.

/// Returns an error with its causes in one line, for logs and reports.
///
/// ```
/// let cause = std::io::Error::other("disk on fire");
/// assert_eq!(walcast::error::chain(&cause), "disk on fire");
/// ```
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // A wrapper may print its cause itself.
        if !text.ends_with(&cause.to_string()) {
            text = format!("{text}: {cause}");
        }
        source = cause.source();
    }
    text
}
