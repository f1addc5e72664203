//! Helm for tests, without a cluster and without a `helm` command. Python processes, which end with
//! the test binary, lint and render charts with Helm 4's own code, and check objects against
//! Kubernetes' own schemas.
//!
//! `lookup` finds nothing, as in `helm template`. Charts below a chart are rendered when they are
//! in its `charts/`; `Chart::with_dependencies` puts them there.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{build_folder, harness, repository, wheels};

/// The oldest Kubernetes that the chart supports.
pub const OLDEST: &str = "1.29";
/// The newest that it is tested with.
pub const NEWEST: &str = "1.37";

/// A chart: a folder.
#[derive(Clone, Debug)]
pub struct Chart {
    folder: PathBuf,
    /// Removes the folder with the last clone, if it is a copy.
    _copy: Option<Arc<Copied>>,
}

/// A folder that is removed with its chart.
#[derive(Debug)]
struct Copied(PathBuf);

impl Drop for Copied {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The release and the cluster that a chart is rendered for.
#[derive(Clone, Copy, Debug)]
pub struct Release<'a> {
    pub name: &'a str,
    pub namespace: &'a str,
    /// `.Capabilities.KubeVersion` without `v` and patch, such as `1.34`.
    pub kubernetes: &'a str,
    /// Entries of `.Capabilities.APIVersions` beyond the built-in ones.
    pub api_versions: &'a [&'a str],
}

impl Default for Release<'_> {
    fn default() -> Self {
        Self {
            name: "rel",
            namespace: "auth",
            kubernetes: NEWEST,
            api_versions: &[],
        }
    }
}

impl Chart {
    /// The chart of this repository.
    pub fn watchword() -> Self {
        Self::at(repository("helm/watchword"))
    }

    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            _copy: None,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A copy of this chart, below the build folder, with its dependencies in `charts/`: those with
    /// a `file://` repository, relative to where this chart is. It is removed with the last of its
    /// clones.
    ///
    /// # Errors
    /// Helm's message.
    pub fn with_dependencies(&self, name: &str) -> Result<Self, String> {
        let place = build_folder().join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&place);
        let copied = Copied(place.clone());
        copy(&self.folder, &place).map_err(|error| format!("{}: {error}", place.display()))?;
        let metadata = place.join("Chart.yaml");
        let text = fs::read_to_string(&metadata).map_err(|error| error.to_string())?;
        let base = format!("file://{}/", self.folder.display());
        let text = text.replace("file://..", &format!("{base}.."));
        fs::write(&metadata, text).map_err(|error| error.to_string())?;
        ask::<()>(&json!({"ask": "update_dependencies", "chart": &place}))?;
        Ok(Self {
            folder: place,
            _copy: Some(Arc::new(copied)),
        })
    }

    /// Renders for a release `rel` in the namespace `auth`, on the newest Kubernetes.
    ///
    /// # Errors
    /// Helm's message: the values do not fit the schema, a template failed, or it rendered no YAML.
    pub fn render(&self, values: &Value) -> Result<Rendered, String> {
        self.render_for(Release::default(), values)
    }

    /// # Errors
    /// Those of `render`.
    pub fn render_for(&self, release: Release<'_>, values: &Value) -> Result<Rendered, String> {
        let options = json!({
            "name": release.name,
            "namespace": release.namespace,
            "kube_version": format!("v{}.0", release.kubernetes),
            "api_versions": release.api_versions,
        });
        ask(&json!({"ask": "render", "chart": self.folder, "values": values, "options": options}))
    }

    /// The output of `helm install --dry-run=client`: `manifest` (without hooks, in the order of
    /// installation) and `notes`. It is always for the Kubernetes that Helm was built for.
    ///
    /// # Errors
    /// Helm's message.
    pub fn install(&self, release: Release<'_>, values: &Value) -> Result<Value, String> {
        let Release {
            name, namespace, ..
        } = release;
        ask(&json!({
            "ask": "install", "chart": self.folder, "values": values,
            "release": name, "namespace": namespace,
        }))
    }

    /// The warnings and errors of `helm lint --strict`.
    pub fn lint(&self, values: &Value, kubernetes: &str) -> Vec<String> {
        let kubernetes = format!("v{kubernetes}.0");
        let question = json!({
            "ask": "lint", "chart": self.folder, "values": values, "kubernetes": kubernetes,
        });
        ask(&question).unwrap_or_else(|problem| vec![problem])
    }

    /// The chart's values.yaml, with the values of charts in `charts/` below their names.
    pub fn defaults(&self) -> Value {
        ask(&json!({"ask": "defaults", "chart": self.folder})).expect("the chart's values")
    }
}

/// A rendered chart. Hooks are among the documents.
#[derive(Clone, Debug, Deserialize)]
pub struct Rendered {
    pub documents: Vec<Document>,
    /// Of NOTES.txt.
    pub notes: String,
}

/// An object, as Helm reads it.
#[derive(Clone, Debug, Deserialize)]
pub struct Document {
    /// The file that it is from: `watchword/templates/service.yaml`.
    pub template: String,
    pub text: String,
    pub value: Value,
}

impl Document {
    pub fn kind(&self) -> &str {
        self.value["kind"].as_str().unwrap_or_default()
    }

    pub fn name(&self) -> &str {
        self.value["metadata"]["name"].as_str().unwrap_or_default()
    }

    pub fn api_version(&self) -> &str {
        self.value["apiVersion"].as_str().unwrap_or_default()
    }

    /// Kind and name, for messages.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind(), self.name())
    }
}

impl Rendered {
    pub fn of_kind<'a>(&'a self, kind: &str) -> impl Iterator<Item = &'a Document> {
        self.documents
            .iter()
            .filter(move |document| document.kind() == kind)
    }

    pub fn find(&self, kind: &str, name: &str) -> Option<&Value> {
        let mut of_kind = self.of_kind(kind);
        of_kind
            .find(|document| document.name() == name)
            .map(|document| &document.value)
    }

    /// The object of this kind and name, which must be there.
    pub fn get(&self, kind: &str, name: &str) -> &Value {
        self.find(kind, name)
            .unwrap_or_else(|| panic!("no {kind} {name} among {:?}", self.titles()))
    }

    pub fn titles(&self) -> Vec<String> {
        self.documents.iter().map(Document::title).collect()
    }
}

/// The faults of a built-in object by the schema of this version of Kubernetes (`1.29`); a field
/// that the schema does not have is a fault. `None` where that version has no such kind.
pub fn validate(object: &Value, kubernetes: &str) -> Option<Vec<String>> {
    ask(&json!({"ask": "validate", "document": object, "kubernetes": kubernetes}))
        .expect("an object and a version")
}

/// The faults of a JSON Schema by the metaschema that it names.
pub fn metaschema(schema: &Value) -> Vec<String> {
    ask(&json!({"ask": "metaschema", "schema": schema})).expect("a schema")
}

/// The faults of a value by a JSON Schema.
pub fn fits(schema: &Value, value: &Value) -> Vec<String> {
    ask(&json!({"ask": "fits", "schema": schema, "value": value})).expect("a schema")
}

/// YAML as Helm and Kubernetes read it: YAML 1.1, a mapping.
///
/// # Errors
/// Helm's message.
pub fn yaml(text: &str) -> Result<Value, String> {
    ask(&json!({"ask": "yaml", "text": text}))
}

/// The YAML in the notes of a release, from the line that begins so to the next empty one.
pub fn yaml_in_notes(notes: &str, start: &str) -> Value {
    let lines = notes.lines();
    let lines = lines.skip_while(|line| !line.trim_start().starts_with(start));
    let lines: Vec<&str> = lines.take_while(|line| !line.trim().is_empty()).collect();
    serde_saphyr::from_str(&lines.join("\n")).expect("the notes have YAML")
}

/// A process that answers one question at a time.
struct Helper {
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Answer(Value),
    Error(String),
}

/// The processes that answer nobody at this moment.
static IDLE: Mutex<Vec<Helper>> = Mutex::new(Vec::new());

fn idle() -> MutexGuard<'static, Vec<Helper>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The reason why Helm is missing, if it is. Without Helm, all other functions here skip their
/// test.
pub fn missing() -> Option<&'static str> {
    static PROBLEM: OnceLock<Option<String>> = OnceLock::new();
    let problem = PROBLEM.get_or_init(|| match Helper::start() {
        Ok(helper) => {
            idle().push(helper);
            None
        }
        Err(problem) => Some(problem),
    });
    problem.as_deref()
}

/// Asks an idle process, or a new one, so that tests do not wait for each other.
fn ask<T: DeserializeOwned>(question: &Value) -> Result<T, String> {
    if let Some(problem) = missing() {
        harness::skip(problem);
    }
    let found = idle().pop();
    let mut helper = found.unwrap_or_else(|| Helper::start().expect("another process"));
    let answer = helper.ask(question);
    idle().push(helper);
    match answer {
        Answer::Answer(value) => Ok(serde_json::from_value(value).expect("an answer of that kind")),
        Answer::Error(problem) => Err(problem),
    }
}

impl Helper {
    fn start() -> Result<Self, String> {
        let here = repository("tests/support/helm");
        let packages = wheels::installed("helm-4.2.3", &here.join("requirements.txt"))?;
        let mut python = Command::new("python3");
        python.arg(here.join("helm.py")).arg(packages);
        let mut process = python
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{python:?}: {error}"))?;
        let (Some(questions), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("a process without pipes".into());
        };
        Ok(Self {
            questions,
            answers: BufReader::new(answers),
        })
    }

    fn ask(&mut self, question: &Value) -> Answer {
        let mut line = String::new();
        writeln!(self.questions, "{question}")
            .and_then(|()| self.answers.read_line(&mut line))
            .expect("tests/support/helm/helm.py answers");
        serde_json::from_str(&line).expect("tests/support/helm/helm.py answers in JSON")
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
