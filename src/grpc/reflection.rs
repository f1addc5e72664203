//! Server reflection: the schema, for tools without one, such as grpcurl. Has nothing of
//! configuration or keys.

use tonic::service::Routes;
use tonic_reflection::pb;
use tonic_reflection::server::Builder;

use crate::wire;

use super::library::MAX_MESSAGE;

/// Adds `grpc.reflection.v1`, and `v1alpha`, which many tools still ask for.
pub(crate) fn add_to(routes: Routes) -> Routes {
    match (schema().build_v1(), schema().build_v1alpha()) {
        (Ok(v1), Ok(v1alpha)) => routes
            .add_service(v1.max_decoding_message_size(MAX_MESSAGE))
            .add_service(v1alpha.max_decoding_message_size(MAX_MESSAGE)),
        // The schema is a part of this build: tests show that it can be read.
        _ => routes,
    }
}

/// Everything that the listener serves, in both versions alike.
fn schema() -> Builder<'static> {
    Builder::configure()
        .include_reflection_service(false)
        .register_encoded_file_descriptor_set(wire::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(pb::v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(pb::v1alpha::FILE_DESCRIPTOR_SET)
}
