//! What the stores were asked and how they answered.

use std::fmt;

use super::exposition::{DESTINATION, Exposition, Family, Label};
use crate::{
    destination::DestinationId,
    store::{Class, Measured, Operation},
};

const REQUESTS: Family = Family::of("walcast_requests", "Requests begun.");
const ERRORS: Family = Family::of(
    "walcast_request_errors",
    "Requests that failed or were cancelled.",
);
const RECEIVED: Family = Family::bytes("walcast_received", "Content received from the store.");
const SENT: Family = Family::bytes("walcast_sent", "Content sent to the store.");
const DURATION: Family = Family::seconds(
    "walcast_request_duration",
    "How long requests took, with their bodies, whatever their outcome.",
);

pub(super) fn encode(
    all: &[(DestinationId, Vec<Measured>)],
    to: &mut Exposition<'_>,
) -> fmt::Result {
    let measured = || {
        all.iter()
            .flat_map(|(id, measured)| measured.iter().map(|one| (labels(id, one), one)))
    };
    to.counters(
        &REQUESTS,
        measured().map(|(labels, one)| (labels, one.count.requests)),
    )?;
    // Each class of an operation that is in use has a sample from the beginning, so that the
    // first error is an increase.
    let errors = measured().flat_map(|(labels, one)| {
        let [destination, operation] = labels;
        Class::ALL.into_iter().map(move |class| {
            let labels = [destination, operation, ("class", class_name(class))];
            (labels, count_of(one, class))
        })
    });
    to.counters(&ERRORS, errors)?;
    to.counters(
        &RECEIVED,
        measured().map(|(labels, one)| (labels, one.count.bytes_in)),
    )?;
    to.counters(
        &SENT,
        measured().map(|(labels, one)| (labels, one.count.bytes_out)),
    )?;
    to.histograms(
        &DURATION,
        measured().map(|(labels, one)| (labels, one.latency)),
    )
}

fn labels<'a>(id: &'a DestinationId, one: &Measured) -> [Label<'a>; 2] {
    let operation = operation_name(one.operation);
    [(DESTINATION, id.as_str()), ("operation", operation)]
}

fn count_of(one: &Measured, class: Class) -> u64 {
    let mut errors = one.errors.iter();
    let found = errors.find(|(other, _)| *other == class);
    found.map_or(0, |&(_, count)| count)
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Transient => "transient",
        Class::Throttled => "throttled",
        Class::Denied => "denied",
        Class::Missing => "missing",
        Class::Conflict => "conflict",
        Class::Invalid => "invalid",
        Class::Full => "full",
        Class::Cancelled => "cancelled",
    }
}

fn operation_name(operation: Operation) -> &'static str {
    match operation {
        Operation::Put => "put",
        Operation::BeginUpload => "begin_upload",
        Operation::PutPart => "put_part",
        Operation::Complete => "complete_upload",
        Operation::Abort => "abort_upload",
        Operation::Get => "get",
        Operation::Head => "head",
        Operation::List => "list",
        Operation::Delete => "delete",
        Operation::ListUploads => "list_uploads",
    }
}
