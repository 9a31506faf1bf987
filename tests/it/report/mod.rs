//! The page about an audit: what it says, that it is well-formed whatever the audit is, and how a
//! browser shows it.

mod any;
mod browser;
mod rendered;
mod scenes;

use proptest::prelude::*;
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use walcast::{audit::Audit, report::Page};

fn page(audit: &Audit) -> String {
    let cluster = Some("main");
    Page { audit, cluster }.to_html()
}

/// An element with its attributes, and the text in it.
#[derive(Debug)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
}

impl Element {
    fn start(tag: &BytesStart<'_>) -> Self {
        let attributes = tag.attributes().map(|attribute| {
            let attribute = attribute.expect("attributes are well-formed and unique");
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap();
            (name(attribute.key.as_ref()), value.into_owned())
        });
        Self {
            name: name(tag.name().as_ref()),
            attributes: attributes.collect(),
            text: String::new(),
        }
    }

    fn has_class(&self, class: &str) -> bool {
        let classes = self.attributes.iter().filter(|(name, _)| name == "class");
        classes
            .flat_map(|(_, value)| value.split(' '))
            .any(|one| one == class)
    }
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Reads a page strictly, as XML, and returns its elements in the order of their ends.
///
/// # Panics
///
/// If it is not well-formed.
fn elements(page: &str) -> Vec<Element> {
    let mut reader = Reader::from_str(page);
    reader.config_mut().enable_all_checks(true);
    let (mut open, mut closed): (Vec<Element>, Vec<Element>) = (Vec::new(), Vec::new());
    let add = |open: &mut Vec<Element>, text: &str| {
        for element in open {
            element.text.push_str(text);
        }
    };
    loop {
        match reader.read_event().expect("the page is well-formed") {
            Event::Start(tag) => open.push(Element::start(&tag)),
            Event::Empty(tag) => closed.push(Element::start(&tag)),
            Event::End(_) => closed.push(open.pop().unwrap()),
            Event::Text(text) => add(&mut open, &text.decode().unwrap()),
            Event::GeneralRef(reference) => {
                let text = match &*reference.decode().unwrap() {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    "#39" => "'",
                    other => panic!("&{other}; is not expected"),
                };
                add(&mut open, text);
            }
            Event::DocType(kind) => assert_eq!(&*kind, b"html"),
            Event::Eof => break,
            other => panic!("{other:?} is not expected"),
        }
    }
    assert!(open.is_empty());
    assert_eq!(closed.last().map(|one| one.name.as_str()), Some("html"));
    closed
}

fn texts(page: &str, name: &str) -> Vec<String> {
    let elements = elements(page).into_iter().filter(|one| one.name == name);
    elements.map(|one| one.text).collect()
}

fn headline(audit: &Audit) -> String {
    let mut titles = texts(&page(audit), "h1");
    assert_eq!(titles.len(), 1);
    titles.remove(0)
}

#[test]
fn the_headline_says_the_worst_in_a_plain_sentence() {
    use scenes::*;
    let nobody = audit(Vec::new());
    let mut late = troubled();
    late.destinations.remove(1);
    late.findings.retain(|one| one.destination != id("oregon"));
    let drained = audit(vec![
        (empty("a"), vec![walcast::audit::Fact::NoBackup]),
        (empty("b"), vec![walcast::audit::Fact::NoBackup]),
    ]);

    for (audit, text) in [
        (
            troubled(),
            "✕oregon cannot be restored: no complete backup is there.",
        ),
        (
            late,
            "!vault needs attention: 44 segments behind frankfurt, for 2h 58m.",
        ),
        (sound(), "✓local can restore what it should."),
        (dark(), "?No destination can be read."),
        (drained, "✕Nothing can be restored."),
        (nobody, "?No destination was looked at."),
    ] {
        assert_eq!(headline(&audit), text);
    }
}

#[test]
fn findings_stand_with_what_to_do_the_worst_first_and_alike_ones_together() {
    let elements = elements(&page(&scenes::crowded()));

    let findings = elements.iter().filter(|one| one.has_class("what"));
    let findings: Vec<&str> = findings.map(|one| one.text.as_str()).collect();
    assert_eq!(findings.len(), 3, "{findings:?}");
    assert!(findings[0].starts_with("critical unreachable: it cannot be read"));
    assert!(findings[1].starts_with("critical vacant: no complete backup is there"));
    assert!(findings[2].starts_with("warning torn: 26 segments, "));
    let hints = elements.iter().filter(|one| one.has_class("hint"));
    assert_eq!(hints.count(), 3);
    let summaries = elements.iter().filter(|one| one.name == "summary");
    let alike = summaries.filter(|one| one.text == "249 more findings like this");
    assert_eq!(alike.count(), 1);
}

#[test]
fn what_retention_removes_next_is_marked_wherever_a_backup_is_shown() {
    let page = page(&scenes::troubled());
    let elements = elements(&page);

    let rows = elements
        .iter()
        .filter(|one| one.name == "tr" && one.has_class("leaving"));
    assert_eq!(rows.count(), 2);
    let marks = elements
        .iter()
        .filter(|one| one.name == "circle" && one.has_class("leaving"));
    // Two on the axis of everything, none on that of the last day, and one in the legend.
    assert_eq!(marks.count(), 3);
    assert!(page.contains("2 backups (43.6 GiB) removed next."));
}

#[test]
fn a_thousand_backups_are_few_marks_and_all_of_them_are_listed() {
    let mut audit = scenes::crowded();
    audit.destinations.truncate(1);
    let elements = elements(&page(&audit));

    let marks = elements.iter().filter(|one| one.name == "circle").count();
    assert!((40..=80).contains(&marks), "{marks}");
    let rows = elements
        .iter()
        .filter(|one| one.name == "tr" && !one.attributes.is_empty());
    assert_eq!(rows.count(), 1000);
}

#[test]
fn hostile_names_are_shown_and_do_nothing() {
    let page = page(&scenes::hostile());
    let elements = elements(&page);

    let scripts: Vec<_> = elements.iter().filter(|one| one.name == "script").collect();
    assert_eq!(scripts.len(), 1, "its own");
    assert!(!scripts[0].text.contains("taken"));
    assert!(elements.iter().all(|one| one.name != "img"));
    let handlers = elements.iter().flat_map(|one| &one.attributes);
    assert!(
        handlers
            .into_iter()
            .all(|(name, _)| !name.starts_with("on"))
    );
    assert!(page.contains("&lt;img src=x onerror=&quot;"));
    assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}') && !page.contains('\0'));
}

#[test]
fn a_page_needs_nothing_but_itself() {
    let page = page(&scenes::crowded());
    let elements = elements(&page);

    for (name, value) in elements.iter().flat_map(|one| &one.attributes) {
        match name.as_str() {
            "href" => assert!(
                value.starts_with('#') || value.starts_with("data:"),
                "{value}"
            ),
            "src" | "srcset" | "style" | "action" => panic!("{name}={value}"),
            _ => {}
        }
    }
    assert!(!page.contains("url(") && !page.contains("@import"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_audit_is_a_well_formed_page_with_each_destination(audit in any::audit()) {
        let first = page(&audit);

        let elements = elements(&first);
        let cards = elements.iter().filter(|one| one.name == "article");
        prop_assert_eq!(cards.count(), audit.destinations.len());
        let ids: Vec<_> = elements.iter().flat_map(|one| &one.attributes).filter(|(name, _)| name == "id").collect();
        let mut unique = ids.clone();
        unique.sort();
        unique.dedup();
        prop_assert_eq!(unique.len(), ids.len());
        prop_assert_eq!(first, page(&audit));
    }
}
