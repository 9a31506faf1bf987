//! What services do differently, as data.
//!
//! A host name only chooses defaults; [`QuirkOverrides`] wins. Facts from the documentation of
//! the services and from tests against them, in 2025 and 2026.

use super::Addressing;

/// Whether a service obeys a header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Support {
    /// It does.
    Yes,
    /// It refuses the header, or, worse, ignores it.
    No,
    /// Nobody knows: the header is sent, and nothing rests on it.
    Unknown,
}

/// Which call lists objects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ListApi {
    /// `ListObjects`, for services that lack the other.
    V1,
    /// `ListObjectsV2`
    V2,
}

/// What one service does differently.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct S3Quirks {
    /// `If-None-Match: *` on `PutObject`.
    pub create_if_absent: Support,
    /// `If-None-Match: *` on `CompleteMultipartUpload`.
    pub create_on_complete: Support,
    /// Headers with checksums are taken; their values are the hashes that we have anyway.
    pub checksums: bool,
    /// There is a `DeleteObjects` for many keys.
    pub batch_delete: bool,
    /// Objects can have tags.
    pub tags: bool,
    /// The call that lists.
    pub list: ListApi,
    /// Where the bucket's name goes, unless the configuration says.
    pub addressing: Addressing,
    /// Parts of one object that are sent at the same time.
    pub upload_concurrency: usize,
    /// Most parts of one object.
    pub max_parts: u32,
}

impl S3Quirks {
    /// A service about which nothing is known.
    pub const fn unknown() -> Self {
        Self {
            create_if_absent: Support::Unknown,
            create_on_complete: Support::Unknown,
            checksums: false,
            batch_delete: true,
            tags: true,
            list: ListApi::V2,
            addressing: Addressing::Path,
            upload_concurrency: 4,
            max_parts: 10_000,
        }
    }

    /// Amazon S3.
    pub const fn aws() -> Self {
        Self {
            checksums: true,
            addressing: Addressing::Virtual,
            ..Self::unknown().conditional()
        }
    }

    /// Backblaze B2: 501 for `If-None-Match`, 400 for checksums it does not know.
    pub const fn b2() -> Self {
        Self {
            tags: false,
            ..Self::unknown().unconditional()
        }
    }

    /// Cloudflare R2: equal parts, one write a second and key.
    pub const fn r2() -> Self {
        Self {
            create_if_absent: Support::Yes,
            tags: false,
            upload_concurrency: 2,
            ..Self::unknown()
        }
    }

    /// A recent `MinIO`.
    pub const fn minio() -> Self {
        Self::unknown().conditional()
    }

    /// Garage: accepts `If-None-Match` and tags, and ignores both.
    pub const fn garage() -> Self {
        Self {
            tags: false,
            ..Self::unknown().unconditional()
        }
    }

    /// Hetzner Object Storage.
    pub const fn hetzner() -> Self {
        Self::unknown()
    }

    /// `DigitalOcean` Spaces.
    pub const fn digital_ocean() -> Self {
        Self {
            addressing: Addressing::Virtual,
            ..Self::unknown()
        }
    }

    /// The XML API of Google Cloud Storage.
    pub const fn gcs() -> Self {
        Self {
            batch_delete: false,
            tags: false,
            ..Self::unknown().unconditional()
        }
    }

    /// Wasabi.
    pub const fn wasabi() -> Self {
        Self::unknown()
    }

    /// Scaleway: 1,000 parts at most.
    pub const fn scaleway() -> Self {
        Self {
            max_parts: 1_000,
            ..Self::unknown()
        }
    }

    /// `OVHcloud`: conditional writes since June 2026.
    pub const fn ovh() -> Self {
        Self::unknown().conditional()
    }

    /// Linode, now Akamai.
    pub const fn linode() -> Self {
        Self::unknown()
    }

    /// Tigris.
    pub const fn tigris() -> Self {
        Self::unknown().conditional()
    }

    /// Storj.
    pub const fn storj() -> Self {
        Self::unknown().conditional()
    }

    /// Chooses by the host name of an endpoint, `None` for AWS.
    pub fn for_host(host: Option<&str>) -> Self {
        let Some(host) = host else {
            return Self::aws();
        };
        HOSTS
            .iter()
            .find(|(domain, _)| is_below(host, domain))
            .map_or_else(Self::unknown, |(_, quirks)| quirks())
    }

    const fn conditional(self) -> Self {
        Self {
            create_if_absent: Support::Yes,
            create_on_complete: Support::Yes,
            ..self
        }
    }

    const fn unconditional(self) -> Self {
        Self {
            create_if_absent: Support::No,
            create_on_complete: Support::No,
            ..self
        }
    }
}

type Constructor = fn() -> S3Quirks;

const HOSTS: &[(&str, Constructor)] = &[
    ("amazonaws.com", S3Quirks::aws),
    ("amazonaws.com.cn", S3Quirks::aws),
    ("backblazeb2.com", S3Quirks::b2),
    ("r2.cloudflarestorage.com", S3Quirks::r2),
    ("your-objectstorage.com", S3Quirks::hetzner),
    ("digitaloceanspaces.com", S3Quirks::digital_ocean),
    ("storage.googleapis.com", S3Quirks::gcs),
    ("wasabisys.com", S3Quirks::wasabi),
    ("scw.cloud", S3Quirks::scaleway),
    ("cloud.ovh.net", S3Quirks::ovh),
    ("cloud.ovh.us", S3Quirks::ovh),
    ("linodeobjects.com", S3Quirks::linode),
    ("storage.tigris.dev", S3Quirks::tigris),
    ("storage.dev", S3Quirks::tigris),
    ("storjshare.io", S3Quirks::storj),
];

/// What is known better than by the host name; `None` leaves the default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct QuirkOverrides {
    /// See [`S3Quirks::create_if_absent`].
    pub create_if_absent: Option<Support>,
    /// See [`S3Quirks::create_on_complete`].
    pub create_on_complete: Option<Support>,
    /// See [`S3Quirks::checksums`].
    pub checksums: Option<bool>,
    /// See [`S3Quirks::batch_delete`].
    pub batch_delete: Option<bool>,
    /// See [`S3Quirks::tags`].
    pub tags: Option<bool>,
    /// See [`S3Quirks::list`].
    pub list: Option<ListApi>,
    /// See [`S3Quirks::upload_concurrency`]; 0 is taken as 1.
    pub upload_concurrency: Option<usize>,
    /// See [`S3Quirks::max_parts`].
    pub max_parts: Option<u32>,
}

impl QuirkOverrides {
    /// Returns `quirks` with what is set here.
    pub fn apply(&self, quirks: S3Quirks) -> S3Quirks {
        S3Quirks {
            create_if_absent: self.create_if_absent.unwrap_or(quirks.create_if_absent),
            create_on_complete: self.create_on_complete.unwrap_or(quirks.create_on_complete),
            checksums: self.checksums.unwrap_or(quirks.checksums),
            batch_delete: self.batch_delete.unwrap_or(quirks.batch_delete),
            tags: self.tags.unwrap_or(quirks.tags),
            list: self.list.unwrap_or(quirks.list),
            addressing: quirks.addressing,
            upload_concurrency: self
                .upload_concurrency
                .unwrap_or(quirks.upload_concurrency)
                .max(1),
            max_parts: self.max_parts.unwrap_or(quirks.max_parts),
        }
    }
}

/// Returns the region that the host name of an endpoint contains.
pub(super) fn region_of_host(host: &str) -> Option<&str> {
    if is_below(host, "r2.cloudflarestorage.com")
        || is_below(host, "storage.googleapis.com")
        || is_below(host, "storage.dev")
        || is_below(host, "storage.tigris.dev")
    {
        return Some("auto");
    }
    let (_, suffix) = REGIONAL.iter().find(|(domain, _)| is_below(host, domain))?;
    let region = host.strip_suffix(suffix)?;
    let region = region.rsplit('.').next()?;
    (!region.is_empty() && region != "s3").then_some(region)
}

/// Domains, and what follows the region in their host names.
const REGIONAL: &[(&str, &str)] = &[
    ("amazonaws.com", ".amazonaws.com"),
    ("amazonaws.com.cn", ".amazonaws.com.cn"),
    ("backblazeb2.com", ".backblazeb2.com"),
    ("your-objectstorage.com", ".your-objectstorage.com"),
    ("digitaloceanspaces.com", ".digitaloceanspaces.com"),
    ("wasabisys.com", ".wasabisys.com"),
    ("scw.cloud", ".scw.cloud"),
    ("io.cloud.ovh.net", ".io.cloud.ovh.net"),
    ("io.cloud.ovh.us", ".io.cloud.ovh.us"),
    ("linodeobjects.com", ".linodeobjects.com"),
];

/// Returns whether `host` belongs to a service that is known here.
pub(super) fn is_known_host(host: &str) -> bool {
    HOSTS.iter().any(|(domain, _)| is_below(host, domain))
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_their_quirks_and_regions() {
        let table: &[(&str, Constructor, Option<&str>)] = &[
            (
                "s3.eu-west-1.amazonaws.com",
                S3Quirks::aws,
                Some("eu-west-1"),
            ),
            (
                "s3.dualstack.eu-west-1.amazonaws.com",
                S3Quirks::aws,
                Some("eu-west-1"),
            ),
            ("s3.amazonaws.com", S3Quirks::aws, None),
            (
                "s3.cn-north-1.amazonaws.com.cn",
                S3Quirks::aws,
                Some("cn-north-1"),
            ),
            (
                "s3.us-west-004.backblazeb2.com",
                S3Quirks::b2,
                Some("us-west-004"),
            ),
            ("abc.r2.cloudflarestorage.com", S3Quirks::r2, Some("auto")),
            (
                "abc.eu.r2.cloudflarestorage.com",
                S3Quirks::r2,
                Some("auto"),
            ),
            (
                "fsn1.your-objectstorage.com",
                S3Quirks::hetzner,
                Some("fsn1"),
            ),
            (
                "nyc3.digitaloceanspaces.com",
                S3Quirks::digital_ocean,
                Some("nyc3"),
            ),
            ("storage.googleapis.com", S3Quirks::gcs, Some("auto")),
            ("s3.wasabisys.com", S3Quirks::wasabi, None),
            (
                "s3.eu-central-1.wasabisys.com",
                S3Quirks::wasabi,
                Some("eu-central-1"),
            ),
            ("s3.fr-par.scw.cloud", S3Quirks::scaleway, Some("fr-par")),
            ("s3.gra.io.cloud.ovh.net", S3Quirks::ovh, Some("gra")),
            (
                "us-ord-1.linodeobjects.com",
                S3Quirks::linode,
                Some("us-ord-1"),
            ),
            ("fly.storage.tigris.dev", S3Quirks::tigris, Some("auto")),
            ("t3.storage.dev", S3Quirks::tigris, Some("auto")),
            ("gateway.storjshare.io", S3Quirks::storj, None),
            ("minio.example", S3Quirks::unknown, None),
            ("notbackblazeb2.com", S3Quirks::unknown, None),
            ("127.0.0.1", S3Quirks::unknown, None),
        ];
        for (host, quirks, region) in table {
            assert_eq!(S3Quirks::for_host(Some(host)), quirks(), "{host}");
            assert_eq!(region_of_host(host), *region, "{host}");
        }
        assert_eq!(S3Quirks::for_host(None), S3Quirks::aws());
    }

    #[test]
    fn an_explicit_setting_wins_over_the_host() {
        let overrides = QuirkOverrides {
            create_if_absent: Some(Support::Yes),
            create_on_complete: Some(Support::Unknown),
            checksums: Some(true),
            batch_delete: Some(false),
            tags: Some(true),
            list: Some(ListApi::V1),
            upload_concurrency: Some(0),
            max_parts: Some(7),
        };

        let quirks = overrides.apply(S3Quirks::b2());

        let expected = S3Quirks {
            create_if_absent: Support::Yes,
            create_on_complete: Support::Unknown,
            checksums: true,
            batch_delete: false,
            tags: true,
            list: ListApi::V1,
            addressing: Addressing::Path,
            upload_concurrency: 1,
            max_parts: 7,
        };
        assert_eq!(quirks, expected);
        assert_eq!(
            QuirkOverrides::default().apply(S3Quirks::r2()),
            S3Quirks::r2()
        );
    }
}
