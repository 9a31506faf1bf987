//! What the answers of services mean: code and status to class and advice.

use super::super::Class;

/// What an answer that is no success means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Meaning {
    pub(super) class: Class,
    pub(super) hint: Option<&'static str>,
}

/// Looks up what `code` (empty for answers without a body), the text beside it and the HTTP
/// status mean.
pub(super) fn meaning(status: u16, code: &str, message: &str) -> Meaning {
    if says_full(message) {
        return FULL;
    }
    CODES
        .iter()
        .find(|(codes, _)| codes.contains(&code))
        .map_or_else(|| by_status(status), |(_, meaning)| *meaning)
}

/// Backblaze says `AccessDenied` where an account's cap is reached.
fn says_full(message: &str) -> bool {
    message.to_ascii_lowercase().contains("cap exceeded")
}

fn by_status(status: u16) -> Meaning {
    match status {
        301 | 307 | 308 => REGION,
        401 | 403 => ACCESS,
        404 => plain(Class::Missing),
        412 => plain(Class::Conflict),
        429 => plain(Class::Throttled),
        501 => LACKING,
        507 => FULL,
        // Proxies have 5xx of their own (Cloudflare: 520 to 530), all of them about the way there.
        408 | 409 | 425 | 500.. => plain(Class::Transient),
        _ => plain(Class::Invalid),
    }
}

const CODES: &[(&[&str], Meaning)] = &[
    (
        &["NoSuchKey", "NotFound", "NoSuchUpload"],
        plain(Class::Missing),
    ),
    (&["PreconditionFailed"], plain(Class::Conflict)),
    (
        &[
            "SlowDown",
            "SlowDownRead",
            "SlowDownWrite",
            "Throttling",
            "ThrottlingException",
            "TooManyRequests",
            "TooManyRequestsException",
            "RequestLimitExceeded",
            "RequestThrottled",
        ],
        plain(Class::Throttled),
    ),
    (
        &[
            "ConditionalRequestConflict",
            "IncompleteBody",
            "InternalError",
            "OperationAborted",
            "RequestCanceled",
            "RequestTimeout",
            "RequestTimeoutException",
            "ServiceUnavailable",
        ],
        plain(Class::Transient),
    ),
    (
        &["BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch"],
        advice(
            Class::Transient,
            "If this repeats, the service does not understand the checksums: turn the quirk \
             `checksums` off for this destination.",
        ),
    ),
    (
        &["InvalidAccessKeyId", "InvalidSecurity", "NotSignedUp"],
        advice(
            Class::Denied,
            "Check the access key id, and that it belongs to this service and account.",
        ),
    ),
    (
        &["SignatureDoesNotMatch"],
        advice(
            Class::Denied,
            "Check the secret access key and the region, and that the clock of this machine is \
             right.",
        ),
    ),
    (
        &[
            "ExpiredToken",
            "InvalidToken",
            "TokenRefreshRequired",
            "ExpiredTokenException",
        ],
        advice(
            Class::Denied,
            "Renew the temporary credentials, or use keys that do not expire.",
        ),
    ),
    (
        &["RequestTimeTooSkewed", "RequestExpired"],
        advice(
            Class::Denied,
            "Set the clock of this machine: it is more than 15 minutes from the service's.",
        ),
    ),
    (
        &["NoSuchBucket"],
        advice(
            Class::Denied,
            "Create the bucket, or correct its name and the endpoint.",
        ),
    ),
    (
        &["InvalidBucketName"],
        advice(Class::Denied, "Correct the name of the bucket."),
    ),
    (
        &[
            "AuthorizationHeaderMalformed",
            "PermanentRedirect",
            "Redirect",
            "TemporaryRedirect",
            "IllegalLocationConstraintException",
        ],
        REGION,
    ),
    (
        &[
            "AccessDenied",
            "AllAccessDisabled",
            "AccountProblem",
            "Forbidden",
            "UnauthorizedAccess",
        ],
        ACCESS,
    ),
    (
        &["InvalidObjectState"],
        advice(
            Class::Denied,
            "Restore the object from its archive storage class first, and choose another class \
             for backups.",
        ),
    ),
    (
        &[
            "QuotaExceeded",
            "QuotaExceededException",
            "StorageQuotaExceeded",
            "InsufficientStorage",
            "XMinioStorageFull",
            "XMinioAdminBucketQuotaExceeded",
        ],
        FULL,
    ),
    (
        &["MissingContentMD5", "NotImplemented", "MethodNotAllowed"],
        LACKING,
    ),
];

const ACCESS: Meaning = advice(
    Class::Denied,
    "Grant these credentials s3:GetObject, s3:PutObject, s3:DeleteObject, \
     s3:AbortMultipartUpload and s3:ListBucket, without which a missing object looks like this; \
     an object under a lock cannot be deleted before its retention ends.",
);

const REGION: Meaning = advice(
    Class::Denied,
    "Set the region of this destination to the bucket's, and the endpoint to the one for it.",
);

const FULL: Meaning = advice(
    Class::Full,
    "Raise the quota or the spending cap, or shorten the retention.",
);

const LACKING: Meaning = advice(
    Class::Invalid,
    "The service lacks what was asked for: turn the matching quirk off for this destination.",
);

const fn plain(class: Class) -> Meaning {
    Meaning { class, hint: None }
}

const fn advice(class: Class, hint: &'static str) -> Meaning {
    Meaning {
        class,
        hint: Some(hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_mean_what_the_caller_can_do() {
        for (status, code, class) in [
            (503, "SlowDown", Class::Throttled),
            (429, "", Class::Throttled),
            (503, "ServiceUnavailable", Class::Transient),
            (500, "InternalError", Class::Transient),
            (502, "", Class::Transient),
            (504, "", Class::Transient),
            (522, "", Class::Transient),
            (408, "RequestCanceled", Class::Transient),
            (400, "RequestTimeout", Class::Transient),
            (409, "ConditionalRequestConflict", Class::Transient),
            (400, "XAmzContentSHA256Mismatch", Class::Transient),
            (403, "RequestTimeTooSkewed", Class::Denied),
            (400, "ExpiredToken", Class::Denied),
            (403, "InvalidAccessKeyId", Class::Denied),
            (403, "SignatureDoesNotMatch", Class::Denied),
            (403, "", Class::Denied),
            (404, "NoSuchBucket", Class::Denied),
            (400, "AuthorizationHeaderMalformed", Class::Denied),
            (301, "", Class::Denied),
            (404, "", Class::Missing),
            (404, "NoSuchKey", Class::Missing),
            (412, "", Class::Conflict),
            (507, "", Class::Full),
            (403, "QuotaExceeded", Class::Full),
            (400, "InvalidPart", Class::Invalid),
            (501, "NotImplemented", Class::Invalid),
            (413, "EntityTooLarge", Class::Invalid),
        ] {
            assert_eq!(meaning(status, code, "").class, class, "{status} {code}");
        }
    }

    #[test]
    fn a_spending_cap_is_full_and_not_denied() {
        let meaning = meaning(403, "AccessDenied", "Storage cap exceeded.");

        assert_eq!(meaning.class, Class::Full);
    }

    #[test]
    fn whatever_needs_a_person_says_what_to_do() {
        for (codes, meaning) in CODES {
            let needs_person = matches!(meaning.class, Class::Denied | Class::Full);
            assert!(!needs_person || meaning.hint.is_some(), "{codes:?}");
        }
    }
}
