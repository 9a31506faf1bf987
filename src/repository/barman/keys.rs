use crate::{
    codec::Codec,
    pg::{SegmentName, WalFileName},
    store::{InvalidKey, Key},
};

/// Where one server's WAL lies below a prefix of the store.
///
/// Pure text: a segment, its partial twin and its backup labels lie in a folder named after the
/// segment's first 16 digits, a history file directly under `wals/`. A codec adds its ending.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WalKeys {
    server: String,
    wals: String,
}

impl WalKeys {
    /// Joins a prefix and a server's name as Barman does: empty parts are left out, and a part
    /// that ends in `/` gets no second one.
    pub fn new(prefix: &str, server: &str) -> Self {
        let mut root = prefix.to_owned();
        if server.starts_with('/') {
            // Such a name replaces the prefix there; no key begins with `/`, so it is refused.
            root.clear();
        }
        root.push_str(separator(&root));
        root.push_str(server);
        root.push_str(separator(&root));
        let wals = format!("{root}wals/");
        Self { server: root, wals }
    }

    /// Returns the prefix of everything that belongs to the server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Returns the prefix of the archive.
    pub fn wals(&self) -> &str {
        &self.wals
    }

    /// Returns the prefix of the folder with the WAL whose names begin like `segment`.
    pub fn folder(&self, segment: SegmentName) -> String {
        format!("{}{}/", self.wals, segment.directory())
    }

    /// Returns what every key of the file begins with; the keys of other files may, too.
    pub fn stem(&self, name: WalFileName) -> String {
        let folder = name.segment().map(|segment| self.folder(segment));
        format!("{}{name}", folder.as_ref().unwrap_or(&self.wals))
    }

    /// Returns the key of a file that is stored with `codec`.
    pub fn key(&self, name: WalFileName, codec: Option<Codec>) -> Result<Key, InvalidKey> {
        let stem = self.stem(name);
        Key::parse(match codec {
            None => stem,
            Some(codec) => format!("{stem}.{}", codec.barman_extension()),
        })
    }

    /// Returns what lies under `key`; `None` if it is foreign: not a name of a WAL file, an
    /// unknown ending, another place than [`key`](Self::key) would choose.
    pub fn parse(&self, key: &Key) -> Option<(WalFileName, Option<Codec>)> {
        let path = key.as_str().strip_prefix(&self.wals)?;
        let (folder, base) = match path.split_once('/') {
            Some((folder, base)) => (Some(folder), base),
            None => (None, path),
        };
        let (name, codec) = parse_base(base)?;
        let expected = name.segment().map(SegmentName::directory);
        (folder == expected.as_deref()).then_some((name, codec))
    }

    /// Returns the first segment that `prefix`, as a listing of the level under
    /// [`wals`](Self::wals) has it, can hold; `None` if it is foreign.
    pub fn parse_folder(&self, prefix: &str) -> Option<SegmentName> {
        let digits = prefix.strip_prefix(&self.wals)?.strip_suffix('/')?;
        first_of(digits)
    }
}

/// Returns the first segment of the folder in which `segment` lies.
pub(super) fn first_of_folder(segment: SegmentName) -> SegmentName {
    first_of(&segment.directory()).expect("a folder is named after the segments in it")
}

fn first_of(digits: &str) -> Option<SegmentName> {
    SegmentName::parse(&format!("{digits}00000000")).ok()
}

fn parse_base(base: &str) -> Option<(WalFileName, Option<Codec>)> {
    if let Ok(name) = WalFileName::parse(base) {
        return Some((name, None));
    }
    let (name, extension) = base.rsplit_once('.')?;
    let codec = Codec::from_barman_extension(extension)?;
    Some((WalFileName::parse(name).ok()?, Some(codec)))
}

fn separator(path: &str) -> &'static str {
    if path.is_empty() || path.ends_with('/') {
        ""
    } else {
        "/"
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    fn name() -> impl Strategy<Value = WalFileName> {
        let parts = (1..=u32::MAX, any::<u32>(), any::<u32>(), any::<u32>(), 0..4);
        parts.prop_map(|(timeline, log, segment, offset, kind)| {
            let segment = format!("{timeline:08X}{log:08X}{segment:08X}");
            let text = match kind {
                0 => segment,
                1 => format!("{segment}.partial"),
                2 => format!("{segment}.{offset:08X}.backup"),
                _ => format!("{timeline:08X}.history"),
            };
            WalFileName::parse(&text).unwrap()
        })
    }

    fn codec() -> impl Strategy<Value = Option<Codec>> {
        proptest::option::of(proptest::sample::select(&Codec::ALL[..]))
    }

    #[test]
    fn prefix_and_server_are_joined_with_single_slashes() {
        for (prefix, server, wals) in [
            ("", "srv", "srv/wals/"),
            ("a", "srv", "a/srv/wals/"),
            ("a/", "srv", "a/srv/wals/"),
            ("a//", "srv", "a//srv/wals/"),
            ("d//e", "srv", "d//e/srv/wals/"),
            ("h%20i", "ü x/../y", "h%20i/ü x/../y/wals/"),
            ("a", "srv/", "a/srv/wals/"),
            ("a", "", "a/wals/"),
            ("", "", "wals/"),
        ] {
            assert_eq!(WalKeys::new(prefix, server).wals(), wals);
        }
        let absolute = WalKeys::new("a", "/srv");
        assert!(
            absolute
                .key(WalFileName::parse("00000002.history").unwrap(), None)
                .is_err()
        );
    }

    #[test]
    fn each_kind_of_file_has_its_place() {
        let keys = WalKeys::new("pg", "srv");
        for (name, codec, expected) in [
            (
                "0000000A000000BB00000001",
                None,
                "pg/srv/wals/0000000A000000BB/0000000A000000BB00000001",
            ),
            (
                "0000000A000000BB00000001.partial",
                Some(Codec::Snappy),
                "pg/srv/wals/0000000A000000BB/0000000A000000BB00000001.partial.snappy",
            ),
            (
                "0000000A000000BB00000001.00000028.backup",
                Some(Codec::Bzip2),
                "pg/srv/wals/0000000A000000BB/0000000A000000BB00000001.00000028.backup.bz2",
            ),
            (
                "0000000A.history",
                Some(Codec::Gzip),
                "pg/srv/wals/0000000A.history.gz",
            ),
        ] {
            let name = WalFileName::parse(name).unwrap();
            assert_eq!(keys.key(name, codec).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn foreign_keys_are_not_wal() {
        let keys = WalKeys::new("pg", "srv");
        for text in [
            "pg/srv/wals/0000000A000000BB",
            "pg/srv/wals/0000000A000000BB00000001.gz",
            "pg/srv/wals/0000000a000000bb/0000000a000000bb00000001.gz",
            "pg/srv/wals/0000000A000000BB/0000000a000000bb00000001.gz",
            "pg/srv/wals/0000000A000000BC/0000000A000000BB00000001.gz",
            "pg/srv/wals/0000000A000000BB/0000000A.history.gz",
            "pg/srv/wals/0000000A000000BB/0000000A000000BB00000001.tmp",
            "pg/srv/wals/0000000A000000BB/0000000A000000BB00000001.gz.gz",
            "pg/srv/wals/0000000A000000BB/0000000A000000BB00000001.gz/x",
            "pg/srv/wals/0000000A000000BB//0000000A000000BB00000001.gz",
            "pg/srv/wals/00000000000000BB/00000000000000BB00000001.gz",
            "pg/srv/base/20261122T124808/backup.info",
            "pg/other/wals/0000000A.history",
        ] {
            assert_eq!(keys.parse(&key(text)), None, "{text}");
        }
        for prefix in [
            "pg/srv/wals/",
            "pg/srv/wals/0000000a000000BB/",
            "pg/srv/wals/x/",
        ] {
            assert_eq!(keys.parse_folder(prefix), None, "{prefix}");
        }
    }

    proptest! {
        #[test]
        fn a_key_leads_back_to_its_file(
            name in name(), codec in codec(), prefix in "[a-z/]{0,6}", server in "[a-z][a-z/]{0,6}",
        ) {
            let keys = WalKeys::new(prefix.trim_start_matches('/'), &server);

            let key = keys.key(name, codec).unwrap();

            prop_assert_eq!(keys.parse(&key), Some((name, codec)));
            prop_assert!(key.as_str().starts_with(&keys.stem(name)));
            prop_assert!(key.as_str().starts_with(keys.wals()));
            if let Some(segment) = name.segment() {
                let folder = keys.folder(segment);
                prop_assert!(key.as_str().starts_with(&folder));
                prop_assert_eq!(keys.parse_folder(&folder), Some(first_of_folder(segment)));
            }
        }

        #[test]
        fn any_key_is_foreign_or_the_key_of_its_file(
            rest in "(0000000[12A][0-9A-F]{8}/)?[0-9A-Fa]{8,24}(\\.[a-z0-9]{2,8}){0,2}",
        ) {
            let keys = WalKeys::new("", "srv");
            let key = key(&format!("srv/wals/{rest}"));
            if let Some((name, codec)) = keys.parse(&key) {
                prop_assert_eq!(keys.key(name, codec).unwrap(), key);
            }
        }
    }
}
