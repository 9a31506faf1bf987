use std::fmt::{self, Write as _};

use super::Literal;

/// Writes a literal as Python's `repr` does.
pub(super) fn literal(literal: &Literal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match literal {
        Literal::None => f.write_str("None"),
        Literal::Bool(true) => f.write_str("True"),
        Literal::Bool(false) => f.write_str("False"),
        Literal::Int(number) => write!(f, "{number}"),
        Literal::Float(number) => float(*number, f),
        Literal::Text(content) => text(content, f),
        Literal::List(items) => enclosed('[', items, "]", f),
        Literal::Tuple(items) if items.len() == 1 => enclosed('(', items, ",)", f),
        Literal::Tuple(items) => enclosed('(', items, ")", f),
        Literal::Dict(pairs) => {
            f.write_str("{")?;
            for (index, (key, value)) in pairs.iter().enumerate() {
                write!(f, "{}{key}: {value}", separator(index))?;
            }
            f.write_str("}")
        }
    }
}

fn enclosed(begin: char, items: &[Literal], end: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_char(begin)?;
    for (index, item) in items.iter().enumerate() {
        write!(f, "{}{item}", separator(index))?;
    }
    f.write_str(end)
}

const fn separator(index: usize) -> &'static str {
    if index == 0 { "" } else { ", " }
}

/// Writes the shortest digits that mean the number, with an exponent below 0.0001 and from 1e16.
fn float(number: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        // Infinite or not a number, for which Python has no literal; none is ever read.
        return f.write_str("None");
    };
    let exponent: i32 = exponent.parse().map_err(|_| fmt::Error)?;
    if (-4..16).contains(&exponent) {
        return write!(f, "{number:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    write!(f, "{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// Writes text in single quotes, or in double ones if that saves backslashes.
fn text(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    f.write_char(quote)?;
    for character in text.chars() {
        match character {
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            _ if character == quote => write!(f, "\\{quote}")?,
            _ if is_printable(character) => f.write_char(character)?,
            _ => match u32::from(character) {
                code @ ..0x100 => write!(f, "\\x{code:02x}")?,
                code @ 0x100..0x1_0000 => write!(f, "\\u{code:04x}")?,
                code => write!(f, "\\U{code:08x}")?,
            },
        }
    }
    f.write_char(quote)
}

/// Tells what Python prints as it is: all but controls, formats, separators and what is not
/// assigned. Rust's `Debug` leaves the same characters alone, except at the beginning of a text,
/// where it escapes combining ones as well.
fn is_printable(character: char) -> bool {
    match character {
        ' '..='~' => true,
        '\0'..'\u{A1}' => false,
        _ => !format!("a{character}").escape_debug().any(|c| c == '\\'),
    }
}
