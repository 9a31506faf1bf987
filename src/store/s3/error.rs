//! From the SDK's errors to the store's.

use std::{error::Error as StdError, fmt, io, time::Duration};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use jiff::Timestamp;

use super::{
    super::{Class, Error, Key, Operation},
    refusal::{self, Meaning},
};
use crate::clock;

/// Why a request failed. Holds nothing of the request, so that no secret can be printed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) class: Class,
    /// HTTP status; 0 if there was no answer.
    pub(super) status: u16,
    /// The service's word for it; empty if there was none.
    pub(super) code: String,
    reason: String,
    hint: Option<&'static str>,
    retry_after: Option<Duration>,
}

impl Failure {
    /// Creates a failure that is not an answer.
    pub(super) fn new(class: Class, reason: impl Into<String>) -> Self {
        Self {
            class,
            status: 0,
            code: String::new(),
            reason: reason.into(),
            hint: None,
            retry_after: None,
        }
    }

    /// Says what to do.
    pub(super) fn with_hint(self, hint: &'static str) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }

    /// Creates the failure of one key of a batch.
    pub(super) fn of_key(code: Option<&str>, message: Option<&str>) -> Self {
        let refusal = Refusal {
            code: code.unwrap_or_default(),
            message: message.unwrap_or_default(),
            ..Refusal::default()
        };
        refusal.into()
    }

    /// Reads an error of the SDK; `now` tells how long until a date in `Retry-After`.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>, now: Timestamp) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        if let Some(cause) = find::<CredentialsError>(error) {
            return Self::without_credentials(cause);
        }
        match error {
            SdkError::ServiceError(context) => {
                Refusal::read(context.raw(), context.err(), now).into()
            }
            SdkError::ResponseError(context) => {
                let status = context.raw().status().as_u16();
                let reason = format!("unintelligible answer with status {status}");
                Self::new(Class::Transient, reason)
            }
            SdkError::DispatchFailure(context) if !context.is_user() => Self::unreachable(error),
            SdkError::TimeoutError(_) => Self::new(Class::Transient, "no answer in time"),
            _ => Self::new(
                Class::Invalid,
                format!("the request cannot be made: {}", root_cause(error)),
            ),
        }
    }

    /// Turns it into the store's error.
    pub(super) fn into_error(
        self,
        operation: Operation,
        store: &impl fmt::Display,
        key: Option<&Key>,
    ) -> Error {
        let error = Error::new(self.class, operation, store, self.reason)
            .with_retry_after(self.retry_after);
        let error = match self.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        };
        match key {
            Some(key) => error.with_key(key),
            None => error,
        }
    }

    /// Returns whether the service says that it lacks something that was asked for.
    pub(super) fn is_about_a_lack(&self) -> bool {
        let lacks = matches!(&*self.code, "NotImplemented" | "UnsupportedHeader");
        let names_header = || self.reason.to_ascii_lowercase().contains("header");
        self.status == 501 || lacks || self.status == 400 && names_header()
    }

    fn without_credentials(cause: &CredentialsError) -> Self {
        let class = match cause {
            CredentialsError::ProviderTimedOut(_) => Class::Transient,
            _ => Class::Denied,
        };
        let hint = "Give the destination static keys, or run where the AWS provider chain finds \
                    some.";
        Self::new(class, format!("no credentials: {}", root_cause(cause))).with_hint(hint)
    }

    fn unreachable(error: &(dyn StdError + 'static)) -> Self {
        let cause = root_cause(error);
        if is_about_certificates(error) {
            return Self::new(
                Class::Denied,
                format!("the service is not trusted: {cause}"),
            )
            .with_hint(
                "Give the CA certificate of the service as this destination's CA bundle, or \
                     correct the host name of the endpoint.",
            );
        }
        Self::new(Class::Transient, format!("no answer: {cause}"))
    }
}

/// The parts of an answer that tell why it is no success.
#[derive(Debug, Default)]
struct Refusal<'a> {
    status: u16,
    code: &'a str,
    message: &'a str,
    region: Option<String>,
    retry_after: Option<Duration>,
}

impl<'a> Refusal<'a> {
    fn read(
        answer: &'a HttpResponse,
        error: &'a impl ProvideErrorMetadata,
        now: Timestamp,
    ) -> Self {
        let header = |name: &str| answer.headers().get(name);
        let body = answer.body().bytes().unwrap_or_default();
        Self {
            status: answer.status().as_u16(),
            code: error.code().unwrap_or_default(),
            message: error.message().unwrap_or_default(),
            region: header("x-amz-bucket-region")
                .map(str::to_owned)
                .or_else(|| region_in(body)),
            retry_after: header("retry-after").and_then(|text| pause(text, now)),
        }
    }

    fn reason(&self) -> String {
        let mut reason = match (self.status, self.code) {
            (0, code) => code.to_owned(),
            (status, "") => format!("answered {status}"),
            (status, code) => format!("answered {status} {code}"),
        };
        if !self.message.is_empty() {
            reason.push_str(": ");
            reason.extend(
                self.message
                    .chars()
                    .filter(|char| !char.is_control())
                    .take(300),
            );
        }
        if let Some(region) = &self.region {
            reason.push_str("; the bucket is in region `");
            reason.push_str(region);
            reason.push('`');
        }
        reason
    }
}

impl From<Refusal<'_>> for Failure {
    fn from(refusal: Refusal<'_>) -> Self {
        let Meaning { class, hint } =
            refusal::meaning(refusal.status, refusal.code, refusal.message);
        Self {
            class,
            status: refusal.status,
            code: refusal.code.to_owned(),
            reason: refusal.reason(),
            hint,
            retry_after: refusal.retry_after,
        }
    }
}

/// Returns the innermost text of a chain of errors.
pub(super) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    chain(error)
        .last()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

fn is_about_certificates(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|error| {
        let error = unwrapped(error);
        matches!(
            error.downcast_ref(),
            Some(rustls::Error::InvalidCertificate(_))
        )
    })
}

/// Takes off `io::Error`s, whose `source` skips what they wrap.
fn unwrapped<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    match error.downcast_ref().and_then(io::Error::get_ref) {
        Some(wrapped) => unwrapped(wrapped),
        None => error,
    }
}

/// Reads `Retry-After`: seconds, or a date.
fn pause(text: &str, now: Timestamp) -> Option<Duration> {
    match text.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => http_date(text).map(|date| clock::between(now, date)),
    }
}

/// Reads the date of an HTTP header.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()
}

fn region_in(body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let (_, rest) = body.split_once("<Region>")?;
    let (region, _) = rest.split_once("</Region>")?;
    let is_region = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    is_region(region).then(|| region.to_owned())
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::operation::get_object::GetObjectError;

    use super::*;

    #[test]
    fn credentials_that_cannot_be_found_are_denied() {
        let cause = CredentialsError::not_loaded("no profile");
        let error: SdkError<GetObjectError, _> = SdkError::construction_failure(cause);

        let failure = Failure::of(&error, Timestamp::UNIX_EPOCH);

        assert_eq!(failure.class, Class::Denied);
        assert!(failure.reason.contains("no profile"), "{}", failure.reason);
        assert!(failure.hint.is_some());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        for (text, seconds) in [
            ("7", Some(7)),
            ("Mon, 23 Nov 2026 10:00:30 GMT", Some(30)),
            ("Mon, 23 Nov 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(pause(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn region_is_read_from_the_body() {
        let body = b"<Error><Code>X</Code><Region>eu-west-1</Region></Error>";

        assert_eq!(region_in(body).as_deref(), Some("eu-west-1"));
        assert_eq!(region_in(b"<Error/>"), None);
        assert_eq!(region_in(b"<Region>a b</Region>"), None);
    }

    #[test]
    fn long_messages_are_cut_and_have_no_line_breaks() {
        let message = format!("line\nbreak {}", "x".repeat(1000));
        let failure = Failure::of_key(Some("AccessDenied"), Some(&message));

        assert!(failure.reason.len() < 350);
        assert!(!failure.reason.contains('\n'));
    }
}
