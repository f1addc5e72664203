//! `watchword health`

mod tls;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{block_on, print_error, print_line};

use tls::TlsConnector;

const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Args)]
pub(super) struct HealthArguments {
    /// Host and port of its gRPC listener, or unix: and the path of its socket
    #[arg(default_value = "127.0.0.1:9191")]
    address: String,
    /// What to ask about: a service; `live`, which is SERVING while the server answers; or the server as a whole
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    service: String,
    /// Speak TLS, and trust the certificate authorities in this PEM file
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// The name in the server's certificate, where it is not the host
    #[arg(long, value_name = "NAME", requires = "tls_ca")]
    tls_name: Option<String>,
}

pub(super) fn run(arguments: &HealthArguments) -> anyhow::Result<ExitCode> {
    let address = &arguments.address;
    let status =
        block_on(status(arguments)).with_context(|| format!("no answer from {address}"))?;
    if status == ServingStatus::Serving {
        print_line(status.as_str_name());
        return Ok(ExitCode::SUCCESS);
    }
    print_error(status.as_str_name());
    Ok(ExitCode::FAILURE)
}

async fn status(arguments: &HealthArguments) -> anyhow::Result<ServingStatus> {
    let connecting = tokio::time::timeout(TIMEOUT, connect(arguments));
    let answer = HealthClient::new(connecting.await??)
        .check(HealthCheckRequest {
            service: arguments.service.clone(),
        })
        .await?;
    Ok(answer.into_inner().status())
}

async fn connect(arguments: &HealthArguments) -> anyhow::Result<Channel> {
    let address = arguments.address.trim_start_matches("http://");
    let Some(ca) = &arguments.tls_ca else {
        let uri = match address.strip_prefix("unix:") {
            Some(_) => address.to_owned(),
            None => format!("http://{address}"),
        };
        return Ok(Endpoint::from_shared(uri)?
            .timeout(TIMEOUT)
            .connect()
            .await?);
    };
    let connector = TlsConnector::new(address, ca, arguments.tls_name.as_deref())?;
    // Only the connector knows where to; this is what the request calls its server.
    let endpoint = Endpoint::from_static("http://localhost").timeout(TIMEOUT);
    Ok(endpoint.connect_with_connector(connector).await?)
}
