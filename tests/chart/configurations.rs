//! `watchword check-config` accepts each configuration that the chart renders: for every example,
//! and for the values in the chart's README.md and in the guide for Kubernetes. Files of Secrets do
//! not exist here, so a missing file is the only problem that may be found.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use watchword_test_support::helm::{self, Chart, Rendered};

use crate::cases;
use crate::fences::{blocks, guide, read};
use crate::pod::BINARY;

watchword_test_support::tests![
    every_rendered_configuration_is_good,
    configuration_without_keys_is_found,
];

/// Configurations, each with a name that says where it is from.
type Configurations = Vec<(String, String)>;

fn of(name: &str, rendered: &Rendered) -> Configurations {
    let maps = rendered.of_kind("ConfigMap");
    let text = |map: &helm::Document| {
        let text = map.value["data"]["watchword.yaml"].as_str()?.to_owned();
        let namespace = map.value["metadata"]["namespace"].as_str()?;
        Some((format!("{name}.{namespace}.{}", map.name()), text))
    };
    maps.filter_map(text).collect()
}

/// The blocks of values in a file, each with its file and line.
fn values(file: &str, start: Option<&str>) -> Vec<(String, Value)> {
    let value = |(line, block): (usize, String)| {
        let name = format!("{}-{line}", file.replace('/', "-"));
        (name, helm::yaml(&block).unwrap())
    };
    let blocks = blocks(&read(file), start);
    blocks.into_iter().map(value).collect()
}

fn rendered() -> Configurations {
    let mut all: Configurations = cases::all()
        .iter()
        .flat_map(|(name, rendered)| of(name, rendered))
        .collect();
    let pages = guide();
    let guide: Vec<_> = pages
        .iter()
        .flat_map(|page| values(page, Some("# values.yaml")))
        .collect();
    let readme = values("helm/watchword/README.md", None);
    assert!(guide.len() >= 15 && readme.len() >= 3);
    for (name, mut values) in guide.into_iter().chain(readme) {
        if values.get("config").is_none() && values.get("existingConfig").is_none() {
            values["config"] = cases::config();
        }
        let rendered = Chart::watchword().render(&values);
        let rendered = rendered.unwrap_or_else(|problem| panic!("{name}: {problem}"));
        all.extend(of(&name, &rendered));
    }
    all
}

/// The problems that `check-config` finds, except missing files.
fn problems(configurations: &Configurations, folder: &str) -> Vec<String> {
    let folder = std::env::temp_dir().join(format!("ww-{}-{folder}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let write = |(name, text): &(String, String)| {
        let file = folder.join(format!("{name}.yaml"));
        fs::write(&file, text).unwrap();
        file
    };
    let files: Vec<PathBuf> = configurations.iter().map(write).collect();
    let mut command = Command::new(BINARY);
    command.arg("check-config").args(files);
    // The example `pod` uses this variable.
    command.env("ISSUER", "https://idp.example.com");
    let output = command.output().unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let is_good = |line: &&str| line.contains(": good (") || line.contains("No such file");
    let bad = printed.lines().filter(|line| !is_good(line));
    bad.map(ToOwned::to_owned).collect()
}

fn every_rendered_configuration_is_good() {
    let all = rendered();
    assert!(all.len() > 30, "{}", all.len());
    assert_eq!(problems(&all, "rendered"), [""; 0]);
}

fn configuration_without_keys_is_found() {
    let mut all = rendered();
    all.truncate(1);
    all[0].1 = all[0].1.replace("discovery: true", "wait: 1s");
    let found = problems(&all, "keyless");
    assert!(found.iter().any(|line| line.contains("jwks")), "{found:?}");
}
