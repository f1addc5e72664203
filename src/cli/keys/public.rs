//! `watchword keys public`: prints the public halves of keys as a JWK set.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use crate::jose::{Json, PublicKey};

use super::super::{key_files, print_error, print_line};

pub(super) fn run(files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let mut keys = Vec::new();
    let mut problems = 0;
    for key in files.iter().map(|file| key_files::read(file)) {
        for key in key? {
            let place = key.place.clone();
            let public = key.usable().and_then(|key| match key.public() {
                Some(public) => Ok(public),
                None => bail!("{place}: found a shared secret, which has no public half"),
            });
            match public {
                Ok(public) => keys.push(public),
                Err(problem) => {
                    print_error(&problem.to_string());
                    problems += 1;
                }
            }
        }
    }
    // A set that lacks some of the keys would look complete.
    if problems > 0 {
        return Ok(ExitCode::FAILURE);
    }
    print_line(&key_set(&keys));
    Ok(ExitCode::SUCCESS)
}

/// A JWK set, with one line for each key.
pub(super) fn key_set(keys: &[PublicKey]) -> String {
    let jwks = keys.iter().map(|key| {
        let mut text = String::new();
        Json::Object(key.to_jwk()).write_ascii(&mut text);
        text
    });
    let jwks: Vec<String> = jwks.collect();
    format!("{{\"keys\":[\n{}\n]}}", jwks.join(",\n"))
}
