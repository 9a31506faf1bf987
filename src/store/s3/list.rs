//! Listing objects.

use std::sync::Arc;

use aws_sdk_s3::types::{CommonPrefix, Object as AwsObject};
use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};

use super::{
    super::{Class, ETag, Key, Level, ObjectMeta, Operation, Result},
    ListApi,
    bucket::Bucket,
    error::Failure,
    read::{timestamp, told_size},
};

/// Lists the objects below `prefix` after `start_after`.
pub(super) fn list(
    bucket: Arc<Bucket>,
    prefix: &str,
    start_after: Option<&str>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    let start_after = start_after.map(str::to_owned);
    let first = start_after.clone();
    pages(bucket, prefix.to_owned(), Delimiter::None, start_after)
        .map_ok(|page| stream::iter(page.objects.into_iter().map(Ok)))
        .try_flatten()
        // Services without `start-after` list from the beginning.
        .try_filter(move |meta| {
            let wanted = first
                .as_deref()
                .is_none_or(|first| meta.key.as_str() > first);
            async move { wanted }
        })
        .boxed()
}

/// Lists one level below `prefix`.
pub(super) async fn list_level(bucket: Arc<Bucket>, prefix: &str) -> Result<Level> {
    let pages = pages(bucket, prefix.to_owned(), Delimiter::Slash, None);
    let mut level = pages
        .try_fold(Level::default(), |mut level, page| async move {
            level.objects.extend(page.objects);
            level.prefixes.extend(page.prefixes);
            Ok(level)
        })
        .await?;
    level.objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    level.prefixes.sort_unstable();
    Ok(level)
}

#[derive(Clone, Copy, Debug)]
enum Delimiter {
    None,
    Slash,
}

impl Delimiter {
    fn text(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Slash => Some("/".to_owned()),
        }
    }
}

/// Where the next page begins.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Cursor {
    First(Option<String>),
    Token(String),
    Marker(String),
}

#[derive(Debug, Default)]
struct Page {
    objects: Vec<ObjectMeta>,
    prefixes: Vec<String>,
    next: Option<Cursor>,
}

fn pages(
    bucket: Arc<Bucket>,
    prefix: String,
    delimiter: Delimiter,
    start_after: Option<String>,
) -> BoxStream<'static, Result<Page>> {
    let first = Some(Cursor::First(start_after));
    stream::try_unfold(first, move |cursor| {
        let (bucket, prefix) = (Arc::clone(&bucket), prefix.clone());
        async move {
            let Some(cursor) = cursor else {
                return Ok(None);
            };
            let page = bucket.page(&prefix, delimiter, &cursor).await;
            let page = page.and_then(|page| stuck(&cursor, page));
            let mut page = page.map_err(|failure| bucket.error(Operation::List, None, failure))?;
            let next = page.next.take();
            Ok(Some((page, next)))
        }
    })
    .boxed()
}

/// A page that leads to itself would be asked for without end.
fn stuck(cursor: &Cursor, page: Page) -> Result<Page, Failure> {
    if page.next.as_ref() == Some(cursor) {
        return Err(Failure::new(
            Class::Invalid,
            "the listing does not advance: the next page is the same",
        ));
    }
    Ok(page)
}

impl Bucket {
    async fn page(
        &self,
        prefix: &str,
        delimiter: Delimiter,
        cursor: &Cursor,
    ) -> Result<Page, Failure> {
        match self.quirks.list {
            ListApi::V2 => self.page_v2(prefix, delimiter, cursor).await,
            ListApi::V1 => self.page_v1(prefix, delimiter, cursor).await,
        }
    }

    async fn page_v2(
        &self,
        prefix: &str,
        delimiter: Delimiter,
        cursor: &Cursor,
    ) -> Result<Page, Failure> {
        let (token, start_after) = match cursor.clone() {
            Cursor::First(start_after) => (None, start_after),
            Cursor::Token(token) | Cursor::Marker(token) => (Some(token), None),
        };
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(prefix)
            .set_delimiter(delimiter.text())
            .set_start_after(start_after)
            .set_continuation_token(token)
            .send();
        let output = self.call(0, request).await?;
        let next = match (output.is_truncated(), output.next_continuation_token) {
            (Some(true), Some(token)) => Some(Cursor::Token(token)),
            (Some(true), None) => return Err(no_next_page()),
            (Some(false) | None, _) => None,
        };
        Ok(Page {
            objects: objects(output.contents)?,
            prefixes: prefixes(output.common_prefixes),
            next,
        })
    }

    async fn page_v1(
        &self,
        prefix: &str,
        delimiter: Delimiter,
        cursor: &Cursor,
    ) -> Result<Page, Failure> {
        let marker = match cursor.clone() {
            Cursor::First(start_after) => start_after,
            Cursor::Token(marker) | Cursor::Marker(marker) => Some(marker),
        };
        let request = self
            .client
            .list_objects()
            .bucket(&self.name)
            .prefix(prefix)
            .set_delimiter(delimiter.text())
            .set_marker(marker)
            .send();
        let output = self.call(0, request).await?;
        // Without a delimiter the marker is the last key.
        let last = output.contents().last().and_then(|object| object.key());
        let next = match (output.is_truncated(), output.next_marker().or(last)) {
            (Some(true), Some(marker)) => Some(Cursor::Marker(marker.to_owned())),
            (Some(true), None) => return Err(no_next_page()),
            (Some(false) | None, _) => None,
        };
        Ok(Page {
            objects: objects(output.contents)?,
            prefixes: prefixes(output.common_prefixes),
            next,
        })
    }
}

fn no_next_page() -> Failure {
    Failure::new(
        Class::Invalid,
        "the listing is cut and does not say where it goes on",
    )
}

fn objects(contents: Option<Vec<AwsObject>>) -> Result<Vec<ObjectMeta>, Failure> {
    let contents = contents.unwrap_or_default().into_iter();
    contents
        .filter_map(|object| object_meta(object).transpose())
        .collect()
}

/// Leaves out what is no object of ours: folders that a console made, and names that no [`Key`]
/// can have.
fn object_meta(object: AwsObject) -> Result<Option<ObjectMeta>, Failure> {
    let size = told_size(object.size())?;
    let modified = timestamp(object.last_modified());
    let Some(key) = object.key.and_then(|key| Key::parse(key).ok()) else {
        return Ok(None);
    };
    let is_folder = size == 0 && key.as_str().ends_with('/');
    Ok((!is_folder).then(|| ObjectMeta {
        key,
        size,
        modified,
        etag: object.e_tag.map(ETag::new),
    }))
}

fn prefixes(prefixes: Option<Vec<CommonPrefix>>) -> Vec<String> {
    let prefixes = prefixes.unwrap_or_default();
    prefixes
        .into_iter()
        .filter_map(|prefix| prefix.prefix)
        .collect()
}
