//! The repositories of a stanza by their number.

use super::{AzureRepository, PluginVersion, Retention, RetentionPolicy, S3Repository};
use crate::crd::core::SecretKeySelector;

/// The repositories of a stanza. They are numbered from 1, first those in S3, then those in Azure.
///
/// WAL goes to all of them, a base backup to one: the first, or that of the parameter
/// `selectedRepository` of the `Backup`.
#[derive(Clone, Copy, Debug)]
pub struct Repositories<'a> {
    pub(super) s3: &'a [S3Repository],
    pub(super) azure: &'a [AzureRepository],
}

/// A repository and its number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumberedRepository<'a> {
    /// The number `n` of pgBackRest's options `repo<n>-…`.
    pub number: usize,
    /// What the resource says of it.
    pub repository: RepositoryRef<'a>,
}

/// What a resource says of a repository.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RepositoryRef<'a> {
    /// It is in S3.
    S3(&'a S3Repository),
    /// It is in Azure.
    Azure(&'a AzureRepository),
}

/// No base backup can go to the repository of the parameter `selectedRepository`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidSelection {
    /// The plugin wants a whole number in decimal digits.
    #[error("`{0}` is not the number of a repository")]
    NotANumber(String),
    /// The plugin takes 0, pgBackRest does not.
    #[error("repositories are numbered from 1")]
    Zero,
    /// The plugin counts only repositories in S3, so that those behind them cannot be selected.
    #[error(
        "repository {0} is in Azure, where the plugin cannot send base backups while there are repositories in S3"
    )]
    BehindS3(usize),
    /// In Azure alone, only the first can be selected.
    #[error(
        "repository {0} is not the first, and without repositories in S3 the plugin takes no other"
    )]
    NotTheFirst(usize),
    /// There are fewer.
    #[error("there is no repository {number}, only {count}")]
    TooFew {
        /// The number.
        number: usize,
        /// How many there are.
        count: usize,
    },
}

impl<'a> Repositories<'a> {
    /// Returns how many there are.
    pub fn len(self) -> usize {
        self.s3.len() + self.azure.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns them in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = NumberedRepository<'a>> {
        let s3 = self.s3.iter().map(RepositoryRef::S3);
        let azure = self.azure.iter().map(RepositoryRef::Azure);
        s3.chain(azure)
            .zip(1..)
            .map(|(repository, number)| NumberedRepository { number, repository })
    }

    /// Returns the repository with this number.
    pub fn get(self, number: usize) -> Option<NumberedRepository<'a>> {
        self.iter().find(|numbered| numbered.number == number)
    }

    /// Returns the repository that a base backup goes to; `parameter` is `selectedRepository` of
    /// its `pluginConfiguration`, if it has one.
    ///
    /// The rules are those of `internal/instance/backup.go` of the plugin.
    ///
    /// # Errors
    /// The plugin or pgBackRest refuses it, and the backup fails.
    pub fn selected(
        self,
        parameter: Option<&str>,
    ) -> Result<NumberedRepository<'a>, InvalidSelection> {
        let text = parameter.unwrap_or("1");
        let not_a_number = || InvalidSelection::NotANumber(text.to_owned());
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(not_a_number());
        }
        let number: usize = text.parse().map_err(|_| not_a_number())?;
        if number == 0 {
            return Err(InvalidSelection::Zero);
        }
        let count = self.len();
        let found = self.get(number);
        let found = found.ok_or(InvalidSelection::TooFew { number, count })?;
        match found.repository {
            RepositoryRef::Azure(_) if number > 1 && self.s3.is_empty() => {
                Err(InvalidSelection::NotTheFirst(number))
            }
            RepositoryRef::Azure(_) if number > 1 => Err(InvalidSelection::BehindS3(number)),
            RepositoryRef::Azure(_) | RepositoryRef::S3(_) => Ok(found),
        }
    }
}

impl<'a> RepositoryRef<'a> {
    /// Returns the folder of the repository in its bucket or container.
    pub fn repo_path(self) -> &'a str {
        match self {
            Self::S3(s3) => &s3.repo_path,
            Self::Azure(azure) => &azure.repo_path,
        }
    }

    /// Returns whether the store's certificate is checked when the plugin is of `version`.
    pub fn verifies_tls(self, version: PluginVersion) -> bool {
        match self {
            Self::S3(s3) => s3.verifies_tls(version),
            Self::Azure(azure) => azure.verifies_tls(),
        }
    }

    /// Returns what is kept.
    pub fn retention(self) -> Retention {
        let policy = match self {
            Self::S3(s3) => &s3.retention_policy,
            Self::Azure(azure) => &azure.retention_policy,
        };
        let nothing = RetentionPolicy::default();
        policy.as_ref().unwrap_or(&nothing).effective()
    }

    /// Returns where the pass phrase is that the repository is encrypted with. Those in Azure
    /// cannot be.
    pub fn cipher_pass(self) -> Option<&'a SecretKeySelector> {
        match self {
            Self::S3(s3) => s3.cipher_pass(),
            Self::Azure(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3(path: &str) -> S3Repository {
        S3Repository::new("bucket", "host", "auto", path)
    }

    fn azure(path: &str) -> AzureRepository {
        AzureRepository {
            repo_path: path.into(),
            ..AzureRepository::default()
        }
    }

    fn numbered(repositories: Repositories<'_>) -> Vec<(usize, &str)> {
        let all = repositories.iter();
        all.map(|one| (one.number, one.repository.repo_path()))
            .collect()
    }

    #[test]
    fn repositories_in_s3_are_numbered_before_those_in_azure() {
        let repositories = Repositories {
            s3: &[s3("/a"), s3("/b")],
            azure: &[azure("/c")],
        };

        assert_eq!(numbered(repositories), [(1, "/a"), (2, "/b"), (3, "/c")]);
        assert_eq!(repositories.get(3).unwrap().repository.repo_path(), "/c");
        assert_eq!(repositories.get(0), None);
    }

    #[test]
    fn base_backups_go_to_any_repository_in_s3_or_to_the_first_in_azure() {
        let both = Repositories {
            s3: &[s3("/a"), s3("/b")],
            azure: &[azure("/c")],
        };
        let azure_only = Repositories {
            s3: &[],
            azure: &[azure("/c"), azure("/d")],
        };
        let none = Repositories {
            s3: &[],
            azure: &[],
        };
        let selected = |repositories: Repositories<'_>, parameter| {
            repositories.selected(parameter).map(|one| one.number)
        };

        assert_eq!(selected(both, None), Ok(1));
        assert_eq!(selected(both, Some("02")), Ok(2));
        assert_eq!(selected(azure_only, None), Ok(1));
        let refused = [
            (both, "0", InvalidSelection::Zero),
            (both, "3", InvalidSelection::BehindS3(3)),
            (
                both,
                "4",
                InvalidSelection::TooFew {
                    number: 4,
                    count: 3,
                },
            ),
            (both, "+1", InvalidSelection::NotANumber("+1".into())),
            (both, "", InvalidSelection::NotANumber(String::new())),
            (azure_only, "2", InvalidSelection::NotTheFirst(2)),
            (
                none,
                "1",
                InvalidSelection::TooFew {
                    number: 1,
                    count: 0,
                },
            ),
        ];
        for (repositories, parameter, error) in refused {
            assert_eq!(selected(repositories, Some(parameter)), Err(error));
        }
    }
}
