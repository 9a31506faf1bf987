//! HTML that is well-formed by construction.

use std::fmt::{self, Display, Write};

/// Attributes of an element: names and values.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a dyn Display)];

/// A page being written. Every text and every attribute goes through one escape.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Writes an element. `tag` is its name and its classes, as in `p.lede`; an attribute `class`
    /// is for names that have none.
    pub(super) fn tag(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        content: impl FnOnce(&mut Self),
    ) {
        let name = self.open(tag, attributes);
        self.0.push('>');
        content(self);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
        if BLOCKS.contains(&name) {
            self.0.push('\n');
        }
    }

    /// Writes an element that has nothing but text.
    pub(super) fn leaf(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        text: impl Display,
    ) {
        self.tag(tag, attributes, |html| html.text(text));
    }

    /// Writes an element that has no content and no end.
    pub(super) fn void(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.open(tag, attributes);
        self.0.push_str("/>");
    }

    /// Writes text.
    pub(super) fn text(&mut self, text: impl Display) {
        self.escaped(&text);
    }

    /// Writes text in which what stands between backticks is code.
    pub(super) fn prose(&mut self, text: &str) {
        for (place, part) in text.split('`').enumerate() {
            if place % 2 == 1 {
                self.leaf("code", &[], part);
            } else {
                self.text(part);
            }
        }
    }

    /// Writes what is part of the program and needs no escape: a style sheet or a script.
    pub(super) fn own(&mut self, text: &'static str) {
        self.0.push_str(text);
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }

    /// Writes the beginning of an element but for its `>`, and returns its name.
    fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) -> &'static str {
        let (name, classes) = tag.split_once('.').unwrap_or((tag, ""));
        self.0.push('<');
        self.0.push_str(name);
        if !classes.is_empty() {
            self.attribute("class", &classes.replace('.', " "));
        }
        for (name, value) in attributes {
            self.attribute(name, *value);
        }
        name
    }

    fn attribute(&mut self, name: &str, value: &dyn Display) {
        self.0.push(' ');
        self.0.push_str(name);
        self.0.push_str("=\"");
        self.escaped(value);
        self.0.push('"');
    }

    fn escaped(&mut self, text: &dyn Display) {
        write!(Escape(&mut self.0), "{text}").expect("a string takes everything");
    }
}

/// Elements after which the source has a new line, so that it can be read.
const BLOCKS: &[&str] = &[
    "article", "body", "details", "div", "dl", "figure", "footer", "h1", "h2", "h3", "head",
    "header", "html", "li", "main", "nav", "ol", "p", "rect", "section", "style", "summary", "svg",
    "table", "title", "tr", "ul",
];

/// Makes text harmless: as content and as a quoted attribute, in HTML and in XML.
struct Escape<'a>(&'a mut String);

impl Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(character),
                odd if is_unprintable(odd) => self.0.push(char::REPLACEMENT_CHARACTER),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

/// Whether a character is forbidden in a document, or turns the direction of the text after it, so
/// that a name could look like another one.
fn is_unprintable(character: char) -> bool {
    let turns = matches!(character, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let is_none = matches!(u32::from(character) & 0xFFFF, 0xFFFE | 0xFFFF)
        || ('\u{FDD0}'..='\u{FDEF}').contains(&character);
    character.is_control() || turns || is_none
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Html)) -> String {
        let mut html = Html::default();
        write(&mut html);
        html.into_string()
    }

    #[test]
    fn text_and_attributes_cannot_leave_their_place() {
        let hostile = "\"'><script>alert(1)</script>&amp;";

        let text = written(|html| html.leaf("b", &[("title", &hostile)], hostile));

        let safe = "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;";
        assert_eq!(text, format!("<b title=\"{safe}\">{safe}</b>"));
    }

    #[test]
    fn what_is_invisible_or_turns_the_text_is_shown_as_odd() {
        let text = written(|html| html.text("a\0b\u{1b}c\u{202e}d\u{ffff}e\u{85}f\ng"));

        assert_eq!(text, "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e\u{fffd}f\ng");
    }

    #[test]
    fn code_stands_between_backticks_and_is_escaped() {
        let text = written(|html| html.prose("run `a < b` or `c"));

        assert_eq!(text, "run <code>a &lt; b</code> or <code>c</code>");
    }

    #[test]
    fn classes_follow_the_name() {
        let text = written(|html| html.void("br.a.b", &[("id", &1)]));

        assert_eq!(text, "<br class=\"a b\" id=\"1\"/>");
    }
}
