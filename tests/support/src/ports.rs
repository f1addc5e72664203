//! Ports for programs that cannot be asked which port they chose.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Ports that were free a moment ago, on every address.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let listener = |()| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
    // All of them are bound before the first is given back, so that they differ.
    let listeners = [(); N].map(listener);
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}

/// An address on loopback whose port was free a moment ago.
pub fn free_address() -> SocketAddr {
    let [port] = free_ports();
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
