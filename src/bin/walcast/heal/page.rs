//! A plan and its report as people like to read them.

use std::fmt::Write;

use walcast::{
    byte_size::ByteSize,
    fanout::DestinationId,
    heal::{HealPlan, HealReport, Step, StepContent},
    pg::SegmentRange,
};

pub(super) fn of_plan(plan: &HealPlan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        let _ = writeln!(text, "copy {}", told(step));
    }
    for (id, reason) in &plan.left_out {
        let _ = writeln!(text, "{id} gets nothing: {reason}");
    }
    for lacking in &plan.unavailable {
        let (id, segments) = (&lacking.destination, lacking.segments);
        let ranges = ranges(&lacking.ranges);
        let _ = writeln!(text, "nobody has {segments} segments for {id}: {ranges}");
    }
    if plan.steps.is_empty() {
        text.push_str("nothing is to be copied\n");
    }
    text
}

pub(super) fn of_report(report: &HealReport) -> String {
    let mut text = String::new();
    for step in &report.steps {
        let (stored, present) = (step.stored, step.present);
        let there = match present {
            0 => String::new(),
            present => format!(", {present} were there"),
        };
        let _ = writeln!(text, "copied {}: {stored}{there}", told(&step.step));
        for failure in &step.failures {
            let what = failure
                .name
                .map(|name| format!("{name}: "))
                .unwrap_or_default();
            let who = failure.destination.as_ref();
            let who = who.map(|id| format!("{id}: ")).unwrap_or_default();
            let _ = writeln!(text, "  failed: {who}{what}{}", failure.reason);
        }
    }
    let failed: usize = report.steps.iter().map(|step| step.failures.len()).sum();
    if failed == 0 {
        text.push_str("every destination that could be reached has what others had for it\n");
    } else {
        let _ = writeln!(text, "{failed} copies failed; run it again to go on");
    }
    text
}

fn told(step: &Step) -> String {
    let to: Vec<_> = step.to.iter().map(DestinationId::as_str).collect();
    let to = to.join(", ");
    match &step.content {
        StepContent::Histories { from, timelines } => {
            let timelines: Vec<_> = timelines.iter().map(ToString::to_string).collect();
            let (from, timelines) = (first(from), timelines.join(", "));
            format!("the histories of timelines {timelines} from {from} to {to}")
        }
        StepContent::Wal {
            from,
            ranges: those,
            segments,
            replaces,
        } => {
            let (from, those) = (first(from), ranges(those));
            let instead = if *replaces {
                " in place of damaged ones"
            } else {
                ""
            };
            format!("{segments} segments{instead} from {from} to {to}: {those}")
        }
        StepContent::Backup { from, bytes } => {
            let size = ByteSize::new(*bytes).rounded();
            let (holder, backup) = from.first().map_or(("nobody", ""), |(id, backup)| {
                (id.as_str(), backup.as_str())
            });
            format!("backup {backup}, {size}, from {holder} to {to}")
        }
    }
}

fn first(from: &[DestinationId]) -> &str {
    from.first().map_or("nobody", DestinationId::as_str)
}

fn ranges(ranges: &[SegmentRange]) -> String {
    let mut shown: Vec<_> = ranges.iter().take(MOST).map(range).collect();
    if ranges.len() > MOST {
        shown.push(format!("and {} more ranges", ranges.len() - MOST));
    }
    shown.join(", ")
}

fn range(range: &SegmentRange) -> String {
    if range.first == range.last {
        range.first.to_string()
    } else {
        format!("{} to {}", range.first, range.last)
    }
}

/// How many ranges are told.
const MOST: usize = 5;
