//! The grammar of placeholders.

use std::{borrow::Cow, ops::Range};

/// A placeholder: `${NAME}` or one of the forms that do something with the value.
///
/// ```
/// # use walcast::manifest::placeholders;
/// let text = "https://s3.${DOMAIN:=internal}/$${LITERAL}";
/// let found: Vec<_> = placeholders(text).collect();
/// assert_eq!(found.len(), 1);
/// assert_eq!((found[0].name, found[0].has_default()), ("DOMAIN", true));
/// assert_eq!(&text[found[0].range.clone()], "${DOMAIN:=internal}");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Placeholder<'t> {
    /// The name of the variable: ASCII letters, digits and `_`, no digit first.
    pub name: &'t str,
    /// Where it stands in the text, in bytes, from `$` to `}`.
    pub range: Range<usize>,
    pub(super) operation: Operation<'t>,
}

impl Placeholder<'_> {
    /// Returns whether it says what stands for a variable without a value.
    pub fn has_default(&self) -> bool {
        matches!(self.operation, Operation::Default(_))
    }
}

/// What is done with the value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Operation<'t> {
    /// Nothing: `${v}`.
    Value,
    /// `${#v}`.
    Length,
    /// `${v^}`, `${v^^}`, `${v,}`, `${v,,}`.
    Case { to: Case, extent: Extent },
    /// `${v:offset}`, `${v:offset:length}`.
    Substring {
        offset: Word<'t>,
        length: Option<Word<'t>>,
    },
    /// `${v#pattern}`, `${v##pattern}`, `${v%pattern}`, `${v%%pattern}`.
    Trim {
        from: Side,
        extent: Extent,
        pattern: Word<'t>,
    },
    /// `${v/pattern/by}`, `${v//pattern/by}`, `${v/#pattern/by}`, `${v/%pattern/by}`.
    Replace {
        what: Matches,
        pattern: Word<'t>,
        by: Word<'t>,
    },
    /// `${v-default}`, `${v:-default}`, `${v=default}`, `${v:=default}`.
    Default(Word<'t>),
}

/// A case of letters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Case {
    Upper,
    Lower,
}

/// How far an operation goes: an operator that is written once or twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Extent {
    /// The first letter, the shortest match.
    Once,
    /// All letters, the longest match.
    Twice,
}

/// An end of a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    Start,
    End,
}

/// The places of a pattern that are replaced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Matches {
    First,
    All,
    AtStart,
    AtEnd,
}

/// Text with placeholders in it.
pub(super) type Word<'t> = Vec<Piece<'t>>;

/// A part of a [`Word`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Piece<'t> {
    Text(Cow<'t, str>),
    Placeholder(Placeholder<'t>),
}

/// Why `${` does not begin a placeholder.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It does not end.
    #[error("`${{` without its `}}`")]
    Unclosed,
    /// No name follows it that a variable can have.
    #[error("`${{` without the name of a variable")]
    NoName,
    /// An operator that there is in a shell at best.
    #[error("operator `{0}` is not supported")]
    Unsupported(String),
    /// An operator that needs more than is there.
    #[error("operator `{0}` lacks an operand")]
    Incomplete(String),
    /// Too many placeholders in each other.
    #[error("placeholders in more than {MAX_DEPTH} levels")]
    TooDeep,
}

/// Levels of placeholders in defaults of placeholders.
const MAX_DEPTH: usize = 16;

/// Finds the placeholders of a text, the outer ones; what is no placeholder is passed by, and so
/// is `$${NAME}`, which stands for the text `${NAME}`.
pub fn placeholders(text: &str) -> impl Iterator<Item = Placeholder<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = next_dollar(text, at)?;
            match Lexer::new(text, start).placeholder() {
                Ok(placeholder) => {
                    at = placeholder.range.end;
                    return Some(placeholder);
                }
                Err(_) => at = start + 2,
            }
        }
    })
}

/// A part of a text that is substituted.
pub(super) enum Part<'t> {
    Text(&'t str),
    Placeholder(Placeholder<'t>),
}

/// Calls `visit` with the parts of a text in order; `$$` is the text `$`.
///
/// # Errors
/// The first `${` that begins no placeholder, and where it is.
pub(super) fn parts<'t>(
    text: &'t str,
    mut visit: impl FnMut(Part<'t>),
) -> Result<(), (usize, Malformed)> {
    let mut rest = 0;
    while let Some(dollar) = text[rest..].find('$') {
        let start = rest + dollar;
        visit(Part::Text(&text[rest..start]));
        rest = match text.as_bytes().get(start + 1) {
            Some(b'$') => {
                visit(Part::Text("$"));
                start + 2
            }
            Some(b'{') => {
                let placeholder = Lexer::new(text, start).placeholder();
                let placeholder = placeholder.map_err(|problem| (start, problem))?;
                let end = placeholder.range.end;
                visit(Part::Placeholder(placeholder));
                end
            }
            _ => {
                visit(Part::Text("$"));
                start + 1
            }
        };
    }
    visit(Part::Text(&text[rest..]));
    Ok(())
}

/// Returns where the next `${` is that is not escaped.
fn next_dollar(text: &str, mut from: usize) -> Option<usize> {
    loop {
        let start = from + text[from..].find('$')?;
        match text.as_bytes().get(start + 1) {
            Some(b'{') => return Some(start),
            Some(b'$') => from = start + 2,
            _ => from = start + 1,
        }
    }
}

/// Reads one placeholder and those in it.
struct Lexer<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Lexer<'t> {
    fn new(text: &'t str, at: usize) -> Self {
        Self { text, at, depth: 0 }
    }

    fn placeholder(&mut self) -> Result<Placeholder<'t>, Malformed> {
        if self.depth == MAX_DEPTH {
            return Err(Malformed::TooDeep);
        }
        self.depth += 1;
        let start = self.at;
        self.at += "${".len();
        let is_length = self.take("#");
        let name = self.name()?;
        let operation = if is_length {
            Operation::Length
        } else {
            self.operation()?
        };
        match self.peek() {
            Some('}') => self.at += 1,
            Some(other) => return Err(Malformed::Unsupported(other.to_string())),
            None => return Err(Malformed::Unclosed),
        }
        self.depth -= 1;
        let range = start..self.at;
        Ok(Placeholder {
            name,
            range,
            operation,
        })
    }

    fn name(&mut self) -> Result<&'t str, Malformed> {
        let rest = &self.text[self.at..];
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let name = &rest[..end];
        self.at += end;
        if super::is_name(name) {
            Ok(name)
        } else {
            Err(Malformed::NoName)
        }
    }

    fn operation(&mut self) -> Result<Operation<'t>, Malformed> {
        for default in [":=", ":-", "=", "-"] {
            if self.take(default) {
                return self.word(&['}'], false).map(Operation::Default);
            }
        }
        for unsupported in [":?", ":+"] {
            if self.take(unsupported) {
                return Err(Malformed::Unsupported(unsupported.to_owned()));
            }
        }
        if self.take(":") {
            return self.substring();
        }
        if self.take("/") {
            return self.replace();
        }
        if let Some(extent) = self.extent("^") {
            return Ok(Operation::Case {
                to: Case::Upper,
                extent,
            });
        }
        if let Some(extent) = self.extent(",") {
            return Ok(Operation::Case {
                to: Case::Lower,
                extent,
            });
        }
        if let Some(extent) = self.extent("#") {
            return self.trim("#", Side::Start, extent);
        }
        if let Some(extent) = self.extent("%") {
            return self.trim("%", Side::End, extent);
        }
        Ok(Operation::Value)
    }

    fn substring(&mut self) -> Result<Operation<'t>, Malformed> {
        let offset = self.operand(&[':', '}'], ":")?;
        let length = if self.take(":") {
            Some(self.operand(&['}'], ":")?)
        } else {
            None
        };
        Ok(Operation::Substring { offset, length })
    }

    fn trim(
        &mut self,
        operator: &str,
        from: Side,
        extent: Extent,
    ) -> Result<Operation<'t>, Malformed> {
        let pattern = self.operand(&['}'], operator)?;
        Ok(Operation::Trim {
            from,
            extent,
            pattern,
        })
    }

    fn replace(&mut self) -> Result<Operation<'t>, Malformed> {
        let what = if self.take("/") {
            Matches::All
        } else if self.take("#") {
            Matches::AtStart
        } else if self.take("%") {
            Matches::AtEnd
        } else {
            Matches::First
        };
        let pattern = self.word(&['/', '}'], true)?;
        if !self.take("/") {
            return Err(Malformed::Incomplete("/".to_owned()));
        }
        let by = self.word(&['}'], true)?;
        Ok(Operation::Replace { what, pattern, by })
    }

    fn operand(&mut self, ends: &[char], operator: &str) -> Result<Word<'t>, Malformed> {
        let word = self.word(ends, false)?;
        if word.is_empty() {
            return Err(Malformed::Incomplete(operator.to_owned()));
        }
        Ok(word)
    }

    /// Reads up to one of `ends`. With escapes, `\/`, `\\` and `$$` are `/`, `\` and `$`.
    fn word(&mut self, ends: &[char], has_escapes: bool) -> Result<Word<'t>, Malformed> {
        let mut word = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let is_special = |c: char| ends.contains(&c) || c == '$' || (has_escapes && c == '\\');
            let length = rest.find(is_special).ok_or(Malformed::Unclosed)?;
            if length > 0 {
                word.push(Piece::Text(Cow::Borrowed(&rest[..length])));
                self.at += length;
            }
            let rest = &rest[length..];
            if rest.starts_with("${") {
                word.push(Piece::Placeholder(self.placeholder()?));
                continue;
            }
            let escaped = ["\\/", "\\\\", "$$"]
                .iter()
                .find(|escape| rest.starts_with(**escape));
            if let Some(escape) = escaped.filter(|_| has_escapes) {
                word.push(Piece::Text(Cow::Borrowed(&escape[1..])));
                self.at += escape.len();
            } else if rest.starts_with(ends) {
                return Ok(word);
            } else {
                word.push(Piece::Text(Cow::Borrowed(&rest[..1])));
                self.at += 1;
            }
        }
    }

    fn extent(&mut self, operator: &str) -> Option<Extent> {
        if !self.take(operator) {
            return None;
        }
        Some(if self.take(operator) {
            Extent::Twice
        } else {
            Extent::Once
        })
    }

    fn take(&mut self, expected: &str) -> bool {
        let is_there = self.text[self.at..].starts_with(expected);
        if is_there {
            self.at += expected.len();
        }
        is_there
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }
}
