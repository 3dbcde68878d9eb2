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
//! - ipa-getkeytab: <https://github.com/freeipa/freeipa/blob/master/client/man/ipa-getkeytab.1>;
//!   `ipa service-…`, with `--pac-type`, and `ipa dnsrecord-…`: `ipaserver/plugins/service.py` and `dns.py`
//!   there; that the Directory Manager's new passwords hold: `doc/designs/sysaccounts.md` there.

use std::fmt;

use super::names::{for_commands, path_for_commands, spn_for_commands};
use crate::principal::Principal;

/// A command that mends a fault, or shows where it is. Capitals stand for what is not known, or may
/// not stand in a command because a stranger wrote it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Mend {
    system: System,
    command: String,
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

/// The names in the commands, each fit to stand there.
pub(crate) struct Names {
    spn: String,
    realm: String,
    keytab: String,
}

impl Names {
    /// Of this SPN in this realm, which both may stand in a command.
    pub(crate) fn new(spn: Option<&str>, realm: Option<&str>, keytab: Option<&str>) -> Self {
        Self {
            spn: spn.unwrap_or("HTTP/HOSTNAME").to_owned(),
            realm: realm.unwrap_or("REALM").to_owned(),
            keytab: keytab
                .and_then(path_for_commands)
                .unwrap_or("KEYTAB")
                .to_owned(),
        }
    }

    /// Of the service itself.
    pub(crate) fn of(service: Option<&Principal>, keytab: Option<&str>) -> Self {
        let spn = service.and_then(|service| {
            let components: Vec<_> = service
                .components()
                .iter()
                .map(|one| one.as_bytes())
                .collect();
            spn_for_commands(&components)
        });
        let realm = service.and_then(|service| for_commands(service.realm()));
        Self::new(spn.as_deref(), realm, keytab)
    }

    /// Puts the SPN's current key into the keytab.
    pub(crate) fn export(&self) -> Vec<Mend> {
        let Self { spn, realm, keytab } = self;
        vec![
            mend(
                System::ActiveDirectory,
                format!(
                    "ktpass /princ {spn}@{realm} /mapuser ACCOUNT /pass * /crypto AES256-SHA1 \
                     /ptype KRB5_NT_PRINCIPAL /out web.keytab"
                ),
            ),
            mend(
                System::Samba,
                format!("samba-tool domain exportkeytab {keytab} --principal={spn}"),
            ),
            mend(
                System::FreeIpa,
                format!("ipa-getkeytab -p {spn} -k {keytab}"),
            ),
            mend(
                System::Mit,
                format!("kadmin -q \"ktadd -k {keytab} {spn}\""),
            ),
        ]
    }

    /// Makes the SPN, and puts its key into the keytab.
    pub(crate) fn add(&self) -> Vec<Mend> {
        let spn = &self.spn;
        let before = [
            format!("setspn -S {spn} ACCOUNT"),
            format!("samba-tool spn add {spn} ACCOUNT"),
            format!("ipa service-add {spn}"),
            format!("kadmin -q \"addprinc -randkey {spn}\""),
        ];
        before
            .into_iter()
            .zip(self.export())
            .flat_map(|(before, export)| [mend(export.system, before), export])
            .collect()
    }

    /// Shows which account has the SPN.
    pub(crate) fn find(&self) -> Vec<Mend> {
        let spn = &self.spn;
        vec![
            mend(System::ActiveDirectory, format!("setspn -Q {spn}")),
            mend(
                System::Samba,
                format!(
                    "ldbsearch -H /var/lib/samba/private/sam.ldb servicePrincipalName={spn} \
                     sAMAccountName"
                ),
            ),
            mend(System::FreeIpa, format!("ipa service-show {spn}")),
            mend(System::Mit, format!("kadmin -q \"getprinc {spn}\"")),
        ]
    }

    /// Shows the account first, and then exports.
    pub(crate) fn find_and_export(&self) -> Vec<Mend> {
        let pairs = self.find().into_iter().zip(self.export());
        pairs.flat_map(|(find, export)| [find, export]).collect()
    }

    /// Has the service's account take keys of AES, and puts them into the keytab.
    pub(crate) fn use_aes(&self) -> Vec<Mend> {
        let aes = [
            "Set-ADUser ACCOUNT -KerberosEncryptionType AES128,AES256",
            "net ads enctypes set ACCOUNT 24",
        ];
        let aes = [System::ActiveDirectory, System::Samba]
            .into_iter()
            .zip(aes.map(str::to_owned))
            .map(|(system, command)| mend(system, command));
        let mut mends: Vec<_> = aes.collect();
        for export in self.export() {
            let place = mends.iter().rposition(|mend| mend.system == export.system);
            mends.insert(place.map_or(mends.len(), |place| place + 1), export);
        }
        mends
    }

    /// Has the KDC put a PAC into the service's tickets.
    pub(super) fn want_pac(&self) -> Vec<Mend> {
        let spn = &self.spn;
        vec![
            mend(
                System::ActiveDirectory,
                "Get-ADUser ACCOUNT -Properties userAccountControl | % { Set-ADUser $_ -Replace \
                 @{userAccountControl = $_.userAccountControl -band -bnot 0x2000000} }",
            ),
            mend(
                System::Samba,
                "samba-tool user edit ACCOUNT # take 33554432 off userAccountControl",
            ),
            mend(
                System::FreeIpa,
                format!("ipa service-mod {spn} --pac-type=MS-PAC"),
            ),
            mend(
                System::Mit,
                format!("kadmin -q \"modprinc -no_auth_data_required {spn}\""),
            ),
        ]
    }

    /// Shows on a client whether it gets a ticket.
    pub(crate) fn try_ticket(&self) -> Vec<Mend> {
        let Self { spn, .. } = self;
        vec![
            mend(System::Windows, format!("klist get {spn}")),
            mend(System::Linux, format!("kvno {spn}")),
        ]
    }
}

/// How a keytab comes to hold a key of this SPN, which may have its realm; of several, of the first.
pub(crate) fn export_commands(
    spn: &str,
    realm: Option<&str>,
    keytab: &std::path::Path,
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
        true => names.add(),
        false => names.export(),
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
    }
}

/// All of them in one line.
pub(super) struct List<'a>(pub(super) &'a [Mend]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut previous = None;
        for Mend { system, command } in self.0 {
            match previous {
                Some(before) if before == system => write!(f, ", then {command}")?,
                Some(_) => write!(f, "; {system}: {command}")?,
                None => write!(f, "{system}: {command}")?,
            }
            previous = Some(system);
        }
        Ok(())
    }
}
