//! `examples/kubernetes/sidecar`: a chart that depends on this one, with its dependency built by
//! Helm.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cluster::Cluster;
use crate::namespace::Namespace;
use crate::release::Release;

/// Both charts, where they are in the project: one names the other by a relative path.
const CHARTS: [&str; 2] = ["helm/watchword", "examples/kubernetes/sidecar"];

#[test]
fn chart_that_depends_on_this_one_lives_and_leaves_nothing() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let namespace = Namespace::new(cluster, "sidecar-example");
    let folder = cluster.folder.join("sidecar-example");
    for chart in CHARTS {
        copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(chart),
            &folder.join(chart),
        );
    }
    let chart = folder.join(CHARTS[1]);
    let chart = chart.to_str().expect("a path in UTF-8");
    cluster
        .helm(&["dependency", "build", chart])
        .without_warning();
    for listen in ["unix", "loopback"] {
        let listen = format!("--set=watchword.sidecar.listen={listen}");
        let release = Release::new(cluster, "beside-envoy", &namespace, &[&listen]).of_chart(chart);
        release.settles();
        release.leaves_nothing();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().expect("a folder")).unwrap();
    let copied = Command::new("cp").arg("-r").args([from, to]).status();
    assert!(copied.unwrap().success(), "cannot copy {}", from.display());
}
