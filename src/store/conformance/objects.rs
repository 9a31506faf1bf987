//! Checks of single objects.

use bytes::Bytes;
use futures_util::{TryStreamExt, poll, stream::BoxStream};

use super::{Checked, Scope, check, check_class};
use crate::store::{Class, GetOptions, Key, PutMode, PutOptions, Result, StoreExt, Tags};

pub(super) async fn bytes_come_back(scope: &Scope<'_>) -> Checked {
    for size in [0, 1, (5 << 20) + 1] {
        let name = size.to_string();
        let content = content(size);
        scope.put(&name, content.clone()).await?;
        scope.check_content(&name, &content).await?;
    }
    Ok(())
}

pub(super) async fn head_agrees_with_get(scope: &Scope<'_>) -> Checked {
    scope.put("a", content(1000)).await?;
    let key = scope.key("a");
    let head = scope.store.head(&key).await?;
    let get = scope.store.get(&key, GetOptions::default()).await?.meta;
    check(head.size == 1000, || format!("its size is {}", head.size))?;
    check(head.key == key, || format!("its key is `{}`", head.key))?;
    check(head.size == get.size && head.etag == get.etag, || {
        format!("head says {head:?} and get says {get:?}")
    })
}

pub(super) async fn missing_is_missing(scope: &Scope<'_>) -> Checked {
    let key = scope.key("absent");
    let get = scope.store.get(&key, GetOptions::default()).await;
    check_class(get, Class::Missing, "get of an absent key")?;
    let head = scope.store.head(&key).await;
    check_class(head, Class::Missing, "head of an absent key")
}

pub(super) async fn create_refuses_an_existing_key(scope: &Scope<'_>) -> Checked {
    scope.put_as(PutMode::Create, "a", "first").await?;
    scope.check_content("a", b"first").await?;
    if !scope.store.capabilities().create_if_absent {
        return Ok(());
    }
    let second = scope.put_as(PutMode::Create, "a", "second").await;
    check_class(second, Class::Conflict, "the second create")?;
    scope.check_content("a", b"first").await
}

pub(super) async fn overwrite_replaces(scope: &Scope<'_>) -> Checked {
    scope.put("a", "a longer content").await?;
    scope.put("a", "short").await?;
    scope.check_content("a", b"short").await
}

pub(super) async fn range_returns_those_bytes(scope: &Scope<'_>) -> Checked {
    let whole = content(300_000);
    scope.put("a", whole.clone()).await?;
    for range in [
        0..1_usize,
        7..11,
        0..300_000,
        299_999..300_000,
        262_140..300_001,
    ] {
        let options = GetOptions::range(range.start as u64..range.end as u64);
        let object = scope.store.get(&scope.key("a"), options).await?;
        let size = object.meta.size;
        check(size == 300_000, || {
            format!("the size of the whole is told as {size}")
        })?;
        let bytes = read(object.body).await?;
        let expected = &whole[range.start..range.end.min(300_000)];
        check(bytes == expected, || {
            format!("{range:?} returned {} other bytes", bytes.len())
        })?;
    }
    Ok(())
}

pub(super) async fn range_without_bytes_is_invalid(scope: &Scope<'_>) -> Checked {
    scope.put("a", "0123").await?;
    for range in [4..5, 2..2, 100..200] {
        let what = format!("range {range:?} of 4 bytes");
        let options = GetOptions::range(range);
        let got = scope.store.get(&scope.key("a"), options).await;
        check_class(got, Class::Invalid, &what)?;
    }
    Ok(())
}

pub(super) async fn if_match_notices_a_change(scope: &Scope<'_>) -> Checked {
    let key = scope.key("a");
    scope.put("a", "first").await?;
    let Some(etag) = scope.store.head(&key).await?.etag else {
        return Ok(());
    };
    let options = GetOptions::default().with_if_match(Some(etag));
    let same = scope.store.get(&key, options.clone()).await?;
    check(read(same.body).await? == b"first", || {
        "the unchanged object has other bytes".to_owned()
    })?;
    scope.put("a", "second, longer").await?;
    let changed = scope.store.get(&key, options).await;
    check_class(changed, Class::Conflict, "get of the old ETag")
}

pub(super) async fn unusual_keys_work(scope: &Scope<'_>) -> Checked {
    let names = UNUSUAL_NAMES;
    for name in names {
        scope.put(name, name).await?;
    }
    for name in names {
        scope.check_content(name, name.as_bytes()).await?;
    }
    let mut sorted = names;
    sorted.sort_unstable();
    scope.check_list("", None, &sorted).await?;
    delete_all(scope, &names.map(|name| scope.key(name))).await?;
    scope.check_list("", None, &[]).await
}

pub(super) async fn tags_do_no_harm(scope: &Scope<'_>) -> Checked {
    let tags = [("kind", "wal"), ("origin", "a b+c=d")];
    let tags = Tags::from_iter(tags.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let options = PutOptions::default().with_tags(tags);
    let bytes = Bytes::from_static(b"x");
    let key = scope.key("a");
    scope.store.put_bytes(&key, bytes, options).await?;
    scope.check_content("a", b"x").await
}

pub(super) async fn delete_answers_for_each_key(scope: &Scope<'_>) -> Checked {
    for name in ["a", "b/c", "b/d", "kept"] {
        scope.put(name, name).await?;
    }
    let none = scope.store.delete(&[]).await;
    check(none.is_empty(), || {
        "deleting no key had a result".to_owned()
    })?;
    let keys = ["a", "absent", "b/c", "b/d", "no/such/folder"].map(|name| scope.key(name));
    for _ in 0..2 {
        delete_all(scope, &keys).await?;
    }
    for key in &keys {
        let exists = scope.store.exists(key).await?;
        check(!exists, || format!("`{key}` is still there"))?;
    }
    scope.check_content("kept", b"kept").await
}

pub(super) async fn an_interrupted_put_leaves_all_or_nothing(scope: &Scope<'_>) -> Checked {
    let bytes = content(3 << 20);
    for polls in 0..4 {
        let name = format!("after {polls} polls");
        let mut put = Box::pin(scope.put(&name, bytes.clone()));
        for _ in 0..polls {
            if poll!(&mut put).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(put);
        if scope.store.exists(&scope.key(&name)).await? {
            scope.check_content(&name, &bytes).await?;
        }
    }
    Ok(())
}

const UNUSUAL_NAMES: [&str; 10] = [
    "with space",
    "plus+plus",
    "2026-11-23T10:00:00Z",
    "100%25",
    "üñí/日本",
    "key=value&other",
    "(brackets)[x]{y}",
    "quote'\"s",
    "~tilde!*@#$,;",
    "dir.with.dots/.hidden",
];

/// Returns `size` bytes that do not repeat, the same at each call.
pub(super) fn content(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    fastrand::Rng::with_seed(size as u64).fill(&mut bytes);
    bytes
}

async fn read(body: BoxStream<'static, Result<Bytes>>) -> Checked<Vec<u8>> {
    let blocks = body.try_collect::<Vec<_>>().await?;
    Ok(blocks.concat())
}

async fn delete_all(scope: &Scope<'_>, keys: &[Key]) -> Checked {
    let results = scope.store.delete(keys).await;
    check(results.len() == keys.len(), || {
        format!("{} keys had {} results", keys.len(), results.len())
    })?;
    for result in results {
        result?;
    }
    Ok(())
}
