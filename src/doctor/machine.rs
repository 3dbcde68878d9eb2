//! This machine: who looks, its krb5.conf, its replay cache.

use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::{Check, Finding, Level, Site};
use crate::explain::{ReplayCacheProblem, for_commands, here, path_for_commands};
use crate::kerberos::examination::{self, Krb5Conf};

/// What krb5.conf says, where libkrb5 can read it.
pub(super) fn examine(
    site: &Site,
    replay_cache: Option<&Path>,
    findings: &mut Vec<Finding>,
) -> Option<Krb5Conf> {
    findings.extend(root());
    findings.push(environment());
    let conf = match Krb5Conf::read() {
        Ok(conf) => {
            findings.push(found());
            findings.push(default_realm(site, &conf));
            findings.push(ntlm());
            Some(conf)
        }
        Err(text) => {
            findings.push(broken(site, &text));
            None
        }
    };
    let looked = examination::replay_cache(replay_cache);
    findings.push(match looked {
        Ok(path) => Finding::ok(
            Check::ReplayCache,
            format!("{} can be written", path.display()),
        ),
        Err(problem) => unwritable(&problem),
    });
    conf
}

/// The system's default keytab.
pub(super) fn default_keytab(conf: Option<&Krb5Conf>) -> Result<PathBuf, Finding> {
    match conf.map(|conf| &conf.keytab) {
        Some(Ok(path)) => Ok(path.clone()),
        Some(Err(error)) => Err(Finding::error(Check::Keytab, error.to_string())),
        None => Ok(PathBuf::from("/etc/krb5.keytab")),
    }
}

/// The user whose rights count, as a command can name it.
pub(super) fn user() -> String {
    // Whoever runs this as root runs the service as somebody else.
    if geteuid().is_root() {
        return "USER".to_owned();
    }
    let uid = geteuid().as_raw().to_string();
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number == uid).then_some(name)
    });
    name.and_then(for_commands).unwrap_or(&uid).to_owned()
}

fn root() -> Option<Finding> {
    geteuid().is_root().then(|| {
        Finding::note(Check::User, "this is run as root").meaning(
            "Root may read and write every file. Run it as the user that the service runs as, with \
             sudo -u, to see what that one may not.",
        )
    })
}

/// What libkrb5 goes by. Names and paths are no secrets.
fn environment() -> Finding {
    const VARIABLES: [&str; 5] = [
        "KRB5_CONFIG",
        "KRB5_KTNAME",
        "KRB5RCACHEDIR",
        "KRB5RCACHENAME",
        "TMPDIR",
    ];
    let is_set = VARIABLES.into_iter().filter_map(|name| {
        let value = std::env::var_os(name)?;
        Some(format!("{name}={}", value.display()))
    });
    let is_set: Vec<_> = is_set.collect();
    let seen = match is_set.is_empty() {
        true => format!("none of {} is set", VARIABLES.join(", ")),
        false => is_set.join(", "),
    };
    Finding::ok(Check::Environment, seen)
}

/// As libkrb5 looks for it.
fn files() -> Vec<PathBuf> {
    match std::env::var_os("KRB5_CONFIG") {
        Some(paths) => std::env::split_paths(&paths).collect(),
        None => vec![PathBuf::from("/etc/krb5.conf")],
    }
}

fn listed(files: &[PathBuf]) -> String {
    let names: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    names.join(", ")
}

fn found() -> Finding {
    let (there, missing): (Vec<_>, Vec<_>) = files().into_iter().partition(|file| file.exists());
    if there.is_empty() {
        return Finding::note(Check::Krb5Conf, format!("there is no {}", listed(&missing))).meaning(
            "MIT Kerberos goes by its defaults: there is no default realm, and the DNS names the \
             KDCs.",
        );
    }
    let unread = unread();
    if unread.is_empty() {
        return Finding::ok(Check::Krb5Conf, format!("{} can be read", listed(&there)));
    }
    unreadable(Level::Warning, &unread)
        .meaning("MIT Kerberos goes on as if it were not there, and says nothing of it.")
}

/// Those of the files that are there, and may not be read.
fn unread() -> Vec<PathBuf> {
    let is_unread = |file: &PathBuf| file.exists() && std::fs::File::open(file).is_err();
    files().into_iter().filter(is_unread).collect()
}

fn unreadable(level: Level, files: &[PathBuf]) -> Finding {
    let mends = files.iter().map(|file| {
        let name = file.to_str().and_then(path_for_commands);
        here(format!("chmod a+r {}", name.unwrap_or("KRB5_CONF")))
    });
    Finding::new(
        Check::Krb5Conf,
        level,
        format!("{} can't be read", listed(files)),
    )
    .mended_by(mends)
}

fn broken(site: &Site, text: &str) -> Finding {
    let unread = unread();
    if !unread.is_empty() {
        return unreadable(Level::Error, &unread).meaning(
            "No program of the service's user can use Kerberos. The file holds no secret: let \
             everybody read it.",
        );
    }
    let looks = files().into_iter().map(|file| {
        let name = file.to_str().and_then(path_for_commands);
        let name = name.unwrap_or("KRB5_CONF");
        here(format!("KRB5_CONFIG={name} klist; grep -n ^include {name}"))
    });
    Finding::error(Check::Krb5Conf, format!("{}: {text}", listed(&files())))
        .meaning(format!(
            "No program of this machine can use Kerberos. Put right what was last changed, in the file \
             of which this says the same, or in one that it includes. Where the DNS names the KDCs, this \
             is enough of a file: [libdefaults], and in the next line default_realm = {}.",
            site.realm
        ))
        .mended_by(looks)
}

/// The layer goes by the realm that it is told.
fn default_realm(site: &Site, conf: &Krb5Conf) -> Finding {
    let seen = match &conf.default_realm {
        Ok(default) if *default == site.realm => {
            return Finding::ok(Check::DefaultRealm, format!("it is {default}"));
        }
        Ok(default) => format!("it is {default}, and not {}", site.realm),
        Err(text) => text.clone(),
    };
    Finding::note(Check::DefaultRealm, seen).meaning(format!(
        "Names without a realm are taken for that realm's, by kinit and kadmin, say, and by \
         auth_to_local. The layer names its realm itself, and other services of this machine may need \
         that default. If none does, write default_realm = {} into [libdefaults] of krb5.conf.",
        site.realm
    ))
}

fn ntlm() -> Finding {
    if !examination::has_ntlm() {
        return Finding::ok(Check::Ntlm, "GSSAPI has no NTLM plug-in");
    }
    Finding::note(Check::Ntlm, "GSSAPI has an NTLM plug-in (gss-ntlmssp)").meaning(
        "The layer negotiates Kerberos alone, and is safe from it; other servers on this machine that \
         use GSSAPI may take NTLM.",
    )
}

fn unwritable(problem: &ReplayCacheProblem) -> Finding {
    let path = problem.path.display();
    Finding::error(
        Check::ReplayCache,
        format!("{path} can't be used: {}", problem.reason),
    )
    .meaning(format!(
        "It is what refuses a stolen token, and without it GSSAPI refuses everybody. {}.",
        problem.advice()
    ))
    .mended_by(problem.mends(&user()))
}
