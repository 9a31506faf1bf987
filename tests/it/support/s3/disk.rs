//! s3s-fs with what it lacks, and with manners of other services.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    time::SystemTime,
};

use s3s::{
    S3, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateBucketInput,
        CreateBucketOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
        DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput,
        ETagCondition, GetBucketLocationInput, GetBucketLocationOutput, GetObjectInput,
        GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
        IfNoneMatch, ListBucketsInput, ListBucketsOutput, ListMultipartUploadsInput,
        ListMultipartUploadsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
        ListObjectsV2Output, ListPartsInput, ListPartsOutput, MultipartUpload, PutObjectInput,
        PutObjectOutput, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput,
        UploadPartOutput,
    },
    s3_error,
};
use s3s_fs::FileSystem;
use walcast::clock::{Clock as _, SystemClock};

/// What a service does differently by design.
#[derive(Debug, Default)]
pub(crate) struct Manners {
    /// `If-None-Match` is accepted and not obeyed, as by Garage.
    pub(crate) ignores_conditions: AtomicBool,
    /// All parts but the last must be equal, as for R2.
    pub(crate) wants_equal_parts: AtomicBool,
    /// Most entries of one page of a listing; 0 for the service's own number.
    pub(crate) page: AtomicI32,
}

/// Objects on disk, unfinished uploads in memory.
#[derive(Debug)]
pub(super) struct Disk {
    files: FileSystem,
    manners: Arc<Manners>,
    uploads: Mutex<BTreeMap<String, Pending>>,
}

#[derive(Clone, Debug)]
struct Pending {
    key: String,
    begun: SystemTime,
    parts: BTreeMap<i32, i64>,
}

impl Disk {
    pub(super) fn new(root: &Path, manners: Arc<Manners>) -> Self {
        Self {
            files: FileSystem::new(root).expect("the root is a folder"),
            manners,
            uploads: Mutex::default(),
        }
    }

    fn uploads(&self) -> MutexGuard<'_, BTreeMap<String, Pending>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn condition(&self, condition: Option<IfNoneMatch>) -> Option<IfNoneMatch> {
        condition.filter(|_| !self.manners.ignores_conditions.load(Ordering::Relaxed))
    }

    fn page(&self, asked: Option<i32>) -> Option<i32> {
        match self.manners.page.load(Ordering::Relaxed) {
            0 => asked,
            page => Some(page),
        }
    }

    fn check_known(&self, id: &str) -> S3Result<()> {
        if self.uploads().contains_key(id) {
            Ok(())
        } else {
            Err(s3_error!(NoSuchUpload))
        }
    }

    fn check_parts(&self, id: &str) -> S3Result<()> {
        if !self.manners.wants_equal_parts.load(Ordering::Relaxed) {
            return Ok(());
        }
        let uploads = self.uploads();
        let sizes: Vec<i64> = uploads
            .get(id)
            .map(|upload| upload.parts.values().copied().collect())
            .unwrap_or_default();
        let Some((last, others)) = sizes.split_last() else {
            return Ok(());
        };
        let equal = others.windows(2).all(|pair| pair[0] == pair[1]);
        if equal && others.first().is_none_or(|size| last <= size) {
            return Ok(());
        }
        Err(s3_error!(
            InvalidPart,
            "All non-trailing parts must have the same length."
        ))
    }
}

macro_rules! on_disk {
    (
        delegate { $($method:ident($input:ty) -> $output:ty;)* }
        own { $($own:tt)* }
    ) => {
        #[async_trait::async_trait]
        impl S3 for Disk {
            $(
                async fn $method(
                    &self,
                    request: S3Request<$input>,
                ) -> S3Result<S3Response<$output>> {
                    self.files.$method(request).await
                }
            )*
            $($own)*
        }
    };
}

on_disk! {
    delegate {
        copy_object(CopyObjectInput) -> CopyObjectOutput;
        create_bucket(CreateBucketInput) -> CreateBucketOutput;
        delete_object(DeleteObjectInput) -> DeleteObjectOutput;
        delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput;
        get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput;
        head_bucket(HeadBucketInput) -> HeadBucketOutput;
        head_object(HeadObjectInput) -> HeadObjectOutput;
        list_buckets(ListBucketsInput) -> ListBucketsOutput;
        list_parts(ListPartsInput) -> ListPartsOutput;
        upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput;
    }
    own {
        async fn get_object(
            &self,
            request: S3Request<GetObjectInput>,
        ) -> S3Result<S3Response<GetObjectOutput>> {
            let wanted = request.input.if_match.clone();
            let response = self.files.get_object(request).await?;
            match (wanted, &response.output.e_tag) {
                (Some(ETagCondition::ETag(wanted)), Some(found)) if wanted != *found => {
                    Err(s3_error!(PreconditionFailed))
                }
                _ => Ok(response),
            }
        }

        async fn put_object(
            &self,
            mut request: S3Request<PutObjectInput>,
        ) -> S3Result<S3Response<PutObjectOutput>> {
            request.input.if_none_match = self.condition(request.input.if_none_match);
            self.files.put_object(request).await
        }

        async fn list_objects(
            &self,
            mut request: S3Request<ListObjectsInput>,
        ) -> S3Result<S3Response<ListObjectsOutput>> {
            request.input.max_keys = self.page(request.input.max_keys);
            // An empty one is none; s3s-fs takes it for one that is everywhere.
            request.input.delimiter.take_if(|delimiter| delimiter.is_empty());
            self.files.list_objects(request).await
        }

        async fn list_objects_v2(
            &self,
            mut request: S3Request<ListObjectsV2Input>,
        ) -> S3Result<S3Response<ListObjectsV2Output>> {
            request.input.max_keys = self.page(request.input.max_keys);
            // An empty one is none; s3s-fs takes it for one that is everywhere.
            request.input.delimiter.take_if(|delimiter| delimiter.is_empty());
            self.files.list_objects_v2(request).await
        }

        async fn create_multipart_upload(
            &self,
            request: S3Request<CreateMultipartUploadInput>,
        ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
            let key = request.input.key.clone();
            let response = self.files.create_multipart_upload(request).await?;
            if let Some(id) = response.output.upload_id.clone() {
                let begun = SystemClock.now().into();
                let parts = BTreeMap::new();
                self.uploads().insert(id, Pending { key, begun, parts });
            }
            Ok(response)
        }

        async fn upload_part(
            &self,
            request: S3Request<UploadPartInput>,
        ) -> S3Result<S3Response<UploadPartOutput>> {
            let id = request.input.upload_id.clone();
            let number = request.input.part_number;
            let size = request.input.content_length.unwrap_or_default();
            self.check_known(&id)?;
            let response = self.files.upload_part(request).await?;
            if let Some(upload) = self.uploads().get_mut(&id) {
                upload.parts.insert(number, size);
            }
            Ok(response)
        }

        async fn complete_multipart_upload(
            &self,
            mut request: S3Request<CompleteMultipartUploadInput>,
        ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
            let id = request.input.upload_id.clone();
            self.check_known(&id)?;
            self.check_parts(&id)?;
            request.input.if_none_match = self.condition(request.input.if_none_match);
            let response = self.files.complete_multipart_upload(request).await?;
            self.uploads().remove(&id);
            Ok(response)
        }

        async fn abort_multipart_upload(
            &self,
            request: S3Request<AbortMultipartUploadInput>,
        ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
            let id = request.input.upload_id.clone();
            self.check_known(&id)?;
            let response = self.files.abort_multipart_upload(request).await?;
            self.uploads().remove(&id);
            Ok(response)
        }

        async fn list_multipart_uploads(
            &self,
            request: S3Request<ListMultipartUploadsInput>,
        ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
            let prefix = request.input.prefix.unwrap_or_default();
            let uploads = self
                .uploads()
                .iter()
                .filter(|(_, upload)| upload.key.starts_with(&prefix))
                .map(|(id, upload)| MultipartUpload {
                    key: Some(upload.key.clone()),
                    upload_id: Some(id.clone()),
                    initiated: Some(upload.begun.into()),
                    ..MultipartUpload::default()
                })
                .collect();
            Ok(S3Response::new(ListMultipartUploadsOutput {
                bucket: Some(request.input.bucket),
                is_truncated: Some(false),
                uploads: Some(uploads),
                ..ListMultipartUploadsOutput::default()
            }))
        }
    }
}
