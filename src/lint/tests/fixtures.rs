//! Each rule with a document that has the trap, one that nearly has it, and one with placeholders.

use std::{fmt::Write, fs};

use super::*;
use crate::manifest::documents;

/// A part of a fixture, which begins with a line `#### TITLE`.
struct Part {
    rule: String,
    title: String,
    text: String,
}

fn parts() -> Vec<Part> {
    let mut files: Vec<_> = fs::read_dir(folder("tests/fixtures/lint"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort_unstable();
    let mut parts = Vec::new();
    for file in files {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let (rule, name) = stem.split_once('-').unwrap();
        assert_eq!(super::super::rule(rule).unwrap().name, name);
        let text = fs::read_to_string(&file).unwrap();
        for part in text.split("#### ").skip(1) {
            let (title, text) = part.split_once('\n').unwrap();
            parts.push(Part {
                rule: rule.to_owned(),
                title: title.to_owned(),
                text: text.to_owned(),
            });
        }
    }
    parts
}

fn of_rule<'r>(report: &'r Report, rule: &'r str) -> impl Iterator<Item = &'r Finding> {
    report
        .findings
        .iter()
        .filter(move |one| one.rule.id == rule)
}

#[test]
fn every_rule_has_documents_with_the_trap_nearly_with_it_and_with_placeholders() {
    let parts = parts();

    for rule in rules::all() {
        // A file that cannot be read is no text.
        if rule.id == "M03" {
            continue;
        }
        let titles: Vec<&str> = parts
            .iter()
            .filter(|part| part.rule == rule.id)
            .map(|part| part.title.as_str())
            .collect();
        let has = |title: &str| titles.iter().any(|one| one.starts_with(title));
        assert!(
            has("bites") && has("nearly") && has("cannot be told"),
            "{rule:?}"
        );
        let certain = format!("bites ({})", rule.level);
        assert!(
            titles.contains(&certain.as_str()),
            "{rule:?} never has its level"
        );
    }
}

#[test]
fn traps_are_found_with_their_level() {
    for part in parts() {
        let Some(level) = part.title.strip_prefix("bites (") else {
            continue;
        };
        let level: Level = level.trim_end_matches(')').parse().unwrap();
        let report = report(&part.text);

        let found: Vec<Level> = of_rule(&report, &part.rule).map(|one| one.level).collect();
        assert!(
            found.contains(&level),
            "{}: {found:?} in\n{}",
            part.rule,
            part.text
        );
    }
}

#[test]
fn what_is_nearly_a_trap_is_none() {
    for part in parts().iter().filter(|part| part.title == "nearly") {
        let report = report(&part.text);

        let found: Vec<&Finding> = of_rule(&report, &part.rule).collect();
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn what_cannot_be_told_is_no_error() {
    for part in parts().iter().filter(|part| part.title == "cannot be told") {
        let report = report(&part.text);

        let errors = report
            .findings
            .iter()
            .filter(|one| one.level == Level::Error);
        let errors: Vec<&Finding> = errors.collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", part.rule);
    }
}

#[test]
fn what_is_said_of_traps() {
    let mut page = String::new();
    for part in parts()
        .iter()
        .filter(|part| part.title.starts_with("bites"))
    {
        let (inventory, mut report) = (inventory(&part.text), report(&part.text));
        report.findings.retain(|one| one.rule.id == part.rule);
        let text = output::text(&inventory, &report);
        let text = text
            .rsplit_once("\n\n")
            .map_or("", |(findings, _)| findings);
        writeln!(page, "{text}\n").unwrap();
    }

    insta::assert_snapshot!(page);
}

#[test]
fn fixes_mend_what_they_are_for_and_keep_the_file_readable() {
    let mut mended = Vec::new();
    for part in parts()
        .iter()
        .filter(|part| part.title.starts_with("bites"))
    {
        let (inventory, mut report) = (inventory(&part.text), report(&part.text));
        report
            .findings
            .retain(|one| one.rule.id == part.rule && one.fix.is_some());
        if report.findings.is_empty() {
            continue;
        }
        let fixed = fix(&inventory, &report).remove(0);

        assert_eq!(
            fixed.mended,
            report.findings.len(),
            "{}\n{}",
            part.rule,
            fixed.text
        );
        let after = super::report(&fixed.text);
        let fixable = of_rule(&after, &part.rule).filter(|one| one.fix.is_some());
        assert_eq!(fixable.count(), 0, "{}\n{}", part.rule, fixed.text);
        assert!(documents(&fixed.text).iter().all(|one| one.root.is_ok()));
        let comments = |text: &str| text.matches("# ").count();
        assert_eq!(
            comments(&fixed.text),
            comments(&part.text),
            "{}",
            fixed.text
        );
        mended.push(format!("{}\n{}", part.rule, fixed.text));
    }

    insta::assert_snapshot!(mended.join("\n"));
}

#[test]
fn lint_page_is_current() {
    let path = folder("src/lint/rules.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }

    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "run it with UPDATE=1 to write src/lint/rules.md anew"
    );
}

#[test]
fn rules_are_sorted_named_once_and_explained() {
    let rules: Vec<&Rule> = rules::all().collect();

    let mut ids: Vec<&str> = rules.iter().map(|rule| rule.id).collect();
    assert!(ids.is_sorted());
    ids.extend(rules.iter().map(|rule| rule.name));
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    for rule in rules {
        for sentence in [rule.summary, rule.reason, rule.remedy] {
            assert!(
                sentence.ends_with('.') && !sentence.contains("  "),
                "{rule:?}"
            );
        }
        assert!(!rule.source.is_empty(), "{rule:?}");
        assert!(explain(rule).contains(rule.reason));
    }
}
