//! Helm's hooks without a cluster's controllers: while Helm waits for the Job or the Pod of a hook,
//! this marks it as done.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::command::Answer;

const POLL: Duration = Duration::from_millis(300);

/// The end of Jobs and Pods of hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Success,
    Failure,
}

impl Cluster {
    /// Runs `helm` in this namespace, whose hooks end so. The second value names the hooks that
    /// were ended: `Job/orders-watchword-config-check`.
    pub(crate) fn helm_with_hooks(
        &self,
        namespace: &str,
        end: End,
        arguments: &[&str],
    ) -> (Answer, Vec<String>) {
        let (over, is_over) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let controller = scope.spawn(move || {
                let mut ended = Vec::new();
                while is_over.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
                    ended.extend(self.end_hooks(namespace, end));
                }
                ended
            });
            let namespace = format!("--namespace={namespace}");
            let answer = self.helm(&[arguments, &[&namespace]].concat());
            drop(over);
            let ended = controller.join();
            (answer, ended.expect("a controller that does not panic"))
        })
    }

    fn end_hooks(&self, namespace: &str, end: End) -> Vec<String> {
        let namespace = format!("--namespace={namespace}");
        let list = self.kubectl(&["get", "jobs,pods", &namespace, "--output=json"]);
        let mut ended = Vec::new();
        for object in list.succeeded().objects() {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let kind = object["kind"].as_str().unwrap_or_default();
            let is_hook = object["metadata"]["annotations"]["helm.sh/hook"].is_string();
            if !is_hook || has_ended(&object) {
                continue;
            }
            let status = if kind == "Job" { job(end) } else { pod(end) };
            let patch = json!({"status": status}).to_string();
            let (name, patch) = (format!("{kind}/{name}"), format!("--patch={patch}"));
            let subresource = "--subresource=status";
            let answer = self.kubectl(&[
                "patch",
                &name,
                &namespace,
                subresource,
                "--type=merge",
                &patch,
            ]);
            // It may be gone since.
            assert!(
                answer.success || answer.stderr.contains("not found"),
                "{answer}"
            );
            if answer.success {
                ended.push(name);
            }
        }
        ended
    }
}

fn has_ended(object: &Value) -> bool {
    let status = &object["status"];
    let phase = status["phase"].as_str().unwrap_or_default();
    let conditions = status["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    matches!(phase, "Succeeded" | "Failed")
        || conditions.any(|condition| {
            matches!(condition["type"].as_str(), Some("Complete" | "Failed"))
                && condition["status"] == "True"
        })
}

/// The status of a Job that ended. The API server checks that it is a possible one.
fn job(end: End) -> Value {
    let at = "2026-01-01T00:00:00Z";
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": at});
    match end {
        End::Success => json!({
            "startTime": at,
            "completionTime": at,
            "succeeded": 1,
            "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
        }),
        End::Failure => json!({
            "startTime": at,
            "failed": 1,
            "conditions": [condition("FailureTarget"), condition("Failed")],
        }),
    }
}

fn pod(end: End) -> Value {
    match end {
        End::Success => json!({"phase": "Succeeded"}),
        End::Failure => json!({"phase": "Failed"}),
    }
}
