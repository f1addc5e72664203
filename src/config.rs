//! Configuration: a YAML file becomes a checked [`Config`], or a list of every problem in it.
//!
//! The types in `settings` are the only description of the file: serde reads them, the JSON Schema comes
//! from them, and the file is held against that schema so that all problems are found at once, each
//! with its position. What a schema cannot say is checked in `issuers`, `rules`, `server` and `telemetry`.
//!
//! `${NAME}` in a value is replaced from the environment before all that. Only the commands have one: see [`Config::load`].

mod document;
mod effective;
mod environment;
mod files;
mod findings;
mod issuers;
mod mistakes;
mod problem;
mod reference;
mod rules;
mod schema;
mod server;
mod settings;
mod span;
mod structure;
mod telemetry;
mod token_from;
mod values;
mod warning;

pub use environment::Environment;
pub use problem::{Problem, Problems};
pub use reference::reference;
pub use schema::schema;
pub use server::{CallerDemand, CallerSecret, CallersConfig, GrpcConfig, ServerConfig};
pub use settings::{DecisionPolicy, LogFormat, LogLevel};
pub use structure::{Loss, Structure};
pub use telemetry::{ClaimForm, DecisionsConfig, HashKey, LogConfig, TracesConfig};
pub use warning::{Warning, WarningCode};

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::files::read_bounded;
use crate::jwks::Source;
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
    /// Where spans are sent, if anywhere.
    pub traces: Option<TracesConfig>,
    /// Entries of the verified-token cache; 0 switches it off.
    pub token_cache_entries: u64,
    /// Issuers and rules.
    pub policy: Arc<Policy>,
    /// The directory in which the last good keys are kept between runs, where there is one.
    pub state_dir: Option<PathBuf>,
    /// Where each issuer's keys come from.
    pub sources: Vec<(IssuerId, Source)>,
    /// The files whose content is part of it, beside its own.
    pub files: Vec<PathBuf>,
    /// The settings that it has, to compare a successor with.
    pub structure: Structure,
    /// Whether its text ends with a line `...`, by which YAML says that a document is whole.
    pub has_end_marker: bool,
    /// What is most likely not meant.
    pub warnings: Vec<Warning>,
    /// Whether a change of it, or of those files, is taken into use while the server runs; and how often they are looked at.
    pub reload: Option<Duration>,
}

impl Config {
    /// Reads and checks a file, with the process's environment. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// Every problem found.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        Self::parse_in(&read(file)?, file, &environment::process)
    }

    /// Checks configuration text; `file` names it in messages, and paths are relative to its folder. No variable is set
    /// in its environment.
    ///
    /// # Errors
    /// Every problem found.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Problems> {
        Self::parse_in(text, file, &|_| None)
    }

    /// As [`Config::parse`], with an environment.
    ///
    /// # Errors
    /// Every problem found.
    pub fn parse_in(
        text: &str,
        file: &Path,
        environment: &Environment<'_>,
    ) -> Result<Self, Problems> {
        Self::build(text, file, environment, false).map(|(_, config)| config)
    }

    /// As [`Config::load`], and looks into the files with keys, certificates and credentials that it names.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(file: &Path) -> Result<Self, Problems> {
        Self::build(&read(file)?, file, &environment::process, true).map(|(_, config)| config)
    }

    /// As [`Config::check`], with text from elsewhere; `name` stands for the file.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check_from(source: impl Read, name: &Path) -> Result<Self, Problems> {
        let mut content = Vec::new();
        let limit = u64::try_from(MAX_SIZE).unwrap_or(u64::MAX);
        // One byte more tells that there is more.
        let read = source
            .take(limit.saturating_add(1))
            .read_to_end(&mut content);
        let content = read.map(|size| (size <= MAX_SIZE).then_some(content));
        let text = text(content, name)?;
        Self::build(&text, name, &environment::process, true).map(|(_, config)| config)
    }

    /// Loads a file, and writes what is in effect as YAML: defaults filled in, variables replaced, secrets masked.
    ///
    /// # Errors
    /// Every problem found.
    pub fn effective(file: &Path) -> Result<String, Problems> {
        let (raw, config) = Self::build(&read(file)?, file, &environment::process, false)?;
        effective::yaml(raw, &config).map_err(|error| {
            let expected = "a configuration that can be written";
            Problems::one(file, Problem::at_start(error.to_string(), expected))
        })
    }

    fn build(
        text: &str,
        file: &Path,
        environment: &Environment<'_>,
        look_into_files: bool,
    ) -> Result<(settings::Settings, Self), Problems> {
        let mut document = Document::parse(text).map_err(|problem| Problems::one(file, problem))?;
        let structure = Structure::of(&document, text);
        let (variables, faults) = environment::substitute(&mut document, environment, MAX_SIZE);
        schema::convert(&mut document);
        let mut findings = Findings::new(file, &document, &variables, look_into_files);
        findings.add_faults(&faults);
        schema::check(&document, &mut findings);
        // What can be read is checked further, so that all problems are found at once.
        let readable = document.to_json_without(findings.pruned());
        let raw: settings::Settings = match serde_json::from_value(readable) {
            Ok(raw) => raw,
            Err(error) => {
                findings.fail_if_any()?;
                let found = if variables.is_empty() {
                    error.to_string()
                } else {
                    "what cannot be read".to_owned()
                };
                findings.add(&[], found, "a configuration as the reference describes it");
                return Err(findings.into_problems());
            }
        };
        let server = server::server(&raw.server, &mut findings);
        let log = telemetry::log(&raw.log, &mut findings);
        let traces = raw.traces.as_ref();
        let traces = traces.and_then(|traces| telemetry::traces(traces, &mut findings));
        let state_dir = server::state_dir(raw.state_dir.as_deref(), &mut findings);
        let reload = server::reload(&raw.reload, &mut findings);
        let (issuers, sources) = issuers::issuers(&raw, &mut findings);
        let places = token_from::token_from(&raw, &mut findings);
        let rules = rules::rules(&raw, &mut findings);
        warning::check_accepted(&raw, &mut findings);
        findings.fail_if_any()?;
        let max_token_size = server.max_token_size;
        let shadow = raw.mode == settings::Mode::Shadow;
        let mut policy = Policy::new(issuers, rules, places, max_token_size, shadow);
        if raw.server.forward_override_headers {
            policy = policy.forwarding_override_headers();
        }
        let config = Self {
            server,
            log,
            traces,
            token_cache_entries: raw.token_cache.max_entries,
            policy: Arc::new(policy),
            state_dir,
            sources: issuers::with_ids(sources),
            files: findings.take_files(),
            structure,
            has_end_marker: text.trim_end().ends_with("\n..."),
            warnings: findings.take_warnings(),
            reload,
        };
        Ok((raw, config))
    }
}

fn read(file: &Path) -> Result<String, Problems> {
    text(read_bounded(file, MAX_SIZE), file)
}

/// The text of a file's content, of which there is none where it is too long.
fn text(content: std::io::Result<Option<Vec<u8>>>, file: &Path) -> Result<String, Problems> {
    let problem =
        |found: String| Problems::one(file, Problem::at_start(found, "a readable YAML file"));
    let content = content.map_err(|error| problem(error.to_string()))?;
    let content = content.ok_or_else(|| problem(format!("more than {MAX_SIZE} bytes")))?;
    String::from_utf8(content).map_err(|_| problem("bytes that are not UTF-8".to_owned()))
}
