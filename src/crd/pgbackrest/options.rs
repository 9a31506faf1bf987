//! Settings of a stanza that hold for all of its repositories.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    byte_size::{ByteSize, InvalidByteSize},
    crd::{definition::Int, open_enum::open_enum},
};

/// How WAL is archived and fetched.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveConfiguration {
    /// Whether segments are sent and fetched ahead by a process in the background, which needs a
    /// volume for its spool. Default: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#async: Option<bool>,
    /// How much WAL may wait to be sent before it is *dropped*, such as `4GiB`. Default: no limit.
    #[schemars(regex(pattern = "^(0B|[0-9]+(KiB|MiB|GiB|TiB)|([0-4])PiB)$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_queue_max: Option<String>,
    /// How much WAL is fetched ahead, such as `1GiB`. Default: pgBackRest's, which is 128 MiB.
    #[schemars(regex(pattern = "^[0-9]+ ?(B|KiB|MiB|GiB|TiB|PiB)$"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub get_queue_max: Option<String>,
}

impl ArchiveConfiguration {
    /// Returns whether a process in the background sends and fetches ahead.
    pub fn is_async(&self) -> bool {
        self.r#async.unwrap_or(false)
    }

    /// Returns how much WAL may wait to be sent before it is dropped; `None` is no limit.
    pub fn push_queue_max(&self) -> Option<Result<ByteSize, InvalidByteSize>> {
        self.push_queue_max.as_ref().map(|text| text.parse())
    }

    /// Returns how much WAL is fetched ahead.
    ///
    /// # Errors
    /// The text is not a size.
    pub fn get_queue_max(&self) -> Result<ByteSize, InvalidByteSize> {
        match &self.get_queue_max {
            Some(text) => text.parse(),
            None => Ok(ByteSize::mib(128)),
        }
    }
}

/// What base backups and WAL are compressed with.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompressConfiguration {
    /// The codec. Default: pgBackRest's, which is `gz`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<Compression>,
    /// The codec's level; 0 counts as not written. Default: pgBackRest's for the codec.
    #[schemars(with = "Option<Int>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<i64>,
}

impl CompressConfiguration {
    /// Returns the codec.
    pub fn compression(&self) -> Compression {
        self.r#type.clone().unwrap_or(Compression::Gz)
    }
}

open_enum! {
    /// A codec by pgBackRest's name; that nothing is compressed cannot be said.
    pub enum Compression {
        /// bzip2.
        Bz2 = "bz2",
        /// gzip.
        Gz = "gz",
        /// LZ4 frames.
        Lz4 = "lz4",
        /// Zstandard.
        Zst = "zst",
    }
}

open_enum! {
    /// What pgBackRest says on the console, which the plugin logs.
    pub enum LogLevel {
        /// Failures.
        Error = "error",
        /// And what is odd.
        Warn = "warn",
        /// And what is done.
        Info = "info",
        /// And which files it is done to.
        Detail = "detail",
        /// And how.
        Debug = "debug",
        /// And everything else.
        Trace = "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_the_tools_units() {
        let archive = ArchiveConfiguration {
            push_queue_max: Some("4PiB".into()),
            get_queue_max: Some("256 MiB".into()),
            ..ArchiveConfiguration::default()
        };

        assert_eq!(archive.push_queue_max(), Some(Ok(ByteSize::gib(4 << 20))));
        assert_eq!(archive.get_queue_max(), Ok(ByteSize::mib(256)));
        let nothing = ArchiveConfiguration::default();
        assert_eq!(nothing.push_queue_max(), None);
        assert_eq!(nothing.get_queue_max(), Ok(ByteSize::mib(128)));
        assert!(!nothing.is_async());
    }
}
