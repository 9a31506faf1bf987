//! Settings of a place in S3.

use super::Resolver;
use crate::{
    config::{Credentials, S3Location},
    crd::barman_cloud::{BarmanObjectStoreConfiguration, S3Credentials},
};

/// The fields of `s3Credentials` that are keys, not a role.
const KEYS: [&str; 3] = ["accessKeyId", "secretAccessKey", "sessionToken"];

impl Resolver<'_> {
    pub(super) fn s3(
        &mut self,
        configuration: &BarmanObjectStoreConfiguration,
        bucket: String,
        prefix: String,
    ) -> Option<S3Location> {
        let endpoint = configuration.endpoint_url.clone();
        if let Some(url) = &endpoint {
            self.check_endpoint(url);
        }
        let ca = configuration.endpoint_ca.as_ref();
        let endpoint_ca = ca.and_then(|ca| self.raw_secret(&["endpointCA"], ca));
        self.check_methods();
        let credentials = configuration.s3_credentials.clone().unwrap_or_default();
        let region = self.secret(&["s3Credentials", "region"], credentials.region.as_ref());
        Some(S3Location {
            bucket,
            prefix,
            endpoint,
            endpoint_ca,
            region: region.map(|region| region.reveal().to_owned()),
            uri_style: None,
            kms_key_id: None,
            credentials: self.credentials(&credentials)?,
        })
    }

    fn check_endpoint(&mut self, url: &str) {
        let host = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let (message, hint) = match host {
            None => (
                "endpointURL has no http:// or https://",
                "Write it as `https://HOST` or `https://HOST:PORT`.",
            ),
            Some(host) if host.is_empty() || host.starts_with(['/', ':']) => {
                ("endpointURL has no host", "Write it as `https://HOST`.")
            }
            Some(host) if host.contains('@') => (
                "endpointURL has a user",
                "Take the part up to the `@` out and use `s3Credentials`.",
            ),
            Some(host) if host.contains(|c: char| c.is_whitespace() || c.is_control()) => (
                "endpointURL has a blank or a line break",
                "Write it as `https://HOST`.",
            ),
            Some(_) => return,
        };
        let problem = self.error(&["endpointURL"], message);
        self.semantic.push(problem.hint(hint));
    }

    /// Exactly one method: both keys, or the role.
    fn check_methods(&mut self) {
        if ["azureCredentials", "googleCredentials"]
            .iter()
            .any(|f| self.has(&[f]))
        {
            return;
        }
        let written = KEYS.map(|key| self.has(&["s3Credentials", key]));
        let role = self.inherits_role();
        let (message, hint) = match (written, role) {
            ([true, true, _], false) | ([false, false, false], true) => return,
            ([false, false, false], false) => (
                "no credentials for a bucket",
                "Name `accessKeyId` and `secretAccessKey` in `s3Credentials`, or set \
                 `inheritFromIAMRole: true` there.",
            ),
            (_, true) => (
                "both keys and inheritFromIAMRole",
                "Remove the keys or `inheritFromIAMRole`.",
            ),
            ([_, false, _], false) => ("secretAccessKey is missing", "Name it beside the others."),
            ([false, true, _], false) => ("accessKeyId is missing", "Name it beside the others."),
        };
        let field: &[&str] = if self.has(&["s3Credentials"]) {
            &["s3Credentials"]
        } else {
            &[]
        };
        let place = self.key_place(field);
        let problem = crate::config::Problem::error(place, message);
        self.semantic.push(problem.hint(hint));
    }

    fn inherits_role(&self) -> bool {
        let path = self.path(&["s3Credentials", "inheritFromIAMRole"]);
        let node = self.resource.node.get(&path);
        node.is_some_and(|node| node.value == crate::manifest::Value::Bool(true))
    }

    fn credentials(&mut self, credentials: &S3Credentials) -> Option<Credentials> {
        if credentials.inherits_from_iam_role() {
            return Some(Credentials::Chain);
        }
        let [id, secret, token] = [
            (KEYS[0], &credentials.access_key_id),
            (KEYS[1], &credentials.secret_access_key),
            (KEYS[2], &credentials.session_token),
        ]
        .map(|(field, selector)| self.secret(&["s3Credentials", field], selector.as_ref()));
        Some(Credentials::Keys {
            access_key_id: id?,
            secret_access_key: secret?,
            session_token: token,
        })
    }
}
