//! The URL of a place.
//!
//! Taken apart as Barman 3.19 does it (`barman/cloud_providers/aws_s3.py`): what follows the
//! bucket is the prefix, without its leading slashes and without query and fragment, otherwise
//! untouched. `s3://b/h%20i` has a literal `%20` in its keys, `s3://b/d//e` two slashes.

use std::path::PathBuf;

/// A place that walcast can write to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum DestinationPath {
    /// `s3://BUCKET/PREFIX`.
    S3 {
        /// The bucket.
        bucket: String,
        /// What all keys begin with; empty, or without a leading slash.
        prefix: String,
    },
    /// `file:///FOLDER`, walcast's own.
    File {
        /// The folder, absolute.
        path: PathBuf,
    },
}

/// The text is not a place that walcast can write to.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum InvalidDestinationPath {
    #[error("destinationPath is empty")]
    Empty,
    #[error("destinationPath has a control character")]
    ControlCharacter,
    #[error("destinationPath has no scheme")]
    NoScheme,
    #[error("scheme `{0}` is unknown")]
    UnknownScheme(String),
    #[error("{0} is not supported yet")]
    Unsupported(&'static str),
    #[error("destinationPath has no bucket")]
    NoBucket,
    #[error("a bucket cannot have a user (`{0}`)")]
    UserInBucket(String),
    #[error("`{0}` cannot be a bucket")]
    InvalidBucket(String),
    #[error("a file destination cannot be on another host (`{0}`)")]
    FileOnHost(String),
}

impl DestinationPath {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidDestinationPath> {
        if text.is_empty() {
            return Err(InvalidDestinationPath::Empty);
        }
        if text.contains(char::is_control) {
            return Err(InvalidDestinationPath::ControlCharacter);
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(InvalidDestinationPath::NoScheme);
        };
        match scheme.to_ascii_lowercase().as_str() {
            "s3" => Self::s3(rest),
            "file" => Self::file(rest),
            "gs" => Err(InvalidDestinationPath::Unsupported("Google Cloud Storage")),
            "http" | "https" => Err(InvalidDestinationPath::Unsupported("Azure Blob Storage")),
            _ => Err(InvalidDestinationPath::UnknownScheme(scheme.to_owned())),
        }
    }

    fn s3(rest: &str) -> Result<Self, InvalidDestinationPath> {
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        check_bucket(bucket)?;
        Ok(Self::S3 {
            bucket: bucket.to_owned(),
            prefix: path.trim_start_matches('/').to_owned(),
        })
    }

    fn file(rest: &str) -> Result<Self, InvalidDestinationPath> {
        if rest.starts_with('/') {
            return Ok(Self::File {
                path: PathBuf::from(rest),
            });
        }
        let host = rest.split('/').next().unwrap_or_default();
        Err(InvalidDestinationPath::FileOnHost(host.to_owned()))
    }
}

/// The characters are those that botocore lets through.
fn check_bucket(bucket: &str) -> Result<(), InvalidDestinationPath> {
    if bucket.is_empty() {
        return Err(InvalidDestinationPath::NoBucket);
    }
    if let Some((user, _)) = bucket.rsplit_once('@') {
        let user = user.split(':').next().unwrap_or_default();
        return Err(InvalidDestinationPath::UserInBucket(user.to_owned()));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if bucket.len() > 255 || !bucket.chars().all(allowed) {
        return Err(InvalidDestinationPath::InvalidBucket(bucket.to_owned()));
    }
    Ok(())
}

impl InvalidDestinationPath {
    /// Returns what to do about it.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Empty | Self::ControlCharacter | Self::NoScheme | Self::UnknownScheme(_) => {
                "Write it as `s3://BUCKET/PREFIX` or `file:///ABSOLUTE/FOLDER`."
            }
            Self::Unsupported(_) => "Use a store that speaks the S3 protocol, or a folder.",
            Self::NoBucket => "Write it as `s3://BUCKET/PREFIX`.",
            Self::UserInBucket(_) => "Take the part up to the `@` out and use `s3Credentials`.",
            Self::InvalidBucket(_) => {
                "A bucket has 1 to 255 ASCII letters, digits, dots, hyphens and underscores; \
                 a host and a port go into `endpointURL`."
            }
            Self::FileOnHost(_) => {
                "Write three slashes and an absolute path: `file:///var/lib/walcast`."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_urls_are_taken_apart_as_barman_does() {
        let cases = [
            ("s3://b", "b", ""),
            ("s3://b/", "b", ""),
            ("s3://b/a", "b", "a"),
            ("s3://b/a/", "b", "a/"),
            ("s3://b//c", "b", "c"),
            ("s3://b/d//e", "b", "d//e"),
            ("s3://b/f g", "b", "f g"),
            ("s3://b/h%20i", "b", "h%20i"),
            ("s3://b/j?x=1#y", "b", "j"),
            ("s3://b?x", "b", ""),
            ("S3://B/K", "B", "K"),
        ];
        for (url, bucket, prefix) in cases {
            let expected = DestinationPath::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            };
            assert_eq!(DestinationPath::parse(url), Ok(expected), "{url}");
        }
    }

    #[test]
    fn file_urls_are_absolute_paths_taken_literally() {
        for path in ["/", "/a", "/a b/c%20d?e#f", "//a"] {
            let expected = DestinationPath::File { path: path.into() };
            assert_eq!(
                DestinationPath::parse(&format!("file://{path}")),
                Ok(expected)
            );
        }
    }

    #[test]
    fn refuses_what_is_not_a_place() {
        use InvalidDestinationPath as Invalid;

        let cases = [
            ("", Invalid::Empty),
            ("s3://b/a\n", Invalid::ControlCharacter),
            ("b/a", Invalid::NoScheme),
            ("s3:/b", Invalid::NoScheme),
            ("ftp://b", Invalid::UnknownScheme("ftp".to_owned())),
            ("gs://b", Invalid::Unsupported("Google Cloud Storage")),
            (
                "https://a.blob.core.windows.net/c",
                Invalid::Unsupported("Azure Blob Storage"),
            ),
            ("s3://", Invalid::NoBucket),
            ("s3:///a", Invalid::NoBucket),
            ("s3://me:secret@b/a", Invalid::UserInBucket("me".to_owned())),
            ("s3://h:9000/a", Invalid::InvalidBucket("h:9000".to_owned())),
            ("file://host/a", Invalid::FileOnHost("host".to_owned())),
            ("file://", Invalid::FileOnHost(String::new())),
        ];
        for (url, error) in cases {
            assert_eq!(DestinationPath::parse(url), Err(error), "{url}");
        }
    }
}
