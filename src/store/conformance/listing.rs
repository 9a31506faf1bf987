//! Checks of listings.

use super::{Checked, Complaint, Scope, check};
use crate::store::Level;

pub(super) async fn prefix_is_any_text(scope: &Scope<'_>) -> Checked {
    put_all(scope, &["a/b1", "a/b2/c", "a/c", "ab", "b"]).await?;
    let all = ["a/b1", "a/b2/c", "a/c", "ab", "b"];
    scope.check_list("", None, &all).await?;
    scope.check_list("a", None, &all[..4]).await?;
    scope.check_list("a/", None, &all[..3]).await?;
    scope.check_list("a/b", None, &all[..2]).await?;
    scope.check_list("a/b2/", None, &all[1..2]).await?;
    scope.check_list("a/b2/c", None, &all[1..2]).await
}

pub(super) async fn order_is_that_of_bytes(scope: &Scope<'_>) -> Checked {
    let sorted = [
        "A", "a+b", "a-b", "a-b-c", "a.b", "a/b", "a/b0", "a0/b", "a00", "aa", "a~", "aü",
    ];
    let mut reversed = sorted;
    reversed.reverse();
    put_all(scope, &reversed).await?;
    scope.check_list("", None, &sorted).await
}

pub(super) async fn start_after_skips(scope: &Scope<'_>) -> Checked {
    let all = ["a/1", "a/2", "a/b/1", "b-c", "b/1", "c"];
    put_all(scope, &all).await?;
    let expectations = [
        ("", "a/1", &all[1..]),
        ("", "a/11", &all[1..]),
        ("", "a/b", &all[2..]),
        ("", "a/b/", &all[2..]),
        ("", "a0", &all[3..]),
        ("", "b", &all[3..]),
        ("", "b-c", &all[4..]),
        ("", "c", &[]),
        ("a/", "a/2", &all[2..3]),
        ("a/", "A", &all[..3]),
        ("a/", "b", &[]),
        ("b", "a/1", &all[3..5]),
    ];
    for (prefix, after, expected) in expectations {
        scope.check_list(prefix, Some(after), expected).await?;
    }
    Ok(())
}

pub(super) async fn long_listings_are_complete(scope: &Scope<'_>) -> Checked {
    let names = (0..50)
        .map(|number| format!("{}/{number:02}", number / 20))
        .collect::<Vec<_>>();
    let names = names.iter().map(String::as_str).collect::<Vec<_>>();
    put_all(scope, &names).await?;
    scope.check_list("", None, &names).await?;
    scope.check_list("", Some("1/30"), &names[31..]).await
}

pub(super) async fn level_separates_folders(scope: &Scope<'_>) -> Checked {
    put_all(scope, &["a-b", "a/1", "a/b/2", "a/c-d", "a/c/3", "a0"]).await?;
    check_level(scope, "", &["a-b", "a0"], &["a/"]).await?;
    check_level(scope, "a", &["a-b", "a0"], &["a/"]).await?;
    check_level(scope, "a/", &["a/1", "a/c-d"], &["a/b/", "a/c/"]).await?;
    check_level(scope, "a/c", &["a/c-d"], &["a/c/"]).await?;
    check_level(scope, "a/c/", &["a/c/3"], &[]).await
}

pub(super) async fn nothing_is_an_empty_listing(scope: &Scope<'_>) -> Checked {
    scope.put("a/b", "x").await?;
    for prefix in ["absent", "a/b/", "a/bc", "a//", "no/such/folder/"] {
        scope.check_list(prefix, None, &[]).await?;
        check_level(scope, prefix, &[], &[]).await?;
    }
    Ok(())
}

async fn put_all(scope: &Scope<'_>, names: &[&str]) -> Checked {
    for name in names {
        scope.put(name, (*name).to_owned()).await?;
    }
    Ok(())
}

async fn check_level(
    scope: &Scope<'_>,
    prefix: &str,
    objects: &[&str],
    prefixes: &[&str],
) -> Checked {
    let mut found = (Vec::new(), Vec::new());
    for attempt in 0..Scope::LISTING_ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(Scope::LISTING_PAUSE).await;
        }
        let absolute = format!("{}{prefix}", scope.prefix);
        found = names(scope, &scope.store.list_level(&absolute).await?)?;
        if found.0 == objects && found.1 == prefixes {
            return Ok(());
        }
    }
    let (found_objects, found_prefixes) = found;
    Err(Complaint(format!(
        "the level of `{prefix}` has {found_objects:?} and {found_prefixes:?} \
         instead of {objects:?} and {prefixes:?}"
    )))
}

fn names(scope: &Scope<'_>, level: &Level) -> Checked<(Vec<String>, Vec<String>)> {
    for meta in &level.objects {
        let name = scope.name(meta.key.as_str());
        check(meta.size == name.len() as u64, || {
            format!("`{name}` is listed with {} bytes", meta.size)
        })?;
    }
    let objects = level.objects.iter().map(|meta| meta.key.as_str());
    let prefixes = level.prefixes.iter().map(String::as_str);
    Ok((
        objects.map(|key| scope.name(key)).collect(),
        prefixes.map(|prefix| scope.name(prefix)).collect(),
    ))
}
