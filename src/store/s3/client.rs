//! The SDK's client of one destination.

use std::time::Duration;

use aws_credential_types::Credentials as AwsCredentials;
use aws_sdk_s3::{
    Client,
    config::{
        AppName, BehaviorVersion, Builder, Config, Region, RequestChecksumCalculation,
        ResponseChecksumValidation, SharedCredentialsProvider, SharedHttpClient,
        StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::{
    Builder as HttpBuilder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};

use super::{Addressing, Credentials, S3Config, endpoint::Endpoint};

/// Builds the client; nothing is sent.
pub(super) fn build(
    config: &S3Config,
    endpoint: Option<&Endpoint>,
    region: &str,
    addressing: Addressing,
    intercept: impl FnOnce(Builder) -> Builder,
) -> Client {
    let http = http_client(config, endpoint);
    let builder = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .app_name(AppName::new("walcast").expect("the name has only letters"))
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials(&config.credentials, &http, region))
        .http_client(http)
        .force_path_style(uses_path(config, addressing))
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).build())
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled()
                .grace_period(STALL)
                .build(),
        );
    let builder = match endpoint {
        Some(endpoint) => builder.endpoint_url(endpoint.url()),
        None => builder,
    };
    Client::from_conf(intercept(builder).build())
}

/// Time to get a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Time without a byte after which a body is given up.
const STALL: Duration = Duration::from_secs(20);
/// Time after which an unused connection is closed, before the service does.
const IDLE: Duration = Duration::from_secs(20);
/// Unused connections that are kept: the parts of one object, and one for the rest.
const IDLE_CONNECTIONS: usize = 8;

fn http_client(config: &S3Config, endpoint: Option<&Endpoint>) -> SharedHttpClient {
    let trust = match &config.ca_bundle {
        Some(bundle) => TrustStore::empty().with_pem_certificate(bundle.clone()),
        // Reading the system's certificates takes time, and fails in bare containers.
        None if endpoint.is_some_and(|endpoint| !endpoint.is_encrypted()) => TrustStore::empty(),
        None => TrustStore::default(),
    };
    let context = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .expect("a trust store is all that a context needs");
    HttpBuilder::new()
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https()
}

/// Names with dots do not match the wildcard in certificates, so they go in the path.
fn uses_path(config: &S3Config, preferred: Addressing) -> bool {
    match config.addressing {
        Addressing::Path => true,
        Addressing::Virtual => false,
        Addressing::Auto => preferred == Addressing::Path || config.bucket.contains('.'),
    }
}

#[cfg_attr(
    not(feature = "aws-chain"),
    expect(unused_variables, reason = "for the provider chain")
)]
fn credentials(
    credentials: &Credentials,
    http: &SharedHttpClient,
    region: &str,
) -> SharedCredentialsProvider {
    match credentials {
        Credentials::Static {
            access_key_id,
            secret_access_key,
            session_token,
        } => {
            let token = session_token
                .as_ref()
                .map(|token| token.reveal().to_owned());
            let mut builder = AwsCredentials::builder()
                .access_key_id(access_key_id)
                .secret_access_key(secret_access_key.reveal())
                .provider_name("walcast");
            // Some services refuse an empty `x-amz-security-token`.
            builder.set_session_token(token.filter(|token| !token.is_empty()));
            SharedCredentialsProvider::new(builder.build())
        }
        #[cfg(feature = "aws-chain")]
        Credentials::ProviderChain => {
            SharedCredentialsProvider::new(super::chain::ProviderChain::new(http.clone(), region))
        }
    }
}
