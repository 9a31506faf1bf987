//! Differences of texts, as `diff -u` writes them.

use std::fmt::Write;

/// How many equal lines are shown around a change.
const CONTEXT: usize = 3;
/// Cells of the table of common lines; texts that differ in more lines are shown as replaced.
const MAX_CELLS: usize = 4_000_000;

/// Returns the difference of two texts of a file; nothing if there is none.
pub(crate) fn unified(name: &str, old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (lines(old), lines(new));
    let steps = steps(&old, &new);
    let mut page = String::new();
    for hunk in hunks(&steps) {
        if page.is_empty() {
            page = format!("--- {name}\n+++ {name}\n");
        }
        write_hunk(&mut page, &steps[..hunk.start], &steps[hunk]);
    }
    page
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// A line that is kept, removed or added.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step<'t> {
    Keep(&'t str),
    Remove(&'t str),
    Add(&'t str),
}

/// Returns the way from one text to another that keeps most lines.
fn steps<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Step<'t>> {
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let head = old.iter().zip(new).take_while(same).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev());
    let tail = tail.take_while(same).count();
    let (middle, new_middle) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut steps: Vec<Step<'t>> = old[..head].iter().map(|line| Step::Keep(line)).collect();
    if middle.len().saturating_mul(new_middle.len()) > MAX_CELLS {
        steps.extend(middle.iter().map(|line| Step::Remove(line)));
        steps.extend(new_middle.iter().map(|line| Step::Add(line)));
    } else {
        steps.extend(longest_common(middle, new_middle));
    }
    steps.extend(old[old.len() - tail..].iter().map(|line| Step::Keep(line)));
    steps
}

fn longest_common<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Step<'t>> {
    let width = new.len() + 1;
    // How many lines the rests from (i, j) on have in common.
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut steps = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            steps.push(Step::Keep(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            steps.push(Step::Remove(old[i]));
            i += 1;
        } else {
            steps.push(Step::Add(new[j]));
            j += 1;
        }
    }
    steps
}

/// Returns the ranges of steps that are shown: changes with what is around them.
fn hunks(steps: &[Step<'_>]) -> Vec<std::ops::Range<usize>> {
    let mut hunks: Vec<std::ops::Range<usize>> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        if matches!(step, Step::Keep(_)) {
            continue;
        }
        let start = index.saturating_sub(CONTEXT);
        let end = (index + CONTEXT + 1).min(steps.len());
        match hunks.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            Some(_) | None => hunks.push(start..end),
        }
    }
    hunks
}

fn write_hunk(page: &mut String, before: &[Step<'_>], hunk: &[Step<'_>]) {
    let of_old = |steps: &[Step<'_>]| {
        let old = steps.iter().filter(|step| !matches!(step, Step::Add(_)));
        old.count()
    };
    let of_new = |steps: &[Step<'_>]| {
        let new = steps.iter().filter(|step| !matches!(step, Step::Remove(_)));
        new.count()
    };
    // A side without lines begins with the line before.
    let begin = |before: usize, count: usize| if count == 0 { before } else { before + 1 };
    let (old, new) = (of_old(hunk), of_new(hunk));
    let header = format!(
        "@@ -{},{old} +{},{new} @@\n",
        begin(of_old(before), old),
        begin(of_new(before), new)
    );
    page.push_str(&header);
    for step in hunk {
        let (mark, line) = match step {
            Step::Keep(line) => (' ', line),
            Step::Remove(line) => ('-', line),
            Step::Add(line) => ('+', line),
        };
        let end = if line.ends_with('\n') {
            ""
        } else {
            "\n\\ No newline at end of file\n"
        };
        write!(page, "{mark}{line}{end}").expect("a string takes all");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_shown_with_three_lines_around_them() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13\n";

        let expected = "--- a.yaml\n+++ a.yaml\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n\
                        @@ -10,3 +10,4 @@\n 10\n 11\n 12\n+13\n";
        assert_eq!(unified("a.yaml", old, new), expected);
    }

    #[test]
    fn a_text_without_a_line_break_at_its_end_says_so() {
        let expected = "--- a\n+++ a\n@@ -1,1 +1,1 @@\n-x\n\\ No newline at end of file\n+y\n";
        assert_eq!(unified("a", "x", "y\n"), expected);
    }

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(unified("a", "x\n", "x\n"), "");
    }
}
