//! Compiles `proto/` to Rust with protox, so that no `protoc` is needed.
//!
//! The schema is adapted before code is made from it, without changing a byte on the wire:
//!
//! * Text becomes `bytes`. prost refuses a message whose string is not UTF-8, and Envoy takes that
//!   refusal for an error, which `failure_mode_allow` turns into an allow. Bytes reach our own code,
//!   which denies. They are also handed out of the receive buffer without a copy.
//! * Maps become lists of entries, which is what they are on the wire: no hashing, and a duplicate
//!   stays visible.
//! * `dynamic_metadata` becomes `bytes`: an encoded `Struct`, made once when the configuration is loaded.

use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

const PROTOS: [&str; 1] = ["envoy/service/auth/v3/external_auth.proto"];

/// Messages that carry credentials: `src/wire.rs` gives them a `Debug` that shows nothing.
const REDACTED: [&str; 4] = [
    ".envoy.service.auth.v3.CheckRequest",
    ".envoy.service.auth.v3.AttributeContext",
    ".envoy.config.core.v3.HeaderMap",
    ".envoy.config.core.v3.HeaderValue",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let mut files = protox::compile(PROTOS, ["proto"])?;
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

fn adapt(files: &mut FileDescriptorSet) {
    for file in &mut files.file {
        if file.package().starts_with("google.protobuf") {
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
        if field.r#type() == Type::String || field.name() == "dynamic_metadata" {
            field.set_type(Type::Bytes);
            field.type_name = None;
        }
    }
    for nested in &mut message.nested_type {
        adapt_message(nested);
    }
}
