//! The objects in the cluster beside the chart's: certificates, a Service behind the proxy, and
//! endpoints, which no controller writes here.

use std::fs;
use std::net::IpAddr;

use serde_json::{Value, json};
use watchword_test_support::pki::{self, Identity};

/// The host that clients ask.
pub(super) const HOST: &str = "orders.example.com";

/// A certificate of the test's authority for these names, as the Secret of this name. Returns also
/// the certificate and its key.
pub(super) fn certificate(name: &str, hosts: &[&str]) -> (Value, String, String) {
    let (certificate, key) = Identity::server_called(hosts).pem_files("contour");
    let read = |path| {
        let text = fs::read_to_string(path).unwrap();
        fs::remove_file(path).unwrap();
        text
    };
    let (certificate, key) = (read(&certificate), read(&key));
    let authority = fs::read_to_string(pki::ca_file()).unwrap();
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name},
        "stringData": {"tls.crt": certificate, "tls.key": key, "ca.crt": authority},
    });
    (secret, certificate, key)
}

pub(super) fn service(name: &str, port: u16) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"name": "http", "port": port}]},
    })
}

/// The endpoint of a Service's port.
pub(super) fn endpoint_slice(service: &str, port_name: &str, address: IpAddr, port: u16) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": format!("{service}-by-hand"),
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": if address.is_ipv4() { "IPv4" } else { "IPv6" },
        "endpoints": [{"addresses": [address], "conditions": {"ready": true}}],
        "ports": [{"name": port_name, "port": port, "protocol": "TCP"}],
    })
}
