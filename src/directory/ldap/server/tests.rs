use std::path::Path;

use super::*;

#[test]
fn urls_name_host_port_and_tls() {
    for (url, host, port, tls, loopback) in [
        (
            "ldaps://ldap.example.com",
            "ldap.example.com",
            636,
            true,
            false,
        ),
        (
            "ldap://ldap.example.com/",
            "ldap.example.com",
            389,
            false,
            false,
        ),
        ("LDAP://10.0.0.1:1389", "10.0.0.1", 1389, false, false),
        ("ldap://localhost:1389", "localhost", 1389, false, true),
        ("ldap://LocalHost", "LocalHost", 389, false, true),
        ("ldap://127.8.9.1", "127.8.9.1", 389, false, true),
        ("ldap://[::1]:1389", "::1", 1389, false, true),
        ("ldap://[2001:db8::1]", "2001:db8::1", 389, false, false),
        (
            "ldap://127.0.0.1.example.com",
            "127.0.0.1.example.com",
            389,
            false,
            false,
        ),
        (
            "ldap://localhost.example.com",
            "localhost.example.com",
            389,
            false,
            false,
        ),
    ] {
        let address = Address::parse(url).expect(url);
        match address.place() {
            Place::Network {
                host: own,
                port: at,
            } => {
                assert_eq!((own.as_str(), *at), (host, port), "{url}");
            }
            Place::Socket(path) => panic!("{url}: {path:?}"),
        }
        assert_eq!(address.uses_tls(), tls, "{url}");
        assert_eq!(address.is_local(), loopback, "{url}");
    }
}

#[test]
fn other_urls_say_what_to_write() {
    for (url, reason) in [
        ("ldap.example.com", "ldaps://ldap.example.com"),
        ("ldapi:///", "ldapi://%2Frun%2Fslapd%2Fldapi"),
        ("ldapi://", "ldapi://%2Frun%2Fslapd%2Fldapi"),
        ("ldapi:///run/slapd/ldapi", "ldapi://%2Frun%2Fslapd%2Fldapi"),
        ("ldapi://run%2Fldapi", "percent-encoded"),
        ("ldapi://%2Frun%2", "percent-encoded"),
        ("ldapi://%2Frun%2xfoo", "percent-encoded"),
        ("ldapi://%2Frun%00", "percent-encoded"),
        ("ldapi://%2F", "percent-encoded"),
        ("ldapi://%2Frun:389", "percent-encoded"),
        ("ldapi://web:s3cret@%2Frun%2Fldapi", "percent-encoded"),
        ("ldapi://%2Frun%2Fldapi?uid", ".search(..)"),
        ("https://ldap.example.com", "the scheme https is not known"),
        ("ldap:example", "can't be a host"),
        ("ldap:///", "can't be a host"),
        ("ldap://a%20b", "can't be a host"),
        ("ldaps://[::1]", "write the host's name"),
        ("ldap://web:s3cret@host", ".bind_simple(..)"),
        ("ldap://host/dc=example", ".search(..)"),
        ("ldap://host?uid", ".search(..)"),
    ] {
        let error = Address::parse(url).expect_err(url).to_string();
        assert!(error.starts_with("the LDAP directory's URL is wrong: "));
        assert!(error.contains(reason), "{url}: {error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

#[test]
fn a_socket_is_local_and_its_path_decoded() {
    for (url, path) in [
        ("ldapi://%2Frun%2Fslapd%2Fldapi", "/run/slapd/ldapi"),
        ("ldapi://%2fvar%2Frun%2fa%20b/", "/var/run/a b"),
        ("LDAPI://%2F%C3%A4", "/ä"),
    ] {
        let address = Address::parse(url).expect(url);
        match address.place() {
            Place::Socket(own) => assert_eq!(own, Path::new(path), "{url}"),
            place => panic!("{url}: {place:?}"),
        }
        assert!(address.is_local() && !address.uses_tls(), "{url}");
    }
}

#[test]
fn tls_starts_where_it_is_not_there_yet() {
    let start = |url| Address::parse(url).expect(url).starting_tls();
    let address = start("ldap://ldap.example.com").unwrap();
    assert_eq!(address.tls(), TlsFrom::StartTls);
    assert!(address.uses_tls());
    for (url, reason) in [
        ("ldaps://ldap.example.com", "which is TLS already"),
        ("ldapi://%2Frun%2Fldapi", "does not leave this machine"),
        ("ldap://[2001:db8::1]", "write the host's name"),
    ] {
        let error = start(url).expect_err(url).to_string();
        assert!(error.contains(reason), "{url}: {error}");
    }
}
