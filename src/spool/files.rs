//! The entries on disk: each change is complete or absent after a crash.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::MutexGuard,
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Files, Inner, Opened, SpoolError,
    entry::{Debt, Entry, Record},
};
use crate::{
    clock,
    destination::DestinationId,
    disk::{self, Disk},
    failpoint,
    pg::WalFileName,
    store::Payload,
};

const FORMAT: u32 = 1;
const FORMAT_FILE: &str = "format.json";
const ENTRY_FILE: &str = "entry.json";
const PAID: &str = "paid.";
const PARKED: &str = "parked.";
const SMALL_FILE: u64 = 1 << 20;
const COPY_BLOCK: usize = 256 << 10;

#[derive(Deserialize, Serialize)]
struct Format {
    format: u32,
}

#[derive(Deserialize, Serialize)]
struct Parked {
    reason: String,
    until: Timestamp,
}

impl Inner {
    /// Loads the queue and makes the spool ready for changes, as far as that was not done
    /// before, and locks it. A spool that cannot be written is loaded all the same.
    pub(super) fn ready(&self) -> Result<MutexGuard<'_, Files>, SpoolError> {
        let mut files = self.lock_files();
        if !files.loaded {
            self.load()?;
            files.loaded = true;
        }
        if !files.writable {
            self.prepare()?;
            files.writable = true;
        }
        Ok(files)
    }

    /// Creates what is missing and clears half-written entries, which were never acknowledged, and
    /// half-removed ones.
    fn prepare(&self) -> Result<(), SpoolError> {
        let (disk, root) = (&*self.disk, &*self.root);
        let create = || {
            disk.create_dir_all(&root.join("queue"))?;
            ignore_missing(disk.remove_dir_all(&root.join("new")))?;
            disk.create_dir_all(&root.join("new"))?;
            let content = serde_json::to_vec(&Format { format: FORMAT })?;
            disk::replace(disk, &root.join(FORMAT_FILE), &content)?;
            disk.sync_dir(root)?;
            root.parent().map_or(Ok(()), |parent| disk.sync_dir(parent))
        };
        create().map_err(|error| self.io("creating the folders", error))
    }

    /// Reads the queue; what its owner removes in the meantime is passed by.
    pub(super) fn load(&self) -> Result<(), SpoolError> {
        let format = self.root.join(FORMAT_FILE);
        match disk::read(&*self.disk, &format, SMALL_FILE) {
            Ok(content) => check_format(&format, &content)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(self.io("reading format.json", error)),
        }
        let load = || {
            let queue = self.root.join("queue");
            for timeline in self.disk.read_dir(&queue)? {
                let folder = queue.join(timeline);
                for name in self.disk.read_dir(&folder)? {
                    if let Ok(name) = name.parse() {
                        ignore_missing(self.load_entry(name, &folder))?;
                    }
                }
            }
            Ok(())
        };
        load().map_err(|error| self.io("loading the queue", error))
    }

    fn load_entry(&self, name: WalFileName, folder: &Path) -> io::Result<()> {
        let folder = folder.join(name.to_string());
        let names = self.disk.read_dir(&folder)?;
        let record = disk::read(&*self.disk, &folder.join(ENTRY_FILE), SMALL_FILE)
            .ok()
            .and_then(|content| serde_json::from_slice::<Record>(&content).ok());
        let mut entry = match record {
            Some(record) => record.into_entry(),
            None => self.damaged(name),
        };
        for file in &names {
            if let Some(paid) = file.strip_prefix(PAID).and_then(|id| id.parse().ok()) {
                entry.owed.remove(&paid);
            }
            if let Some(id) = file.strip_prefix(PARKED).and_then(|id| id.parse().ok()) {
                self.load_parked(&mut entry, &id, &folder.join(file));
            }
        }
        if entry.owed.is_empty() {
            // Tried again at the next start if it cannot be removed now.
            let _ = self.settle(name);
        } else {
            self.lock_queue().insert(entry);
        }
        Ok(())
    }

    /// An entry whose record cannot be read is owed by everybody: asking is cheap.
    fn damaged(&self, name: WalFileName) -> Entry {
        tracing::warn!(segment = %name, "the record in the spool is damaged: all are asked");
        let debt = |id: &DestinationId| {
            let reason = "the record in the spool was damaged".to_owned();
            (
                id.clone(),
                Debt {
                    since: Timestamp::UNIX_EPOCH,
                    reason,
                    parked: None,
                },
            )
        };
        Entry::unknown(name, self.destinations.iter().map(debt).collect())
    }

    fn load_parked(&self, entry: &mut Entry, id: &DestinationId, path: &Path) {
        let parked = disk::read(&*self.disk, path, SMALL_FILE)
            .ok()
            .and_then(|content| serde_json::from_slice::<Parked>(&content).ok());
        if let (Some(parked), Some(debt)) = (parked, entry.owed.get_mut(id)) {
            debt.reason = parked.reason;
            debt.parked = Some(parked.until);
        }
    }

    /// Adds an entry, or its debts to the one that is there.
    pub(super) fn record(&self, entry: Entry, bytes: Option<Payload>) -> Result<(), SpoolError> {
        let mut files = self.ready()?;
        let known = self.lock_queue().get(entry.name).cloned();
        let entry = if let Some(known) = known {
            let merged = merge(known, entry)?;
            self.rewrite(&merged)
                .map_err(|error| self.io("extending an entry", error))?;
            merged
        } else {
            files.next_new += 1;
            let new = self.root.join("new").join(files.next_new.to_string());
            let added = self.add(&entry, bytes, &new);
            if let Err(error) = added {
                // Best effort: what stays is cleared at the next start.
                let _ = self.disk.remove_dir_all(&new);
                return Err(self.io("adding an entry", error));
            }
            entry
        };
        self.lock_queue().insert(entry);
        Ok(())
    }

    fn add(&self, entry: &Entry, bytes: Option<Payload>, new: &Path) -> io::Result<()> {
        let disk = &*self.disk;
        disk.create_dir_all(new)?;
        if let (Some(payload), Some(stored)) = (bytes, entry.stored) {
            failpoint::pass("spool-before-bytes");
            let name = Entry::bytes_name(entry.name, stored.encoding);
            copy(disk, &payload, &new.join(name))?;
        }
        failpoint::pass("spool-before-record");
        let record = serde_json::to_vec_pretty(&Record::from(entry))?;
        disk::write_new(disk, &new.join(ENTRY_FILE), &record)?;
        disk.sync_dir(new)?;
        failpoint::pass("spool-before-rename");
        let folder = self.folder(entry.name);
        let timeline = folder.parent().unwrap_or(&self.root);
        disk.create_dir_all(timeline)?;
        disk.rename(new, &folder)?;
        failpoint::pass("spool-before-sync");
        let synced = disk
            .sync_dir(timeline)
            .and_then(|()| disk.sync_dir(&self.root.join("queue")));
        if synced.is_err() {
            let _ = disk.remove_dir_all(&folder);
        }
        failpoint::pass("spool-after-sync");
        synced
    }

    fn rewrite(&self, entry: &Entry) -> io::Result<()> {
        let folder = self.folder(entry.name);
        for id in entry.owed.keys() {
            for marker in [PAID, PARKED] {
                ignore_missing(self.disk.remove_file(&folder.join(format!("{marker}{id}"))))?;
            }
        }
        failpoint::pass("spool-before-rewrite");
        let record = serde_json::to_vec_pretty(&Record::from(entry))?;
        disk::replace(&*self.disk, &folder.join(ENTRY_FILE), &record)?;
        self.disk.sync_dir(&folder)
    }

    pub(super) fn pay(&self, name: WalFileName, destination: &DestinationId) -> io::Result<()> {
        let _files = self.lock_files();
        let settled = {
            let mut queue = self.lock_queue();
            let known = queue.get(name).is_some();
            let settled = queue.pay(name, destination);
            if settled {
                queue.remove(name);
            }
            known.then_some(settled)
        };
        failpoint::pass("spool-before-payment");
        let done = match settled {
            None => return Ok(()),
            Some(true) => self.settle(name),
            Some(false) => {
                let marker = self.folder(name).join(format!("{PAID}{destination}"));
                disk::write_new(&*self.disk, &marker, b"")
            }
        };
        failpoint::pass("spool-after-payment");
        done
    }

    /// Removes an entry, in one step: a removal that is cut short would look damaged.
    fn settle(&self, name: WalFileName) -> io::Result<()> {
        let gone = self.root.join("new").join(name.to_string());
        self.disk.rename(&self.folder(name), &gone)?;
        failpoint::pass("spool-before-settlement");
        self.disk.remove_dir_all(&gone)
    }

    pub(super) fn forget(&self, destination: &DestinationId) -> Result<usize, SpoolError> {
        let names = self.lock_queue().owed_by(destination);
        for &name in &names {
            self.pay(name, destination)
                .map_err(|error| self.io("forgetting a debt", error))?;
        }
        Ok(names.len())
    }

    pub(super) fn park(
        &self,
        name: WalFileName,
        destination: &DestinationId,
        reason: String,
        until: Timestamp,
    ) {
        let _files = self.lock_files();
        if let Some(debt) = self.lock_queue().debt_mut(name, destination) {
            debt.reason.clone_from(&reason);
            debt.parked = Some(until);
        }
        let marker = self.folder(name).join(format!("{PARKED}{destination}"));
        let content = serde_json::to_vec(&Parked { reason, until }).unwrap_or_default();
        if let Err(error) = disk::replace_hint(&*self.disk, &marker, &content) {
            tracing::debug!(segment = %name, %destination, %error, "parking not recorded");
        }
    }

    pub(super) fn has_room(&self, len: u64) -> bool {
        let used = self.lock_queue().bytes();
        if used.saturating_add(len) > self.settings.max_bytes.bytes() {
            return false;
        }
        // A volume that cannot be asked is tried: writing will tell.
        self.disk.space(&self.root).is_ok_and(|space| {
            let keep = match self.settings.keep_free {
                Some(keep) => keep.bytes(),
                None => (space.total / 10).min(1 << 30),
            };
            space.free >= len.saturating_add(keep)
        })
    }

    pub(super) fn drop_old_bytes(&self, age: Duration, now: Timestamp) {
        let _files = self.lock_files();
        let old = |entry: &&Entry| {
            let since = entry.owed.values().map(|debt| debt.since).min();
            entry.stored.is_some() && since.is_some_and(|since| clock::between(since, now) > age)
        };
        let entries: Vec<Entry> = self.lock_queue().iter().filter(old).cloned().collect();
        for mut entry in entries {
            let Some(stored) = entry.stored.take() else {
                continue;
            };
            let bytes = self
                .folder(entry.name)
                .join(Entry::bytes_name(entry.name, stored.encoding));
            let dropped = self
                .rewrite(&entry)
                .and_then(|()| self.disk.remove_file(&bytes));
            match dropped {
                Ok(()) => self.lock_queue().drop_bytes(entry.name),
                Err(error) => tracing::warn!(segment = %entry.name, %error, "old bytes stay"),
            }
        }
    }

    pub(super) fn open_bytes(&self, name: WalFileName) -> Result<Option<Opened>, SpoolError> {
        let _files = self.lock_files();
        let stored = self.lock_queue().get(name).and_then(|entry| entry.stored);
        let Some(stored) = stored else {
            return Ok(None);
        };
        let path = self
            .folder(name)
            .join(Entry::bytes_name(name, stored.encoding));
        let damaged = |reason: String| SpoolError::Damaged { name, reason };
        let stat = self
            .disk
            .stat(&path)
            .map_err(|error| damaged(error.to_string()))?;
        if stat.len != stored.len {
            return Err(damaged(format!(
                "{} bytes instead of {}",
                stat.len, stored.len
            )));
        }
        let reader = self
            .disk
            .open(&path)
            .map_err(|error| damaged(error.to_string()))?;
        Ok(Some(Opened {
            stored,
            reader,
            path,
        }))
    }

    fn folder(&self, name: WalFileName) -> PathBuf {
        self.root
            .join("queue")
            .join(name.timeline().to_string())
            .join(name.to_string())
    }
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn check_format(path: &Path, content: &[u8]) -> Result<(), SpoolError> {
    let reason = match serde_json::from_slice::<Format>(content) {
        Ok(Format { format: FORMAT }) => return Ok(()),
        Ok(Format { format }) => format!("format {format}, not {FORMAT}"),
        Err(error) => error.to_string(),
    };
    Err(SpoolError::Foreign {
        path: path.display().to_string(),
        reason,
    })
}

fn merge(mut known: Entry, new: Entry) -> Result<Entry, SpoolError> {
    if let (Some(one), Some(other)) = (known.content, new.content)
        && one != other
    {
        return Err(SpoolError::Conflict { name: new.name });
    }
    known.content = known.content.or(new.content);
    known.identity = known.identity.or(new.identity);
    let mut owed: BTreeMap<_, _> = new.owed;
    owed.append(&mut known.owed);
    known.owed = owed;
    Ok(known)
}

fn copy(disk: &dyn Disk, payload: &Payload, path: &Path) -> io::Result<()> {
    let mut file = disk.create(path)?;
    let mut reader = payload.reader();
    let mut block = vec![0; COPY_BLOCK.min(usize::try_from(payload.len()).unwrap_or(COPY_BLOCK))];
    loop {
        match io::Read::read(&mut reader, &mut block)? {
            0 => break,
            read => file.write_all(&block[..read])?,
        }
    }
    failpoint::pass("spool-before-bytes-sync");
    file.sync()
}
