//! Compiles `proto/` to Rust with protox, so no `protoc` is needed.
//!
//! The schema is adapted before code is generated from it; the wire format stays the same:
//!
//! * Text becomes `bytes`. prost refuses a message whose string is not UTF-8, and Envoy treats that
//!   refusal as an error, which `failure_mode_allow` turns into an allow. Bytes reach our own code,
//!   which denies. They are also slices of the receive buffer, not copies.
//! * Maps become lists of entries, which they are on the wire: no hashing, and a duplicate stays
//!   visible.
//! * `dynamic_metadata` becomes `bytes`: an encoded `Struct`, built once per configuration. The
//!   requests of a batch become `bytes` too: each is parsed as if it had come alone.
//!
//! The unchanged schema gives the descriptors for reflection, and a client for `examples/`.

use prost::Message as _;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

const PROTOS: [&str; 3] = [
    "envoy/service/auth/v3/external_auth.proto",
    "watchword/v1/token_validation.proto",
    "opentelemetry/proto/collector/trace/v1/trace_service.proto",
];
/// The files that reflection serves.
const SERVED: [&str; 2] = [PROTOS[0], PROTOS[1]];
/// Packages that are not adapted: they never parse what a stranger sends.
const UNADAPTED: [&str; 2] = ["google.protobuf", "opentelemetry.proto"];

/// Messages that contain credentials: `src/wire.rs` gives them a `Debug` that shows nothing.
const REDACTED: [&str; 11] = [
    ".envoy.service.auth.v3.CheckRequest",
    ".envoy.service.auth.v3.AttributeContext",
    ".envoy.config.core.v3.HeaderMap",
    ".envoy.config.core.v3.HeaderValue",
    ".watchword.v1.ValidateRequest",
    ".watchword.v1.Request",
    ".watchword.v1.Header",
    ".watchword.v1.ValidateResponse",
    ".watchword.v1.Allow",
    ".watchword.v1.ValidateBatchRequest",
    ".watchword.v1.ValidateBatchResponse",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let mut files = protox::compile(PROTOS, ["proto"])?;
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    let served = protox::compile(SERVED, ["proto"])?;
    std::fs::write(out.join("descriptors.bin"), served.encode_to_vec())?;
    make_client(&out)?;
    adapt(&mut files);
    tonic_prost_build::configure()
        .build_server(false)
        .bytes(".")
        .include_file("wire.rs")
        .skip_debug(REDACTED)
        .client_mod_attribute(
            ".",
            "#[allow(clippy::allow_attributes_without_reason, reason = \"generated\")]",
        )
        .compile_fds(files)?;
    Ok(())
}

/// A client with plain types, as other projects generate it from the schema.
fn make_client(out: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let folder = out.join("client");
    std::fs::create_dir_all(&folder)?;
    let files = protox::compile(["watchword/v1/token_validation.proto"], ["proto"])?;
    tonic_prost_build::configure()
        .build_server(false)
        .out_dir(folder)
        .compile_fds(files)?;
    Ok(())
}

fn adapt(files: &mut FileDescriptorSet) {
    for file in &mut files.file {
        if UNADAPTED
            .iter()
            .any(|package| file.package().starts_with(package))
        {
            continue;
        }
        // Entry messages have no position in the source, and prost-build wants one for all or none.
        file.source_code_info = None;
        for message in &mut file.message_type {
            adapt_message(message);
        }
    }
}

fn adapt_message(message: &mut DescriptorProto) {
    message.options = None;
    for field in &mut message.field {
        let raw = ["dynamic_metadata", "requests"].contains(&field.name());
        if field.r#type() == Type::String || raw {
            field.set_type(Type::Bytes);
            field.type_name = None;
        }
    }
    for nested in &mut message.nested_type {
        adapt_message(nested);
    }
}
