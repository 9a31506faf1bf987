//! What a person sees of a page, in a browser.

use std::sync::Mutex;

use serde_json::Value;
use walcast::audit::Audit;

use super::{
    browser::{Colours, measure},
    page, scenes,
};

const PHONE: u32 = 360;
const DESK: u32 = 1280;

/// Opens everything that is folded, and measures what a person would notice.
const SCRIPT: &str = r##"
  const tellTheAge = page.getElementById("age").textContent;
  const verdict = page.querySelector("h1");
  const box = (element) => {
    const { left, right, top, bottom, width, height } = element.getBoundingClientRect();
    return { left, right, top, bottom, width, height };
  };
  const first = box(verdict);
  const at = page.elementFromPoint(first.left + first.width / 2, first.top + first.height / 2);
  const isSeen = verdict.contains(at);
  page.querySelectorAll("details").forEach((details) => { details.open = true; });
  const width = page.documentElement.clientWidth;
  const isClipped = (element) => element.closest("caption, svg, .who");
  const tooWide = [...page.querySelectorAll("body *")]
    .filter((element) => !isClipped(element) && box(element).right > width + 0.5)
    .map((element) => element.outerHTML.slice(0, 120))
    .slice(0, 3);

  const rgb = (text) => text.match(/[\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = rgb(colour).slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = view.getComputedStyle(one).backgroundColor;
      if ((rgb(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  let faint = { ratio: 21 }, smallest = 100;
  for (const element of page.querySelectorAll("body *:not(script):not(svg *)")) {
    if (!hasText(element)) continue;
    const style = view.getComputedStyle(element);
    smallest = Math.min(smallest, parseFloat(style.fontSize));
    const [a, b] = [luminance(style.color), luminance(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < faint.ratio) faint = { ratio, of: element.outerHTML.slice(0, 120) };
  }

  const rows = [...page.querySelectorAll("#time figure:first-of-type .row:not(.axis)")].map((row) => {
    const track = box(row.querySelector("svg"));
    const places = (selector) => [...row.querySelectorAll(selector)].map((element) => {
      const { left, right } = box(element);
      return [(left - track.left) / track.width, (right - track.left) / track.width];
    });
    return {
      name: row.querySelector(".who").innerText.trim(),
      width: track.width,
      bars: places("rect.can"),
      holes: places("rect.hole"),
      backups: places("circle.backup, path.backup"),
      broken: places("path.broken"),
      leaving: places("circle.leaving"),
      instead: row.querySelector("text.instead")?.textContent ?? null,
    };
  });
  const labels = [...page.querySelectorAll("#time figure:first-of-type .tick")]
    .filter((label) => view.getComputedStyle(label).display !== "none").map(box);
  const colour = (selector, property) => {
    const element = page.querySelector(selector);
    return element && view.getComputedStyle(element)[property];
  };
  return {
    width, tooWide, scrolls: page.documentElement.scrollWidth, tellTheAge, isSeen,
    headline: verdict.innerText, title: page.title, faint, smallest, rows,
    overlapping: labels.filter((label, place) => place > 0 && label.left < labels[place - 1].right).length,
    labels: labels.length,
    loaded: view.performance.getEntriesByType("resource").map((one) => one.name),
    paper: colour("body", "backgroundColor"), ink: colour("body", "color"), bar: colour("rect.can", "fill"),
  };
"##;

/// One browser at a time: they take what the machine has.
static BROWSER: Mutex<()> = Mutex::new(());

fn look(audit: &Audit, width: u32, colours: Colours) -> Value {
    let _alone = BROWSER.lock();
    measure(&page(audit), width, colours, SCRIPT)
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is not a number"))
}

/// Whatever is on a page: it fits, is readable, and needs nothing.
fn assert_fits(seen: &Value, width: u32) {
    assert_eq!(seen["tooWide"], serde_json::json!([]), "at {width}");
    assert_eq!(seen["scrolls"], width);
    assert_eq!(seen["isSeen"], true, "the verdict is hidden");
    assert!(number(&seen["faint"]["ratio"]) >= 4.5, "{}", seen["faint"]);
    assert!(number(&seen["smallest"]) >= 12.0, "{}", seen["smallest"]);
    assert_eq!(seen["overlapping"], 0, "labels of the axis overlap");
    assert_eq!(seen["loaded"], serde_json::json!([]));
}

#[test]
fn a_page_fits_a_phone_and_a_desk_in_light_and_dark() {
    let nobody = scenes::audit(Vec::new());
    for audit in [
        scenes::troubled(),
        scenes::crowded(),
        scenes::hostile(),
        scenes::sound(),
        scenes::dark(),
        nobody,
    ] {
        for (width, colours) in [(PHONE, Colours::Dark), (DESK, Colours::Light)] {
            assert_fits(&look(&audit, width, colours), width);
        }
    }
}

#[test]
fn colours_follow_the_system() {
    let audit = scenes::troubled();
    let (light, dark) = (
        look(&audit, DESK, Colours::Light),
        look(&audit, PHONE, Colours::Dark),
    );

    assert_fits(&look(&audit, PHONE, Colours::Light), PHONE);
    assert_fits(&look(&audit, DESK, Colours::Dark), DESK);
    for part in ["paper", "ink", "bar"] {
        assert_ne!(light[part], dark[part], "{part}");
    }
    let bright = |colour: &Value| {
        let digits = colour
            .as_str()
            .unwrap()
            .split(|c: char| !c.is_ascii_digit());
        digits
            .filter_map(|part| part.parse::<u32>().ok())
            .sum::<u32>()
    };
    assert!(bright(&light["paper"]) > bright(&light["ink"]));
    assert!(bright(&dark["paper"]) < bright(&dark["ink"]));
}

#[test]
fn bars_holes_and_backups_lie_where_their_times_are() {
    let audit = scenes::troubled();
    let (first, last) = (
        audit.destinations[0].backups[0].ended.unwrap(),
        scenes::now(),
    );
    let length = last.duration_since(first).as_secs_f64();
    let begin = length / 50.0;
    let place = |minutes: i64| {
        let time = scenes::minutes_ago(minutes);
        (time.duration_since(first).as_secs_f64() + begin) / (length + begin)
    };

    for width in [PHONE, DESK] {
        let seen = look(&audit, width, Colours::Light);
        let rows = seen["rows"].as_array().unwrap();
        let names: Vec<_> = rows
            .iter()
            .map(|row| row["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["✓\nfrankfurt", "✕\noregon", "!\nvault"]);
        // A stroke and the width of a mark.
        let near = |seen: &Value, expected: f64| {
            let tolerance = 5.0 / number(&rows[0]["width"]);
            let distance = (number(seen) - expected).abs();
            assert!(
                distance < tolerance,
                "{seen} is not {expected} at a width of {width}"
            );
        };
        let (whole, none, torn) = (&rows[0], &rows[1], &rows[2]);

        assert_eq!(whole["bars"].as_array().unwrap().len(), 1);
        near(
            &whole["bars"][0][0],
            place(29 * scenes::DAY + 10 * scenes::HOUR),
        );
        near(&whole["bars"][0][1], place(2));
        assert_eq!(whole["backups"].as_array().unwrap().len(), 30);
        assert_eq!(whole["leaving"].as_array().unwrap().len(), 2);
        near(&whole["backups"][29][0], place(10 * scenes::HOUR));

        assert_eq!(none["bars"], serde_json::json!([]));
        assert_eq!(none["instead"], "nothing to restore from");

        assert_eq!(torn["bars"].as_array().unwrap().len(), 2);
        let (cut, mended) = (12 * scenes::DAY + 7 * scenes::HOUR, 12 * scenes::DAY);
        near(&torn["bars"][0][1], place(cut));
        near(&torn["holes"][0][0], place(cut));
        near(&torn["holes"][0][1], place(mended));
        near(
            &torn["bars"][1][0],
            place(11 * scenes::DAY + 10 * scenes::HOUR),
        );
        near(&torn["bars"][1][1], place(3 * scenes::HOUR));
        assert_eq!(torn["broken"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn what_cannot_be_read_is_not_shown_as_empty() {
    let seen = look(&scenes::crowded(), DESK, Colours::Light);

    let rows = seen["rows"].as_array().unwrap();
    let instead: Vec<_> = rows.iter().map(|row| row["instead"].as_str()).collect();
    let (unreadable, empty) = (Some("cannot be read"), Some("nothing to restore from"));
    assert_eq!(instead, [None, None, None, unreadable, empty, None]);
    assert_eq!(
        seen["headline"],
        "✕\nvacant cannot be restored: no complete backup is there."
    );
}

#[test]
fn nothing_in_a_name_is_run() {
    let audit = scenes::hostile();
    let seen = look(&audit, DESK, Colours::Light);

    let title = seen["title"].as_str().unwrap();
    assert!(
        title.starts_with("main: <script>document.title='taken'"),
        "{title}"
    );
}

#[test]
fn an_old_page_says_how_old_it_is() {
    let mut audit = scenes::sound();
    let hours = |hours| jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);

    audit.at = hours(76);
    assert_eq!(
        look(&audit, DESK, Colours::Light)["tellTheAge"],
        ", which was 3 days ago"
    );
    audit.at = hours(0);
    assert_eq!(look(&audit, DESK, Colours::Light)["tellTheAge"], "");
}
