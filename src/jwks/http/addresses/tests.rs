//! Addresses, each forbidden one beside one that is not.

use super::*;

fn kind(address: &str, deny_private: bool) -> Option<&'static str> {
    forbidden(address.parse().unwrap(), deny_private)
}

#[test]
fn some_addresses_are_never_spoken_to() {
    let table = [
        ("169.254.169.254", METADATA, "169.253.255.255"),
        ("169.254.0.0", "a link-local address", "169.255.0.0"),
        ("169.254.170.2", "a link-local address", "168.254.170.2"),
        ("168.63.129.16", METADATA, "168.63.129.17"),
        ("100.100.100.200", METADATA, "100.100.100.201"),
        ("192.0.0.192", METADATA, "192.0.0.193"),
        ("0.0.0.0", "an unspecified address", "1.0.0.0"),
        ("0.1.2.3", "an unspecified address", "1.1.2.3"),
        ("224.0.0.1", "a multicast address", "223.255.255.255"),
        ("239.255.255.255", "a multicast address", "127.0.0.1"),
        ("240.0.0.1", "a reserved address", "10.0.0.1"),
        ("255.255.255.255", "the broadcast address", "192.168.0.1"),
        ("::", "an unspecified address", "::1"),
        ("fe80::1", "a link-local address", "fec0::1"),
        ("febf::1", "a link-local address", "fe7f::1"),
        ("ff02::1", "a multicast address", "feff::1"),
        ("fd00:ec2::254", METADATA, "fd00:ec2::255"),
        ("fd00:ec2::23", METADATA, "fd00:ec3::23"),
        ("fd20:ce::254", METADATA, "fd20:ce::253"),
        ("fd00:c1::a9fe:a9fe", METADATA, "fd00:c1::a9fe:a9ff"),
        ("fd00:42::42", METADATA, "fd00:42::43"),
        ("2001:0:1::1", "a Teredo address", "2001:1:1::1"),
        ("64:ff9b:1::a9fe:a9fe", METADATA, "64:ff9b:1::a9ff:a9fe"),
    ];
    for (denied, expected, allowed) in table {
        for deny_private in [false, true] {
            assert_eq!(kind(denied, deny_private), Some(expected), "{denied}");
        }
        assert_eq!(kind(allowed, false), None, "{allowed}");
    }
}

#[test]
fn private_addresses_are_refused_where_the_configuration_says_so() {
    let table = [
        ("127.0.0.1", "a loopback address", "128.0.0.1"),
        ("127.255.255.255", "a loopback address", "126.255.255.255"),
        ("10.0.0.0", "a private address", "11.0.0.0"),
        ("10.255.255.255", "a private address", "9.255.255.255"),
        ("172.16.0.1", "a private address", "172.15.0.1"),
        ("172.31.255.255", "a private address", "172.32.0.0"),
        ("192.168.255.255", "a private address", "192.169.0.0"),
        ("100.64.0.0", "a private address", "100.63.255.255"),
        ("100.127.255.255", "a private address", "100.128.0.0"),
        ("192.0.0.1", SPECIAL, "192.0.1.1"),
        ("192.0.2.1", SPECIAL, "192.0.3.1"),
        ("192.88.99.1", SPECIAL, "192.88.98.1"),
        ("198.18.0.1", SPECIAL, "198.17.0.1"),
        ("198.19.255.255", SPECIAL, "198.20.0.0"),
        ("198.51.100.1", SPECIAL, "198.51.101.1"),
        ("203.0.113.1", SPECIAL, "203.0.114.1"),
        ("::1", "a loopback address", "2600::1"),
        ("fc00::1", "a private address", "2a00::1"),
        ("fdff::1", "a private address", "2a00::1"),
        ("fec0::1", SPECIAL, "2400::1"),
        ("100::1", SPECIAL, "2c00::1"),
        ("4000::1", SPECIAL, "3ffe::1"),
        ("2001:2::1", SPECIAL, "2001:200::1"),
        ("2001:db8::1", SPECIAL, "2001:db9::1"),
        ("64:ff9b:1::5db8:d70e", SPECIAL, "64:ff9b::5db8:d70e"),
        ("3fff:fff::1", SPECIAL, "3fff:1000::1"),
    ];
    for (denied, expected, allowed) in table {
        assert_eq!(kind(denied, true), Some(expected), "{denied}");
        assert_eq!(kind(denied, false), None, "{denied}");
        assert_eq!(kind(allowed, true), None, "{allowed}");
    }
}

#[test]
fn an_address_inside_another_is_judged_as_itself() {
    let forms = |address: &str| {
        let [a, b, c, d] = address.parse::<Ipv4Addr>().unwrap().octets();
        let (high, low) = (
            format!("{:x}", u16::from_be_bytes([a, b])),
            format!("{:x}", u16::from_be_bytes([c, d])),
        );
        [
            format!("::ffff:{high}:{low}"),
            format!("::{high}:{low}"),
            format!("::ffff:0:{high}:{low}"),
            format!("64:ff9b::{high}:{low}"),
            format!("2002:{high}:{low}::1"),
        ]
    };
    for address in forms("169.254.169.254") {
        assert_eq!(kind(&address, false), Some(METADATA), "{address}");
    }
    for address in forms("10.1.2.3") {
        assert_eq!(kind(&address, true), Some("a private address"), "{address}");
        assert_eq!(kind(&address, false), None, "{address}");
    }
    for address in forms("93.184.215.14") {
        assert_eq!(kind(&address, true), None, "{address}");
    }
}

#[test]
fn every_spelling_of_an_address_in_a_url_is_judged() {
    let metadata = [
        "http://169.254.169.254/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        "http://169.254.43518/",
        "http://169.254.169.254./",
        "http://%31%36%39.254.169.254/",
        "http://１６９.254.169.254/",
        "https://[::ffff:169.254.169.254]/",
        "https://[::FFFF:A9FE:A9FE]:8443/",
    ];
    for url in metadata {
        let refused = check_literal(&url.parse().unwrap(), false).unwrap_err();
        assert_eq!(refused.kind, METADATA, "{url}");
    }
    let public = [
        "https://93.184.215.14/",
        "https://[2600::1]/",
        "https://a9fea9fe/",
    ];
    for url in public {
        assert_eq!(check_literal(&url.parse().unwrap(), true), Ok(()), "{url}");
    }
}
