//! The keytab: its file, who may read it, and what it holds.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::machine::user;
use super::{Check, Finding, Site};
use crate::explain::{Enctype, NO_COPY, Names, here, is_the_machines, path_for_commands};
use crate::kerberos::examination::{KeytabCopy, KeytabProblem};
use crate::kerberos::exposure;
use crate::principal::Principal;

/// A keytab that has the SPN.
pub(super) struct Sound {
    pub(super) copy: KeytabCopy,
    pub(super) service: Principal,
    pub(super) names: Names,
}

/// The keytab, where there is something to try with it.
pub(super) fn examine(site: &Site, path: &Path, findings: &mut Vec<Finding>) -> Option<Sound> {
    let components = vec!["HTTP".to_owned(), site.host.clone()];
    let service = Principal::from_parts(components, site.realm.clone()).ok()?;
    let names = Names::of(Some(&service), path.to_str());
    let copy = match KeytabCopy::read(path) {
        Ok(copy) => copy,
        Err(problem) => {
            findings.push(unusable(path, &problem, &names));
            return None;
        }
    };
    findings.push(Finding::ok(
        Check::Keytab,
        format!("{} has {} keys", path.display(), copy.entries.len()),
    ));
    findings.extend(access(path));
    let names = names.beside(copy.entries.iter().map(|entry| &entry.principal));
    let own = keys_of(&copy, &service);
    let Some((newest, keys)) = own.last_key_value() else {
        findings.push(missing(&copy, &service, &names));
        return None;
    };
    findings.push(Finding::ok(Check::Spn, service.to_string()));
    findings.push(types(*newest, keys, own.len(), &names));
    Some(Sound {
        copy,
        service,
        names,
    })
}

impl Sound {
    /// Whether GSSAPI takes the keys.
    pub(super) fn credential(&self) -> Finding {
        let service = self.service.to_string();
        match self.copy.acquire(&service) {
            Ok(()) => Finding::ok(
                Check::Credential,
                format!("GSSAPI takes the keys of {service}"),
            ),
            Err(text) => Finding::error(
                Check::Credential,
                format!("GSSAPI does not take the keys of {service}: {text}"),
            )
            .meaning(
                "The layer does not start. Put a copy of the keytab in its place: an old one, or that \
                 of another server of the site. If there is none, export the SPN's key.",
            )
            .mended_by(self.names.export(NO_COPY)),
        }
    }
}

/// The keytab of whoever asks the KDC.
pub(super) fn clients(path: &Path) -> Result<KeytabCopy, Finding> {
    KeytabCopy::read(path).map_err(|problem| {
        let shown = path.display();
        let seen = match problem {
            KeytabProblem::Unreadable(cause) => format!("{shown} can't be read: {cause}"),
            KeytabProblem::Malformed(cause) => format!("{shown} is no keytab: {cause}"),
        };
        Finding::warning(Check::ClientKeytab, seen).meaning(
            "The KDC is asked by the service's own keytab. Name a keytab that can be read.",
        )
    })
}

/// The types of a principal's keys, and when each was put there, by version.
fn keys_of(copy: &KeytabCopy, principal: &Principal) -> BTreeMap<u32, Vec<(Enctype, u32)>> {
    let mut keys: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    for entry in &copy.entries {
        if entry.principal == *principal {
            let of_version = keys.entry(entry.kvno).or_default();
            of_version.push((Enctype::of(entry.enctype), entry.timestamp));
        }
    }
    keys
}

fn unusable(path: &Path, problem: &KeytabProblem, names: &Names) -> Finding {
    let shown = path.display();
    let file = path
        .to_str()
        .and_then(path_for_commands)
        .unwrap_or("KEYTAB");
    let error = |seen| Finding::error(Check::Keytab, seen);
    match problem {
        KeytabProblem::Unreadable(cause)
            if cause.kind() == io::ErrorKind::PermissionDenied && is_the_machines(path) =>
        {
            error(format!("{shown} can't be read: {cause}"))
                .meaning(
                    "It has the machine's own keys, and is root's alone with good reason: whoever reads \
                     it can be the machine. Leave it so. Make a keytab of the service's own, and name \
                     it with .keytab(..).",
                )
                .mended_by(names.export("only if the service has no keytab"))
        }
        KeytabProblem::Unreadable(cause) => match cause.kind() {
            io::ErrorKind::NotFound => error(format!("there is no {shown}"))
                .meaning(
                    "Put it back, or copy it from another server of the site, or name another with \
                     .keytab(..). If there is no copy, export the SPN's key to it.",
                )
                .mended_by(names.export(NO_COPY)),
            // Its own mode lets nobody in, or that of a folder above it.
            io::ErrorKind::PermissionDenied if path.metadata().is_err() => error(format!(
                "{shown} can't be looked at: {cause}"
            ))
            .meaning(
                "The user that the service runs as may not enter a folder above it. Let it, \
                         or put the keytab elsewhere. This shows the folders' modes:",
            )
            .mended_by([here(format!("namei -l {file}"))]),
            io::ErrorKind::PermissionDenied => error(format!("{shown} can't be read: {cause}"))
                .meaning(
                    "Give it to the user that the service runs as, and to nobody else; if it has keys of \
                     the machine or of other services, make one of the service's own instead.",
                )
                .mended_by([
                    here(format!("klist -k {file}")),
                    here(format!("chown {} {file} && chmod 600 {file}", user()))
                        .only("only if it has HTTP/ alone"),
                ]),
            _ => error(format!("{shown} can't be read: {cause}"))
                .meaning("Name the keytab's file with .keytab(..)."),
        },
        KeytabProblem::Malformed(cause) => error(format!("{shown} is no keytab: {cause}"))
            .meaning(
                "Move it out of the way, and put a copy in its place: an old one, or that of another \
                 server of the site. If there is none, export the SPN's key.",
            )
            .mended_by([here(format!("mv {file} {file}.broken"))])
            .mended_by(names.export(NO_COPY)),
    }
}

fn access(path: &Path) -> Option<Finding> {
    let metadata = path.metadata().ok()?;
    let shown = path.display();
    let mode = metadata.mode() & 0o7777;
    let Some(exposure) = exposure(mode) else {
        let group = match mode & 0o040 {
            0 => String::new(),
            _ => format!(" and the group {}", metadata.gid()),
        };
        return Some(Finding::ok(
            Check::KeytabAccess,
            format!(
                "{shown} is for uid {}{group} alone (mode {mode:04o})",
                metadata.uid()
            ),
        ));
    };
    let file = path
        .to_str()
        .and_then(path_for_commands)
        .unwrap_or("KEYTAB");
    Some(
        Finding::warning(
            Check::KeytabAccess,
            format!("{exposure} {shown} (mode {mode:04o})"),
        )
        .meaning(
            "Whoever has the keys can sign in here as anybody. Let the user that the service runs as \
             read it, and nobody else; if strangers had it, change the account's password, too.",
        )
        .mended_by([here(format!("chmod g-w,o= {file}"))]),
    )
}

fn missing(copy: &KeytabCopy, service: &Principal, names: &Names) -> Finding {
    let mut held: Vec<&Principal> = Vec::new();
    for entry in &copy.entries {
        if !held.contains(&&entry.principal) {
            held.push(&entry.principal);
        }
    }
    let listed: Vec<_> = held.iter().take(8).map(ToString::to_string).collect();
    let listed = match listed.is_empty() {
        true => "no key at all".to_owned(),
        false => listed.join(", "),
    };
    let finding = Finding::error(
        Check::Spn,
        format!("there is no key of {service}; there is {listed}"),
    );
    if service
        .components()
        .iter()
        .any(|one| one.parse::<IpAddr>().is_ok())
    {
        return finding.meaning("There are no tickets for an address. Give the site a name.");
    }
    let in_other_case = held
        .iter()
        .find(|other| other.to_string().eq_ignore_ascii_case(&service.to_string()));
    let in_other_realm = held
        .iter()
        .find(|other| other.components() == service.components());
    let finding = match (in_other_case, in_other_realm) {
        (_, Some(other)) => finding.meaning(format!(
            "The SPN is in the realm {} there. If that is the service's own, name it so; upper and \
             lower case differ.",
            other.realm()
        )),
        (Some(other), None) => finding.meaning(format!(
            "{other} is another principal: upper and lower case differ, and browsers ask for the \
             host in lower case and for HTTP in upper. Make the SPN anew in that way, and export it.",
        )),
        (None, None) => finding.meaning(
            "Browsers ask for a ticket for the name that a person opens. Add the SPN to the service's \
             account, and its key to the keytab, or name the host of an SPN that is there.",
        ),
    };
    finding.mended_by(names.add(names))
}

fn types(newest: u32, keys: &[(Enctype, u32)], versions: usize, names: &Names) -> Finding {
    let listed: Vec<_> = keys
        .iter()
        .map(|(enctype, _)| match enctype.is_weak() {
            true => format!("{enctype} (weak)"),
            false => enctype.to_string(),
        })
        .collect();
    let others = match versions {
        0 | 1 => String::new(),
        2 => "; one older version beside it".to_owned(),
        _ => format!("; {} older versions beside it", versions - 1),
    };
    let age = keys
        .iter()
        .filter_map(|(_, timestamp)| age(*timestamp))
        .min();
    let age = age.map_or(String::new(), |age| format!(", put there {age}"));
    let seen = format!("kvno {newest}{age}: {}{others}", listed.join(", "));
    let has = |weak| keys.iter().any(|(enctype, _)| enctype.is_weak() == weak);
    match (has(true), has(false)) {
        (false, _) => Finding::ok(Check::Keys, seen),
        (true, true) => Finding::note(Check::Keys, seen).meaning(
            "As long as a weak key is there, tickets sealed with it count, which are easier to forge. \
             Once all clients have tickets with AES, leave it out of the keytab.",
        ),
        (true, false) => Finding::warning(Check::Keys, seen)
            .meaning(
                "All keys are of weak types (RFC 6649, RFC 8429): KDCs and clients of today refuse \
                 them, or soon will. Have the account take AES, and export the keytab again.",
            )
            .mended_by(names.use_aes(true)),
    }
}

/// None where the keytab does not say, as those of ktpass don't.
fn age(timestamp: u32) -> Option<Age> {
    let put = SystemTime::UNIX_EPOCH + Duration::from_secs(timestamp.into());
    let age = SystemTime::now().duration_since(put).ok()?;
    (timestamp > 0).then_some(Age(age.as_secs() / (24 * 60 * 60)))
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Age(u64);

impl std::fmt::Display for Age {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => f.write_str("within a day"),
            1 => f.write_str("a day ago"),
            days => write!(f, "{days} days ago"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Others read it at their own risk: the web server must not.
    #[test]
    fn the_machines_own_keytab_is_given_to_nobody() {
        let path = Path::new("/etc/krb5.keytab");
        let service = "HTTP/web.corp.test@CORP.TEST".parse().unwrap();
        let denied = KeytabProblem::Unreadable(io::ErrorKind::PermissionDenied.into());
        let finding = unusable(path, &denied, &Names::of(Some(&service), path.to_str()));
        assert!(finding.means().unwrap().contains("of the service's own"));
        assert!(finding.mends().len() > 3);
        for mend in finding.mends() {
            assert!(!mend.command().contains("krb5.keytab"), "{mend}");
        }
    }
}
