use super::*;

#[test]
fn a_network_is_its_first_bits() {
    for (network, inside, outside) in [
        ("10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ("10.0.0.1", "::ffff:10.0.0.1", "::10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2"),
        ("10.0.0.0/8", "10.255.1.2", "11.0.0.0"),
        ("10.1.2.3/8", "10.255.1.2", "11.0.0.0"),
        ("::ffff:10.0.0.0/104", "10.255.1.2", "11.0.0.0"),
        ("192.0.2.128/25", "192.0.2.255", "192.0.2.127"),
        ("0.0.0.0/0", "192.0.2.1", "fd00::1"),
        ("::/0", "fd00::1", "192.0.2.1"),
        ("fd00::/8", "fdff::1", "fe80::1"),
        ("::1", "::1", "::2"),
    ] {
        let parsed = Network::parse(network).unwrap();
        assert!(parsed.contains(inside.parse().unwrap()), "{network}");
        assert!(!parsed.contains(outside.parse().unwrap()), "{network}");
    }
}

#[test]
fn what_is_no_network_is_refused() {
    for text in [
        "",
        "proxy",
        "10.0.0.0/33",
        "fd00::/129",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "10.0.0.0/-1",
        "10.0.0/8",
        "/8",
        "10.0.0.1:80",
        "[::1]",
        "::ffff:10.0.0.0/8",
    ] {
        let error = Network::parse(text).unwrap_err();
        assert!(
            error.to_string().contains("no address of a proxy"),
            "{text}"
        );
    }
}

#[test]
fn neighbours_share_64_bits_of_ipv6_and_all_of_ipv4() {
    let of = |address: &str| neighbourhood(address.parse().unwrap());
    assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
    assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
}
