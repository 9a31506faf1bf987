#![doc = include_str!("../rules.md")]
#![expect(
    clippy::doc_markdown,
    reason = "the page is for people who read manifests, with the names as they are there"
)]

mod alerts;
mod archiver;
mod cluster;
mod coverage;
mod credentials;
mod manifest;
mod method;
mod parameters;
mod place;
mod plugin;
mod recovery;
mod reference;
mod repository;
mod retention;
mod schedule;
mod store;
mod target;
mod timing;

pub(super) use self::manifest::{GENERAL, IDLE_ALLOW};
use super::Rule;

/// Returns all rules, by id.
pub fn all() -> impl Iterator<Item = &'static Rule> + Clone {
    ALL.iter().copied()
}

static ALL: &[&Rule] = &[
    &manifest::BROKEN_DOCUMENT,
    &manifest::TEMPLATE_NOT_READ,
    &manifest::FILE_NOT_READ,
    &manifest::TWO_OF_ONE_NAME,
    &manifest::UNKNOWN_FIELD,
    &manifest::VALUE_THAT_DOES_NOT_FIT,
    &manifest::UNKNOWN_VERSION,
    &IDLE_ALLOW,
    &schedule::REJECTED_SCHEDULE,
    &parameters::IGNORED_BACKUP_PARAMETERS,
    &schedule::FIVE_FIELD_SCHEDULE,
    &schedule::HOURLY_SCHEDULE,
    &schedule::WEEKDAY_IN_MONTH_FIELD,
    &target::STANDBY_TARGET,
    &coverage::REPOSITORY_WITHOUT_BACKUPS,
    &parameters::UNKNOWN_PARAMETER,
    &parameters::BAD_REPOSITORY_NUMBER,
    &parameters::REPOSITORY_NUMBER_IN_CLUSTER,
    &coverage::ONE_FULL_BACKUP_EVER,
    &plugin::SERVICE_NAMED_PGBACKREST,
    &plugin::SHARED_LEASE,
    &archiver::NO_ARCHIVER,
    &archiver::TWO_ARCHIVERS,
    &archiver::ARCHIVED_TWICE,
    &archiver::TWO_STORING_PLUGINS,
    &method::METHOD_WITHOUT_SECTION,
    &method::PLUGIN_WITHOUT_NAME,
    &method::PLUGIN_NOT_IN_CLUSTER,
    &reference::DANGLING_REFERENCE,
    &recovery::RECOVERY_WITHOUT_SERVER_NAME,
    &recovery::RECOVERY_FROM_PLUGIN_BACKUP,
    &recovery::RECOVERY_INTO_SOURCE,
    &cluster::ARCHIVE_CHECK_OFF,
    &place::SHARED_ARCHIVE,
    &store::CHECKSUMS_OF_BOTO3,
    &store::BLANK_IN_ARGUMENT,
    &credentials::CREDENTIALS_BESIDE,
    &retention::MISPLACED_RETENTION,
    &retention::NO_RETENTION,
    &repository::TLS_NOT_VERIFIED,
    &repository::FIELD_WITHOUT_EFFECT,
    &plugin::ASYNC_WITHOUT_SPOOL,
    &plugin::PLUGIN_CONFIG_TRAPS,
    &recovery::SOURCE_WITHOUT_PLUGIN,
    &plugin::BACKUP_OBJECTS_DELETED,
    &cluster::SERVICE_ACCOUNT_NAME,
    &alerts::OLD_METRICS,
    &plugin::REPOSITORY_KIND,
    &credentials::HALF_A_PAIR,
    &repository::BAD_REPOSITORY_VALUE,
    &repository::SMALL_QUEUE,
    &timing::SHORT_HISTORY,
    &timing::SAME_TIME,
    &timing::OWNED_BACKUPS,
    &cluster::ARCHIVING_OFF,
    &store::UNEQUAL_PARTS,
    &timing::SPARSE_SCHEDULE,
    &parameters::NUMERIC_PLACEHOLDER,
    &credentials::BAD_CREDENTIALS,
    &cluster::STANDBYS_WITHOUT_SLOTS,
    &archiver::DISABLED_ENTRY,
    &archiver::DUPLICATE_ENTRY,
    &target::REPLICA_BACKUP,
    &store::SERVER_NAME_IN_STORE,
    &place::ONE_FAILURE_DOMAIN,
    &cluster::HIBERNATION,
    &cluster::NO_INSTANCES,
    &cluster::EMPTY_BACKUP_SECTION,
    &cluster::IN_TREE,
];
