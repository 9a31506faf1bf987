//! The comments of a text.

use std::collections::HashMap;

use granit_parser::{Event, Parser, options};

use crate::manifest::Span;

/// Returns whether each comment of `before` is in `after` as well, as often.
pub(super) fn are_kept(before: &str, after: &str) -> bool {
    let mut counts = HashMap::<String, usize>::new();
    for comment in comments(after) {
        *counts.entry(comment).or_default() += 1;
    }
    comments(before)
        .into_iter()
        .all(|comment| match counts.get_mut(&comment) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            Some(_) | None => false,
        })
}

/// Returns the comments with their marks; of a document that is broken those before the break.
pub(super) fn comments(text: &str) -> Vec<String> {
    let options = options! { emit_comments: true };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut comments = Vec::new();
    while let Some(event) = parser.next() {
        match event {
            Ok((Event::Comment(..), span)) => {
                let comment = Span::from(span).slice(text).unwrap_or_default();
                comments.push(comment.trim().to_owned());
            }
            Ok(_) => {}
            Err(_) if matches!(parser.proceed_next_document(), Ok(true)) => {}
            Err(_) => break,
        }
    }
    comments
}
