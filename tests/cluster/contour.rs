//! Contour as a whole: its control plane reads the chart's objects from the API server and
//! configures a real Envoy, which asks a real Watchword over TLS.
//!
//! The objects are those of `ci/contour-values.yaml`. Endpoints are written by hand, with an
//! address of this machine, since the API server refuses loopback addresses in them.

mod client;
mod objects;
mod processes;
mod scene;

use client::Answered;
use scene::Scene;

use crate::cluster::Cluster;

#[test]
fn contour_lets_only_good_tokens_through_and_nothing_without_watchword() {
    let Some(mut scene) = Cluster::with_products().and_then(Scene::start) else {
        return;
    };
    scene.become_ready();
    scene.objects_become_valid();
    let token = scene.token();
    let bad = format!("{token}A");
    for (path, token, status, is_of_upstream) in [
        ("/orders", Some(token.as_str()), 200, true),
        ("/orders", None, 401, false),
        ("/orders", Some(bad.as_str()), 401, false),
        ("//orders", Some(token.as_str()), 200, true),
        ("//orders", None, 401, false),
    ] {
        let expected = Answered {
            status,
            is_of_upstream,
        };
        assert_eq!(scene.get(path, token), expected, "{path} {token:?}");
    }

    scene.stop_watchword();
    for token in [Some(token.as_str()), None] {
        let expected = Answered {
            status: 403,
            is_of_upstream: false,
        };
        assert_eq!(scene.get("/orders", token), expected, "{token:?}");
    }
}
