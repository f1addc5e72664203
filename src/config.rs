//! Configuration: a YAML file becomes a checked [`Config`], or a list of every problem in it.
//!
//! The types in `raw` are the only description of the file: serde reads them, the JSON Schema comes
//! from them, and the file is held against that schema so that all problems are found at once, each
//! with its position. What a schema cannot say is checked in `issuers`, `rules` and `server`.

mod document;
mod findings;
mod issuers;
mod problem;
mod raw;
mod rules;
mod schema;
mod server;
mod token_from;
mod values;

pub use problem::{Problem, Problems};
pub use raw::{LogFormat, LogLevel};
pub use server::{LogConfig, ServerConfig};

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::jwks::{Source, read_bounded};
use crate::policy::{IssuerId, Policy};

use document::Document;
use findings::Findings;

/// Largest configuration file, in bytes.
const MAX_SIZE: usize = 1024 * 1024;

/// A configuration that was checked as a whole.
#[derive(Debug)]
pub struct Config {
    /// Listeners and life cycle.
    pub server: ServerConfig,
    /// Logging.
    pub log: LogConfig,
    /// Entries of the verified-token cache; 0 switches it off.
    pub token_cache_entries: u64,
    /// Issuers and rules.
    pub policy: Arc<Policy>,
    /// The directory in which the last good keys are kept between runs, where there is one.
    pub state_dir: Option<PathBuf>,
    /// Where each issuer's keys come from.
    pub sources: Vec<(IssuerId, Source)>,
}

impl Config {
    /// Reads and checks a file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// Every problem found.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        Self::parse(&read(file)?, file)
    }

    /// Checks configuration text; `file` names it in messages, and paths are relative to its folder.
    ///
    /// # Errors
    /// Every problem found.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Problems> {
        Self::build(text, file, false)
    }

    /// As [`Config::load`], and looks into the files with keys, certificates and credentials that it names.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(file: &Path) -> Result<Self, Problems> {
        Self::build(&read(file)?, file, true)
    }

    fn build(text: &str, file: &Path, look_into_files: bool) -> Result<Self, Problems> {
        let document = Document::parse(text).map_err(|problem| Problems::one(file, problem))?;
        let mut findings = Findings::new(file, &document, look_into_files);
        schema::check(&document, &mut findings);
        // What can be read is checked further, so that all problems are found at once.
        let readable = document.to_json_without(findings.pruned());
        let raw: raw::Config = match serde_json::from_value(readable) {
            Ok(raw) => raw,
            Err(error) => {
                findings.fail_if_any()?;
                findings.add(
                    &[],
                    error.to_string(),
                    "a configuration as the reference describes it",
                );
                return Err(findings.into_problems());
            }
        };
        let server = server::server(&raw.server, &mut findings);
        let log = server::log(&raw.log);
        let state_dir = server::state_dir(raw.state_dir.as_deref(), &mut findings);
        let (issuers, sources) = issuers::issuers(&raw, &mut findings);
        let places = token_from::token_from(&raw, &mut findings);
        let rules = rules::rules(&raw, &mut findings);
        findings.fail_if_any()?;
        let max_token_size = server.max_token_size;
        let policy = Policy::new(issuers, rules, places, max_token_size);
        Ok(Self {
            server,
            log,
            token_cache_entries: raw.token_cache.max_entries,
            policy: Arc::new(policy),
            state_dir,
            sources: issuers::with_ids(sources),
        })
    }
}

fn read(file: &Path) -> Result<String, Problems> {
    let problem =
        |found: String| Problems::one(file, Problem::at_start(found, "a readable YAML file"));
    let content = read_bounded(file, MAX_SIZE).map_err(|error| problem(error.to_string()))?;
    let content = content.ok_or_else(|| problem(format!("more than {MAX_SIZE} bytes")))?;
    String::from_utf8(content).map_err(|_| problem("bytes that are not UTF-8".to_owned()))
}
