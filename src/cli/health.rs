//! `watchword health`

mod connector;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Args;
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::grpc::SERVICES;

use super::{block_on, print_error, print_line};

use connector::ServerConnector;

const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Args)]
pub(super) struct HealthArguments {
    /// Host and port of its gRPC listener, or unix: and the path of its socket
    #[arg(default_value = "127.0.0.1:9191")]
    address: String,
    /// Ask about a gRPC service, or `live`, which is SERVING while the server answers, instead of
    /// the server as a whole
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    service: String,
    /// Use TLS, and trust the certificate authorities in this PEM file
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// The name in the server's certificate, if it is not the host
    #[arg(long, value_name = "NAME", requires = "tls_ca")]
    tls_name: Option<String>,
}

pub(super) fn run(arguments: &HealthArguments) -> anyhow::Result<ExitCode> {
    let status = block_on(status(arguments))?;
    if status == ServingStatus::Serving {
        print_line(status.as_str_name());
        return Ok(ExitCode::SUCCESS);
    }
    print_error(status.as_str_name());
    Ok(ExitCode::FAILURE)
}

async fn status(arguments: &HealthArguments) -> anyhow::Result<ServingStatus> {
    let address = arguments.address.trim_start_matches("http://");
    let service = &arguments.service;
    let connector = match &arguments.tls_ca {
        None => ServerConnector::plaintext(address),
        Some(ca) => ServerConnector::tls(address, ca, arguments.tls_name.as_deref())?,
    };
    let answer = tokio::time::timeout(TIMEOUT, ask(service, connector.clone())).await;
    let error = match answer {
        Ok(Ok(status)) => return Ok(status),
        Ok(Err(error)) => error,
        Err(_) => anyhow!("nothing came within {TIMEOUT:?}"),
    };
    let expects_tls = || tokio::time::timeout(TIMEOUT, connector.expects_tls());
    if let Some(Code::NotFound) = error.downcast_ref().map(Status::code) {
        let services = SERVICES.join(" or ");
        bail!("{address} has no service {service:?}: ask about live, {services}");
    } else if error.chain().any(is_not_tls) {
        bail!("{address} does not use TLS: leave out --tls-ca");
    } else if arguments.tls_ca.is_none() && expects_tls().await == Ok(true) {
        bail!("{address} uses TLS: name its certificate authority's file with --tls-ca");
    }
    // A status of the client's own repeats what its causes say.
    Err(anyhow!("no answer from {address}: {}", error.root_cause()))
}

async fn ask(service: &str, connector: ServerConnector) -> anyhow::Result<ServingStatus> {
    // The connector has the address.
    let endpoint = Endpoint::from_static("http://localhost");
    let channel = endpoint.connect_with_connector(connector).await?;
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let answer = HealthClient::new(channel).check(request).await?;
    Ok(answer.into_inner().status())
}

/// Returns true if a handshake failed because the answer was not TLS.
fn is_not_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    let error = error.and_then(|error| error.downcast_ref::<rustls::Error>());
    matches!(error, Some(rustls::Error::InvalidMessage(_)))
}
