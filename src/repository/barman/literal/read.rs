use super::{InvalidLiteral, Literal};

/// Most times that one literal may be within another.
const MAX_DEPTH: usize = 32;

/// Reads a literal from its beginning.
pub(super) struct Reader<'a> {
    text: &'a str,
    offset: usize,
}

type Read<T = Literal> = Result<T, InvalidLiteral>;

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, offset: 0 }
    }

    pub(super) fn read_all(mut self) -> Read {
        let literal = self.literal(0)?;
        self.skip_blanks();
        if self.rest().is_empty() {
            Ok(literal)
        } else {
            Err(self.expected("the end"))
        }
    }

    fn literal(&mut self, depth: usize) -> Read {
        if depth > MAX_DEPTH {
            return Err(self.expected("less depth"));
        }
        self.skip_blanks();
        match self.rest().bytes().next() {
            Some(b'\'' | b'"') => Ok(Literal::Text(self.text()?)),
            Some(b'[') => Ok(Literal::List(self.items(']', depth)?.0)),
            Some(b'(') => {
                let (mut items, has_comma) = self.items(')', depth)?;
                match items.pop() {
                    Some(only) if items.is_empty() && !has_comma => Ok(only),
                    last => {
                        items.extend(last);
                        Ok(Literal::Tuple(items))
                    }
                }
            }
            Some(b'{') => self.dict(depth),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => self.number(),
            _ => self.word(),
        }
    }

    /// Reads what is in brackets, and whether there was a comma.
    fn items(&mut self, end: char, depth: usize) -> Read<(Vec<Literal>, bool)> {
        self.offset += 1;
        let (mut items, mut has_comma) = (Vec::new(), false);
        while !self.next_is(end) {
            items.push(self.literal(depth + 1)?);
            if self.next_is(',') {
                has_comma = true;
            } else if self.next_is(end) {
                break;
            } else {
                return Err(self.expected("a comma or a closing bracket"));
            }
        }
        Ok((items, has_comma))
    }

    fn dict(&mut self, depth: usize) -> Read {
        self.offset += 1;
        let mut pairs = Vec::new();
        while !self.next_is('}') {
            let key = self.literal(depth + 1)?;
            if !self.next_is(':') {
                return Err(self.expected("a colon"));
            }
            pairs.push((key, self.literal(depth + 1)?));
            if !self.next_is(',') {
                if self.next_is('}') {
                    break;
                }
                return Err(self.expected("a comma or a closing bracket"));
            }
        }
        Ok(Literal::Dict(pairs))
    }

    fn number(&mut self) -> Read {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let number = self.rest().split(|c| !is_part(c)).next().unwrap_or("");
        let is_whole = !number.contains(['.', 'e', 'E']);
        // Rust would take `inf` and `nan`, which are no literals.
        let is_plain = !number.contains(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E'));
        let literal = if is_whole {
            number.parse().map(Literal::Int).ok()
        } else {
            number.parse().map(Literal::Float).ok()
        };
        let literal = literal.filter(|_| is_plain);
        let literal = literal.ok_or_else(|| self.expected("a number of 64 bits"))?;
        self.offset += number.len();
        Ok(literal)
    }

    fn word(&mut self) -> Read {
        for (word, literal) in [
            ("None", Literal::None),
            ("True", Literal::Bool(true)),
            ("False", Literal::Bool(false)),
        ] {
            if self.rest().starts_with(word) {
                self.offset += word.len();
                return Ok(literal);
            }
        }
        Err(self.expected("a literal"))
    }

    /// Reads text in quotes.
    fn text(&mut self) -> Read<String> {
        let quote = self.take();
        let mut text = String::new();
        loop {
            match self.take() {
                None => return Err(self.expected("a closing quote")),
                Some('\\') => self.escape(&mut text)?,
                end if end == quote => return Ok(text),
                Some(character) => text.push(character),
            }
        }
    }

    /// Reads what follows a backslash.
    fn escape(&mut self, text: &mut String) -> Read<()> {
        let Some(escape) = self.take() else {
            return Err(self.expected("a closing quote"));
        };
        let character = match escape {
            '\n' => return Ok(()),
            '\\' | '\'' | '"' => escape,
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{C}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{B}',
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            '0'..='7' => {
                self.offset -= 1;
                self.octal()?
            }
            // Python leaves what it does not know as it is.
            other => {
                text.push('\\');
                other
            }
        };
        text.push(character);
        Ok(())
    }

    fn code(&mut self, digits: usize) -> Read<char> {
        let code = self.rest().get(..digits).filter(|code| {
            // `from_str_radix` alone would take a sign.
            code.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        let character = code
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32)
            .ok_or_else(|| self.expected("a character's hexadecimal number"))?;
        self.offset += digits;
        Ok(character)
    }

    fn octal(&mut self) -> Read<char> {
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'7');
        let digits = self.rest().bytes().take(3).take_while(is_digit).count();
        let code = u32::from_str_radix(&self.rest()[..digits], 8).ok();
        self.offset += digits;
        code.and_then(char::from_u32)
            .ok_or_else(|| self.expected("a character's octal number"))
    }

    /// Steps over `wanted` and the blanks before it, if it comes next.
    fn next_is(&mut self, wanted: char) -> bool {
        self.skip_blanks();
        let is_next = self.rest().starts_with(wanted);
        if is_next {
            self.offset += wanted.len_utf8();
        }
        is_next
    }

    fn take(&mut self) -> Option<char> {
        let character = self.rest().chars().next()?;
        self.offset += character.len_utf8();
        Some(character)
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.offset += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    fn expected(&self, expected: &'static str) -> InvalidLiteral {
        InvalidLiteral {
            offset: self.offset,
            expected,
        }
    }
}
