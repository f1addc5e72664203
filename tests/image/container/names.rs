//! A DNS server that knows one name, for a container whose `/etc/resolv.conf` names it.

use std::net::UdpSocket;
use std::thread;

/// An address of loopback that nothing else uses; resolvers ask port 53 and no other.
const ADDRESS: &str = "127.0.53.53:53";
pub(crate) const RESOLV_CONF: &str = "nameserver 127.0.53.53\n";
/// Not in `/etc/hosts`.
pub(crate) const NAME: &str = "keys.watchword.test";

/// Answers until the process ends.
pub(crate) fn serve() {
    let socket = UdpSocket::bind(ADDRESS).expect("port 53 of loopback, which only root may have");
    thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, asker)) = socket.recv_from(&mut question) {
            // An answer that is lost is asked for again.
            let _ = socket.send_to(&answer(&question[..length]), asker);
        }
    });
}

/// 127.0.0.1 for the IPv4 address of the name; no such name for others (RFC 1035 §4.1).
fn answer(query: &[u8]) -> Vec<u8> {
    let question_end = 12 + encoded(NAME).len() + 4;
    let known = query.len() >= question_end && query[12..].starts_with(&encoded(NAME));
    let address = known && query[question_end - 4..question_end] == [0, 1, 0, 1];
    let code = if known { 0 } else { 3 };
    let mut message = query[..2].to_vec();
    // An answer, by an authority, with recursion; one question, and one record or none.
    message.extend([0x85, 0x80 | code, 0, 1, 0, u8::from(address), 0, 0, 0, 0]);
    message.extend(&query[12..query.len().min(question_end)]);
    if address {
        // The name of the question, A, IN, a minute, four bytes.
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    message
}

fn encoded(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}
