//! The two stories of traps: what comes out is what `examples/manifests/fixed` has.

use std::collections::BTreeMap;

use super::*;
use crate::lint::Level;

/// Returns the files of a story, by their names in its folder.
fn files_of(path: &Path) -> BTreeMap<PathBuf, String> {
    let mut inventory = Inventory::default();
    inventory.read(path).unwrap();
    let files = inventory.files().iter();
    files
        .map(|file| {
            let name = file.name.strip_prefix(path).unwrap().to_owned();
            (name, file.text.clone())
        })
        .collect()
}

fn story(name: &str) -> Inventory {
    let mut inventory = Inventory::default();
    for (file, text) in files_of(&folder("examples/manifests").join(name)) {
        inventory.add(file, text);
    }
    inventory
}

fn story_is_fixed(name: &str, target: Target, choices: &Choices) -> Plan {
    let inventory = story(name);
    let plan = plan(&inventory, target, choices);
    let fixed = after(&inventory, &plan);

    assert!(
        plan.is_complete(),
        "{:#?} {:#?}",
        plan.questions,
        plan.obstacles
    );
    assert_eq!(plan.remaining, []);
    let report = lint(&fixed, &settings());
    let errors = report
        .findings
        .iter()
        .filter(|one| one.level == Level::Error);
    assert_eq!(errors.count(), 0);
    let written: BTreeMap<PathBuf, String> = fixed
        .files()
        .iter()
        .map(|file| (file.name.clone(), file.text.clone()))
        .collect();
    let path = folder("examples/manifests/fixed").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(&path).unwrap();
        for (file, text) in &written {
            std::fs::write(path.join(file), text).unwrap();
        }
    }
    assert_eq!(written, files_of(&path));
    assert_arrived(&inventory, target, choices);
    plan
}

fn with_class() -> Choices {
    Choices {
        storage_class: Some("fast".to_owned()),
        ..Choices::default()
    }
}

#[test]
fn the_upgrade_plan_is_led_to_its_end() {
    let choices = Choices::default();
    let plan = story_is_fixed("upgrade-plan", Target::BarmanPlugin, &choices);

    insta::assert_snapshot!(output::text(&plan));
}

#[test]
fn a_move_that_nobody_began_is_planned_as_the_guide_has_it() {
    let choices = Choices::default();
    let plan = story_is_fixed("in-tree", Target::BarmanPlugin, &choices);

    insta::assert_snapshot!(output::text(&plan));
}

#[test]
fn the_field_report_is_led_to_its_end() {
    let plan = story_is_fixed("field-report", Target::PgBackRest, &with_class());

    insta::assert_snapshot!(output::text(&plan));
}

#[test]
fn the_volume_of_the_spool_is_asked_for() {
    let inventory = story("field-report");
    let plan = plan(&inventory, Target::PgBackRest, &Choices::default());

    let options: Vec<&str> = plan
        .questions
        .iter()
        .map(|one| one.option.as_str())
        .collect();
    assert_eq!(options, ["--storage-class NAME"]);
    let orders = inventory
        .files()
        .iter()
        .find(|one| one.name.ends_with("orders.yaml"));
    let wanted = "pluginConfigRef";
    assert!(
        !after(&inventory, &plan)
            .files()
            .iter()
            .any(|one| { one.name == orders.unwrap().name && one.text.contains(wanted) })
    );
}
