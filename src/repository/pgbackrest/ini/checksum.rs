use sha1::Digest as _;

use super::json_string;
use crate::codec::Sha1;

/// The checksum: SHA-1 of the record as one JSON object, in the order of the file.
#[derive(Default)]
pub(super) struct Hasher {
    sha1: sha1::Sha1,
    pub section: Option<String>,
}

impl Hasher {
    pub(super) fn add(&mut self, section: &str, key: &str, value: &str) {
        match &self.section {
            Some(current) if current == section => self.sha1.update(","),
            current => {
                let before = if current.is_none() { "{" } else { "}," };
                self.sha1.update(format!("{before}\"{section}\":{{"));
                self.section = Some(section.to_owned());
            }
        }
        self.sha1.update(json_string(key));
        self.sha1.update(":");
        self.sha1.update(value);
    }

    pub(super) fn finish(mut self) -> Sha1 {
        self.sha1.update("}}");
        Sha1::from_bytes(self.sha1.finalize().into())
    }
}
