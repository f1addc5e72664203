//! Target `config`: any text as a configuration.

use std::path::Path;

use watchword::config::Config;

use super::world;

/// What secrets are printed as; a text with it does not read back as the same.
const MASK: &str = "********";

/// A text is refused with problems, or printed such that it reads and prints as the same.
pub fn config(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    // A path of a file that never ends, or of another process.
    if ["/dev", "/proc", "/sys"]
        .iter()
        .any(|folder| text.contains(folder))
    {
        return false;
    }
    let file = Path::new("fuzz.yaml");
    let config = match Config::parse(text, file) {
        Ok(config) => config,
        Err(problems) => {
            assert!(!problems.to_string().is_empty());
            return false;
        }
    };
    let printed = config.to_yaml(file).expect("what was read can be written");
    if printed.contains(MASK) {
        return true;
    }
    let again = Config::parse(&printed, file);
    let again = again.unwrap_or_else(|problems| panic!("{printed}\n{problems}"));
    let printed_again = again.to_yaml(file).expect("what was read can be written");
    assert_eq!(printed, printed_again);
    assert_eq!(config.policy.issuers().len(), again.policy.issuers().len());
    let rules = |config: &Config| format!("{:?}", config.policy.rules());
    assert_eq!(rules(&config), rules(&again), "{printed}");
    true
}

pub fn seeds() -> Vec<Vec<u8>> {
    let issuer =
        "{issuer: 'https://a.example', audiences: [x], jwks: {uri: 'https://a.example/k'}}";
    let texts = [
        world::text(),
        format!("issuers: {{a: {issuer}}}\n"),
        format!("issuers: {{a: {issuer}}}\nrules: any_valid_token\nmode: shadow\n...\n"),
        format!(
            "server: {{listen: '127.0.0.1:8080', max_token_size: 8KiB, drain: 5s, realm: x}}\n\
             log: {{level: info, format: json, decisions: {{policy: all}}}}\n\
             reload: {{watch: true, interval: 10s}}\ntoken_cache: {{max_entries: 10}}\n\
             issuers:\n  a: {issuer}\nrules:\n\
             - {{match: {{hosts: ['*.a.example'], path: {{glob: '/u/*/x/**'}}, methods: [GET]}}}}\n\
             - {{match: {{path: {{exact: /a}}}}, require: {{optional: true}}, mode: shadow}}\n\
             - {{match: {{context: {{a: b}}}}, require: {{claims: {{a.b: {{any_of: [c]}}}}}}}}\n"
        ),
        format!("issuers: &a\n  b: {issuer}\n  c: *a\n"),
        "issuers: {a: {issuer: '${NAME}', audiences: []}}".to_owned(),
        "- a\n- {b: [c, {d: !!str 1}]}\n".to_owned(),
    ];
    texts.map(String::into_bytes).to_vec()
}
