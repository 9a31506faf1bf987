//! Credentials from wherever AWS puts them.

use aws_config::{
    default_provider::credentials::DefaultCredentialsChain, provider_config::ProviderConfig,
};
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use aws_sdk_s3::config::{Region, SharedHttpClient};
use tokio::sync::OnceCell;

/// The AWS provider chain, built when the first request needs it, so that connecting a store
/// reads nothing.
#[derive(Debug)]
pub(super) struct ProviderChain {
    http: SharedHttpClient,
    region: Region,
    chain: OnceCell<DefaultCredentialsChain>,
}

impl ProviderChain {
    /// Creates a chain that asks services through `http`.
    pub(super) fn new(http: SharedHttpClient, region: &str) -> Self {
        Self {
            http,
            region: Region::new(region.to_owned()),
            chain: OnceCell::new(),
        }
    }

    async fn credentials(&self) -> Result {
        let chain = self.chain.get_or_init(|| self.build()).await;
        chain.provide_credentials().await
    }

    async fn build(&self) -> DefaultCredentialsChain {
        let config = ProviderConfig::without_region().with_http_client(self.http.clone());
        DefaultCredentialsChain::builder()
            .region(self.region.clone())
            .configure(config)
            .build()
            .await
    }
}

impl ProvideCredentials for ProviderChain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}
