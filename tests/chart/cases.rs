//! The chart rendered with each `helm/watchword/ci/*-values.yaml`, on each version of Kubernetes,
//! for most tests.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use watchword_test_support::helm::{self, Chart, Release, Rendered};

/// An example's name, and its values.
pub(crate) type File = (String, Value);

/// All examples, by name.
pub(crate) fn files() -> Vec<File> {
    let mut files: Vec<File> = fs::read_dir(Chart::watchword().folder().join("ci"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap();
            let name = file
                .strip_suffix("-values.yaml")
                .expect("a name that ends so");
            let values = helm::yaml(&fs::read_to_string(&path).unwrap());
            (
                name.to_owned(),
                values.unwrap_or_else(|problem| panic!("{name}: {problem}")),
            )
        })
        .collect();
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    files
}

/// Examples that need more than the oldest Kubernetes, and since when it has it.
const NEWER: [(&str, &str); 4] = [
    ("daemonset", "1.30"),
    ("injector", "1.32"),
    ("injector-loopback", "1.32"),
    ("istio-sidecar", "1.32"),
];

/// Returns true if the example of this name is for that version of Kubernetes.
pub(crate) fn is_for(name: &str, version: &str) -> bool {
    let since = NEWER.iter().find(|(other, _)| *other == name);
    since.is_none_or(|(_, since)| minor(version) >= minor(since))
}

/// The number behind `1.`.
pub(crate) fn minor(version: &str) -> u32 {
    version.trim_start_matches("1.").parse().unwrap()
}

/// Each example, rendered.
pub(crate) fn all() -> &'static [(String, Rendered)] {
    static ALL: OnceLock<Vec<(String, Rendered)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let chart = Chart::watchword();
        let render = |(name, values): File| {
            let rendered = chart.render(&values);
            let rendered = rendered.unwrap_or_else(|problem| panic!("{name}: {problem}"));
            (name, rendered)
        };
        files().into_iter().map(render).collect()
    })
}

/// The example of this name, rendered.
pub(crate) fn named(name: &str) -> &'static Rendered {
    let mut all = all().iter();
    &all.find(|(other, _)| other == name).expect("an example").1
}

/// The chart of `examples/kubernetes/sidecar`, which depends on this one.
pub(crate) fn sidecar_example() -> Chart {
    static COPIES: AtomicUsize = AtomicUsize::new(0);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kubernetes/sidecar");
    let copy = format!("example-{}", COPIES.fetch_add(1, Ordering::Relaxed));
    Chart::at(folder).with_dependencies(&copy).unwrap()
}

/// That chart, rendered with a sidecar that listens so.
pub(crate) fn beside_envoy(listen: &str, release: Release<'_>) -> Rendered {
    let values = json!({"watchword": {"sidecar": {"listen": listen}}});
    let rendered = sidecar_example().render_for(release, &values);
    rendered.unwrap_or_else(|problem| panic!("{listen}: {problem}"))
}

/// The least configuration.
pub(crate) fn config() -> Value {
    json!({
        "issuers": {
            "corp": {
                "issuer": "https://idp.example.com",
                "audiences": ["orders-api"],
                "jwks": {"discovery": true},
            },
        },
    })
}

/// The chart with the least configuration and these values, which replace whole sections.
pub(crate) fn rendered_with(more: &Value) -> Rendered {
    rendered(&extended(json!({"config": config()}), more))
}

/// Values with the keys of others in place of their own.
pub(crate) fn extended(mut values: Value, more: &Value) -> Value {
    let own = values.as_object_mut().expect("a mapping");
    own.extend(more.as_object().expect("a mapping").clone());
    values
}

/// The chart with these values, which must render.
pub(crate) fn rendered(values: &Value) -> Rendered {
    Chart::watchword()
        .render(values)
        .unwrap_or_else(|problem| panic!("{problem}"))
}
