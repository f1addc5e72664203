//! Each target on its seeds, its regressions, and mutations of them.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::corpus;
use crate::inputs::mutated;
use crate::random::Random;
use crate::targets::{TARGETS, Target};

/// Runs a target, and prints the input if it panics.
fn try_input(target: &Target, input: &[u8], origin: &str) -> bool {
    let run = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    run.unwrap_or_else(|panic| {
        println!(
            "{} failed with {origin}; save the input in fuzz/regressions/{0}/:\n{}",
            target.name,
            input.escape_ascii()
        );
        resume_unwind(panic)
    })
}

fn run(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = corpus::seeds(target);
    let mut good: Vec<Vec<u8>> = Vec::new();
    for (number, seed) in seeds.iter().enumerate() {
        if try_input(target, seed, &format!("seed {number}")) {
            good.push(seed.clone());
        }
    }
    let regressions = corpus::regressions(target);
    for (path, input) in &regressions {
        try_input(target, input, &path.display().to_string());
    }
    // Inputs that are all refused at the door test only the door.
    assert!(!good.is_empty(), "{name}");
    let mut accepted = 0;
    for case in 0..target.cases {
        let mut random = Random::new(case as u64);
        let from = if random.one_in(4) { &seeds } else { &good };
        let seed = random.pick(from).clone();
        let input = mutated(&mut random, &seed, &seeds);
        accepted += usize::from(try_input(target, &input, &format!("case {case}")));
    }
    println!(
        "fuzz: {name}: {} seeds, {} accepted; {} regressions; {} mutated inputs, {accepted} \
         accepted",
        seeds.len(),
        good.len(),
        regressions.len(),
        target.cases
    );
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_run() {
            let mut names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            names.sort_unstable();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

targets! {
    check_request
    claims
    compact
    config
    decrypt
    jose_header
    json
    key_set
    private_keys
    request
    sequence
    token
    validate
}

#[test]
fn every_target_has_its_program() {
    let manifest = include_str!("../../fuzz/Cargo.toml");
    for target in &TARGETS {
        let entry = format!(
            "name = \"{0}\"\npath = \"fuzz_targets/{0}.rs\"",
            target.name
        );
        assert!(manifest.contains(&entry), "{}", target.name);
        let path = format!("fuzz/fuzz_targets/{}.rs", target.name);
        let program = watchword_test_support::repository(path);
        let program = std::fs::read_to_string(program).unwrap();
        assert!(program.contains(&format!("run({:?}, data)", target.name)));
        crate::targets::run(target.name, b"");
    }
}
