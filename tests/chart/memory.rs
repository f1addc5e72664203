//! The memory that the chart gives, the budget that the program makes of it, and the table that
//! explains it: one arithmetic.

use std::path::Path;

use watchword::config::Config;
use watchword::listen::{InFlightLimit, ListenerBudget};
use watchword::memory::{MemoryBudget, MemoryLimit, MemoryLimitSource};
use watchword_test_support::helm;

watchword_test_support::tests![
    containers_have_what_the_table_explains,
    sizes_are_written_as_in_kubernetes,
    limit_of_this_process_is_found,
];

const VALUES: &str = include_str!("../../helm/watchword/values.yaml");
const MEMORY_PAGE: &str = include_str!("../../docs/memory.md");
const MIB: usize = 1024 * 1024;

fn budget(text: &str) -> MemoryBudget {
    let settings = format!(
        "server: {{memory_limit: {text}}}\n\
         issuers: {{a: {{issuer: a, audiences: [a], jwks: {{file: a.json}}}}}}"
    );
    let config = Config::parse(&settings, Path::new("a.yaml")).expect("a configuration");
    let limit = MemoryLimit::find(config.server.memory_limit);
    assert_eq!(limit.source, MemoryLimitSource::Setting);
    MemoryBudget::of(limit)
}

/// The limit that the chart sets for a container that serves: of pods, or of sidecars.
fn limit(of: &str) -> String {
    let values = helm::yaml(VALUES).unwrap();
    let limit = values.pointer(&format!("{of}/resources/limits/memory"));
    limit.unwrap().as_str().unwrap().to_owned()
}

/// The cells of a row of the table, without formatting.
fn row(name: &str) -> Vec<&'static str> {
    let mut lines = MEMORY_PAGE.lines().filter(|line| line.contains(name));
    let line = lines.next().expect(name);
    line.split('|').map(str::trim).collect()
}

fn containers_have_what_the_table_explains() {
    assert_eq!([limit(""), limit("/sidecar")], ["256Mi", "128Mi"]);
    for (text, column) in [("128Mi", 3), ("256Mi", 4), ("1Gi", 5)] {
        assert!(row("of the limit")[column].contains(text));
        let budget = budget(text);
        let cell = |name: &str, bytes: usize| {
            let expected = format!("{} MiB", bytes / MIB);
            assert_eq!(row(name)[column], expected, "{name} of {text}");
        };
        let (calls, refusals) = (budget.calls.size(), budget.refusals.size());
        let pools = calls + refusals + budget.keys.size();
        let sum = budget.connections + pools + budget.tokens;
        let (fixed, spare) = (budget.limit.bytes - 2 * sum, sum);
        cell("the program, its threads", fixed);
        cell("spare:", spare);
        cell("**budget**", sum);
        cell("– connections", budget.connections);
        cell("– calls", calls);
        cell("– refused calls", refusals);
        cell("– tokens", budget.tokens);
        cell("– key sets", budget.keys.size());
        let memory = ListenerBudget::of(&budget, InFlightLimit::new(0));
        for (name, tls) in [("plaintext, 68 KiB", false), ("or TLS, 100 KiB", true)] {
            let connections = memory.max_connections(tls);
            assert_eq!(row(name)[column].replace(',', ""), connections.to_string());
        }
    }
}

fn sizes_are_written_as_in_kubernetes() {
    let bytes = |text: &str| budget(text).limit.bytes;
    assert_eq!(bytes("64Mi"), 64 * MIB);
    assert_eq!(bytes("1Gi"), 1024 * MIB);
    assert_eq!(bytes("131072Ki"), 128 * MIB);
    assert_eq!(bytes("\"134217728\""), 128 * MIB);
    for bad in [
        "63Mi",
        "65Gi",
        "128M",
        "128MiB",
        "128 Mi",
        "-1Mi",
        "1.5Gi",
        "Mi",
        "\"\"",
        "99999999999999999999Gi",
    ] {
        let settings = format!(
            "server: {{memory_limit: {bad}}}\n\
             issuers: {{a: {{issuer: a, audiences: [a], jwks: {{file: a.json}}}}}}"
        );
        let problems = Config::parse(&settings, Path::new("a.yaml"))
            .expect_err(bad)
            .to_string();
        assert!(
            problems.contains("a.yaml:1:") && problems.contains("memory_limit"),
            "{problems}"
        );
    }
    // The default is what the pod has.
    assert_eq!(MemoryLimit::default().bytes, bytes(&limit("")));
}

/// Nobody sets it in the chart: the limit of the container is found where it is.
fn limit_of_this_process_is_found() {
    let found = MemoryLimit::find(None);
    assert!(found.source != MemoryLimitSource::Setting && found.bytes >= 8 * MIB);
}
