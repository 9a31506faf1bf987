//! Where a link may lead.

use crate::repository::TreePath;

/// Returns whether a link at `path` stays in its tree, whatever other links are in it: it goes up
/// by no more directories than it is deep, and only in the beginning.
pub(super) fn leads_inside(path: &TreePath, leads_to: &str) -> bool {
    let depth = path.as_str().matches('/').count();
    let parts: Vec<&str> = leads_to.split('/').filter(|part| *part != ".").collect();
    let up = parts.iter().take_while(|part| **part == "..").count();
    let is_plain = |part: &&str| !matches!(*part, "" | "..");
    !leads_to.contains('\0')
        && !leads_to.is_empty()
        && up <= depth
        && parts[up..].iter().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_may_go_up_only_as_far_as_its_tree_and_only_in_the_beginning() {
        for (path, leads_to, inside) in [
            ("a", "b", true),
            ("a", "./b/c", true),
            ("a/b", "../c", true),
            ("a/b/c", "../../d", true),
            ("a", "", false),
            ("a", "/etc/passwd", false),
            ("a", "..", false),
            ("a/b", "../../c", false),
            ("a/b/c", "d/../../e", false),
            ("a", "b//c", false),
        ] {
            let path = TreePath::parse(path).unwrap();
            assert_eq!(
                leads_inside(&path, leads_to),
                inside,
                "{path} to {leads_to}"
            );
        }
    }
}
