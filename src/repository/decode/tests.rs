use std::io::Write;

use futures_util::TryStreamExt;
use jiff::Timestamp;

use super::*;
use crate::{
    codec::{Encoder, Encoding},
    store::{Class, MemoryStore, ObjectMeta, Operation},
};

fn encode(codec: Option<Codec>, bytes: &[u8]) -> Bytes {
    // The default level of xz is slow.
    let level = (codec == Some(Codec::Xz)).then_some(0);
    let encoding = codec.map_or(Encoding::PLAIN, |codec| {
        Encoding::new(codec, level).unwrap()
    });
    let mut encoder = Encoder::new(encoding, Vec::new()).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().into()
}

fn content(len: usize) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(1);
    let mut bytes: Vec<u8> = (0..len).map(|_| rng.u8(..)).collect();
    // Half of it compresses.
    bytes.iter_mut().step_by(2).for_each(|byte| *byte = 7);
    bytes
}

fn object(size: u64, body: impl Into<Vec<store::Result<Bytes>>>) -> Object {
    let meta = ObjectMeta {
        key: Key::parse("some/wal").unwrap(),
        size,
        modified: Timestamp::UNIX_EPOCH,
        etag: None,
    };
    Object {
        meta,
        body: stream::iter(body.into()).boxed(),
    }
}

/// Cuts `bytes` into blocks as a network would.
fn cut(bytes: &Bytes, len: usize) -> Object {
    let blocks: Vec<_> = bytes
        .chunks(len)
        .map(|part| Ok(bytes.slice_ref(part)))
        .collect();
    object(bytes.len() as u64, blocks)
}

fn decode(codec: Option<Codec>, object: Object) -> BoxStream<'static, Result<Bytes>> {
    let key = object.meta.key.clone();
    let what = Encoded {
        repository: "barman:memory/srv".into(),
        key,
        codec,
        passphrase: None,
        limit: u64::MAX,
    };
    what.decode(object, Workers::inline())
}

async fn read(codec: Option<Codec>, object: Object) -> Result<Vec<u8>> {
    let blocks: Vec<_> = decode(codec, object).try_collect().await?;
    assert!(
        blocks
            .iter()
            .all(|block| block.len() <= BLOCK && !block.is_empty())
    );
    Ok(blocks.concat())
}

fn codecs() -> impl Iterator<Item = Option<Codec>> {
    Codec::ALL
        .into_iter()
        .filter(|codec| codec.is_available())
        .map(Some)
        .chain([None])
}

#[tokio::test]
async fn bytes_come_back_however_the_body_is_cut() {
    let content = content(1_500_000);
    for codec in codecs() {
        let encoded = encode(codec, &content);
        for len in [11, 16 << 10, 300 << 10, 8 << 20] {
            assert!(
                read(codec, cut(&encoded, len)).await.unwrap() == content,
                "{codec:?}, {len}"
            );
        }
    }
}

#[tokio::test]
async fn codec_is_detected_by_the_first_bytes_even_if_they_come_singly() {
    let content = content(1000);
    for codec in codecs() {
        let encoded = encode(codec, &content);
        assert!(
            read(None, cut(&encoded, 1)).await.unwrap() == content,
            "{codec:?}"
        );
    }
    assert_eq!(read(None, object(0, [])).await.unwrap(), b"");
}

#[tokio::test]
async fn bodies_of_another_length_than_announced_are_damaged() {
    let content = content(700_000);
    for codec in codecs() {
        let encoded = encode(codec, &content);
        let len = encoded.len() as u64;
        for (announced, body) in [
            (len + 1, vec![Ok(encoded.clone())]),
            (len - 1, vec![Ok(encoded.clone())]),
            (len, vec![Ok(encoded.slice(..encoded.len() / 2))]),
            (len, vec![]),
        ] {
            let error = read(codec, object(announced, body)).await.unwrap_err();
            assert_eq!(error.class(), Class::Invalid, "{codec:?}: {error}");
        }
    }
    let error = read(None, object(9, [Ok(Bytes::from_static(b"1234"))]))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "some/wal in barman:memory/srv: 4 bytes were returned of an object of 9 bytes"
    );
}

#[tokio::test]
async fn what_was_decoded_comes_before_the_error() {
    let content = content(1000);
    let encoded = encode(Some(Codec::Gzip), &content);
    let cut = encoded.slice(..encoded.len() - 1);
    let mut stream = decode(Some(Codec::Gzip), object(cut.len() as u64, [Ok(cut)]));

    assert_eq!(stream.next().await.unwrap().unwrap(), content);
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "some/wal in barman:memory/srv: the gzip data ends too early"
    );
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn an_error_of_the_network_keeps_its_class() {
    let reset = store::Error::new(
        Class::Transient,
        Operation::Get,
        &MemoryStore::new(),
        "reset",
    );
    for codec in codecs() {
        let encoded = encode(codec, &content(100_000));
        let body = [Ok(encoded.slice(..encoded.len() / 2)), Err(reset.clone())];
        let error = read(codec, object(encoded.len() as u64, body))
            .await
            .unwrap_err();
        assert_eq!(error.class(), Class::Transient, "{codec:?}");
    }
}

#[tokio::test]
async fn input_ahead_is_bounded_and_a_dropped_stream_drops_the_body() {
    let received = Arc::new(Mutex::new(0));
    let content = content(8 << 20);
    for codec in codecs() {
        let encoded = encode(codec, &content);
        let mut object = cut(&encoded, 16 << 10);
        let (alive, counter) = (Arc::new(()), Arc::clone(&received));
        *received.lock().unwrap() = 0;
        let guard = Arc::clone(&alive);
        object.body = object
            .body
            .inspect_ok(move |block| {
                assert!(Arc::strong_count(&guard) > 0);
                *counter.lock().unwrap() += block.len();
            })
            .boxed();

        let mut stream = decode(codec, object);
        stream.next().await.unwrap().unwrap();

        let bound = largest_unit(codec) + BLOCK + (16 << 10);
        assert!(*received.lock().unwrap() <= bound, "{codec:?}");
        assert_eq!(Arc::strong_count(&alive), 2);
        drop(stream);
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}

#[cfg(feature = "zstd")]
#[tokio::test]
async fn padding_longer_than_what_is_held_is_refused_and_no_end() {
    let frame = encode(Some(Codec::Zstd), b"WAL");
    let padding = 2 << 20;
    let mut encoded = vec![0x50, 0x2A, 0x4D, 0x18];
    encoded.extend_from_slice(&u32::to_le_bytes(padding));
    encoded.resize(8 + padding as usize, 0);
    encoded.extend_from_slice(&frame);

    let error = read(Some(Codec::Zstd), cut(&encoded.into(), 4096))
        .await
        .unwrap_err();

    assert_eq!(error.class(), Class::Invalid);
    assert!(error.to_string().contains(PADDED), "{error}");
}

#[tokio::test]
async fn no_worker_is_held_while_the_network_is_waited_for() {
    let encoded = encode(Some(Codec::Gzip), &content(2 << 20));
    let workers = Workers::with_cpu_jobs(1);
    let mut stuck = cut(&encoded, 64 << 10);
    stuck.body = stuck.body.take(3).chain(stream::pending()).boxed();
    let what = Encoded {
        repository: String::new(),
        key: stuck.meta.key.clone(),
        codec: Some(Codec::Gzip),
        passphrase: None,
        limit: u64::MAX,
    };
    let mut stream = what.decode(stuck, workers.clone());

    tokio::select! {
        biased;
        _ = stream.next() => panic!("the body never ends"),
        () = workers.cpu(|| ()) => {}
    }
}
