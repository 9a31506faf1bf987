//! `report`: an audit as a page.

use std::fs;

use super::{World, expire::world};

#[test]
fn a_page_is_written_in_one_step_and_the_code_is_that_of_the_audit() {
    let world = world();
    let page = world.path("report.html");
    fs::write(&page, "an older page").unwrap();
    let options = ["--retention-policy=RECOVERY WINDOW OF 3 DAYS"];

    let audit = world.run(&[&["audit"], &options[..]].concat());
    let ran = world.run(&[&["report", "--html", page.to_str().unwrap()], &options[..]].concat());

    assert_eq!(ran.code, audit.code, "{ran:?}");
    let headline = audit.stdout.lines().next().unwrap();
    assert_eq!(ran.stdout.trim_end(), headline);
    let shown = fs::read_to_string(page).unwrap();
    assert!(shown.starts_with("<!DOCTYPE html>"));
    assert!(shown.ends_with("</html>\n"));
    assert!(shown.contains("<b>main</b>"), "the cluster is named");
    assert!(shown.contains("here can restore what it should."));
    assert!(shown.contains("1 backup (0 B) removed next."));
    let left = fs::read_dir(world.path("")).unwrap();
    let names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(!names.into_iter().any(|name| name.contains(".tmp")));
}

#[test]
fn a_page_goes_to_standard_output_and_has_the_title_that_is_asked_for() {
    let ran = world().run(&["report", "--html=-", "--title=orders & co"]);

    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("<b>orders &amp; co</b>"));
    assert!(ran.stdout.ends_with("</html>\n"));
}

#[test]
fn what_was_found_is_told_as_json_beside_the_page() {
    let world = World::with_folders(&["here"]);
    let page = world.path("report.html");

    let ran = world.run(&["report", "--output=json", "--html", page.to_str().unwrap()]);

    assert_eq!(ran.code, Some(2), "{ran:?}");
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(told["state"], "critical");
    let shown = fs::read_to_string(page).unwrap();
    assert!(shown.contains("Nothing can be restored."));
}

#[test]
fn a_page_that_cannot_be_written_is_no_result_of_an_audit() {
    let ran = world().run(&["report", "--html=no/such/folder/report.html"]);

    ran.assert_ended(3, "no/such/folder/report.html");
}
