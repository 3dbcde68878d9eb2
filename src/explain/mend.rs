//! The commands that mend a fault, here and in the doctor.
//!
//! Those of Samba, MIT Kerberos and Linux are run by tests, or were compared with the manual pages of
//! Debian 12 (samba-tool(8), net(8), kadmin(1), chrony's chronyc(1)). The others can't run here, and were
//! compared on 2026-11-24 with stored copies of
//!
//! - setspn, ktpass, klist: <https://learn.microsoft.com/en-us/windows-server/administration/windows-commands/>;
//!   w32tm: <https://learn.microsoft.com/en-us/windows-server/networking/windows-time-service/windows-time-service-tools-and-settings>;
//! - Set-ADUser, Get-ADUser, Set-ADAccountPassword, Unlock-ADAccount:
//!   <https://learn.microsoft.com/en-us/powershell/module/activedirectory/>;
//!   Add- and Remove-DnsServerResourceRecord: <https://learn.microsoft.com/en-us/powershell/module/dnsserver/>;
//! - the bit 0x2000000 of userAccountControl: MS-ADTS section 2.2.16, NA (ADS_UF_NO_AUTH_DATA_REQUIRED);
//! - ipa-getkeytab, ipa-rmkeytab: <https://github.com/freeipa/freeipa/tree/master/client/man>;
//!   `ipa service-…`, with `--pac-type`, and `ipa dnsrecord-…`: `ipaserver/plugins/service.py` and `dns.py`
//!   there; that the Directory Manager's new passwords hold: `doc/designs/sysaccounts.md` there.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use super::commands::{NO_COPY, Names};
use super::names::{for_commands, spn_for_commands};

/// A command that mends a fault, or shows where it is. Capitals stand for what is not known, or may
/// not stand in a command because a stranger wrote it: what a token says stands in commands that look,
/// and in none that changes anything.
///
/// [`Display`](fmt::Display) is the command with what must be known before it is run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Mend {
    system: System,
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

/// Where a [`Mend`]'s command is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum System {
    /// Windows, as an administrator of the domain.
    ActiveDirectory,
    /// A domain controller of Samba's.
    Samba,
    /// FreeIPA.
    FreeIpa,
    /// MIT Kerberos.
    Mit,
    /// A client or server with Windows.
    Windows,
    /// A client or server with Linux.
    Linux,
}

impl Mend {
    /// Where it is run.
    pub fn system(&self) -> System {
        self.system
    }

    /// The command, in one line.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// When alone it is to be run, as in `only if nobody has it`; the commands before it show that.
    pub fn when(&self) -> Option<&str> {
        self.when.as_deref()
    }

    /// What else it does, where that ends something that works.
    pub fn warning(&self) -> Option<&str> {
        self.warning
    }

    pub(crate) fn only(self, when: impl Into<Cow<'static, str>>) -> Self {
        Self {
            when: Some(when.into()),
            ..self
        }
    }

    /// Runs this one in its stead.
    pub(super) fn runs(&mut self, command: String) {
        self.command = command;
    }

    pub(crate) fn warns(self, warning: &'static str) -> Self {
        Self {
            warning: Some(warning),
            ..self
        }
    }
}

impl fmt::Display for Mend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(when) = &self.when {
            write!(f, "({when}) ")?;
        }
        f.write_str(&self.command)?;
        match self.warning {
            Some(warning) => write!(f, " ({warning})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ActiveDirectory => "Active Directory",
            Self::Samba => "Samba",
            Self::FreeIpa => "FreeIPA",
            Self::Mit => "MIT Kerberos",
            Self::Windows => "Windows",
            Self::Linux => "Linux",
        })
    }
}

/// How a keytab comes to hold a key of this SPN, which may have its realm; of several, of the first.
pub(crate) fn export_commands(
    spn: &str,
    realm: Option<&str>,
    keytab: &Path,
    is_new: bool,
) -> String {
    let (spn, _) = spn.split_once(", ").unwrap_or((spn, ""));
    let (name, realm) = match spn.split_once('@') {
        Some((name, own)) => (name, Some(own)),
        None => (spn, realm),
    };
    let realm = realm.and_then(for_commands);
    let components: Vec<_> = name.split('/').map(str::as_bytes).collect();
    let name = spn_for_commands(&components);
    let names = Names::new(name.as_deref(), realm, keytab.to_str());
    let mends = match is_new {
        true => names.add(&names),
        false => names.export(NO_COPY),
    };
    List(&mends).to_string()
}

/// Has a client get new tickets.
pub(super) fn new_ticket() -> Vec<Mend> {
    vec![
        mend(System::Windows, "klist purge"),
        mend(System::Linux, "kdestroy && kinit"),
    ]
}

/// Sets a clock.
pub(crate) fn set_clock() -> Vec<Mend> {
    vec![
        mend(System::Windows, "w32tm /resync"),
        mend(System::Linux, "chronyc makestep"),
    ]
}

/// Whatever is run on a client with Windows.
pub(super) fn on_windows(command: &str) -> Mend {
    mend(System::Windows, command)
}

/// Whatever is run on the server itself.
pub(crate) fn here(command: impl Into<String>) -> Mend {
    mend(System::Linux, command)
}

pub(crate) fn mend(system: System, command: impl Into<String>) -> Mend {
    Mend {
        system,
        command: command.into(),
        when: None,
        warning: None,
    }
}

/// All of them in one line.
pub(super) struct List<'a>(pub(super) &'a [Mend]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut previous = None;
        for mend in self.0 {
            let system = mend.system;
            match previous {
                Some(before) if before == system => write!(f, ", then {mend}")?,
                Some(_) => write!(f, "; {system}: {mend}")?,
                None => write!(f, "{system}: {mend}")?,
            }
            previous = Some(system);
        }
        Ok(())
    }
}
