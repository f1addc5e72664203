//! The documentation matches the program: configurations are good, commands and links exist.

mod commands;
mod hash;
mod links;
mod scripts;

use std::fs;
use std::path::{Path, PathBuf};

use watchword::config::Config;
use watchword_test_support::sealed;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Markdown file of the repository.
struct Page {
    /// Relative to the repository.
    path: PathBuf,
    text: String,
}

/// All pages for people: of the repository, of docs/, of the examples and the chart.
fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    collect(root(), Path::new(""), false, &mut pages);
    for folder in ["docs", "examples", "helm"] {
        collect(root(), Path::new(folder), true, &mut pages);
    }
    assert!(pages.len() > 40, "{}", pages.len());
    pages
}

fn collect(root: &Path, folder: &Path, deep: bool, pages: &mut Vec<Page>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let name = PathBuf::from(entry.unwrap().file_name());
        // Virtual environments, which the examples make.
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let path = folder.join(name);
        if root.join(&path).is_dir() {
            if deep {
                collect(root, &path, deep, pages);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(root.join(&path)).unwrap();
            pages.push(Page { path, text });
        }
    }
}

/// The blocks of code in this language, without the indentation of a list.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let start = line.trim_start();
        if start.strip_prefix("```") != Some(language) {
            continue;
        }
        let indent = line.len() - start.len();
        let block = lines.by_ref().take_while(|line| line.trim() != "```");
        let block: Vec<&str> = block.map(|line| line.get(indent..).unwrap_or("")).collect();
        found.push(block.join("\n") + "\n");
    }
    found
}

/// The configurations of a page: whole ones, and lists of rules for an issuer called `corp`.
fn configurations(page: &str) -> Vec<String> {
    let issuer = "issuers:\n  corp: {issuer: a, audiences: [a], jwks: {discovery: 'https://a'}}\n";
    let whole = |block: &String| {
        let has_issuers = block.contains("\nissuers:") || block.starts_with("issuers:");
        has_issuers.then(|| block.clone())
    };
    let rules = |block: &String| {
        let rules = block.starts_with("rules:\n");
        rules.then(|| format!("{issuer}{block}"))
    };
    let blocks = blocks(page, "yaml");
    let configurations = blocks.iter().filter_map(|b| whole(b).or_else(|| rules(b)));
    configurations.collect()
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
            ("decryption.pem", sealed::DECRYPTION_KEY),
            ("session.jwk", sealed::SHARED_KEY),
        ],
    );
    let generate = ["keys", "generate", "--type", "p-256"];
    let generate = crate::run(
        &folder,
        &[
            &generate[..],
            &["--out", "test.jwk", "--public-out", "keys.json"],
        ]
        .concat(),
        b"",
    );
    assert!(generate.status.success());
    let mut count = 0;
    for page in pages() {
        for text in configurations(&page.text) {
            let name = page.path.to_string_lossy().replace('/', "-");
            let config = Config::parse(&text, &folder.join(name));
            is_free_of_warnings(&config.unwrap_or_else(|problems| panic!("{problems}\n{text}")));
            count += 1;
        }
    }
    assert!(count > 12, "{count}");
}

#[test]
fn the_configurations_of_the_examples_are_good() {
    for example in [
        "examples/envoy/watchword.yaml",
        "examples/kubernetes/watchword.yaml",
    ] {
        let config = Config::load(&root().join(example));
        is_free_of_warnings(&config.unwrap_or_else(|problems| panic!("{problems}")));
    }
}
