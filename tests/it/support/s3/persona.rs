//! Services that behave in ways of their own, by the provider table.

use std::sync::atomic::Ordering;

use super::{Action, Answer, Faults, Op, Rule};

impl Faults {
    /// 501 for `If-None-Match`, as Backblaze B2.
    pub(crate) fn refuse_conditions(&self) {
        let answer = Answer::error(501, "NotImplemented")
            .with_message("A header you provided implies functionality that is not implemented.");
        self.add(Rule::new(Action::Answer(answer)).with_any_header(["if-none-match"]));
    }

    /// `If-None-Match` is accepted and not obeyed, as by Garage.
    pub(crate) fn ignore_conditions(&self) {
        self.manners()
            .ignores_conditions
            .store(true, Ordering::Relaxed);
    }

    /// 400 for the headers of checksums, as Backblaze B2 in 2025.
    pub(crate) fn refuse_checksums(&self) {
        let answer = Answer::error(400, "InvalidArgument")
            .with_message("Unsupported header 'x-amz-sdk-checksum-algorithm' received");
        self.add(Rule::new(Action::Answer(answer)).with_any_header([
            "x-amz-sdk-checksum-algorithm",
            "x-amz-checksum-crc32",
            "x-amz-checksum-crc64nvme",
            "x-amz-checksum-sha256",
            "x-amz-checksum-mode",
            "x-amz-trailer",
        ]));
    }

    /// All parts but the last must be equal, as for Cloudflare R2.
    pub(crate) fn demand_equal_parts(&self) {
        self.manners()
            .wants_equal_parts
            .store(true, Ordering::Relaxed);
    }

    /// Pages of listings have at most `entries`.
    pub(crate) fn page_by(&self, entries: i32) {
        self.manners().page.store(entries, Ordering::Relaxed);
    }

    /// 503 for the next requests, with the time to wait in seconds.
    pub(crate) fn slow_down(&self, times: u32, seconds: &str) {
        let answer = Answer::error(503, "SlowDown").with_header("retry-after", seconds);
        self.add(Rule::new(Action::Answer(answer)).times(times));
    }

    /// 301 from the wrong region; the header names the right one.
    pub(crate) fn redirect_to(&self, region: &str) {
        let answer =
            Answer::error(301, "PermanentRedirect").with_header("x-amz-bucket-region", region);
        self.add(Rule::new(Action::Answer(answer)));
    }

    /// 400 for a signature of the wrong region; the body names the right one.
    pub(crate) fn refuse_region(&self, region: &str) {
        let answer =
            Answer::error(400, "AuthorizationHeaderMalformed").with_element("Region", region);
        self.add(Rule::new(Action::Answer(answer)));
    }

    /// 501 for tags, as Cloudflare R2.
    pub(crate) fn refuse_tags(&self) {
        let answer = Answer::error(501, "NotImplemented")
            .with_message("Header 'x-amz-tagging' with value '...' not implemented");
        self.add(Rule::new(Action::Answer(answer)).with_any_header(["x-amz-tagging"]));
    }

    /// No `DeleteObjects`, and no operation's name in the query, as for Google.
    pub(crate) fn behave_as_gcs(&self) {
        self.add(Rule::error(403, "SignatureDoesNotMatch").with_parameter("x-id"));
        self.add(Rule::error(501, "NotImplemented").on([Op::DeleteMany]));
    }

    /// 200 with an error document, the first time that an upload is completed.
    pub(crate) fn fail_complete_with_200(&self) {
        let answer = Answer::error(200, "InternalError");
        self.add(
            Rule::new(Action::Answer(answer))
                .on([Op::Complete])
                .times(1),
        );
    }
}
