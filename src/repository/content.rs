//! What a stream of bytes is.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream, stream::BoxStream};

use super::{Error, Result};
use crate::{
    codec::{ContentDigest, ContentHasher, Sha1},
    workers::Workers,
};

/// Returns the digest of everything that `stream` yields.
pub async fn digest_of(
    mut stream: impl Stream<Item = Result<Bytes>> + Unpin + Send,
    workers: &Workers,
) -> Result<ContentDigest> {
    let mut hasher = ContentHasher::default();
    while let Some(block) = stream.next().await.transpose()? {
        hasher = add(hasher, block, workers).await;
    }
    Ok(hasher.finish())
}

/// Returns whether `stream` has the length and the SHA-1 of `content`; reads no further than the
/// first byte too many.
pub async fn same_content(
    mut stream: impl Stream<Item = Result<Bytes>> + Unpin + Send,
    content: &ContentDigest,
    workers: &Workers,
) -> Result<bool> {
    let mut hasher = ContentHasher::default();
    let mut left = content.len;
    while let Some(block) = stream.next().await.transpose()? {
        match left.checked_sub(block.len() as u64) {
            Some(rest) => left = rest,
            None => return Ok(false),
        }
        hasher = add(hasher, block, workers).await;
    }
    Ok(left == 0 && hasher.finish().sha1 == content.sha1)
}

/// Returns `stream`, with `error` at its end if its content has another SHA-1 than expected.
pub(super) fn verified(
    stream: BoxStream<'static, Result<Bytes>>,
    expected: Sha1,
    workers: Workers,
    error: impl FnOnce(Sha1) -> Error + Send + 'static,
) -> BoxStream<'static, Result<Bytes>> {
    let state = Some((stream, ContentHasher::default(), error));
    stream::try_unfold(state, move |state| {
        let workers = workers.clone();
        async move {
            let Some((mut stream, hasher, error)) = state else {
                return Ok(None);
            };
            match stream.next().await.transpose()? {
                Some(block) => {
                    let hasher = add(hasher, block.clone(), &workers).await;
                    Ok(Some((block, Some((stream, hasher, error)))))
                }
                None => match hasher.finish().sha1 {
                    found if found == expected => Ok(None),
                    found => Err(error(found)),
                },
            }
        }
    })
    .boxed()
}

async fn add(mut hasher: ContentHasher, block: Bytes, workers: &Workers) -> ContentHasher {
    let job = move || {
        hasher.update(&block);
        hasher
    };
    workers.cpu(job).await
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::store::{Class, Error, MemoryStore, Operation};

    fn blocks(texts: &[&'static str]) -> impl Stream<Item = Result<Bytes>> + Unpin + Send + use<> {
        let blocks: Vec<_> = texts
            .iter()
            .map(|text| Ok(Bytes::from_static(text.as_bytes())))
            .collect();
        stream::iter(blocks)
    }

    #[tokio::test]
    async fn content_is_the_same_however_it_is_cut() {
        let workers = Workers::inline();
        let digest = digest_of(blocks(&["123", "", "456789"]), &workers)
            .await
            .unwrap();
        assert_eq!(
            (digest.len, digest.crc32c.to_string().as_str()),
            (9, "e3069283")
        );

        for (texts, same) in [
            (&["123456789"][..], true),
            (&["1", "23456789"], true),
            (&["12345678"], false),
            (&["123456788"], false),
            (&["123456789", "0"], false),
            (&[], false),
        ] {
            let found = same_content(blocks(texts), &digest, &workers)
                .await
                .unwrap();
            assert_eq!(found, same, "{texts:?}");
        }
    }

    #[tokio::test]
    async fn an_error_is_neither_the_same_nor_other_content() {
        let workers = Workers::inline();
        let digest = digest_of(blocks(&["12"]), &workers).await.unwrap();
        let broken = Error::new(
            Class::Transient,
            Operation::Get,
            &MemoryStore::new(),
            "reset",
        );
        let stream = || blocks(&["12"]).chain(stream::iter([Err(broken.clone().into())]));

        let error = same_content(stream(), &digest, &workers).await.unwrap_err();
        assert_eq!(error.class(), Class::Transient);
        assert!(digest_of(stream(), &workers).await.is_err());
    }
}
