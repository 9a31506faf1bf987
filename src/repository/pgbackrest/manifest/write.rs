//! A manifest as the tool writes it.

use std::io::{self, Write};

use super::{
    Manifest, ManifestAttributes, ManifestFile, ManifestLink,
    file::{CHECKSUM, PAGE},
    read::EXTENSION,
};
use crate::repository::{
    BackupKind, PageErrors,
    pgbackrest::ini::{BACKREST, FORMAT, IniWriter, JsonObject, json_string},
};

impl Manifest {
    /// Writes it: sections, keys and defaults as the tool has them, and the checksum.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        let mut out = IniWriter::new(out);
        out.pair(BACKREST, "backrest-format", FORMAT)?;
        out.pair(BACKREST, "backrest-version", &json_string(&self.writer))?;
        self.write_backup(&mut out)?;
        self.write_cluster(&mut out)?;
        for (option, value) in &self.options {
            out.pair("backup:option", option, value)?;
        }
        self.write_targets(&mut out)?;
        if let Some(passphrase) = &self.passphrase {
            out.pair("cipher", "cipher-pass", &json_string(passphrase.reveal()))?;
        }
        for (name, database) in &self.databases {
            let value = JsonObject::new()
                .raw("db-id", database.id)
                .raw("db-last-system-id", database.last_system_id);
            out.pair("db", name, &value.finish())?;
        }
        if !self.annotations.is_empty() {
            let pairs = self.annotations.iter();
            let all = pairs.fold(JsonObject::new(), |all, (key, value)| all.text(key, value));
            out.pair("metadata", "annotation", &all.finish())?;
        }
        self.write_files(&mut out)?;
        self.write_links(&mut out)?;
        self.write_directories(&mut out)?;
        for (key, value) in &self.extension {
            out.pair(EXTENSION, key, value)?;
        }
        out.finish()
    }

    fn write_backup(&self, out: &mut IniWriter<impl Write>) -> io::Result<()> {
        let mut pair = |key: &str, value: &str| out.pair("backup", key, value);
        let position = |position: &dyn std::fmt::Display| format!("\"{position}\"");
        if let Some(segment) = &self.archive_start {
            pair("backup-archive-start", &position(segment))?;
        }
        if let Some(segment) = &self.archive_stop {
            pair("backup-archive-stop", &position(segment))?;
        }
        for (key, is_set) in [
            ("backup-block-incr", self.is_in_blocks),
            ("backup-bundle", self.is_bundled),
            ("backup-bundle-raw", self.is_raw),
        ] {
            if is_set {
                pair(key, "true")?;
            }
        }
        pair("backup-label", &json_string(&self.label))?;
        if let Some(lsn) = &self.lsn_start {
            pair("backup-lsn-start", &position(lsn))?;
        }
        if let Some(lsn) = &self.lsn_stop {
            pair("backup-lsn-stop", &position(lsn))?;
        }
        if let Some(prior) = &self.prior {
            pair("backup-prior", &json_string(prior))?;
        }
        pair("backup-reference", &json_string(&self.references.join(",")))?;
        let times = [
            ("backup-timestamp-copy-start", self.copy_began),
            ("backup-timestamp-start", self.began),
            ("backup-timestamp-stop", self.ended),
        ];
        for (key, time) in times {
            pair(key, &time.as_second().to_string())?;
        }
        pair("backup-type", &json_string(name_of(self.kind)))
    }

    fn write_cluster(&self, out: &mut IniWriter<impl Write>) -> io::Result<()> {
        let cluster = &self.cluster;
        let mut pair = |key: &str, value: String| out.pair("backup:db", key, &value);
        pair("db-catalog-version", cluster.catalog_version.to_string())?;
        pair("db-control-version", cluster.control_version.to_string())?;
        pair("db-id", cluster.history_id.to_string())?;
        pair("db-system-id", cluster.system_id.to_string())?;
        pair("db-version", json_string(&cluster.version))
    }

    fn write_targets(&self, out: &mut IniWriter<impl Write>) -> io::Result<()> {
        let target = JsonObject::new()
            .text("path", &self.data_directory)
            .text("type", "path");
        out.pair(TARGET, DATA, &target.finish())?;
        for (name, link) in &self.links {
            let file = link.file.as_deref();
            let target =
                file.map_or_else(JsonObject::new, |file| JsonObject::new().text("file", file));
            let target = target.text("path", &link.path).text("type", "link");
            out.pair(TARGET, name, &target.finish())?;
        }
        for (name, tablespace) in self.tablespaces_by_name() {
            let target = JsonObject::new()
                .text("path", &tablespace.location)
                .text("tablespace-id", &tablespace.oid.to_string())
                .text("tablespace-name", &tablespace.name)
                .text("type", "link");
            out.pair(TARGET, &name, &target.finish())?;
        }
        Ok(())
    }

    fn write_files(&self, out: &mut IniWriter<impl Write>) -> io::Result<()> {
        let default = self.file_default();
        for (name, file) in &self.files {
            out.pair("target:file", name, &file_value(file, &default))?;
        }
        write_default(out, "target:file:default", &default, true)
    }

    fn write_links(&self, out: &mut IniWriter<impl Write>) -> io::Result<()> {
        let default = self.root();
        let link = |link: &ManifestLink| {
            let value = JsonObject::new().text("destination", &link.destination);
            let value = owner(value, "group", &link.attributes.group, &default.group);
            owner(value, "user", &link.attributes.user, &default.user).finish()
        };
        let mut links: Vec<(String, String)> = self
            .links
            .iter()
            .map(|(name, one)| (name.clone(), link(one)))
            .collect();
        links.extend(self.tablespaces_by_name().into_iter().map(|(name, one)| {
            let value = JsonObject::new().text("destination", &one.location);
            (format!("{DATA}/{name}"), value.finish())
        }));
        if links.is_empty() {
            return Ok(());
        }
        links.sort();
        for (name, value) in &links {
            out.pair("target:link", name, value)?;
        }
        write_default(out, "target:link:default", &default, false)
    }

    fn write_directories(&self, out: &mut IniWriter<impl Write>) -> io::Result<()> {
        let default = self.root();
        for (name, attributes) in &self.directories {
            let value = owner(
                JsonObject::new(),
                "group",
                &attributes.group,
                &default.group,
            );
            let value = mode(value, attributes.mode, default.mode);
            let value = owner(value, "user", &attributes.user, &default.user);
            out.pair("target:path", name, &value.finish())?;
        }
        write_default(out, "target:path:default", &default, true)
    }

    fn tablespaces_by_name(&self) -> Vec<(String, &crate::pg::Tablespace)> {
        let named = self.tablespaces.iter();
        let mut named: Vec<_> = named
            .map(|one| (format!("pg_tblspc/{}", one.oid), one))
            .collect();
        named.sort_by(|(one, _), (other, _)| one.cmp(other));
        named
    }

    /// Returns the attributes of the data directory, which are those of all others by default.
    fn root(&self) -> ManifestAttributes {
        let root = self.directories.iter().find(|(name, _)| name == DATA);
        root.map(|(_, attributes)| attributes.clone())
            .unwrap_or_default()
    }

    fn file_default(&self) -> ManifestAttributes {
        let root = self.root();
        ManifestAttributes {
            mode: root.mode & 0o640,
            ..root
        }
    }
}

/// Returns what the layout calls a kind of backup.
pub(in crate::repository::pgbackrest) fn name_of(kind: BackupKind) -> &'static str {
    match kind {
        BackupKind::Full => "full",
        BackupKind::Differential => "diff",
        BackupKind::Incremental => "incr",
    }
}

fn file_value(file: &ManifestFile, default: &ManifestAttributes) -> String {
    let mut value = JsonObject::new();
    if let Some(blocks) = &file.blocks {
        value = value.raw("bi", blocks.block_size / PAGE);
        if blocks.checksum_size != CHECKSUM {
            value = value.raw("bic", blocks.checksum_size);
        }
        value = value.raw("bim", blocks.map_size);
    }
    if let Some(place) = &file.bundle {
        value = value.raw("bni", place.number);
        if place.offset > 0 {
            value = value.raw("bno", place.offset);
        }
    }
    if let Some(sha1) = &file.sha1 {
        value = value.text("checksum", &sha1.to_string());
    }
    if let Some(pages) = &file.pages {
        value = value.raw("checksum-page", pages.is_ok());
        if let Err(PageErrors(ranges)) = pages
            && !ranges.is_empty()
        {
            value = value.raw("checksum-page-error", pages_value(ranges));
        }
    }
    value = owner(value, "group", &file.attributes.group, &default.group);
    value = mode(value, file.attributes.mode, default.mode);
    if let Some(sha1) = &file.stored_sha1 {
        value = value.text("rck", &sha1.to_string());
    }
    if let Some(label) = &file.reference {
        value = value.text("reference", label);
    }
    if file.stored_size != file.size {
        value = value.raw("repo-size", file.stored_size);
    }
    value = value.raw("size", file.size).raw("timestamp", file.modified);
    owner(value, "user", &file.attributes.user, &default.user).finish()
}

/// Writes pages as the tool does: one by its number, more as the first and the last.
fn pages_value(ranges: &[(u32, u32)]) -> String {
    let ranges = ranges.iter().map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("[{first},{last}]")
        }
    });
    format!("[{}]", ranges.collect::<Vec<_>>().join(","))
}

type Owner = Option<std::sync::Arc<str>>;

fn owner(value: JsonObject, key: &str, owner: &Owner, default: &Owner) -> JsonObject {
    if owner == default {
        return value;
    }
    value.raw(key, owner_value(owner))
}

/// A name, or that it is not known.
fn owner_value(owner: &Owner) -> String {
    owner
        .as_deref()
        .map_or_else(|| "false".to_owned(), json_string)
}

fn mode(value: JsonObject, mode: u32, default: u32) -> JsonObject {
    if mode == default {
        return value;
    }
    value.raw("mode", mode_value(mode))
}

fn mode_value(mode: u32) -> String {
    format!("\"{mode:04o}\"")
}

fn write_default(
    out: &mut IniWriter<impl Write>,
    section: &str,
    default: &ManifestAttributes,
    has_mode: bool,
) -> io::Result<()> {
    out.pair(section, "group", &owner_value(&default.group))?;
    if has_mode {
        out.pair(section, "mode", &mode_value(default.mode))?;
    }
    out.pair(section, "user", &owner_value(&default.user))
}

const DATA: &str = "pg_data";
const TARGET: &str = "backup:target";
