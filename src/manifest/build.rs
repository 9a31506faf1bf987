//! From the parser's events to a tree.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::{Entry, Key, Kind, Mapping, Node, Position, Span, SyntaxError, Value, scalar};

type Result<T> = std::result::Result<T, SyntaxError>;

/// Levels of a document; the API server's own decoder takes more, no resource has them.
const MAX_DEPTH: usize = 100;
/// Bytes that anchored values and their aliases may take, counted by [`weight`].
const MAX_ALIASED: usize = 4 << 20;

/// Reads the document whose start was just read.
pub(super) fn root<'t>(parser: &mut Parser<'t, StrInput<'t>>, text: &'t str) -> Result<Node> {
    let mut builder = Builder {
        parser,
        text,
        anchors: HashMap::new(),
        aliased: 0,
    };
    let first = builder.event()?;
    builder.node(first, 1)
}

struct Builder<'p, 't> {
    parser: &'p mut Parser<'t, StrInput<'t>>,
    text: &'t str,
    anchors: HashMap<usize, Node>,
    aliased: usize,
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
        let (node, anchor) = match event {
            Event::Alias(id) => return self.alias(id, span, depth),
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar_value(&text, style, tag.as_deref(), span)?;
                let span = match style {
                    ScalarStyle::Literal | ScalarStyle::Folded => self.content(span),
                    _ if span.bytes().is_empty() => self.after_indicator(span),
                    _ => span,
                };
                (Node { value, span }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "seq", span)?;
                (self.sequence(span, depth)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), "map", span)?;
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
        if depth + height(&node) > MAX_DEPTH + 1 {
            let message = format!("more than {MAX_DEPTH} levels");
            return Err(SyntaxError::new(span, message));
        }
        self.charge(&node)?;
        Ok(node)
    }

    fn charge(&mut self, node: &Node) -> Result<()> {
        self.aliased += weight(node);
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
            let is_merge = is_merge_key(&first.0);
            let key = self.node(first, depth + 1)?;
            let next = self.event()?;
            let value = self.node(next, depth + 1)?;
            last = Some(value.span);
            if is_merge {
                raw.merge(value)?;
            } else {
                raw.insert(into_key(key)?, value)?;
            }
        };
        Ok(Node {
            value: Value::Mapping(raw.finish()),
            span: enclose(start, last, end),
        })
    }
}

/// Entries as they come; what is merged yields to what is written, whatever the order.
#[derive(Default)]
struct RawMapping {
    entries: Vec<(Origin, Entry)>,
    written: HashMap<String, Span>,
}

#[derive(Eq, PartialEq)]
enum Origin {
    Written,
    Merged,
}

impl RawMapping {
    fn insert(&mut self, key: Key, value: Node) -> Result<()> {
        if let Some(first) = self.written.insert(key.name.clone(), key.span) {
            let (name, line) = (&key.name, first.start.line);
            let message = format!("key `{name}` is there already, in line {line}");
            return Err(SyntaxError::new(key.span, message));
        }
        self.entries.push((Origin::Written, Entry { key, value }));
        Ok(())
    }

    fn merge(&mut self, node: Node) -> Result<()> {
        let sources = match node.value {
            Value::Sequence(items) => items,
            _ => vec![node],
        };
        for source in sources {
            let Value::Mapping(mapping) = source.value else {
                let message = "`<<` takes a mapping or a list of mappings";
                return Err(SyntaxError::new(source.span, message));
            };
            let entries = mapping.into_entries().into_iter();
            self.entries
                .extend(entries.map(|entry| (Origin::Merged, entry)));
        }
        Ok(())
    }

    fn finish(self) -> Mapping {
        let mut merged = HashSet::new();
        let mut mapping = Mapping::default();
        for (origin, entry) in self.entries {
            let name = &entry.key.name;
            let keep = origin == Origin::Written
                || (!self.written.contains_key(name) && merged.insert(name.clone()));
            if keep {
                mapping.push(entry);
            }
        }
        mapping
    }
}

fn is_merge_key(event: &Event<'_>) -> bool {
    matches!(event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<")
}

fn into_key(node: Node) -> Result<Key> {
    let name = match node.value {
        Value::String(text) => text,
        Value::Bool(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => {
            let message = format!("{} cannot be a key", node.value.kind());
            return Err(SyntaxError::new(node.span, message));
        }
    };
    Ok(Key {
        name,
        span: node.span,
    })
}

fn scalar_value(text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Result<Value> {
    // The parser says `~` for a scalar that is not there.
    let text = if span.bytes().is_empty() { "" } else { text };
    let resolved = || {
        let message = "JSON has no number for infinity and no `nan`";
        scalar::resolve(text).ok_or_else(|| SyntaxError::new(span, message))
    };
    let wanted = match tag {
        None if style == ScalarStyle::Plain => return resolved(),
        None => return Ok(Value::String(text.to_owned())),
        Some(tag) if tag.core_suffix() == Some("str") || is_non_specific(tag) => {
            return Ok(Value::String(text.to_owned()));
        }
        Some(tag) => tag_kind(tag).ok_or_else(|| unknown_tag(tag, span))?,
    };
    let value = resolved()?;
    if value.kind() == wanted {
        Ok(value)
    } else {
        let message = format!("the tag says {wanted}, the value is {}", value.kind());
        Err(SyntaxError::new(span, message))
    }
}

fn is_non_specific(tag: &Tag) -> bool {
    tag.parts() == ("", "!") || tag.parts() == ("!", "")
}

fn tag_kind(tag: &Tag) -> Option<Kind> {
    match tag.core_suffix()? {
        "null" => Some(Kind::Null),
        "bool" => Some(Kind::Bool),
        "int" | "float" => Some(Kind::Number),
        _ => None,
    }
}

fn check_tag(tag: Option<&Tag>, expected: &str, span: Span) -> Result<()> {
    match tag {
        Some(tag) if tag.core_suffix() != Some(expected) && !is_non_specific(tag) => {
            Err(unknown_tag(tag, span))
        }
        _ => Ok(()),
    }
}

fn unknown_tag(tag: &Tag, span: Span) -> SyntaxError {
    let message = format!("tag `{}` means nothing here", tag.original());
    SyntaxError::new(span, message)
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

/// Roughly the bytes that a copy takes.
fn weight(node: &Node) -> usize {
    let own = size_of::<Node>();
    own + match &node.value {
        Value::String(text) => text.len(),
        Value::Sequence(items) => items.iter().map(weight).sum(),
        Value::Mapping(mapping) => {
            let entries = mapping.entries().iter();
            entries
                .map(|entry| entry.key.name.len() + size_of::<Key>() + weight(&entry.value))
                .sum()
        }
        _ => 0,
    }
}

fn height(node: &Node) -> usize {
    1 + match &node.value {
        Value::Sequence(items) => items.iter().map(height).max().unwrap_or(0),
        Value::Mapping(mapping) => {
            let values = mapping.entries().iter().map(|entry| &entry.value);
            values.map(height).max().unwrap_or(0)
        }
        _ => 0,
    }
}
