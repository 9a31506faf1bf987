//! Checks of uploads in parts.

use super::{Checked, Scope, check, check_class, objects::content};
use crate::store::{Class, Payload, PutMode, PutOptions, Result, StoreExt, Upload, UploadOptions};

pub(super) async fn parts_come_in_any_order(scope: &Scope<'_>) -> Checked {
    let parts = Parts::new(scope);
    let upload = parts.begin(scope, PutMode::Overwrite).await?;
    upload.put_part(1, payload(&content(parts.size))).await?;
    parts.put(&*upload, [2, 0, 1, 2]).await?;
    upload.complete(3).await?;
    scope.check_content("a", &parts.whole).await
}

pub(super) async fn nothing_shows_before_complete(scope: &Scope<'_>) -> Checked {
    let parts = Parts::new(scope);
    let upload = parts.begin(scope, PutMode::Overwrite).await?;
    parts.put(&*upload, [0, 1, 2]).await?;
    check_absent(scope, "before it was complete").await?;
    scope.check_list("", None, &[]).await?;
    upload.complete(3).await?;
    scope.check_list("", None, &["a"]).await
}

pub(super) async fn complete_needs_every_part(scope: &Scope<'_>) -> Checked {
    let parts = Parts::new(scope);
    let upload = parts.begin(scope, PutMode::Overwrite).await?;
    parts.put(&*upload, [0, 2]).await?;
    let completed = upload.complete(3).await;
    check(completed.is_err(), || {
        "two of three parts were complete".to_owned()
    })?;
    check_absent(scope, "without one of its parts").await?;
    Ok(upload.abort().await?)
}

pub(super) async fn complete_may_be_repeated(scope: &Scope<'_>) -> Checked {
    let parts = Parts::new(scope);
    let upload = parts.begin(scope, PutMode::Create).await?;
    parts.put(&*upload, [0, 1, 2]).await?;
    upload.complete(3).await?;
    upload.complete(3).await?;
    scope.check_content("a", &parts.whole).await
}

pub(super) async fn create_mode_counts_at_complete(scope: &Scope<'_>) -> Checked {
    if !scope.store.capabilities().create_if_absent {
        return Ok(());
    }
    let parts = Parts::new(scope);
    let upload = parts.begin(scope, PutMode::Create).await?;
    parts.put(&*upload, [0, 1, 2]).await?;
    scope.put("a", "written meanwhile").await?;
    let completed = upload.complete(3).await;
    check_class(completed, Class::Conflict, "complete over an object")?;
    upload.abort().await?;
    scope.check_content("a", b"written meanwhile").await
}

pub(super) async fn abort_leaves_nothing(scope: &Scope<'_>) -> Checked {
    let parts = Parts::new(scope);
    let upload = parts.begin(scope, PutMode::Overwrite).await?;
    parts.put(&*upload, [0]).await?;
    upload.abort().await?;
    upload.abort().await?;
    check_absent(scope, "after it was aborted").await?;
    let left = scope.unfinished().await?;
    check(left.is_empty(), || format!("{left:?} is left"))
}

pub(super) async fn unfinished_uploads_are_found(scope: &Scope<'_>) -> Checked {
    match scope.store.unfinished_uploads(&scope.prefix).await {
        Err(error) if error.class() == Class::Invalid => return Ok(()),
        answer => answer?,
    };
    let parts = Parts::new(scope);
    let upload = parts.begin(scope, PutMode::Overwrite).await?;
    parts.put(&*upload, [0]).await?;
    drop(upload);

    let found = scope.unfinished().await?;
    let key = scope.key("a");
    check(found.len() == 1 && found[0].key == key, || {
        format!("{found:?} was listed")
    })?;
    for _ in 0..2 {
        scope.store.abort_unfinished(&found[0]).await?;
    }
    let left = scope.unfinished().await?;
    check(left.is_empty(), || format!("{left:?} is still listed"))
}

/// Three parts: two of the agreed size and a short last one.
struct Parts {
    size: usize,
    whole: Vec<u8>,
}

impl Parts {
    const SMALLEST: u64 = 1000;

    fn new(scope: &Scope<'_>) -> Self {
        let size = scope.store.capabilities().min_part_size.max(Self::SMALLEST);
        let size = usize::try_from(size).expect("a part fits into memory");
        Self {
            size,
            whole: content(2 * size + 10),
        }
    }

    async fn begin(&self, scope: &Scope<'_>, mode: PutMode) -> Result<Box<dyn Upload>> {
        let options = UploadOptions {
            part_size: self.size as u64,
            put: PutOptions {
                mode,
                ..PutOptions::default()
            },
        };
        scope.store.begin_upload(&scope.key("a"), options).await
    }

    async fn put(&self, upload: &dyn Upload, order: impl IntoIterator<Item = u32>) -> Result<()> {
        for index in order {
            let start = index as usize * self.size;
            let end = self.whole.len().min(start + self.size);
            upload
                .put_part(index, payload(&self.whole[start..end]))
                .await?;
        }
        Ok(())
    }
}

fn payload(bytes: &[u8]) -> Payload {
    Payload::new(bytes.to_vec())
}

async fn check_absent(scope: &Scope<'_>, when: &str) -> Checked {
    let exists = scope.store.exists(&scope.key("a")).await?;
    check(!exists, || format!("the object was there {when}"))
}
