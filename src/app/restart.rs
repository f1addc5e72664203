//! The settings that only a restart can change.
//!
//! Every struct is destructured without `..`: a new field does not compile until this module says
//! whether a reload can change it. Fields bound to `_` take effect with a reload.

use crate::config::{ClaimForm, Config, DecisionsConfig, GrpcConfig, LogConfig};
use crate::config::{ServerConfig, TracesConfig};
use crate::listen::Limits;

/// The first changed setting that needs a restart.
pub(super) fn needs_restart(old: &Config, new: &Config) -> Option<&'static str> {
    let Config {
        server,
        log,
        traces,
        token_cache_entries: _,
        policy: _,
        state_dir,
        sources: _,
        files: _,
        structure: _,
        has_end_marker: _,
        warnings: _,
        reload: _,
    } = old;
    in_server(server, &new.server)
        .or_else(|| first_changed(&[("state_dir", *state_dir == new.state_dir)]))
        .or_else(|| in_log(log, &new.log))
        .or_else(|| match (traces, &new.traces) {
            (None, None) => None,
            (Some(old), Some(new)) => in_traces(old, new),
            (None, Some(_)) | (Some(_), None) => Some("traces"),
        })
}

/// The first setting that is not the same.
fn first_changed(settings: &[(&'static str, bool)]) -> Option<&'static str> {
    let changed = settings.iter().find(|(_, same)| !same);
    changed.map(|(setting, _)| *setting)
}

fn in_server(old: &ServerConfig, new: &ServerConfig) -> Option<&'static str> {
    let ServerConfig {
        grpc,
        health,
        admin,
        realm: _,
        max_token_size: _,
        drain: _,
        shutdown_timeout: _,
        max_in_flight,
        memory_limit,
    } = old;
    let others = [
        ("server.health", *health == new.health),
        ("server.admin", *admin == new.admin),
        ("server.max_in_flight", *max_in_flight == new.max_in_flight),
        ("server.memory_limit", *memory_limit == new.memory_limit),
    ];
    in_grpc(grpc, &new.grpc).or_else(|| first_changed(&others))
}

fn in_grpc(old: &GrpcConfig, new: &GrpcConfig) -> Option<&'static str> {
    let GrpcConfig {
        address,
        socket,
        tls,
        limits,
        callers: _,
        reflection,
    } = old;
    let listener = [
        ("server.grpc.address", *address == new.address),
        ("server.grpc.socket", *socket == new.socket),
        // A reload takes other files, but does not turn TLS on or off.
        (
            "server.grpc.tls (on or off)",
            tls.is_some() == new.tls.is_some(),
        ),
    ];
    let reflection = [("server.grpc.reflection", *reflection == new.reflection)];
    first_changed(&listener)
        .or_else(|| in_limits(limits, &new.limits))
        .or_else(|| first_changed(&reflection))
}

fn in_limits(old: &Limits, new: &Limits) -> Option<&'static str> {
    let Limits {
        max_connections,
        max_concurrent_streams,
        max_header_list_size,
        keepalive_interval,
        keepalive_timeout,
        max_connection_age,
        max_connection_age_grace,
    } = old;
    first_changed(&[
        (
            "server.grpc.max_connections",
            *max_connections == new.max_connections,
        ),
        (
            "server.grpc.max_concurrent_streams",
            *max_concurrent_streams == new.max_concurrent_streams,
        ),
        (
            "server.grpc.max_header_list_size",
            *max_header_list_size == new.max_header_list_size,
        ),
        (
            "server.grpc.keepalive_interval",
            *keepalive_interval == new.keepalive_interval,
        ),
        (
            "server.grpc.keepalive_timeout",
            *keepalive_timeout == new.keepalive_timeout,
        ),
        (
            "server.grpc.max_connection_age",
            *max_connection_age == new.max_connection_age,
        ),
        (
            "server.grpc.max_connection_age_grace",
            *max_connection_age_grace == new.max_connection_age_grace,
        ),
    ])
}

fn in_log(old: &LogConfig, new: &LogConfig) -> Option<&'static str> {
    let LogConfig {
        format,
        level,
        decisions,
    } = old;
    let lines = [
        ("log.format", *format == new.format),
        ("log.level", *level == new.level),
    ];
    first_changed(&lines).or_else(|| in_decisions(decisions, &new.decisions))
}

fn in_decisions(old: &DecisionsConfig, new: &DecisionsConfig) -> Option<&'static str> {
    let DecisionsConfig {
        policy,
        sample,
        claims,
        form,
    } = old;
    let form_setting = match (form, &new.form) {
        (ClaimForm::Hashed(_), ClaimForm::Hashed(_)) => "log.decisions.hash_key_file",
        (ClaimForm::Plain, _) | (_, ClaimForm::Plain) => "log.decisions.hash_claims",
    };
    first_changed(&[
        ("log.decisions.policy", *policy == new.policy),
        (
            "log.decisions.sample",
            sample.total_cmp(&new.sample).is_eq(),
        ),
        ("log.decisions.claims", *claims == new.claims),
        (form_setting, *form == new.form),
    ])
}

fn in_traces(old: &TracesConfig, new: &TracesConfig) -> Option<&'static str> {
    let TracesConfig {
        endpoint,
        ca,
        headers,
        timeout,
        sample_ratio,
        service_name,
    } = old;
    first_changed(&[
        ("traces.otlp.endpoint", *endpoint == new.endpoint),
        ("traces.otlp.ca", *ca == new.ca),
        ("traces.otlp.headers", *headers == new.headers),
        ("traces.otlp.timeout", *timeout == new.timeout),
        (
            "traces.sample_ratio",
            sample_ratio.total_cmp(&new.sample_ratio).is_eq(),
        ),
        ("traces.service_name", *service_name == new.service_name),
    ])
}

#[cfg(test)]
mod tests;
