//! What a scalar without quotes means to the Kubernetes tools.
//!
//! They read YAML with go-yaml 2 (`resolve.go` of version 2.4, which `sigs.k8s.io/yaml` carries):
//! the booleans and octal numbers of YAML 1.1, `_` between digits, no timestamps.

use super::Value;

/// Returns the value of a plain scalar; `None` for one that JSON cannot hold (`.inf`, `.nan`).
pub(super) fn resolve(text: &str) -> Option<Value> {
    let value = match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            Value::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => return None,
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" => {
            return None;
        }
        _ => number(text).unwrap_or_else(|| Value::String(text.to_owned())),
    };
    Some(value)
}

fn number(text: &str) -> Option<Value> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    let digits = if text.starts_with('.') {
        text.to_owned()
    } else {
        text.replace('_', "")
    };
    integer(&digits)
        .map(Value::Integer)
        .or_else(|| float(&digits).map(float_value))
}

/// A whole number is one however it is written: JSON has one kind, and Go prints `1e3` as 1000.
fn float_value(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() != 0.0 || number.abs() > EXACT {
        return Value::Float(number);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and at most 2^53, checked above"
    )]
    Value::Integer(number as i128)
}

fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = radix(digits);
    // `from_str_radix` takes a sign of its own.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let number = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let number = if negative { -number } else { number };
    (number >= i128::from(i64::MIN)).then_some(number)
}

fn radix(digits: &str) -> (u32, &str) {
    let prefixes = [
        ("0x", 16),
        ("0X", 16),
        ("0o", 8),
        ("0O", 8),
        ("0b", 2),
        ("0B", 2),
    ];
    for (prefix, radix) in prefixes {
        if let Some(rest) = digits.strip_prefix(prefix) {
            return (radix, rest);
        }
    }
    match digits.strip_prefix('0') {
        Some(rest) if !rest.is_empty() => (8, rest),
        _ => (10, digits),
    }
}

fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let looks_like_one = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && unsigned
            .chars()
            .all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    if !looks_like_one {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_they_mean_to_kubectl() {
        let integers = [
            ("0", 0),
            ("12", 12),
            ("-7", -7),
            ("+1", 1),
            ("0640", 416),
            ("0o640", 416),
            ("-010", -8),
            ("0x1F", 31),
            ("-0b101", -5),
            ("1_000", 1000),
            ("18446744073709551615", i128::from(u64::MAX)),
            ("-9223372036854775808", i128::from(i64::MIN)),
            ("1.", 1),
            ("1e3", 1000),
            ("089", 89),
        ];
        for (text, number) in integers {
            assert_eq!(resolve(text), Some(Value::Integer(number)), "{text}");
        }
        let floats = [
            ("1.5", 1.5),
            (".5", 0.5),
            ("-1E-2", -0.01),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
        ];
        for (text, number) in floats {
            assert_eq!(resolve(text), Some(Value::Float(number)), "{text}");
        }
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(resolve(text), Some(Value::Null), "{text}");
        }
        for text in ["y", "yes", "On", "TRUE"] {
            assert_eq!(resolve(text), Some(Value::Bool(true)), "{text}");
        }
        for text in ["n", "No", "off", "False"] {
            assert_eq!(resolve(text), Some(Value::Bool(false)), "{text}");
        }
        for text in [".inf", "-.Inf", "+.INF", ".nan"] {
            assert_eq!(resolve(text), None, "{text}");
        }
    }

    #[test]
    fn everything_else_is_text() {
        let texts = [
            "tRue",
            "nULL",
            "oN",
            "inf",
            "nan",
            "e3",
            ".",
            "-",
            "+",
            "--1",
            "--.inf",
            "+.nan",
            ".5_0",
            "-+1",
            "0x",
            "0xg",
            "0b2",
            "1e",
            "1e400",
            "1.2.3",
            "_1",
            "2026-11-23",
            "12:30",
            "30d",
            "1Gi",
            "0x-1",
        ];
        for text in texts {
            assert_eq!(
                resolve(text),
                Some(Value::String(text.to_owned())),
                "{text}"
            );
        }
    }
}
