//! Every `watchword` command in the documentation exists, with its options.

use std::collections::HashMap;

use super::{blocks, pages};
use crate::{text, watchword};

/// The commands in a page's text and blocks: the words after `watchword`.
fn commands(page: &str) -> Vec<Vec<String>> {
    let scripts = blocks(page, "sh").join("\n").replace("\\\n", " ");
    let inline = page.split('`').skip(1).step_by(2);
    let inline = inline.filter(|code| code.starts_with("watchword "));
    let lines = scripts.lines().chain(inline);
    lines.filter_map(command).collect()
}

/// The words after `watchword` in a line of a shell, up to the end of that command.
fn command(line: &str) -> Option<Vec<String>> {
    let mut words = line.split_whitespace();
    words.by_ref().find(|word| *word == "watchword")?;
    let ends = |word: &&str| !matches!(*word, "|" | "<" | ">" | "&&" | "&" | "#");
    let words: Vec<String> = words.take_while(ends).map(ToOwned::to_owned).collect();
    // `watchword` alone is also a Helm release, a folder and a container.
    let is_command = words
        .first()
        .is_some_and(|word| COMMANDS.contains(&&**word));
    is_command.then_some(words)
}

const COMMANDS: [&str; 6] = [
    "serve",
    "demo",
    "validate",
    "check-config",
    "health",
    "config-schema",
];

#[test]
fn every_command_in_the_documentation_has_its_options() {
    let help: HashMap<&str, String> = COMMANDS
        .map(|name| (name, text(&watchword(&[name, "--help"]).stdout)))
        .into();
    let mut count = 0;
    for page in pages() {
        for words in commands(&page.text) {
            let help = &help[words[0].as_str()];
            for option in words.iter().filter(|word| word.starts_with('-')) {
                let name = option.split('=').next().unwrap();
                let known = name == "-" || help.split([' ', ',', '\n']).any(|word| word == name);
                assert!(known, "{}: {words:?} in\n{help}", page.path.display());
            }
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}

#[test]
fn every_command_is_in_the_documentation() {
    let all: Vec<Vec<String>> = pages()
        .iter()
        .flat_map(|page| commands(&page.text))
        .collect();
    for name in COMMANDS {
        assert!(all.iter().any(|words| words[0] == name), "{name}");
    }
}
