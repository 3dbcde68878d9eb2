//! What the doctor says.

use std::fmt;

use serde::Serialize;

use crate::explain::Mend;
use crate::principal::printable;

/// How bad a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Level {
    /// As it should be.
    Ok,
    /// Good to know.
    Note,
    /// It works, for some or for now.
    Warning,
    /// People can't sign in.
    Error,
}

/// What a [`Finding`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Check {
    /// Who looks: what another user may read and write is not seen.
    User,
    /// The variables that libkrb5 goes by: those of the service may be others.
    Environment,
    /// `krb5.conf` is found, and can be read.
    Krb5Conf,
    /// The realm's name.
    Realm,
    /// The default realm.
    DefaultRealm,
    /// The host name.
    Hostname,
    /// The host name's addresses.
    Address,
    /// Whether the host name is an alias of another (a CNAME).
    Alias,
    /// What the addresses are called.
    ReverseName,
    /// The keytab is there, and can be read.
    Keytab,
    /// Who else may read or write the keytab.
    KeytabAccess,
    /// The keytab has a key of the SPN.
    Spn,
    /// The versions, types and age of the SPN's keys.
    Keys,
    /// GSSAPI takes the SPN's keys.
    Credential,
    /// The replay cache can be written.
    ReplayCache,
    /// Whether GSSAPI has an NTLM plug-in.
    Ntlm,
    /// The keytab by which the KDC is asked, where it is another than the service's.
    ClientKeytab,
    /// A KDC of the realm answers.
    Kdc,
    /// This machine's clock, and the KDC's.
    Clock,
    /// The KDC's key of the SPN is the keytab's.
    KeyVersion,
    /// A whole sign-in, with both sides in this process.
    Handshake,
    /// The addresses of a directory's server.
    DirectoryAddress,
    /// A directory's server takes connections.
    DirectoryConnection,
    /// A directory's server has a certificate that counts.
    DirectoryTls,
    /// A directory's server lets us bind.
    DirectoryBind,
    /// The base of the search is there.
    DirectoryBase,
    /// The directory finds the user that was named.
    DirectoryUser,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::User => "user",
            Self::Environment => "environment",
            Self::Krb5Conf => "krb5.conf",
            Self::Realm => "realm",
            Self::DefaultRealm => "default realm",
            Self::Hostname => "host name",
            Self::Address => "address",
            Self::Alias => "alias",
            Self::ReverseName => "reverse name",
            Self::Keytab => "keytab",
            Self::KeytabAccess => "keytab access",
            Self::Spn => "SPN",
            Self::Keys => "keys",
            Self::Credential => "credential",
            Self::ReplayCache => "replay cache",
            Self::Ntlm => "NTLM",
            Self::ClientKeytab => "clients' keytab",
            Self::Kdc => "KDC",
            Self::Clock => "clock",
            Self::KeyVersion => "key version",
            Self::Handshake => "handshake",
            Self::DirectoryAddress => "directory's address",
            Self::DirectoryConnection => "directory's connection",
            Self::DirectoryTls => "directory's TLS",
            Self::DirectoryBind => "directory's bind",
            Self::DirectoryBase => "directory's base",
            Self::DirectoryUser => "directory's user",
        })
    }
}

/// What one check came to. [`Display`](fmt::Display) is a line, or several, of which the first begins
/// with the level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    check: Check,
    level: Level,
    seen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    means: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mends: Vec<Mend>,
}

impl Finding {
    /// What was looked at.
    pub fn check(&self) -> Check {
        self.check
    }

    /// How bad it is.
    pub fn level(&self) -> Level {
        self.level
    }

    /// What was seen.
    pub fn seen(&self) -> &str {
        &self.seen
    }

    /// What that means, and what to do where no command does it.
    pub fn means(&self) -> Option<&str> {
        self.means.as_deref()
    }

    /// The commands that mend it, or show where the fault is, in their order for each system.
    pub fn mends(&self) -> &[Mend] {
        &self.mends
    }

    pub(super) fn new(check: Check, level: Level, seen: impl AsRef<str>) -> Self {
        Self {
            check,
            level,
            seen: printable(seen.as_ref()),
            means: None,
            mends: Vec::new(),
        }
    }

    pub(super) fn ok(check: Check, seen: impl AsRef<str>) -> Self {
        Self::new(check, Level::Ok, seen)
    }

    pub(super) fn note(check: Check, seen: impl AsRef<str>) -> Self {
        Self::new(check, Level::Note, seen)
    }

    pub(super) fn warning(check: Check, seen: impl AsRef<str>) -> Self {
        Self::new(check, Level::Warning, seen)
    }

    pub(super) fn error(check: Check, seen: impl AsRef<str>) -> Self {
        Self::new(check, Level::Error, seen)
    }

    pub(super) fn meaning(mut self, means: impl AsRef<str>) -> Self {
        self.means = Some(printable(means.as_ref()));
        self
    }

    pub(super) fn mended_by(mut self, mends: impl IntoIterator<Item = Mend>) -> Self {
        self.mends.extend(mends);
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:8} {}: {}", self.level, self.check, self.seen)?;
        if let Some(means) = &self.means {
            write!(f, "\n         {means}")?;
        }
        for mend in &self.mends {
            write!(f, "\n           {}: {mend}", mend.system())?;
        }
        Ok(())
    }
}

/// What the doctor found, in the order of the checks. [`Display`](fmt::Display) is for people;
/// `Serialize` for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use]
pub struct Report {
    /// The worst of the findings.
    level: Level,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn of(findings: Vec<Finding>) -> Self {
        let levels = findings.iter().map(Finding::level);
        Self {
            level: levels.max().unwrap_or(Level::Ok),
            findings,
        }
    }

    /// The worst level there is.
    pub fn level(&self) -> Level {
        self.level
    }

    /// All findings.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What was found of this check; several times where it looked at several things.
    pub fn of_check(&self, check: Check) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(move |finding| finding.check == check)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        Ok(())
    }
}
