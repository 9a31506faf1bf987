//! Reports in SARIF, for code scanning.

use serde_json::{Value, json};

use crate::lint::{Finding, Level, Report, Rule, rules};

/// Returns a report as a log in SARIF 2.1.0 (OASIS), with the rules that have findings.
pub fn sarif(report: &Report) -> Value {
    let used: Vec<&Rule> = rules::all()
        .filter(|rule| report.findings.iter().any(|one| one.rule == *rule))
        .collect();
    let results: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| result(finding, &used))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "walcast",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": used.iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.reason},
        "help": {"text": format!("{}\n\nSource: {}", rule.remedy, rule.source)},
        "defaultConfiguration": {"level": level(rule.level)},
    })
}

fn result(finding: &Finding, used: &[&Rule]) -> Value {
    let (start, end) = (finding.span.start, finding.span.end);
    let text = [
        &[finding.message.clone()][..],
        &finding.notes,
        std::slice::from_ref(&finding.help),
    ];
    let location = json!({
        "artifactLocation": {"uri": uri(finding)},
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line.max(start.line),
            "endColumn": end.column,
        },
    });
    let mut result = json!({
        "ruleId": finding.rule.id,
        "ruleIndex": used.iter().position(|rule| *rule == finding.rule),
        "level": level(finding.level),
        "message": {"text": text.concat().join("\n")},
        "locations": [{"physicalLocation": location}],
    });
    if let Some(fix) = &finding.fix {
        let replacements = fix.edits.iter().map(|edit| {
            let bytes = edit.bytes();
            json!({
                "deletedRegion": {"byteOffset": bytes.start, "byteLength": bytes.len()},
                "insertedContent": {"text": edit.text()},
            })
        });
        result["fixes"] = json!([{
            "description": {"text": fix.title},
            "artifactChanges": [{
                "artifactLocation": {"uri": uri(finding)},
                "replacements": replacements.collect::<Vec<_>>(),
            }],
        }]);
    }
    result
}

/// Returns the file as a relative reference: what a URI has no place for is escaped.
fn uri(finding: &Finding) -> String {
    let name = finding.file.to_string_lossy().replace('\\', "/");
    let name = name.trim_start_matches("./");
    let escaped = name.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    });
    escaped.collect()
}

fn level(level: Level) -> &'static str {
    level.name()
}
