//! The host name, and what the DNS makes of it.

use std::io;
use std::net::{IpAddr, SocketAddr};

use dns_lookup::{AddrInfoHints, SockType, getaddrinfo, getnameinfo};

use super::{Check, Finding, Site};
use crate::explain::{Mend, System, for_commands, here, mend};

/// `AI_CANONNAME` and `NI_NAMEREQD` of netdb.h, which every Unix has.
const CANONICAL_NAME: i32 = 2;
const NAME_REQUIRED: i32 = 8;

/// More than that a site's name hardly has.
const ADDRESSES: usize = 8;

pub(super) fn examine(site: &Site) -> Vec<Finding> {
    let host = &site.host;
    if host.parse::<IpAddr>().is_ok() {
        return vec![
            Finding::warning(Check::Hostname, format!("{host} is an address")).meaning(
                "Browsers ask for no ticket where a site is opened by its address, and send NTLM \
                 instead. Give the site a name.",
            ),
        ];
    }
    let found = match look_up(host) {
        Ok(found) => found,
        Err(error) => return vec![unknown(host, &error)],
    };
    let listed: Vec<_> = found.addresses.iter().map(ToString::to_string).collect();
    vec![
        Finding::ok(
            Check::Address,
            format!("{host} has the addresses {}", listed.join(", ")),
        ),
        alias(host, &found),
        reverse(host, &found.addresses),
    ]
}

struct Found {
    addresses: Vec<IpAddr>,
    /// The name that the host name is an alias of; itself where it is none.
    canonical: Option<String>,
}

/// As libkrb5 looks names up.
fn look_up(host: &str) -> io::Result<Found> {
    let hints = AddrInfoHints {
        flags: CANONICAL_NAME,
        socktype: SockType::Stream.into(),
        ..AddrInfoHints::default()
    };
    let mut found = Found {
        addresses: Vec::new(),
        canonical: None,
    };
    for info in getaddrinfo(Some(host), None, Some(hints))? {
        let info = info?;
        let address = info.sockaddr.ip();
        if !found.addresses.contains(&address) && found.addresses.len() < ADDRESSES {
            found.addresses.push(address);
        }
        // The first has it alone.
        found.canonical = found.canonical.or(info.canonname);
    }
    Ok(found)
}

fn unknown(host: &str, error: &io::Error) -> Finding {
    let (zone, name) = zone_and_name(host);
    Finding::warning(Check::Address, format!("{host} is not found: {error}"))
        .meaning(
            "A client that does not find it either can't open the site. If only this machine does \
             not know the name, clients may all the same.",
        )
        .mended_by(add_address(&zone, &name, "ADDRESS"))
}

fn alias(host: &str, found: &Found) -> Finding {
    let canonical = found.canonical.as_deref().unwrap_or(host);
    let canonical = canonical.trim_end_matches('.').to_ascii_lowercase();
    if canonical == host {
        return Finding::ok(Check::Alias, format!("{host} is no alias"));
    }
    let (zone, name) = zone_and_name(host);
    let target = for_commands(&canonical).unwrap_or("TARGET");
    let address = found.addresses.first().map(ToString::to_string);
    let address = address.as_deref().unwrap_or("ADDRESS");
    let remove = [
        mend(
            System::ActiveDirectory,
            format!(
                "Remove-DnsServerResourceRecord -ZoneName {zone} -Name {name} -RRType CName -Force"
            ),
        ),
        mend(
            System::Samba,
            format!("samba-tool dns delete DNS_SERVER {zone} {name} CNAME {target}"),
        ),
        mend(
            System::FreeIpa,
            format!("ipa dnsrecord-del {zone} {name} --cname-rec={target}."),
        ),
    ];
    let add = add_address(&zone, &name, address);
    let mends = remove.into_iter().zip(add).flat_map(<[Mend; 2]>::from);
    Finding::warning(Check::Alias, format!("{host} is an alias of {canonical}"))
        .meaning(format!(
            "Chrome, Edge, curl and MIT Kerberos follow the alias (a CNAME, or the first name of a \
             line in /etc/hosts), and ask for a ticket for HTTP/{canonical}; others do not. Give \
             {host} an address of its own in place of the alias; or give the layer \
             .hostname(\"{canonical}\") and its SPN, and have people open the site by that name.",
        ))
        .mended_by(mends)
}

fn reverse(host: &str, addresses: &[IpAddr]) -> Finding {
    let mut others = Vec::new();
    for address in addresses {
        let name = getnameinfo(&SocketAddr::new(*address, 0), NAME_REQUIRED);
        if let Ok((name, _)) = name
            && !name.eq_ignore_ascii_case(host)
            && name.parse::<IpAddr>().is_err()
        {
            others.push(format!("{address} is called {name}"));
        }
    }
    if others.is_empty() {
        return Finding::ok(
            Check::ReverseName,
            format!("no address of {host} has another name"),
        );
    }
    Finding::note(Check::ReverseName, others.join(", "))
        .meaning(
            "Clients with MIT Kerberos ask for a ticket for that name, unless their krb5.conf says \
             rdns = false, as Debian's and Red Hat's do; Windows never does.",
        )
        .mended_by([here(
            "printf '[libdefaults]\\n    rdns = false\\n' >>/etc/krb5.conf # on such a client",
        )])
}

/// As commands can name them.
fn zone_and_name(host: &str) -> (String, String) {
    let (name, zone) = host.split_once('.').unwrap_or((host, "ZONE"));
    (
        for_commands(zone).unwrap_or("ZONE").to_owned(),
        for_commands(name).unwrap_or("NAME").to_owned(),
    )
}

fn add_address(zone: &str, name: &str, address: &str) -> [Mend; 3] {
    let (kind, option, long) = match address.contains(':') {
        true => ("AAAA", "aaaa-rec", "-AAAA -IPv6Address"),
        false => ("A", "a-rec", "-A -IPv4Address"),
    };
    [
        mend(
            System::ActiveDirectory,
            format!("Add-DnsServerResourceRecord -ZoneName {zone} -Name {name} {long} {address}"),
        ),
        mend(
            System::Samba,
            format!("samba-tool dns add DNS_SERVER {zone} {name} {kind} {address}"),
        ),
        mend(
            System::FreeIpa,
            format!("ipa dnsrecord-add {zone} {name} --{option}={address}"),
        ),
    ]
}
