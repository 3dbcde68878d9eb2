//! This machine: who looks, its krb5.conf, its replay cache.

use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::{Check, Finding, Level, Site};
use crate::explain::{Mend, ReplayCacheProblem, for_commands, here, path_for_commands};
use crate::kerberos::examination::{self, Krb5Conf};

/// What krb5.conf says, where libkrb5 can read it.
pub(super) fn examine(
    site: &Site,
    replay_cache: Option<&Path>,
    findings: &mut Vec<Finding>,
) -> Option<Krb5Conf> {
    findings.extend(root());
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

/// The first of the files that is there, as a command can name it.
fn file_for_commands() -> String {
    let files = files();
    let file = files.iter().find(|file| file.exists()).or(files.first());
    let name = file.and_then(|file| path_for_commands(file.to_str()?));
    name.unwrap_or("KRB5_CONF").to_owned()
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
    let file = file_for_commands();
    let realm = for_commands(&site.realm).unwrap_or("REALM");
    Finding::error(Check::Krb5Conf, format!("{}: {text}", listed(&files())))
        .meaning(
            "No program of this machine can use Kerberos. Put right what was last changed, or begin \
             anew: this keeps the file beside the smallest one that works, by which the DNS names \
             the KDCs.",
        )
        .mended_by([here(format!(
            "mv {file} {file}.broken && printf '[libdefaults]\\n    default_realm = {realm}\\n' \
             >{file}"
        ))])
}

fn default_realm(site: &Site, conf: &Krb5Conf) -> Finding {
    let file = file_for_commands();
    let realm = for_commands(&site.realm).unwrap_or("REALM");
    let (seen, mend) = match &conf.default_realm {
        Ok(default) if *default == site.realm => {
            return Finding::ok(Check::DefaultRealm, format!("it is {default}"));
        }
        Ok(default) => (
            format!("it is {default}, and not {}", site.realm),
            format!(
                "sed -i 's/^\\([[:space:]]*default_realm[[:space:]]*=\\).*/\\1 {realm}/' {file}"
            ),
        ),
        Err(text) => (
            text.clone(),
            format!("printf '[libdefaults]\\n    default_realm = {realm}\\n' >>{file}"),
        ),
    };
    Finding::warning(Check::DefaultRealm, seen)
        .meaning(
            "Names without a realm are taken for that realm's, by kinit and kadmin, say, and by \
             auth_to_local. The layer itself names its realm. If another default is meant, leave it.",
        )
        .mended_by([here(mend)])
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
    .meaning(
        "It is what refuses a stolen token, and without it GSSAPI refuses everybody. Give it to the \
         user that the service runs as, or give the layer a folder of its own with \
         .replay_cache(..).",
    )
    .mended_by([mend_cache(problem)])
}

fn mend_cache(problem: &ReplayCacheProblem) -> Mend {
    let name = |path: Option<&Path>, otherwise: &str| {
        let path = path.and_then(Path::to_str).and_then(path_for_commands);
        path.unwrap_or(otherwise).to_owned()
    };
    if problem.is_anothers {
        return here(format!("rm {}", name(Some(&problem.path), "FILE")));
    }
    let folder = name(problem.path.parent(), "FOLDER");
    here(format!(
        "install -d -m 700 -o {} {folder} && df {folder}",
        user()
    ))
}
