//! What walcast writes into the comments of `backup.info`, which Barman's tools pass by.

use crate::repository::{Annotations, Taker};

/// The comments of a `backup.info`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Comments {
    /// Who wrote it; `None` if it was not walcast.
    pub taker: Option<Taker>,
    pub annotations: Annotations,
    /// What whoever looks at the backup should know.
    pub notes: Vec<String>,
}

const PRODUCT: &str = concat!("walcast ", env!("CARGO_PKG_VERSION"), ": ");
const ANNOTATION: &str = "annotation ";

impl Comments {
    /// Returns the lines, without the `#`.
    pub(super) fn lines(&self) -> Vec<String> {
        let taker = self.taker.iter().map(|taker| {
            let kind = if taker.is_copy { "copy" } else { "backup" };
            format!("{PRODUCT}{kind} {} on {}", taker.run, taker.host)
        });
        let annotations = self.annotations.iter();
        let annotations = annotations.map(|(key, value)| format!("{ANNOTATION}{key}={value}"));
        taker
            .chain(annotations)
            .chain(self.notes.iter().cloned())
            .map(|line| format!(" {line}"))
            .collect()
    }

    /// Reads lines without the `#`; what is not understood is a note.
    pub(super) fn read(lines: &[String]) -> Self {
        let mut comments = Self::default();
        for line in lines {
            let line = line.trim();
            let annotation = line.strip_prefix(ANNOTATION);
            let annotation = annotation.and_then(|pair| pair.split_once('='));
            let is_annotation = annotation
                .is_some_and(|(key, value)| comments.annotations.insert(key, value).is_ok());
            if is_annotation {
                continue;
            }
            match read_taker(line) {
                Some(taker) if comments.taker.is_none() => comments.taker = Some(taker),
                _ => comments.notes.push(line.to_owned()),
            }
        }
        comments
    }
}

/// Reads who wrote it, whatever the version.
fn read_taker(line: &str) -> Option<Taker> {
    let (version, rest) = line.strip_prefix("walcast ")?.split_once(": ")?;
    let (kind, rest) = rest.split_once(' ')?;
    let (run, host) = rest.split_once(" on ")?;
    let is_copy = match kind {
        "backup" => false,
        "copy" => true,
        _ => return None,
    };
    (!version.contains(' ')).then(|| Taker {
        run: run.to_owned(),
        host: host.to_owned(),
        is_copy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut annotations = Annotations::default();
        annotations.insert("team", "a = b").unwrap();
        for taker in [None, Some(Taker::of_backup()), Some(Taker::of_copy())] {
            let comments = Comments {
                taker,
                annotations: annotations.clone(),
                notes: vec!["checksum is wrong: base/1/2, block 3".to_owned()],
            };

            assert_eq!(Comments::read(&comments.lines()), comments);
        }
    }

    #[test]
    fn comments_of_others_are_notes() {
        let lines = [
            " by hand",
            "walcast was here: once",
            "annotation without",
            "annotation a b=c",
        ];
        let lines = lines.map(str::to_owned);

        let comments = Comments::read(&lines);

        assert_eq!(comments.taker, None);
        assert!(comments.annotations.is_empty());
        assert_eq!(comments.notes.len(), lines.len());
    }
}
