//! Reports as text for programs.

use serde_json::Value;

use super::*;

const TEXT: &str = "apiVersion: postgresql.cnpg.io/v1\nkind: ScheduledBackup\nmetadata: {name: a}\n\
                    spec: {cluster: {name: main}, schedule: 0 3 * * *, backupOwnerReference: self}\n";

#[test]
fn json_has_place_message_and_fix() {
    let json = serde_json::to_value(report(TEXT)).unwrap();

    let finding = &json["findings"][0];
    assert_eq!(finding["rule"], "T02");
    assert_eq!(finding["level"], "error");
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&4.into(), &41.into())
    );
    let edit = &finding["fix"]["edits"][0];
    assert_eq!(edit["text"], "0 0 3 * * *");
    let start = usize::try_from(edit["start"].as_u64().unwrap()).unwrap();
    let end = usize::try_from(edit["end"].as_u64().unwrap()).unwrap();
    assert_eq!(&TEXT[start..end], "0 3 * * *");
    assert_eq!((&json["files"], &json["resources"]), (&1.into(), &1.into()));
}

#[test]
fn sarif_has_what_its_schema_requires() {
    let log = output::sarif(&report(TEXT));

    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "walcast");
    let rules = driver["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(result["message"]["text"].is_string());
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "test.yaml");
        let region = &location["region"];
        for key in ["startLine", "startColumn", "endLine", "endColumn"] {
            assert!(region[key].as_u64().unwrap() >= 1, "{key}");
        }
    }
    let change = &results[0]["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["artifactLocation"]["uri"], "test.yaml");
    assert_eq!(
        change["replacements"][0]["insertedContent"]["text"],
        "0 0 3 * * *"
    );
    for rule in rules {
        for key in ["shortDescription", "fullDescription", "help"] {
            assert!(rule[key]["text"].is_string(), "{key}");
        }
    }
    assert_ne!(log["runs"], Value::Null);
}

#[test]
fn github_commands_are_one_line_each() {
    let mut inventory = Inventory::default();
    inventory.add("a,b:c.yaml", TEXT.to_owned());

    let page = output::github(&lint(&inventory, &settings()));

    let lines: Vec<&str> = page.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with(
        "::error file=a%2Cb%3Ac.yaml,line=4,endLine=4,col=41,title=T02 five-field-schedule::it fires"
    ));
    assert!(lines[0].contains("%0A"));
    assert!(lines[1].starts_with("::notice "));
}

#[test]
fn an_empty_report_says_so() {
    let inventory = inventory("a: 1\n");

    let page = output::text(&inventory, &lint(&inventory, &settings()));

    assert_eq!(
        page,
        "0 errors, 0 warnings, 0 notes in 0 resources of 1 files\n"
    );
}
