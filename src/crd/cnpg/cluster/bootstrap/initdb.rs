//! A cluster made by `initdb`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    crd::{
        core::{ConfigMapKeySelector, LocalObjectReference, SecretKeySelector},
        definition::Int,
        open_enum::open_enum,
    },
    pg::{InvalidSegmentSize, SegmentSize},
};

/// A cluster made by `initdb`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[schemars(extend("x-kubernetes-validations" = [
    {
        "rule": "!has(self.builtinLocale) || self.localeProvider == 'builtin'",
        "message": "builtinLocale is only available when localeProvider is set to `builtin`",
    },
    {
        "rule": "!has(self.icuLocale) || self.localeProvider == 'icu'",
        "message": "icuLocale is only available when localeProvider is set to `icu`",
    },
    {
        "rule": "!has(self.icuRules) || self.localeProvider == 'icu'",
        "message": "icuRules is only available when localeProvider is set to `icu`",
    },
]))]
#[serde(rename_all = "camelCase")]
pub struct BootstrapInitDb {
    /// The database of the application. Default: `app`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The role that owns it. Default: one of its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The password of that role. Default: one that the operator draws.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<LocalObjectReference>,
    /// The size of WAL segments in MiB: a power of two from 1 to 1024. Default: 16.
    #[schemars(with = "Option<Int>", range(min = 1, max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wal_segment_size: Option<i64>,
    /// Whether data pages have checksums. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_checksums: Option<bool>,
    /// The encoding of texts. Default: `UTF8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Order and classes of characters, unless `localeCollate` or `localeCType` say otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Who provides the locale: `libc`, `icu` (from PostgreSQL 15) or `builtin` (from 17).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale_provider: Option<String>,
    /// Order of characters. Default: `C`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale_collate: Option<String>,
    /// Classes of characters. Default: `C`.
    #[serde(rename = "localeCType", skip_serializing_if = "Option::is_none")]
    pub locale_ctype: Option<String>,
    /// The locale of the provider `icu`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icu_locale: Option<String>,
    /// Rules of order in addition to those of the locale, for the provider `icu` (from 16).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icu_rules: Option<String>,
    /// The locale of the provider `builtin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builtin_locale: Option<String>,
    /// Options of `initdb`, in place of all of the above. Deprecated upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<String>>,
    /// SQL that is run in the database `postgres` as a superuser.
    #[serde(rename = "postInitSQL", skip_serializing_if = "Option::is_none")]
    pub post_init_sql: Option<Vec<String>>,
    /// Files with such SQL.
    #[serde(rename = "postInitSQLRefs", skip_serializing_if = "Option::is_none")]
    pub post_init_sql_refs: Option<SqlRefs>,
    /// SQL that is run in the database `template1` as a superuser.
    #[serde(
        rename = "postInitTemplateSQL",
        skip_serializing_if = "Option::is_none"
    )]
    pub post_init_template_sql: Option<Vec<String>>,
    /// Files with such SQL.
    #[serde(
        rename = "postInitTemplateSQLRefs",
        skip_serializing_if = "Option::is_none"
    )]
    pub post_init_template_sql_refs: Option<SqlRefs>,
    /// SQL that is run in the application's database as a superuser.
    #[serde(
        rename = "postInitApplicationSQL",
        skip_serializing_if = "Option::is_none"
    )]
    pub post_init_application_sql: Option<Vec<String>>,
    /// Files with such SQL.
    #[serde(
        rename = "postInitApplicationSQLRefs",
        skip_serializing_if = "Option::is_none"
    )]
    pub post_init_application_sql_refs: Option<SqlRefs>,
    /// What is imported as SQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<Import>,
}

impl BootstrapInitDb {
    /// Returns the size of WAL segments. Default: 16 MiB.
    ///
    /// ```
    /// # use walcast::{crd::cnpg::BootstrapInitDb, pg::SegmentSize};
    /// let mut initdb = BootstrapInitDb::default();
    /// assert_eq!(initdb.wal_segment_size(), Ok(SegmentSize::DEFAULT));
    ///
    /// initdb.wal_segment_size = Some(64);
    /// assert_eq!(initdb.wal_segment_size().unwrap().to_string(), "64 MiB");
    ///
    /// initdb.wal_segment_size = Some(48);
    /// assert!(initdb.wal_segment_size().is_err());
    /// ```
    pub fn wal_segment_size(&self) -> Result<SegmentSize, InvalidSegmentSize> {
        let Some(mib) = self.wal_segment_size else {
            return Ok(SegmentSize::DEFAULT);
        };
        let mib = u64::try_from(mib).unwrap_or(0);
        SegmentSize::new(mib.saturating_mul(1 << 20))
    }
}

/// Files with SQL; those in Secrets are run first.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SqlRefs {
    /// Files in Secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_refs: Option<Vec<SecretKeySelector>>,
    /// Files in `ConfigMap`s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map_refs: Option<Vec<ConfigMapKeySelector>>,
}

/// What is imported as SQL, by `pg_dump` and `pg_restore`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// From where.
    pub source: ImportSource,
    /// How much of it.
    pub r#type: ImportType,
    /// The databases.
    pub databases: Vec<String>,
    /// The roles, for `monolith`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// Whether the data stays behind. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_only: Option<bool>,
    /// SQL that is run in the database afterwards as a superuser, for `microservice`.
    #[serde(
        rename = "postImportApplicationSQL",
        skip_serializing_if = "Option::is_none"
    )]
    pub post_import_application_sql: Option<Vec<String>>,
    /// Options for `pg_dump`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pg_dump_extra_options: Option<Vec<String>>,
    /// Options for `pg_restore`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pg_restore_extra_options: Option<Vec<String>>,
    /// Options for `pg_restore` of what comes before the data, in place of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pg_restore_predata_options: Option<Vec<String>>,
    /// Options for `pg_restore` of the data, in place of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pg_restore_data_options: Option<Vec<String>>,
    /// Options for `pg_restore` of what comes after the data, in place of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pg_restore_postdata_options: Option<Vec<String>>,
}

/// From where SQL is imported.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportSource {
    /// The external cluster.
    pub external_cluster: String,
}

open_enum! {
    /// How much is imported.
    pub enum ImportType {
        /// One database, which becomes that of the application.
        Microservice = "microservice",
        /// Databases and roles, under their names.
        Monolith = "monolith",
    }
}
