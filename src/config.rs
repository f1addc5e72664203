//! Configuration: a YAML file becomes a checked [`Config`], or a list of every problem in it.
//!
//! The types in `settings` declare each setting once: its type, bounds, default, documentation, and
//! whether it needs a restart. The JSON Schema comes from them. `schema` compares the file with it,
//! so that all problems are found at once, each with its position. Checks beyond a schema are in
//! `issuers`, `rules`, `server` and `telemetry`.
//!
//! `${NAME}` in a value is replaced from the environment before all that. Only the commands have
//! one: see [`Config::load`].

mod document;
mod effective;
mod environment;
mod files;
mod findings;
mod issuers;
mod mistakes;
mod path;
mod problem;
mod reference;
mod restart;
mod rules;
mod schema;
mod server;
mod setting;
mod settings;
mod structure;
mod telemetry;
mod token_from;
mod warning;

pub use problem::Problems;
pub use schema::schema;
pub use server::{CallerDemand, CallersConfig, GrpcConfig, ServerConfig};
pub use settings::DecisionPolicy;
pub use telemetry::{ClaimForm, DecisionsConfig, HashKey, LogConfig, TracesConfig};
pub use warning::Warning;

pub(crate) use reference::reference;
pub(crate) use settings::{LogFormat, LogLevel, Time};
pub(crate) use structure::{Loss, Structure};
pub(crate) use warning::WarningCode;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;
use std::sync::Arc;
use std::time::Duration;

use crate::files::{read_at_most, read_bounded};
use crate::jwks::Source;
use crate::policy::{IssuerId, Policy};

use document::Document;
use environment::Environment;
use findings::Findings;
use path::SettingPath;
use problem::{Position, Problem};
use restart::RestartSettings;
use setting::Setting;
use settings::{Mode, Settings};

/// Largest configuration file, in bytes.
const MAX_SIZE: usize = 1024 * 1024;

/// A configuration that was checked as a whole.
#[derive(Debug)]
pub struct Config {
    /// Listeners and life cycle.
    pub server: ServerConfig,
    /// Logging.
    pub log: LogConfig,
    /// The collector of spans, if there is one.
    pub traces: Option<TracesConfig>,
    /// Entries of the verified-token cache; 0 switches it off.
    pub(crate) token_cache_entries: u64,
    /// Issuers and rules.
    pub policy: Arc<Policy>,
    /// The directory in which the last good keys are kept between runs.
    pub state_dir: Option<PathBuf>,
    /// The source of each issuer's keys.
    pub sources: Vec<(IssuerId, Source)>,
    /// The other files whose content is part of the configuration.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) structure: Structure,
    pub(crate) restart: RestartSettings,
    /// The settings in effect, with secrets masked.
    pub(crate) effective: serde_json::Value,
    /// True if the text ends with a line `...`, the end of a YAML document.
    pub(crate) has_end_marker: bool,
    /// Settings that are most likely not meant.
    pub warnings: Vec<Warning>,
    /// The time between two looks at the configuration and its files; `None`: changes are not taken
    /// into use.
    pub(crate) reload: Option<Duration>,
}

impl Config {
    /// Reads and checks a file, with the process's environment. Paths in it are relative to its
    /// folder.
    ///
    /// # Errors
    /// Every problem found.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        Self::parse_in(&read(file)?, file, &environment::process)
    }

    /// Checks configuration text, with an empty environment. `file` names it in messages, and paths
    /// are relative to its folder.
    ///
    /// # Errors
    /// Every problem found.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Problems> {
        Self::parse_in(text, file, &|_| None)
    }

    fn parse_in(text: &str, file: &Path, environment: &Environment<'_>) -> Result<Self, Problems> {
        Self::build(text, file, environment, false)
    }

    /// As [`Config::load`], and looks into the files with keys, certificates and credentials that
    /// it names.
    pub(crate) fn check(file: &Path) -> Result<Self, Problems> {
        Self::build(&read(file)?, file, &environment::process, true)
    }

    /// As [`Config::check`], with text from elsewhere; `name` stands for the file.
    pub(crate) fn check_from(source: impl Read, name: &Path) -> Result<Self, Problems> {
        let text = text(read_at_most(source, MAX_SIZE), name)?;
        Self::build(&text, name, &environment::process, true)
    }

    /// Loads a file, and writes the configuration in effect; see [`Config::to_yaml`].
    ///
    /// # Errors
    /// Every problem found.
    pub(crate) fn effective(file: &Path) -> Result<String, Problems> {
        Self::load(file)?.to_yaml(file)
    }

    /// Writes the configuration in effect as YAML: defaults filled in, variables replaced, secrets
    /// masked. `file` names it in messages.
    ///
    /// # Errors
    /// [`Problems`], if a setting cannot be written.
    pub fn to_yaml(&self, file: &Path) -> Result<String, Problems> {
        let text = effective::yaml(self.effective.clone());
        text.map_err(|error| Problems::fault(file, &error))
    }

    fn build(
        text: &str,
        file: &Path,
        environment: &Environment<'_>,
        look_into_files: bool,
    ) -> Result<Self, Problems> {
        let mut document = Document::parse(text).map_err(|problem| Problems::one(file, problem))?;
        let structure = Structure::of(&document, text);
        let (variables, faults) = environment::substitute(&mut document, environment, MAX_SIZE);
        schema::convert(&mut document);
        let mut findings = Findings::new(file, &document, &variables, look_into_files);
        findings.add_faults(faults);
        schema::check(&document, &mut findings);
        // The readable part is checked further, so that all problems are found at once.
        let readable = document.to_json_without(&findings.unreadable);
        let restart = RestartSettings::of(&readable);
        let settings: Settings = match serde_json::from_value(readable) {
            Ok(settings) => settings,
            Err(error) => {
                findings.fail_if_any()?;
                if variables.is_empty() {
                    return Err(Problems::fault(file, &error));
                }
                let error = "the schema accepts this file and the types do not; the error may \
                             quote a variable, and is not shown";
                return Err(Problems::fault(file, &error));
            }
        };
        let mut root = Setting::root(&settings, &mut findings);
        let server = root.member("server", &settings.server).build();
        let log = telemetry::log(root.member("log", &settings.log));
        let traces = settings.traces.as_ref();
        let traces = traces.and_then(|traces| telemetry::traces(root.member("traces", traces)));
        let state_dir = settings.state_dir.as_ref();
        let state_dir = state_dir.map(|path| server::state_dir(root.member("state_dir", path)));
        let issuers = issuers::issuers(&mut root);
        let places = token_from::token_from(&mut root);
        let rules = rules::rules(&mut root);
        warning::check_accepted(&mut root);
        findings.fail_if_any()?;
        let shadow = settings.mode == Mode::Shadow;
        let mut policy = Policy::new(issuers.all, rules, places, server.max_token_size, shadow);
        if settings.server.forward_override_headers {
            policy = policy.forwarding_override_headers();
        }
        let mut config = Self {
            effective: serde_json::Value::Null,
            server,
            log,
            traces,
            token_cache_entries: settings.token_cache.max_entries,
            policy: Arc::new(policy.decrypting_with(issuers.decryption_keys)),
            state_dir,
            sources: issuers::with_ids(issuers.sources),
            files: std::mem::take(&mut findings.files),
            structure,
            restart,
            has_end_marker: text.trim_end().ends_with("\n..."),
            warnings: findings.take_warnings(),
            reload: settings
                .reload
                .watch
                .then(|| settings.reload.interval.into()),
        };
        let effective = effective::json(settings, &config);
        config.effective = effective.map_err(|error| Problems::fault(file, &error))?;
        Ok(config)
    }
}

fn read(file: &Path) -> Result<String, Problems> {
    text(read_bounded(file, MAX_SIZE), file)
}

/// The text of a file's content; `None` stands for one that is too long.
fn text(content: std::io::Result<Option<Vec<u8>>>, file: &Path) -> Result<String, Problems> {
    let problem = |message: String| Problems::one(file, Problem::of_file(message));
    let content = content.map_err(|error| problem(error.to_string()))?;
    let content = content.ok_or_else(|| problem(format!("longer than {MAX_SIZE} bytes")))?;
    String::from_utf8(content).map_err(|error| Problems::one(file, not_utf8(&error)))
}

fn not_utf8(error: &FromUtf8Error) -> Problem {
    if let [0xfe, 0xff, ..] | [0xff, 0xfe, ..] = error.as_bytes() {
        return Problem::of_file("found UTF-16; expected UTF-8".to_owned());
    }
    let good = error.as_bytes().get(..error.utf8_error().valid_up_to());
    let good = String::from_utf8_lossy(good.unwrap_or_default());
    let message = "found a byte that is not valid UTF-8; expected UTF-8".to_owned();
    Problem::new(Position::after(&good), &SettingPath::default(), message)
}
