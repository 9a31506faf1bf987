//! Secrets in variables.

use std::{collections::BTreeMap, fmt};

use super::{SecretError, SecretRef, SecretSource};
use crate::secret::Secret;

/// Secrets in variables, such as those of a process's environment.
///
/// The value of key `KEY` of Secret `NAME` is in the variable `PREFIX` `NAME` `_` `KEY`, in capital
/// letters and with `_` for all characters but letters and digits.
///
/// ```
/// # use walcast::config::{SecretRef, SecretSource, VariableSecrets};
/// let variables = [("MY_FRA_KEYS_ID".to_owned(), "AKIA".to_owned())];
/// let secrets = VariableSecrets::new("MY_", variables);
/// let wanted = SecretRef { namespace: None, name: "fra-keys", key: "id" };
/// assert_eq!(secrets.value(wanted).unwrap().reveal(), "AKIA");
/// ```
#[derive(Clone)]
pub struct VariableSecrets {
    prefix: String,
    values: BTreeMap<String, Secret>,
}

impl VariableSecrets {
    /// Takes those of `variables` whose name begins with `prefix`.
    pub fn new(
        prefix: impl Into<String>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let prefix = prefix.into();
        let ours = variables.into_iter();
        let ours = ours.filter(|(name, _)| name.starts_with(&prefix));
        let values = ours.map(|(name, value)| (name, Secret::new(value)));
        Self {
            values: values.collect(),
            prefix,
        }
    }
}

impl SecretSource for VariableSecrets {
    fn value(&self, wanted: SecretRef<'_>) -> Result<Secret, SecretError> {
        let SecretRef { name, key, .. } = wanted;
        let variable = format!("{}{}_{}", self.prefix, spelt(name), spelt(key));
        let value = self.values.get(&variable).cloned();
        value.ok_or_else(|| SecretError::NoSecret(name.to_owned()))
    }
}

impl fmt::Debug for VariableSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.values.keys().collect();
        f.debug_tuple("VariableSecrets").field(&names).finish()
    }
}

fn spelt(text: &str) -> String {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    text.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_with_the_prefix_count_and_none_is_printed() {
        let variable = |name: &str| (name.to_owned(), "hunter2".to_owned());
        let secrets = VariableSecrets::new("P_", [variable("P_A_B"), variable("A_C")]);
        let value = |key| {
            secrets.value(SecretRef {
                namespace: Some("db"),
                name: "a",
                key,
            })
        };

        assert_eq!(value("b").unwrap().reveal(), "hunter2");
        assert!(matches!(value("c"), Err(SecretError::NoSecret(_))));
        assert_eq!(format!("{secrets:?}"), r#"VariableSecrets(["P_A_B"])"#);
    }
}
