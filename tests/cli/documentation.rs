//! What the documentation shows works as it stands there.

use std::path::Path;

use watchword::config::Config;

/// The YAML blocks of a page that are whole configurations.
fn configurations(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let blocks = text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    blocks
        .filter(|block| block.contains("\nissuers:") || block.starts_with("issuers:"))
        .map(ToOwned::to_owned)
        .collect()
}

fn is_free_of_warnings(config: &Config) {
    let warnings: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    assert!(warnings.is_empty(), "{}", warnings.join("\n"));
}

#[test]
fn every_configuration_in_the_documentation_is_good() {
    let folder = crate::folder(
        "documentation",
        &[
            ("machines.key", "a secret of at least thirty-two bytes\n"),
            ("hash.key", "a key of at least thirty-two bytes, random\n"),
        ],
    );
    for page in [
        "README.md",
        "docs/configuration.md",
        "docs/keys.md",
        "docs/operations.md",
        "docs/kubernetes.md",
        "docs/kubernetes/service-accounts.md",
        "docs/validate.md",
    ] {
        let found = configurations(page);
        for text in found {
            let config = Config::parse(&text, &folder.join(page.replace('/', "-")));
            is_free_of_warnings(&config.unwrap_or_else(|problems| panic!("{problems}")));
        }
    }
}

#[test]
fn the_configurations_of_the_examples_are_good() {
    for example in [
        "examples/envoy/watchword.yaml",
        "examples/kubernetes/watchword.yaml",
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(example);
        let config = Config::load(&file);
        is_free_of_warnings(&config.unwrap_or_else(|problems| panic!("{problems}")));
    }
}
