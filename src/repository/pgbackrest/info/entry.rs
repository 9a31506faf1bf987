use std::fmt;

use crate::repository::pgbackrest::{
    Manifest,
    ini::{FORMAT, JsonObject, json_string},
    manifest::name_of,
};

/// Returns what `backup.info` says of a backup with this manifest.
pub(in crate::repository::pgbackrest) fn entry_of(manifest: &Manifest) -> String {
    let mut entry = JsonObject::new()
        .raw("backrest-format", FORMAT)
        .text("backrest-version", &manifest.writer);
    if !manifest.annotations.is_empty() {
        let pairs = manifest.annotations.iter();
        let all = pairs.fold(JsonObject::new(), |all, (key, value)| all.text(key, value));
        entry = entry.raw("backup-annotation", all.finish());
    }
    entry = entry
        .raw(
            "backup-archive-start",
            or_null(manifest.archive_start.as_ref()),
        )
        .raw(
            "backup-archive-stop",
            or_null(manifest.archive_stop.as_ref()),
        );
    let mut files = manifest.files.iter().map(|(_, file)| file);
    let has_errors = files.any(|file| matches!(file.pages, Some(Err(_))));
    let (all, own) = (
        Sizes::of(manifest, |_| true),
        Sizes::of(manifest, |is_own| is_own),
    );
    entry = entry
        .raw("backup-error", has_errors)
        .raw("backup-info-repo-size", all.stored)
        .raw("backup-info-repo-size-delta", own.stored)
        .raw("backup-info-size", all.original)
        .raw("backup-info-size-delta", own.original);
    if let (Some(start), Some(stop)) = (&manifest.lsn_start, &manifest.lsn_stop) {
        entry = entry
            .text("backup-lsn-start", &start.to_string())
            .text("backup-lsn-stop", &stop.to_string());
    }
    if let Some(prior) = &manifest.prior {
        let mut others = manifest.references.clone();
        others.retain(|label| *label != manifest.label);
        others.sort();
        let others: Vec<_> = others.iter().map(|label| json_string(label)).collect();
        entry = entry
            .text("backup-prior", prior)
            .raw("backup-reference", format!("[{}]", others.join(",")));
    }
    entry = entry
        .raw("backup-timestamp-start", manifest.began.as_second())
        .raw("backup-timestamp-stop", manifest.ended.as_second())
        .text("backup-type", name_of(manifest.kind))
        .raw("db-id", manifest.cluster.history_id);
    for option in OPTIONS {
        let value = manifest.options.get(option);
        entry = entry.raw(option, value.map_or("false", String::as_str));
    }
    entry.finish()
}

/// The options that are told again.
const OPTIONS: [&str; 7] = [
    "option-archive-check",
    "option-archive-copy",
    "option-backup-standby",
    "option-checksum-page",
    "option-compress",
    "option-hardlink",
    "option-online",
];

/// Sums of the sizes of files, in bytes.
struct Sizes {
    original: u64,
    stored: u64,
}

impl Sizes {
    /// Sums up files of which `counts` says so by whether the backup holds them itself.
    fn of(manifest: &Manifest, counts: impl Fn(bool) -> bool) -> Self {
        let files = manifest.files.iter().map(|(_, file)| file);
        let files = files.filter(|file| counts(file.reference.is_none()));
        let none = Self {
            original: 0,
            stored: 0,
        };
        files.fold(none, |sizes, file| Self {
            original: sizes.original + file.size,
            stored: sizes.stored + file.stored_size,
        })
    }
}

fn or_null(value: Option<&impl fmt::Display>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| format!("\"{value}\""))
}
