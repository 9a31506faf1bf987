//! Levels, and comments that allow.

use super::*;

const HOURLY: &str = "apiVersion: postgresql.cnpg.io/v1\nkind: ScheduledBackup\nmetadata: {name: a}\n\
                      spec:\n  cluster: {name: main}\n";

#[test]
fn a_comment_allows_on_its_line_or_on_the_next() {
    let schedules = [
        "  schedule: 0 3 * * * # walcast: allow T02 on purpose\n",
        "  # walcast: allow five-field-schedule\n  schedule: 0 3 * * *\n",
        "  # walcast: allow T03, T02 on purpose\n  # and for a reason\n\n  schedule: 0 3 * * *\n",
    ];
    for schedule in schedules {
        let report = report(&format!("{HOURLY}{schedule}"));

        assert_eq!(
            (rules_of(&report), report.allowed),
            (vec![], 1),
            "{schedule}"
        );
    }
}

#[test]
fn a_comment_before_a_document_allows_in_all_of_it() {
    let heads = [
        "# walcast: allow T02 on purpose\n",
        "---\n# walcast: allow T02 on purpose\n",
        "# walcast: allow T02 on purpose\n---\n",
    ];
    for head in heads {
        let text =
            format!("{head}{HOURLY}  schedule: 0 3 * * *\n---\n{HOURLY}  schedule: 0 4 * * *\n");
        let report = report(&text);

        let lines: Vec<usize> = report
            .findings
            .iter()
            .map(|one| one.span.start.line)
            .collect();
        assert_eq!(report.allowed, 1, "{head}");
        assert_eq!(rules_of(&report), ["M04", "T02"], "{head}{lines:?}");
    }
}

#[test]
fn a_comment_that_allows_nothing_is_noted() {
    let text = format!("{HOURLY}  schedule: 0 0 3 * * * # walcast: allow T02\n");

    let report = report(&text);

    let finding = &report.findings[0];
    assert_eq!((finding.rule.id, finding.level), ("M08", Level::Note));
    assert_eq!(
        (finding.span.start.line, finding.span.start.column),
        (6, 25)
    );
}

#[test]
fn a_comment_with_an_unknown_rule_is_told_the_nearest() {
    let text = format!("{HOURLY}  schedule: 0 0 3 * * * # walcast: allow five-field-schedules\n");

    let message = &report(&text).findings[0].message;

    assert_eq!(
        message,
        "there is no rule `five-field-schedules`; did you mean `five-field-schedule`?"
    );
}

#[test]
fn settings_change_levels_and_turn_rules_off() {
    let text = format!("{HOURLY}  schedule: 0 3 * * *\n");
    let with = |config: &str| lint(&inventory(&text), &settings().read(config).unwrap());

    assert_eq!(rules_of(&with("rules: {T02: off}\n")), Vec::<&str>::new());
    assert_eq!(
        rules_of(&with("rules: {five-field-schedule: \"off\"}\n")),
        Vec::<&str>::new()
    );
    assert_eq!(with("rules:\n  T02: note\n").worst(), Some(Level::Note));
    assert_eq!(with("# nothing\n").worst(), Some(Level::Error));
}

#[test]
fn settings_that_make_no_sense_are_refused_with_their_place() {
    let cases = [
        (
            "rules: {T99: off}",
            "1:9: there is no rule `T99`; did you mean `T09`?",
        ),
        (
            "rules:\n  T02: loud",
            "2:8: expected off, note, warning or error",
        ),
        ("rule: {}", "1:1: there is no setting `rule`, only `rules`"),
        ("rules: [T02]", "1:1: `rules` is no mapping"),
        ("- a", "1:1: it is no mapping"),
    ];
    for (text, expected) in cases {
        let error = settings().read(text).unwrap_err().to_string();

        let is_near = error.split(';').next() == expected.split(';').next();
        assert!(is_near, "{error}");
    }
}

#[test]
fn a_finding_about_a_default_is_no_error_until_the_variable_is_set() {
    let text = format!("{HOURLY}  schedule: ${{SCHEDULE:=0 3 * * *}}\n");
    let mut variables = crate::manifest::Variables::new();
    variables.set("SCHEDULE", "0 4 * * *").unwrap();
    let mut with_value = Inventory::new(variables);
    with_value.add("test.yaml", text.clone());

    assert_eq!(report(&text).worst(), Some(Level::Warning));
    assert_eq!(lint(&with_value, &settings()).worst(), Some(Level::Error));
}
