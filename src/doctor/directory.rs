//! The directory: each of its servers, and somebody in it.

use super::{Check, Finding};
use crate::directory::DirectoryError;
use crate::directory::ldap::{Blamed, BoundBy, Diagnosis, LdapDirectory, Step, StepKind};
use crate::error::ErrorKind;
use crate::explain::{Mend, System, for_commands, here, mend};
use crate::initiator::Initiator;
use crate::principal::Principal;
use crate::user::User;

/// How many groups are named.
const LISTED: usize = 12;

pub(super) async fn examine(
    directory: &LdapDirectory,
    user: Option<&str>,
    realm: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let servers = match directory.diagnose().await {
        Ok(servers) => servers,
        Err(error) => return vec![no_servers(directory, &error)],
    };
    let mut can_answer = false;
    for server in &servers {
        let place = Place::of(server);
        for step in &server.steps {
            findings.push(finding(step, server, &place));
        }
        can_answer |= server.steps.iter().all(|step| step.outcome.is_ok());
    }
    if let (true, Some(user)) = (can_answer, user) {
        findings.push(look_for(directory, user, realm).await);
    }
    findings
}

/// That there is nobody to ask about a user.
pub(super) fn none_for(user: &str) -> Finding {
    Finding::warning(
        Check::DirectoryUser,
        format!("nobody was asked about {user}: no directory was given"),
    )
    .meaning("Give the doctor the layer's directory, too.")
}

/// That the DNS names none for the domain.
fn no_servers(directory: &LdapDirectory, error: &DirectoryError) -> Finding {
    let (domain, server) = directory.asked_of_dns().unwrap_or_default();
    let domain = for_commands(domain).unwrap_or("DOMAIN");
    let server = server.map(|server| format!("@{} -p {} ", server.ip(), server.port()));
    let server = server.unwrap_or_default();
    Finding::error(Check::DirectoryAddress, error.to_string())
        .meaning(
            "Look whether the domain is spelled right, mend the DNS, or name the servers with \
             .server(..). This shows what the DNS says:",
        )
        .mended_by([here(format!("dig {server}+short SRV _ldap._tcp.{domain}"))])
}

/// It is bound to with a ticket of a KDC that does not answer.
pub(super) fn not_asked() -> Finding {
    Finding::note(
        Check::DirectoryBind,
        "the directory was not asked: the bind needs a ticket of the KDC, which is silent",
    )
    .meaning("Mend the KDC first, and run this again.")
}

/// A server as commands name it.
struct Place {
    host: String,
    port: String,
    url: String,
}

impl Place {
    fn of(server: &Diagnosis) -> Self {
        let (host, port) = match &server.place {
            Some((host, port)) => (for_commands(host), port.to_string()),
            None => (None, "PORT".to_owned()),
        };
        let scheme = match server.server.split_once(':') {
            Some(("ldaps", _)) => "ldaps",
            _ => "ldap",
        };
        let url = match host {
            Some(host) => format!("{scheme}://{host}:{port}"),
            None => "URL".to_owned(),
        };
        Self {
            host: host.unwrap_or("HOST").to_owned(),
            port,
            url,
        }
    }

    /// A client of OpenLDAP's, bound as the layer is.
    fn ldap_client(&self, program: &str, server: &Diagnosis) -> String {
        let tls = if server.starts_tls { " -ZZ" } else { "" };
        let bind = match server.bound_by {
            BoundBy::Nothing => "-x",
            BoundBy::Password => "-x -D BIND_NAME -W",
            BoundBy::External => "-Y EXTERNAL",
            #[cfg(feature = "ldap-gssapi")]
            BoundBy::Gssapi => "-Y GSSAPI",
        };
        format!("{program} -H {}{tls} {bind}", self.url)
    }
}

fn finding(step: &Step, server: &Diagnosis, place: &Place) -> Finding {
    let check = match step.kind {
        StepKind::Address => Check::DirectoryAddress,
        StepKind::Connection => Check::DirectoryConnection,
        StepKind::Tls => Check::DirectoryTls,
        StepKind::Bind => Check::DirectoryBind,
        StepKind::Base => Check::DirectoryBase,
    };
    let text = match &step.outcome {
        Ok(seen) => {
            return Finding::ok(
                check,
                format!("{}: {seen} ({} ms)", server.server, step.took.as_millis()),
            );
        }
        Err(text) => text,
    };
    let finding = Finding::error(check, text);
    let Place { host, port, .. } = place;
    match step.kind {
        StepKind::Address => finding
            .meaning("This machine must know the host of the URL, by the DNS or /etc/hosts.")
            .mended_by([here(format!("getent hosts {host}"))]),
        StepKind::Connection => finding
            .meaning(
                "Whoever signs in meanwhile gets 503. Start the server, let this machine reach it, \
                 or write the URL with its port.",
            )
            .mended_by(starts()),
        StepKind::Tls => finding
            .meaning(
                "Nothing is sent to a server that can't prove who it is. Give .ca_file(..) the \
                 certificate of the authority that signed the server's, or write the URL with a name \
                 that is in the certificate. This shows the certificates that it sends:",
            )
            .mended_by([here(format!(
                "openssl s_client -connect {host}:{port}{} -showcerts </dev/null",
                match server.starts_tls {
                    true => " -starttls ldap",
                    false => "",
                }
            ))]),
        StepKind::Bind => match step.blamed {
            Blamed::Password => finding
                .meaning(
                    "The server knows no such account with this password. Check the password that the \
                     layer is given: each wrong one counts, and may lock the account. Then look whether \
                     the account is locked, or its password has expired. Set another one only if it is \
                     lost.",
                )
                .mended_by(looks_at_account())
                .mended_by([here(place.ldap_client("ldapwhoami", server))
                    .only("once, with the password that the layer is given")]),
            Blamed::Key => finding.meaning(
                "The KDC has another key of the account than the keytab: its password was changed \
                 after the keytab was made. Copy the keytab of another server that works, or export \
                 it again; each wrong key counts, and may lock the account.",
            ),
            Blamed::Neither => finding.meaning(
                "Nobody is looked up before the layer can bind. That says nothing against the \
                 account's name or password: leave them as they are.",
            ),
        },
        StepKind::Base => finding
            .meaning(
                "Nobody is found below a base that is not there, or that the account may not see. \
                 Write it as the server does; this shows the roots of its trees:",
            )
            .mended_by([here(format!(
                "{} -s base -b '' namingContexts",
                place.ldap_client("ldapsearch", server)
            ))]),
    }
}

fn starts() -> [Mend; 4] {
    [
        mend(System::ActiveDirectory, "Start-Service NTDS"),
        mend(System::Samba, "systemctl start samba-ad-dc"),
        mend(System::FreeIpa, "ipactl start"),
        here("systemctl start slapd"),
    ]
}

/// The account's state; and a new password, which may be what a keytab is made of.
fn looks_at_account() -> Vec<Mend> {
    let each = [
        (
            System::ActiveDirectory,
            "Get-ADUser ACCOUNT -Properties LockedOut,PasswordExpired",
            "Set-ADAccountPassword ACCOUNT -Reset -NewPassword (Read-Host -AsSecureString \"New \
             password\")",
        ),
        (
            System::Samba,
            "samba-tool user show ACCOUNT",
            "samba-tool user setpassword ACCOUNT",
        ),
        // `ipa passwd` knows users alone, and what it sets must be changed at the first use.
        (
            System::FreeIpa,
            "ldapsearch -x -H ldaps://IPA_SERVER -D 'cn=Directory Manager' -W -s base -b ACCOUNT_DN \
             nsAccountLock krbPasswordExpiration",
            "ldappasswd -x -H ldaps://IPA_SERVER -D 'cn=Directory Manager' -W -S ACCOUNT_DN",
        ),
    ];
    let each = each.into_iter().flat_map(|(system, look, set)| {
        let set = mend(system, set)
            .only("only if the password is lost")
            .warns("this ends every keytab of the account, the SPN's too if it is on it");
        [mend(system, look), set]
    });
    each.collect()
}

async fn look_for(directory: &LdapDirectory, user: &str, realm: &str) -> Finding {
    let check = Check::DirectoryUser;
    let who = match user.contains('@') {
        true => user.parse(),
        false => Principal::from_parts(vec![user.to_owned()], realm.to_owned()),
    };
    let who = match who {
        Ok(who) => Initiator::new(who),
        Err(error) => return Finding::error(check, format!("{user}: {error}")),
    };
    let (found, took) = directory.look_for(&who).await;
    let error = match found {
        Ok(user) => return Finding::ok(check, described(&user, took.as_millis())),
        Err(error) => error,
    };
    let seen = format!("{}: {error}", who.principal());
    match error.kind() {
        ErrorKind::PacMissing => Finding::note(check, seen).meaning(
            "Only a ticket can tell who that is, and the doctor has none. Ask it with a directory \
             that has .trust_ticket_names().",
        ),
        ErrorKind::UserNotFound => Finding::error(check, seen).meaning(
            "The person would be refused (403). Widen the base or mend the filter; the account that \
             searches must be allowed to see the person.",
        ),
        kind if kind.is_outage() => {
            Finding::error(check, seen).meaning("The person would be refused for now (503).")
        }
        _ => Finding::error(check, seen).meaning("The person would be refused (403)."),
    }
}

fn described(user: &User, millis: u128) -> String {
    let groups: Vec<_> = user.groups().map(|group| group.name()).collect();
    let listed = match groups.get(..LISTED) {
        Some(first) if groups.len() > LISTED => {
            format!("{} and {} others", first.join(", "), groups.len() - LISTED)
        }
        _ => groups.join(", "),
    };
    let groups = match groups.len() {
        0 => "in no group".to_owned(),
        1 => format!("in the group {listed}"),
        count => format!("in {count} groups: {listed}"),
    };
    format!(
        "{} is {}, {}, {groups} ({millis} ms)",
        user.principal(),
        user.display_name(),
        user.dn().unwrap_or("without a DN"),
    )
}
