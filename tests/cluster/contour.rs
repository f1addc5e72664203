//! Contour as a whole: its control plane reads the chart's objects from the API server and
//! configures a real Envoy, which asks a real Watchword over TLS.
//!
//! The objects are those of `ci/contour-values.yaml`. The test writes the endpoints, with an
//! address of this machine, because the API server refuses loopback addresses in them.

mod client;
mod objects;
mod processes;
mod stack;

use client::HttpAnswer;
use stack::ContourStack;

use crate::cluster::Cluster;

#[test]
fn contour_lets_only_good_tokens_through_and_nothing_without_watchword() {
    let Some(mut stack) = Cluster::with_products().and_then(ContourStack::start) else {
        return;
    };
    stack.objects_become_valid();
    let token = stack.token();
    let bad = format!("{token}A");
    for (path, token, status, is_of_upstream) in [
        ("/orders", Some(token.as_str()), 200, true),
        ("/orders", None, 401, false),
        ("/orders", Some(bad.as_str()), 401, false),
        ("//orders", Some(token.as_str()), 200, true),
        ("//orders", None, 401, false),
    ] {
        let expected = HttpAnswer {
            status,
            is_of_upstream,
        };
        assert_eq!(stack.get(path, token), expected, "{path} {token:?}");
    }

    stack.stop_watchword();
    for token in [Some(token.as_str()), None] {
        let expected = HttpAnswer {
            status: 403,
            is_of_upstream: false,
        };
        assert_eq!(stack.get("/orders", token), expected, "{token:?}");
    }
}
