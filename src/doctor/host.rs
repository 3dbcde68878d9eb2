//! The host name, and what the DNS makes of it.

use std::io;
use std::net::{IpAddr, SocketAddr};

use dns_lookup::{AddrInfoHints, SockType, getaddrinfo, getnameinfo};

use super::{Check, Finding, Site, apart};
use crate::directory::ldap::alias_of;
use crate::explain::{Mend, System, for_commands, mend};

/// `AI_CANONNAME` and `NI_NAMEREQD` of netdb.h, which every Unix has.
const CANONICAL_NAME: i32 = 2;
const NAME_REQUIRED: i32 = 8;

/// More than that a site's name hardly has.
const ADDRESSES: usize = 8;

pub(super) async fn examine(site: Site, dns_server: Option<SocketAddr>) -> Vec<Finding> {
    let host = &site.host;
    if host.parse::<IpAddr>().is_ok() {
        return vec![
            Finding::warning(Check::Hostname, format!("{host} is an address")).meaning(
                "Browsers ask for no ticket where a site is opened by its address, and send NTLM \
                 instead. Give the site a name.",
            ),
        ];
    }
    let name = host.clone();
    let found = match apart(move || Some(look_up(&name))).await {
        None => return Vec::new(),
        Some(Ok(found)) => found,
        Some(Err(error)) => return vec![unknown(host, &error)],
    };
    let listed: Vec<_> = found.addresses.iter().map(ToString::to_string).collect();
    let alias = alias(host, &found, dns_server).await;
    let (name, addresses) = (host.clone(), found.addresses);
    let reverse = apart(move || Some(reverse(&name, &addresses))).await;
    let address = Finding::ok(
        Check::Address,
        format!("{host} has the addresses {}", listed.join(", ")),
    );
    [Some(address), Some(alias), reverse]
        .into_iter()
        .flatten()
        .collect()
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
        .mended_by(add_address(&zone, &name))
}

/// The system's look-up tells of aliases in its own files, too, which are nobody else's.
async fn alias(host: &str, found: &Found, dns_server: Option<SocketAddr>) -> Finding {
    let canonical = found.canonical.as_deref().unwrap_or(host);
    let canonical = canonical.trim_end_matches('.').to_ascii_lowercase();
    // Where the system sees no alias, there is none, but for a DNS server that it does not ask.
    if canonical == host && dns_server.is_none() {
        return Finding::ok(Check::Alias, format!("{host} is no alias"));
    }
    let target = match alias_of(host, dns_server).await {
        Ok(Some(target)) => target.to_ascii_lowercase(),
        Ok(None) if canonical == host => {
            return Finding::ok(Check::Alias, format!("{host} is no alias"));
        }
        Ok(None) => return called(host, &canonical, "the DNS has no alias of that name"),
        Err(_) if canonical == host => {
            let seen = format!("{host} is no alias, says this machine; the DNS was not heard");
            return Finding::ok(Check::Alias, seen);
        }
        Err(error) => return called(host, &canonical, &format!("the DNS was not heard: {error}")),
    };
    let (zone, name) = zone_and_name(host);
    let shown = for_commands(&target).unwrap_or("TARGET");
    let remove = [
        mend(
            System::ActiveDirectory,
            format!("Remove-DnsServerResourceRecord -ZoneName {zone} -Name {name} -RRType CName"),
        ),
        mend(
            System::Samba,
            format!("samba-tool dns delete DNS_SERVER {zone} {name} CNAME {shown}"),
        ),
        mend(
            System::FreeIpa,
            format!("ipa dnsrecord-del {zone} {name} --cname-rec={shown}."),
        ),
    ];
    let add = add_address(&zone, &name);
    let each = remove.into_iter().zip(add);
    let mends = each.flat_map(|(remove, add)| {
        let remove = remove.only("only if the site has a fixed address of its own");
        [remove, add.only("then, with that address")]
    });
    Finding::warning(Check::Alias, format!("{host} is an alias of {target}"))
        .meaning(format!(
            "Chrome, Edge, curl and MIT Kerberos follow the alias (a CNAME), and ask for a ticket for \
             HTTP/{target}; others do not. If that name is yours, give the layer \
             .hostname(\"{shown}\") and its SPN, and have people open the site by it. Where the \
             alias leads to no balancer, whose addresses change, give {host} an address of its own in place of it.",
        ))
        .mended_by(mends)
}

/// As this machine alone knows it.
fn called(host: &str, canonical: &str, dns: &str) -> Finding {
    let seen = format!("{host} is called {canonical} by this machine; {dns}");
    Finding::note(Check::Alias, seen).meaning(format!(
        "Most often that is a line of /etc/hosts, whose first name counts. Programs on this machine ask \
         for a ticket for HTTP/{canonical}; clients elsewhere go by the DNS."
    ))
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
    Finding::note(Check::ReverseName, others.join(", ")).meaning(
        "Clients with MIT Kerberos ask for a ticket for that name, unless their krb5.conf says \
             rdns = false in [libdefaults], as Debian's and Red Hat's do; Windows never does.",
    )
}

/// As commands can name them.
fn zone_and_name(host: &str) -> (String, String) {
    let (name, zone) = host.split_once('.').unwrap_or((host, "ZONE"));
    (
        for_commands(zone).unwrap_or("ZONE").to_owned(),
        for_commands(name).unwrap_or("NAME").to_owned(),
    )
}

/// What it resolves to here may be an address of this machine alone, or a balancer's.
fn add_address(zone: &str, name: &str) -> [Mend; 3] {
    [
        mend(
            System::ActiveDirectory,
            format!(
                "Add-DnsServerResourceRecord -ZoneName {zone} -Name {name} -A -IPv4Address ADDRESS"
            ),
        ),
        mend(
            System::Samba,
            format!("samba-tool dns add DNS_SERVER {zone} {name} A ADDRESS"),
        ),
        mend(
            System::FreeIpa,
            format!("ipa dnsrecord-add {zone} {name} --a-rec=ADDRESS"),
        ),
    ]
}
