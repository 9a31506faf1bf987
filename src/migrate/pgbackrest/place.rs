//! Where a repository is: bucket, path, endpoint, region.

use serde_json::{Map, Value as Json, json};

use super::super::{
    Asked, Choices,
    desk::Desk,
    json::{get, text},
};

/// What becomes of a `destinationPath` and what belongs to it.
pub(super) enum Place {
    /// An item of `s3Repositories`.
    S3(Map<String, Json>),
    /// An item of `azureRepositories`.
    Azure(Map<String, Json>),
}

/// The folder of pgBackRest's repository below that of the `ObjectStore`: beside Barman's, never
/// in it.
const FOLDER: &str = "pgbackrest";

/// Maps where an `ObjectStore` is. `key` is what answers call it by.
pub(super) fn place(
    desk: &mut Desk<'_>,
    about: &str,
    key: &str,
    configuration: &Json,
    choices: &Choices,
) -> Result<Place, Asked> {
    let path = text(configuration, &["destinationPath"]).unwrap_or_default();
    if let Some(path) = path.strip_prefix("s3://") {
        return s3(desk, about, key, path, configuration, choices).map(Place::S3);
    }
    if let Some(path) = path.strip_prefix("https://") {
        return azure(desk, about, path).map(Place::Azure);
    }
    if path.starts_with("${") {
        let text = "what its `destinationPath` stands for cannot be told";
        return Err(desk.ask(about, text, "--set NAME=VALUE"));
    }
    let scheme = path.split_once("://").map_or(path, |(scheme, _)| scheme);
    let text = format!("the plugin has no repositories of kind `{scheme}`, only in S3 and Azure");
    Err(desk.obstacle(about, text))
}

fn s3(
    desk: &mut Desk<'_>,
    about: &str,
    key: &str,
    path: &str,
    configuration: &Json,
    choices: &Choices,
) -> Result<Map<String, Json>, Asked> {
    let (bucket, path) = path.split_once('/').unwrap_or((path, ""));
    let endpoint = endpoint(desk, about, key, configuration, choices);
    let known = endpoint.as_ref().ok().and_then(Option::as_deref);
    let region = match (choices.regions.get(key), known.and_then(region_of)) {
        (Some(answer), _) => Ok(answer.clone()),
        (None, Some(told)) => Ok(told),
        (None, None) => {
            let text = match get(configuration, &["s3Credentials", "region"]) {
                Some(_) => {
                    "which region is it? The value is in a Secret, and pgBackRest's plugin wants \
                     it in plain text"
                }
                None => {
                    "which region is it? pgBackRest signs with it, and the host does not tell. \
                     MinIO takes `us-east-1` unless it was set up otherwise"
                }
            };
            Err(desk.ask(about, text, format!("--region {key}=REGION")))
        }
    };
    let endpoint = endpoint?;
    let region = region?;
    let endpoint = endpoint.unwrap_or_else(|| format!("s3.{region}.amazonaws.com"));
    let is_path = !endpoint.contains(".amazonaws.com") || bucket.contains('.');
    let mut repository = Map::new();
    let mut set = |key: &str, value: Json| repository.insert(key.to_owned(), value);
    set("bucket", json!(bucket));
    set("endpoint", json!(endpoint));
    set("region", json!(region));
    set("repoPath", json!(repo_path(path)));
    set("verifyTLS", json!(true));
    if is_path {
        set("uriStyle", json!("path"));
    }
    if get(configuration, &["endpointCA"]).is_some() {
        if !choices.unchecked.contains(key) {
            let text = "its certificates are checked against an authority of its own \
                        (`endpointCA`), which the plugin has no way to hand over. Put the \
                        certificate under one that is known, or leave it unchecked: then anybody \
                        on the way can read and change what is sent";
            return Err(desk.ask(about, text, format!("--unchecked-tls {key}")));
        }
        set("verifyTLS", json!(false));
        desk.lose(
            about,
            "certificates are not checked any more: anybody on the way can listen",
        );
    }
    Ok(repository)
}

fn repo_path(path: &str) -> String {
    let path = path.trim_matches('/');
    if path.is_empty() {
        format!("/{FOLDER}")
    } else {
        format!("/{path}/{FOLDER}")
    }
}

/// Returns the host, perhaps with a port; `None` is Amazon's own.
fn endpoint(
    desk: &mut Desk<'_>,
    about: &str,
    key: &str,
    configuration: &Json,
    choices: &Choices,
) -> Result<Option<String>, Asked> {
    if let Some(answer) = choices.endpoints.get(key) {
        return Ok(Some(answer.clone()));
    }
    let Some(url) = text(configuration, &["endpointURL"]) else {
        return Ok(None);
    };
    if url.starts_with("${") {
        let text = format!(
            "what is `{url}`? pgBackRest wants a host, without `https://` and without a path"
        );
        return Err(desk.ask(about, text, format!("--endpoint {key}=HOST[:PORT]")));
    }
    let (scheme, host) = url.split_once("://").unwrap_or(("https", url));
    let host = host.trim_end_matches('/');
    let is_path = host.contains('/') && !host.contains("${");
    if is_path {
        let text = format!("`{url}` has a path, which pgBackRest cannot have before the bucket");
        return Err(desk.obstacle(about, text));
    }
    if scheme == "http" {
        let text = "it is reached without TLS, which pgBackRest does from 2.58 on only: look at \
                    what the sidecar's image has";
        desk.lose(about, text);
        return Ok(Some(format!("http://{host}")));
    }
    Ok(Some(host.to_owned()))
}

/// Returns the region that a host names, by the naming of its provider.
fn region_of(host: &str) -> Option<String> {
    const AROUND: [(&str, &str); 6] = [
        ("s3.", ".amazonaws.com"),
        ("s3.", ".backblazeb2.com"),
        ("s3.", ".scw.cloud"),
        ("s3.", ".wasabisys.com"),
        ("", ".your-objectstorage.com"),
        ("", ".digitaloceanspaces.com"),
    ];
    let host = host.rsplit("://").next().unwrap_or(host);
    if host.ends_with(".r2.cloudflarestorage.com") {
        return Some("auto".to_owned());
    }
    AROUND.iter().find_map(|(before, after)| {
        let region = host.strip_prefix(before)?.strip_suffix(after)?;
        let is_one = !region.is_empty() && !region.contains('.');
        is_one.then(|| region.to_owned())
    })
}

/// Maps `ACCOUNT.blob.core.windows.net/CONTAINER/path`.
fn azure(desk: &mut Desk<'_>, about: &str, path: &str) -> Result<Map<String, Json>, Asked> {
    let (host, path) = path.split_once('/').unwrap_or((path, ""));
    let Some(account) = host.strip_suffix(".blob.core.windows.net") else {
        let text = format!("`{host}` is no host of Azure's, so its account cannot be told");
        return Err(desk.obstacle(about, text));
    };
    let (container, path) = path.split_once('/').unwrap_or((path, ""));
    let mut repository = Map::new();
    repository.insert("account".to_owned(), json!(account));
    repository.insert("container".to_owned(), json!(container));
    repository.insert("repoPath".to_owned(), json!(repo_path(path)));
    repository.insert("verifyTLS".to_owned(), json!(true));
    Ok(repository)
}
