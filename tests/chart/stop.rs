//! A pod that stops answers for as long as callers need: the sleep before the signal, the drain,
//! the calls in flight, and the time after which the kubelet kills it.

use serde_json::{Value, json};
use watchword_test_support::helm::{self, Chart};

use crate::cases;
use crate::notes::remarks;
use crate::pods;

watchword_test_support::tests![
    pods_have_the_time_that_a_stop_takes,
    time_that_the_chart_cannot_read_is_left_to_its_author,
    sleep_drain_and_grace_period_fit_each_other,
    users_drain_is_kept,
    drain_that_is_shorter_than_dns_is_warned_of,
    notes_have_the_drain_for_an_existing_configuration,
    grace_period_that_cannot_hold_an_unread_drain_is_warned_of,
];

/// The settings of a rendering that a stop depends on. Times are in seconds.
#[derive(Debug)]
struct StopTimes {
    /// As in the configuration; `None` is the default of 5s.
    drain: Option<String>,
    sleep: f64,
    grace: f64,
    notes: String,
}

impl StopTimes {
    fn of(more: &Value) -> Self {
        let rendered = cases::rendered_with(more);
        let map = rendered.find("ConfigMap", "rel-watchword");
        let config = map.map_or(Value::Null, |map| {
            helm::yaml(map["data"]["watchword.yaml"].as_str().unwrap()).unwrap()
        });
        let spec = &pods::of("", &rendered)[0].spec;
        let sleep = &spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"];
        Self {
            drain: config["server"]["drain"].as_str().map(str::to_owned),
            sleep: sleep.as_f64().unwrap_or_default(),
            grace: spec["terminationGracePeriodSeconds"].as_f64().unwrap(),
            notes: rendered.notes,
        }
    }

    fn drain_seconds(&self) -> f64 {
        seconds(self.drain.as_deref().unwrap_or("5s"))
    }

    /// The warning or note with these words.
    fn remark(&self, words: &str) -> Option<String> {
        let mut remarks = remarks(&self.notes).into_iter();
        remarks.find(|remark| remark.contains(words))
    }
}

fn seconds(text: &str) -> f64 {
    let number = |unit| text.strip_suffix(unit)?.parse::<f64>().ok();
    let known = number("ms").map(|number| number / 1000.0);
    let known = known.or_else(|| number("s"));
    known.or_else(|| Some(number("m")? * 60.0)).unwrap()
}

fn config(server: &Value) -> Value {
    json!({"server": server, "issuers": cases::config()["issuers"]})
}

/// Values by which proxies follow `EndpointSlices`.
fn integrated() -> Value {
    json!({"contour": {"enabled": true, "protocol": "h2c"}})
}

fn pods_have_the_time_that_a_stop_takes() {
    let grace = |values: Value| StopTimes::of(&values).grace;
    let slow = config(&json!({"drain": "1500ms", "shutdown_timeout": "1m"}));
    for (values, expected, why) in [
        (json!({}), 55.0, "40 to drain, 10 to shut down, 5 more"),
        (json!({"integrations": integrated()}), 20.0, "5 to drain"),
        (
            json!({"headlessService": {"enabled": false}}),
            20.0,
            "5 to drain",
        ),
        (
            json!({"headlessService": {"dnsSeconds": 5}}),
            30.0,
            "15 to drain",
        ),
        (
            json!({"preStopSleepSeconds": 7}),
            55.0,
            "33 of them to drain",
        ),
        (json!({"preStopSleepSeconds": 40}), 60.0, "5 to drain"),
        (
            json!({"config": slow}),
            67.0,
            "1.5 to drain, 60 to shut down",
        ),
        (json!({"terminationGracePeriodSeconds": 90}), 90.0, "given"),
        (
            json!({"config": {}, "existingConfig": {"configMap": "a"}}),
            55.0,
            "the drain that the notes ask for",
        ),
    ] {
        assert!(
            (grace(values.clone()) - expected).abs() < 0.01,
            "{why}: {values}"
        );
    }
}

fn time_that_the_chart_cannot_read_is_left_to_its_author() {
    let variable = config(&json!({"drain": "${D:-5s}"}));
    let with = json!({"config": variable, "terminationGracePeriodSeconds": 3});
    let stop = StopTimes::of(&with);
    assert!((stop.grace - 3.0).abs() < 0.01, "{stop:?}");
    assert!(
        stop.remark("NOTE: the chart cannot read config.server.drain")
            .is_some()
    );
    let unseen = json!({
        "config": {}, "existingConfig": {"configMap": "a"}, "terminationGracePeriodSeconds": 3,
    });
    assert!((StopTimes::of(&unseen).grace - 3.0).abs() < 0.01);
    let without = Chart::watchword().render(&json!({"config": variable}));
    let problem = without.unwrap_err();
    assert!(
        problem.contains("terminationGracePeriodSeconds:"),
        "{problem}"
    );
}

/// The drain covers what DNS takes, and the grace period covers the drain.
fn sleep_drain_and_grace_period_fit_each_other() {
    let servers = [
        json!({}),
        json!({"drain": null}),
        json!({"shutdown_timeout": "1500ms"}),
        json!({"shutdown_timeout": "2m"}),
    ];
    for dns in [0, 5, 30, 300] {
        for sleep in [0, 1, 20, 36, 100] {
            for server in &servers {
                for integrations in [json!({}), integrated()] {
                    assert_times_fit(&json!({
                        "config": config(server), "preStopSleepSeconds": sleep,
                        "headlessService": {"dnsSeconds": dns}, "integrations": integrations,
                    }));
                }
            }
        }
    }
    assert_times_fit(
        &json!({"mode": "daemonset", "config": config(&json!({})), "integrations": {}}),
    );
}

fn assert_times_fit(values: &Value) {
    let stop = StopTimes::of(values);
    let shutdown = &values["config"]["server"]["shutdown_timeout"];
    let shutdown = seconds(shutdown.as_str().unwrap_or("10s"));
    let drain = stop.drain_seconds();
    assert!(
        stop.grace > stop.sleep + drain + shutdown,
        "{values}: {stop:?}"
    );
    assert!(drain >= 5.0, "{values}: {stop:?}");
    if values["integrations"] == json!({}) {
        let dns = values["headlessService"]["dnsSeconds"].as_f64();
        let dns = dns.unwrap_or(30.0);
        assert!(stop.sleep + drain >= dns + 10.0, "{values}: {stop:?}");
    } else {
        assert_eq!(stop.drain, None, "{values}");
    }
    assert_eq!(stop.remark("server.drain"), None, "{values}");
}

fn users_drain_is_kept() {
    let own = StopTimes::of(&json!({"config": config(&json!({"drain": "50s"}))}));
    assert_eq!(own.drain.as_deref(), Some("50s"));
    assert_eq!(own.remark("server.drain"), None);
    let sidecar = json!({
        "sidecar": {"enabled": true}, "config": cases::config(),
    });
    let rendered = cases::rendered(&sidecar);
    let map = rendered.get("ConfigMap", "rel-watchword-sidecar");
    let text = map["data"]["watchword.yaml"].as_str().unwrap();
    assert_eq!(helm::yaml(text).unwrap()["server"]["drain"], "0s");
}

fn drain_that_is_shorter_than_dns_is_warned_of() {
    let warned = |drain: &str, more: Value| {
        let values = json!({"config": config(&json!({"drain": drain}))});
        let stop = StopTimes::of(&cases::extended(values, &more));
        stop.remark("WARNING: config.server.drain")
    };
    let printed = warned("5s", json!({"preStopSleepSeconds": 3})).unwrap();
    for part in [
        "is 5s, and preStopSleepSeconds 3",
        "for 40s",
        "30 (headlessService.dnsSeconds) + 5 (Envoy's refresh) + 5 (until DNS changes)",
    ] {
        assert!(printed.contains(part), "{printed}");
    }
    assert!(warned("39900ms", json!({})).is_some());
    assert_eq!(warned("40s", json!({})), None);
    assert_eq!(warned("30s", json!({"preStopSleepSeconds": 10})), None);
    assert_eq!(warned("5s", json!({"integrations": integrated()})), None);
    let printed = warned("0s", json!({"integrations": integrated()})).unwrap();
    assert!(
        printed.contains("until EndpointSlices reach them"),
        "{printed}"
    );
    assert_eq!(
        warned("5s", json!({"headlessService": {"enabled": false}})),
        None
    );
    assert_eq!(
        warned("15s", json!({"headlessService": {"dnsSeconds": 5}})),
        None
    );
}

fn notes_have_the_drain_for_an_existing_configuration() {
    let existing = |sleep: u32| {
        let values = json!({
            "config": {}, "existingConfig": {"secret": "a"}, "preStopSleepSeconds": sleep,
        });
        let stop = StopTimes::of(&values);
        stop.remark("NOTE: the existing configuration").unwrap()
    };
    assert!(
        existing(0).contains("needs server.drain: 40s"),
        "{}",
        existing(0)
    );
    assert!(
        existing(10).contains("needs server.drain: 30s"),
        "{}",
        existing(10)
    );
    assert!(existing(10).contains("preStopSleepSeconds is 10 of them"));
    let values = json!({
        "config": {}, "existingConfig": {"secret": "a"}, "integrations": integrated(),
    });
    assert_eq!(StopTimes::of(&values).remark("server.drain"), None);
}

fn grace_period_that_cannot_hold_an_unread_drain_is_warned_of() {
    let warned = |grace: u32, more: &Value| {
        let values = json!({"terminationGracePeriodSeconds": grace});
        let stop = StopTimes::of(&cases::extended(values, more));
        stop.remark("WARNING: terminationGracePeriodSeconds")
            .is_some()
    };
    let existing = json!({"config": {}, "existingConfig": {"secret": "a"}});
    let variable = json!({"config": config(&json!({"drain": "${DRAIN:-40s}"}))});
    for values in [existing, variable] {
        assert!(warned(54, &values), "{values}");
        assert!(!warned(55, &values), "{values}");
    }
    assert!(!warned(55, &json!({"config": cases::config()})));
}
