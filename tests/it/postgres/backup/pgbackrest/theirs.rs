//! The tool backs up a server whose WAL we archive, and its backups are restored.

use super::{Stanzas, content, matrix};

#[test]
fn what_pgbackrest_backed_up_is_restored() {
    let stanzas = Stanzas::new(&matrix());
    let mut number = 0;
    for kind in ["full", "diff", "incr"] {
        number += 1;
        stanzas.work(number);
        stanzas.back_up_by_tool(&[&format!("--type={kind}")]);
    }
    stanzas.work(number + 1);
    stanzas.primary.until_archived();
    let expected = content(&stanzas.primary);

    for kind in &stanzas.kinds {
        let destination = kind.destination();
        let backups = stanzas.listed(&destination);
        assert_eq!(backups.len(), 3, "{backups:?}");
        for backup in &backups {
            assert!(backup["recoverable_to"].is_string(), "{backup}");
            let label = backup["id"].as_str().unwrap();
            stanzas.check_restored(&destination, Some(label), &expected);
        }
    }
}
