//! Seeds and regressions, and the folder of seeds that libFuzzer starts from.

use std::fs;
use std::path::{Path, PathBuf};

use watchword_test_support::repository;

use crate::targets::{TARGETS, Target};

/// The inputs that a target starts from: its own, and those of other projects.
pub(crate) fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let mut seeds = (target.seeds)();
    seeds.extend(foreign(target.name));
    seeds
}

/// The inputs that once failed, with their paths.
pub(crate) fn regressions(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = repository("fuzz/regressions").join(target.name);
    files(&folder)
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// Tokens of other projects' fuzzers: JSON files with lists of texts. They are not part of the
/// repository. `WATCHWORD_VECTORS` names the folder; without it, there are none.
fn foreign(target: &str) -> Vec<Vec<u8>> {
    let folder = std::env::var_os("WATCHWORD_VECTORS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| repository("../shared/vectors"));
    let mut texts = Vec::new();
    for file in files(&folder.join("fuzz-seeds/go-jose")) {
        if file
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let lists: serde_json::Map<String, serde_json::Value> =
                serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            let lists = lists.values().filter_map(|list| list.as_array());
            texts.extend(
                lists
                    .flatten()
                    .filter_map(|text| text.as_str())
                    .map(ToOwned::to_owned),
            );
        }
    }
    let segment = |text: &String, at: usize| {
        crate::targets::second_opinion::decoded(text.split('.').nth(at)?)
    };
    match target {
        "compact" | "token" => texts.into_iter().map(String::into_bytes).collect(),
        "jose_header" => texts.iter().filter_map(|text| segment(text, 0)).collect(),
        "json" | "claims" => texts.iter().filter_map(|text| segment(text, 1)).collect(),
        _ => Vec::new(),
    }
}

/// The files of a folder in the order of their names; none if there is no folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    paths
}

/// `fuzz/run` calls it. `WATCHWORD_FUZZ_CORPUS` names the folder.
#[test]
#[ignore = "writes the seeds of all targets for libFuzzer"]
fn writes_the_seeds() {
    let folder = std::env::var_os("WATCHWORD_FUZZ_CORPUS").expect("WATCHWORD_FUZZ_CORPUS");
    for target in &TARGETS {
        let folder = Path::new(&folder).join(target.name);
        fs::create_dir_all(&folder).unwrap();
        let regressions = regressions(target).into_iter().map(|(_, input)| input);
        for (number, input) in seeds(target).into_iter().chain(regressions).enumerate() {
            fs::write(folder.join(format!("seed-{number:03}")), input).unwrap();
        }
    }
}
