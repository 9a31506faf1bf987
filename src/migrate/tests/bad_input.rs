use super::*;

#[test]
fn a_broken_document_is_named_and_the_others_move() {
    let mut inventory = inventory(IN_TREE);
    inventory.add("apps/broken.yaml", "a: [1\nb: 2\n".to_owned());
    let plan = plan(&inventory, Target::BarmanPlugin, &Choices::default());

    assert!(texts(&plan.untouched).starts_with("apps/broken.yaml:"));
    assert_eq!(plan.moved, ["Cluster/shop"]);
}

#[test]
fn two_descriptions_of_one_cluster_are_an_obstacle() {
    let inventory = inventory(&format!("{IN_TREE}---\n{IN_TREE}"));
    let plan = plan(&inventory, Target::BarmanPlugin, &Choices::default());

    assert!(!plan.is_complete());
    assert_eq!(plan.moved, [] as [&str; 0]);
    assert!(plan.files(plan.steps.len()).is_empty());
}

#[test]
fn a_version_that_nobody_knows_is_an_obstacle() {
    let inventory = inventory(&IN_TREE.replacen("cnpg.io/v1", "cnpg.io/v9", 1));
    let plan = plan(&inventory, Target::BarmanPlugin, &Choices::default());

    assert!(texts(&plan.obstacles).contains("`postgresql.cnpg.io/v9`"));
    assert!(plan.files(plan.steps.len()).is_empty());
}

#[test]
fn a_cluster_that_is_not_there_is_said() {
    let mut choices = Choices::default();
    choices.clusters.push("shopp".to_owned());
    let plan = plan(&inventory(IN_TREE), Target::BarmanPlugin, &choices);

    assert_eq!(
        texts(&plan.obstacles),
        "Cluster/shopp: the files have no such Cluster\n"
    );
}

#[test]
fn a_placeholder_for_all_plugins_is_a_question() {
    let start = IN_TREE.find("  backup:").unwrap();
    let text = format!("{}  plugins: ${{PLUGINS}}\n", &IN_TREE[..start]);
    let plan = plan(&inventory(&text), Target::BarmanPlugin, &Choices::default());

    assert_eq!(plan.questions[0].option, "--set NAME=VALUE");
    assert!(plan.is_empty());
}

#[test]
fn texts_that_are_no_manifests_have_empty_plans() {
    for text in [
        "",
        "---\n",
        "a",
        "kind: Cluster\n",
        "{{ .Values.x }}\n",
        "\u{feff}- 1\n",
    ] {
        for target in Target::ALL {
            let plan = plan(&inventory(text), target, &Choices::default());
            assert!(plan.is_empty(), "{text:?}");
        }
    }
}

#[test]
fn an_archiver_that_nobody_knows_is_an_obstacle() {
    let start = IN_TREE.find("  backup:").unwrap();
    let entry = "  plugins:\n    - {name: other.example.org, isWALArchiver: true}\n";
    let text = format!("{}{entry}", &IN_TREE[..start]);
    for target in Target::ALL {
        let plan = plan(&inventory(&text), target, &Choices::default());

        assert!(texts(&plan.obstacles).contains("`other.example.org`"));
        assert!(plan.is_empty());
    }
}

#[test]
fn templates_and_schedules_of_other_clusters_are_named() {
    let schedule = IN_TREE.split("---\n").nth(1).unwrap();
    let mut inventory = inventory(schedule);
    inventory.add("apps/chart.yaml", "a: {{ .Values.a }}\n".to_owned());
    let plan = plan(&inventory, Target::BarmanPlugin, &Choices::default());

    let left = texts(&plan.untouched);
    assert!(left.contains("helm template"), "{left}");
    assert!(left.contains("ScheduledBackup/nightly: its Cluster is not in the files"));
}
