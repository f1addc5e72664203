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
    name(&words).map(|_| words)
}

/// The command that the words begin with.
fn name(words: &[String]) -> Option<&'static str> {
    let is_begun = |name: &&str| {
        let mut words = words.iter();
        name.split(' ')
            .all(|part| words.next().is_some_and(|word| word == part))
    };
    COMMANDS.into_iter().find(is_begun)
}

const COMMANDS: [&str; 13] = [
    "serve",
    "demo",
    "validate",
    "check-config",
    "health",
    "config-schema",
    "keys generate",
    "keys public",
    "keys inspect",
    "token mint",
    "token inspect",
    "token encrypt",
    "token decrypt",
];

#[test]
fn every_command_in_the_documentation_has_its_options() {
    let help: HashMap<&str, String> = COMMANDS
        .map(|name| {
            let words: Vec<&str> = name.split(' ').chain(["--help"]).collect();
            (name, text(&watchword(&words).stdout))
        })
        .into();
    let mut count = 0;
    for page in pages() {
        for words in commands(&page.text) {
            let help = &help[name(&words).unwrap()];
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
        assert!(
            all.iter().any(|words| self::name(words) == Some(name)),
            "{name}"
        );
    }
}
