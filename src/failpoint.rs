//! Places where the crash tests kill the process.

/// Every place, in the order in which a file meets them.
#[cfg(feature = "failpoints")]
pub const ALL: [&str; 20] = [
    "archive-after-encode",
    "lane-before-put",
    "file-before-sync",
    "file-before-publish",
    "file-before-folder-sync",
    "lane-after-put",
    "spool-before-bytes",
    "spool-before-bytes-sync",
    "spool-before-record",
    "spool-before-rename",
    "spool-before-sync",
    "spool-after-sync",
    "spool-before-rewrite",
    "archive-after-debt",
    "archive-before-answer",
    "spool-before-payment",
    "spool-after-payment",
    "spool-before-settlement",
    "state-before-save",
    "state-after-save",
];

/// Ends the process here if it was told to.
#[cfg(feature = "failpoints")]
pub(crate) fn pass(name: &'static str) {
    debug_assert!(ALL.contains(&name), "{name} is not in the table");
    fail::fail_point!(name);
}

#[cfg(not(feature = "failpoints"))]
pub(crate) const fn pass(_name: &'static str) {}
