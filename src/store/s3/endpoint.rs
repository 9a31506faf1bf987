//! Addresses of services.

use super::{config::InvalidS3Config, quirks};

/// The address of a service: scheme, host and perhaps a port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Endpoint {
    scheme: &'static str,
    authority: String,
}

impl Endpoint {
    /// Parses `text`. A leading `bucket.` is taken off if the rest looks like a service: a server
    /// of one's own may bear the bucket's name.
    pub(super) fn parse(text: &str, bucket: &str) -> Result<Self, InvalidS3Config> {
        let (scheme, rest) = match text.split_once("://") {
            Some(("https", rest)) => ("https", rest),
            Some(("http", rest)) => ("http", rest),
            Some(_) => return Err(InvalidS3Config::Endpoint(text.to_owned())),
            None => ("https", text),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let authority = authority
            .strip_prefix(bucket)
            .and_then(|rest| rest.strip_prefix('.'))
            .filter(|rest| rest.starts_with("s3.") || quirks::is_known_host(split_port(rest).0))
            .unwrap_or(authority);
        let endpoint = Self {
            scheme,
            authority: authority.to_owned(),
        };
        if endpoint.is_valid() {
            Ok(endpoint)
        } else {
            Err(InvalidS3Config::Endpoint(text.to_owned()))
        }
    }

    /// Returns the whole address.
    pub(super) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// Returns host and port.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the host without its port, in lower case.
    pub(super) fn host(&self) -> String {
        let (host, _) = split_port(&self.authority);
        host.to_ascii_lowercase()
    }

    /// Returns whether connections are encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.scheme == "https"
    }

    fn is_valid(&self) -> bool {
        let (host, port) = split_port(&self.authority);
        let is_host_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        !host.is_empty()
            && host.bytes().all(is_host_byte)
            && port.is_none_or(|port| port.parse::<u16>().is_ok())
    }
}

/// Splits `host:port`; the host may be an address of version 6 in brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_the_scheme_and_takes_the_bucket_off() {
        for (text, url) in [
            ("s3.example", "https://s3.example"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("https://s3.example:8443/", "https://s3.example:8443"),
            ("https://bucket.s3.example", "https://s3.example"),
            ("https://bucket2.s3.example", "https://bucket2.s3.example"),
            (
                "bucket.fsn1.your-objectstorage.com",
                "https://fsn1.your-objectstorage.com",
            ),
            ("bucket.example.com", "https://bucket.example.com"),
            ("http://[::1]:9000", "http://[::1]:9000"),
        ] {
            assert_eq!(Endpoint::parse(text, "bucket").unwrap().url(), url);
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            "https://",
            "ftp://s3.example",
            "s3.example/path",
            "user:secret@s3.example",
            "s3.example:port",
            "s3 example",
        ] {
            assert!(Endpoint::parse(text, "bucket").is_err(), "{text}");
        }
    }

    #[test]
    fn host_has_neither_port_nor_capitals() {
        let endpoint = Endpoint::parse("https://S3.Example:443", "bucket").unwrap();

        assert_eq!(endpoint.host(), "s3.example");
        assert!(endpoint.is_encrypted());
    }
}
