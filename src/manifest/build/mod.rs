//! From the parser's events to a tree.

mod mapping;
mod meaning;
mod size;

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use self::mapping::{RawMapping, into_key, is_merge_key};
use super::{Node, Position, Span, SyntaxError, Value, mask::Masked, placeholders};

type Result<T> = std::result::Result<T, SyntaxError>;

/// Levels of a document; the API server's own decoder takes more, no resource has them.
const MAX_DEPTH: usize = 100;
/// Values and keys of a document; what is in aliases is not counted.
const MAX_VALUES: usize = 4_000_000;
/// Bytes that anchored values and their aliases may take, counted by [`size::weight`].
const MAX_ALIASED: usize = 4 << 20;

/// Reads the document of `text` whose start was just read; with masks, what they cover is
/// uncovered in it.
pub(super) fn root<'t>(
    parser: &mut Parser<'t, StrInput<'t>>,
    text: &'t str,
    masked: Option<&'t Masked<'t>>,
) -> Result<Node> {
    let mut builder = Builder {
        parser,
        text,
        masked,
        anchors: HashMap::new(),
        aliased: 0,
        values: 0,
    };
    let first = builder.event()?;
    builder.node(first, 1)
}

struct Builder<'p, 't> {
    parser: &'p mut Parser<'t, StrInput<'t>>,
    text: &'t str,
    masked: Option<&'t Masked<'t>>,
    anchors: HashMap<usize, Node>,
    aliased: usize,
    values: usize,
}

impl<'t> Builder<'_, 't> {
    fn event(&mut self) -> Result<(Event<'t>, Span)> {
        let (event, span) = self
            .parser
            .next()
            .expect("a document that was started is ended or fails")?;
        Ok((event, span.into()))
    }

    fn node(&mut self, (event, span): (Event<'t>, Span), depth: usize) -> Result<Node> {
        if depth > MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} levels");
            return Err(SyntaxError::new(span, message));
        }
        self.values += 1;
        if self.values > MAX_VALUES {
            let message = format!("more than {MAX_VALUES} values and keys in a document");
            return Err(SyntaxError::new(span, message));
        }
        let (node, anchor) = match event {
            Event::Alias(id) => return self.alias(id, span, depth),
            Event::Scalar(text, style, anchor, tag) => {
                (self.scalar(&text, style, tag.as_deref(), span)?, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                meaning::check_tag(tag.as_deref(), "seq", span)?;
                (self.sequence(span, depth)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                meaning::check_tag(tag.as_deref(), "map", span)?;
                (self.mapping(span, depth)?, anchor)
            }
            _ => return Err(SyntaxError::new(span, "a value was expected")),
        };
        if anchor != 0 {
            self.charge(&node)?;
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<Node> {
        let is_plain = style == ScalarStyle::Plain && tag.is_none();
        let unmasked = self
            .masked
            .and_then(|masked| masked.unmask(text, style, span));
        let text = unmasked.as_deref().unwrap_or(text);
        let value = match meaning::value(text, style, tag, span)? {
            Value::String(text) if is_plain && has_placeholder(&text) => Value::Template(text),
            value => value,
        };
        let span = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => self.content(span),
            _ if span.bytes().is_empty() => self.after_indicator(span),
            _ => span,
        };
        Ok(Node { value, span })
    }

    /// Returns the place of a value that is not there: after the `:` or `-`, where it would be.
    fn after_indicator(&self, span: Span) -> Span {
        let rest = self.text.get(span.start.offset..).unwrap_or_default();
        let mut place = span.start;
        if rest.starts_with([':', '-']) {
            place.offset += 1;
            place.column += 1;
        }
        Span {
            start: place,
            end: place,
        }
    }

    /// Returns the part of a block scalar without the blank lines at its end, which the parser
    /// counts in up to the next token.
    fn content(&self, mut span: Span) -> Span {
        let slice = span.slice(self.text).unwrap_or_default();
        let last = slice.trim_end().len();
        let line_end = slice[last..].find(['\r', '\n']);
        let content = &slice[..line_end.map_or(slice.len(), |end| last + end)];
        let line = content.rsplit('\n').next().unwrap_or_default();
        let breaks = content.matches('\n').count();
        let before = if breaks == 0 { span.start.column } else { 1 };
        span.end = Position {
            offset: span.start.offset + content.len(),
            line: span.start.line + breaks,
            column: before + line.chars().count(),
        };
        span
    }

    fn alias(&mut self, id: usize, span: Span, depth: usize) -> Result<Node> {
        let Some(anchored) = self.anchors.get(&id) else {
            let message = "an alias inside the value that it stands for";
            return Err(SyntaxError::new(span, message));
        };
        let value = anchored.value.clone();
        let node = Node { value, span };
        if depth + size::height(&node) > MAX_DEPTH + 1 {
            let message = format!("more than {MAX_DEPTH} levels");
            return Err(SyntaxError::new(span, message));
        }
        self.charge(&node)?;
        Ok(node)
    }

    fn charge(&mut self, node: &Node) -> Result<()> {
        self.aliased += size::weight(node);
        if self.aliased > MAX_ALIASED {
            let message = format!("aliases that expand to more than {MAX_ALIASED} bytes");
            return Err(SyntaxError::new(node.span, message));
        }
        Ok(())
    }

    fn sequence(&mut self, start: Span, depth: usize) -> Result<Node> {
        let mut items = Vec::new();
        let end = loop {
            match self.event()? {
                (Event::SequenceEnd, end) => break end,
                first => items.push(self.node(first, depth + 1)?),
            }
        };
        items.shrink_to_fit();
        let last = items.last().map(|item: &Node| item.span);
        Ok(Node {
            value: Value::Sequence(items),
            span: enclose(start, last, end),
        })
    }

    fn mapping(&mut self, start: Span, depth: usize) -> Result<Node> {
        let mut raw = RawMapping::default();
        let mut last = None;
        let end = loop {
            let first = match self.event()? {
                (Event::MappingEnd, end) => break end,
                first => first,
            };
            let key = if is_merge_key(&first.0) {
                None
            } else {
                Some(into_key(self.node(first, depth + 1)?)?)
            };
            let next = self.event()?;
            let value = self.node(next, depth + 1)?;
            last = Some(value.span);
            match key {
                None => raw.merge(value)?,
                Some(key) => raw.insert(key, value)?,
            }
        };
        Ok(Node {
            value: Value::Mapping(raw.finish()),
            span: enclose(start, last, end),
        })
    }
}

/// The parser ends block collections where the next token starts; they end with their last value.
fn enclose(start: Span, last: Option<Span>, end: Span) -> Span {
    let is_flow = end.end.offset > end.start.offset;
    let end = match last {
        Some(last) if !is_flow => last.end.max(start.end),
        _ => end.end,
    };
    Span {
        start: start.start,
        end,
    }
}

fn has_placeholder(text: &str) -> bool {
    placeholders(text).next().is_some()
}
