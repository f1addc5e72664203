//! `watchword health`

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{block_on, complain, say};

const TIMEOUT: Duration = Duration::from_secs(3);

pub(super) fn run(address: &str) -> anyhow::Result<ExitCode> {
    let status = block_on(status(address)).with_context(|| format!("no answer from {address}"))?;
    if status == ServingStatus::Serving {
        say(status.as_str_name());
        return Ok(ExitCode::SUCCESS);
    }
    complain(status.as_str_name());
    Ok(ExitCode::FAILURE)
}

async fn status(address: &str) -> anyhow::Result<ServingStatus> {
    let address = address.strip_prefix("http://").unwrap_or(address);
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let channel = endpoint
        .connect_timeout(TIMEOUT)
        .timeout(TIMEOUT)
        .connect()
        .await?;
    let answer = HealthClient::new(channel)
        .check(HealthCheckRequest::default())
        .await?;
    Ok(answer.into_inner().status())
}
