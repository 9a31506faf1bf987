//! What lies in a folder with Barman's layout, and what a spool holds for others.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use walcast::codec::{Codec, Decoder};

/// No file of the tests is larger when it is decoded.
const LIMIT: u64 = 64 << 20;

/// Returns the WAL files below `wals`, decoded, by their names without the suffix of the codec.
///
/// # Panics
///
/// If a file is torn, or there twice.
#[track_caller]
pub(crate) fn files(wals: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for path in below(wals) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let (stem, codec) = split(name);
        let twin = found.insert(stem.to_owned(), decode(&path, codec));
        assert!(twin.is_none(), "{stem} is there twice");
    }
    found
}

/// Returns why each file in the spool is owed by `destination`.
pub(crate) fn reasons(spool: &Path, destination: &str) -> Vec<String> {
    let records = records(spool).into_iter();
    let reasons = records.filter_map(|(_, entry)| {
        let reason = entry["owed"][destination]["reason"].as_str();
        reason.map(str::to_owned)
    });
    reasons.collect()
}

/// Returns the folders of the debts with their records.
fn records(spool: &Path) -> Vec<(PathBuf, serde_json::Value)> {
    let records = below(&spool.join("queue")).filter(|path| path.ends_with("entry.json"));
    let read = |path: PathBuf| {
        let entry = serde_json::from_slice(&fs::read(&path).unwrap());
        let entry = entry.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.parent().unwrap().to_owned(), entry)
    };
    records.map(read).collect()
}

/// Returns the names in the spool that `destination` owes, with their bytes, decoded, if the
/// spool holds them.
pub(crate) fn debts(spool: &Path, destination: &str) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for (folder, entry) in records(spool) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let is_paid = folder.join(format!("paid.{destination}")).exists();
        if is_paid || entry["owed"][destination].is_null() {
            continue;
        }
        let bytes = below(&folder).find(|path| split_of(path).0 == name);
        let bytes = bytes.map(|path| decode(&path, split_of(&path).1));
        found.insert(name.to_owned(), bytes);
    }
    found
}

fn split_of(path: &Path) -> (&str, Option<Codec>) {
    split(path.file_name().unwrap().to_str().unwrap())
}

fn split(name: &str) -> (&str, Option<Codec>) {
    let codec = |(stem, extension)| {
        let codec = Codec::from_barman_extension(extension)?;
        Some((stem, Some(codec)))
    };
    name.rsplit_once('.')
        .and_then(codec)
        .unwrap_or((name, None))
}

#[track_caller]
fn decode(path: &Path, codec: Option<Codec>) -> Vec<u8> {
    let mut content = Vec::new();
    let read = Decoder::new(codec, File::open(path).unwrap(), LIMIT)
        .unwrap()
        .read_to_end(&mut content);
    assert!(read.is_ok(), "{}: {read:?}", path.display());
    content
}

/// Returns all files below a folder; none if it is not there.
fn below(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            let into = if kind.is_dir() {
                &mut folders
            } else {
                &mut files
            };
            into.push(entry.path());
        }
    }
    files.into_iter()
}
