//! Users, computers, services and groups.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{BASE, TestActiveDirectory};
use crate::testing::ldif::{attribute, escape_rdn};
use crate::testing::process::run_with_input;

/// Where a group counts, and whom it may hold (MS-ADTS section 2.2.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupScope {
    /// In its own domain's resources; holds members of any domain.
    DomainLocal,
    /// Everywhere; holds members of its own domain.
    Global,
    /// Everywhere; holds members of any domain of the forest.
    Universal,
}

impl GroupScope {
    /// The attribute `groupType` of a security group.
    fn group_type(self) -> i32 {
        let scope = match self {
            Self::Global => 2,
            Self::DomainLocal => 4,
            Self::Universal => 8,
        };
        i32::MIN | scope
    }
}

/// Bits of `userAccountControl` (MS-ADTS section 2.2.16).
const ACCOUNT_DISABLED: u32 = 0x2;
const NORMAL_ACCOUNT: u32 = 0x200;
const WORKSTATION_TRUST_ACCOUNT: u32 = 0x1000;
const DONT_EXPIRE_PASSWORD: u32 = 0x1_0000;

/// AES128 and AES256 (MS-KILE section 2.2.7). Without it Samba gives tickets for a service with RC4.
const AES_ONLY: u32 = 0x18;

impl TestActiveDirectory {
    /// Adds a user, whose UPN is `<name>@ad.example.test`.
    ///
    /// # Errors
    ///
    /// The server refuses the entry, for one because the name is taken.
    pub fn add_user(&self, name: &str, password: &str) -> io::Result<()> {
        let upn = format!("{name}@ad.example.test");
        let upn = attribute("userPrincipalName", upn);
        self.add_account(name, name, password, NORMAL_ACCOUNT, &upn)
    }

    /// Adds a computer's account, `<name>$`. On a Windows domain any user may do that for ten
    /// computers; here an administrator does.
    ///
    /// # Errors
    ///
    /// The server refuses the entry, for one because the name is taken.
    pub fn add_computer(&self, name: &str, password: &str) -> io::Result<()> {
        let account = format!("{name}$");
        let kind = "objectClass: computer\n";
        self.add_account(name, &account, password, WORKSTATION_TRUST_ACCOUNT, kind)
    }

    /// Adds an account for services with these SPNs, whose keys are of AES alone. Its password is
    /// [`PASSWORD`](Self::PASSWORD).
    ///
    /// # Errors
    ///
    /// The server refuses the entry, for one because an SPN is taken.
    pub fn add_service_account<I>(&self, name: &str, spns: I) -> io::Result<()>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let mut attributes = format!("msDS-SupportedEncryptionTypes: {AES_ONLY}\n");
        for spn in spns {
            attributes.push_str(&attribute("servicePrincipalName", spn.as_ref()));
        }
        let control = NORMAL_ACCOUNT | DONT_EXPIRE_PASSWORD;
        self.add_account(name, name, Self::PASSWORD, control, &attributes)
    }

    fn add_account(
        &self,
        cn: &str,
        account: &str,
        password: &str,
        control: u32,
        attributes: &str,
    ) -> io::Result<()> {
        let folder = match control & WORKSTATION_TRUST_ACCOUNT {
            0 => "Users",
            _ => "Computers",
        };
        self.ldif(&format!(
            "{}objectClass: user\n{}userAccountControl: {control}\n{}{attributes}",
            attribute("dn", format!("CN={},CN={folder},{BASE}", escape_rdn(cn))),
            attribute("sAMAccountName", account),
            attribute("unicodePwd", quoted_utf16(password)),
        ))
    }

    /// Appends the current keys of `spn`, or of an account, to the keytab `path`.
    ///
    /// # Errors
    ///
    /// The domain has no such principal, its keys are in the file, or it can't be written.
    pub fn export_keytab(&self, spn: &str, path: impl AsRef<Path>) -> io::Result<()> {
        let before = fs::read(&path).ok();
        self.samba_tool([
            OsStr::new("domain"),
            OsStr::new("exportkeytab"),
            path.as_ref().as_os_str(),
            OsStr::new(&format!("--principal={spn}")),
        ])?;
        // samba-tool says nothing when there is no such principal.
        if fs::read(&path).ok() == before {
            return Err(io::Error::other(format!("{spn} has no new keys to export")));
        }
        // samba-tool lets every user read it.
        fs::set_permissions(&path, Permissions::from_mode(0o600))
    }

    /// Gives a user this UPN, in place of the one before.
    ///
    /// # Errors
    ///
    /// There is no such account, or the server refuses.
    pub fn set_upn(&self, account: &str, upn: &str) -> io::Result<()> {
        self.replace(account, &attribute("userPrincipalName", upn))
    }

    /// Disables a user.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub fn disable(&self, user: &str) -> io::Result<()> {
        let control = NORMAL_ACCOUNT | ACCOUNT_DISABLED;
        self.replace(user, &format!("userAccountControl: {control}\n"))
    }

    /// Puts a line of an entry in place of the values that the attribute had.
    fn replace(&self, account: &str, line: &str) -> io::Result<()> {
        let name = line.split(':').next().unwrap_or_default();
        let dn = attribute("dn", self.dn(account)?);
        self.ldif(&format!("{dn}changetype: modify\nreplace: {name}\n{line}"))
    }

    /// Adds a security group, with nobody in it.
    ///
    /// # Errors
    ///
    /// The server refuses the entry, for one because the name is taken.
    pub fn add_group(&self, name: &str, scope: GroupScope) -> io::Result<()> {
        self.ldif(&group(name, scope))
    }

    /// Adds many groups that each have this one member; 1,200 take some seconds.
    ///
    /// # Errors
    ///
    /// There is no such account, or the server refuses a group; those before it stay.
    pub fn add_groups_of<I>(&self, member: &str, scope: GroupScope, names: I) -> io::Result<()>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let member = attribute("member", self.dn(member)?);
        let groups = names.into_iter().map(|name| {
            let group = group(name.as_ref(), scope);
            format!("{group}{member}\n")
        });
        self.ldif(&groups.collect::<String>())
    }

    /// Puts accounts, which may be groups, into a group.
    ///
    /// # Errors
    ///
    /// One of them does not exist, or is a member, or may be none in a group of this scope.
    pub fn add_members<I>(&self, group: &str, members: I) -> io::Result<()>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let dn = attribute("dn", self.dn(group)?);
        let mut ldif = format!("{dn}changetype: modify\nadd: member\n");
        for member in members {
            ldif.push_str(&attribute("member", self.dn(member.as_ref())?));
        }
        self.ldif(&ldif)
    }

    /// Adds the entries of an LDIF text (RFC 2849), or makes the changes it holds, as the domain's
    /// administrator.
    ///
    /// # Errors
    ///
    /// The server refuses one, and the rest is not tried; the text is `ldapmodify`'s.
    pub fn ldif(&self, ldif: &str) -> io::Result<()> {
        let mut ldapmodify = self.ldap_client("ldapmodify")?;
        run_with_input(ldapmodify.arg("-a"), ldif.as_bytes()).map(drop)
    }
}

fn group(name: &str, scope: GroupScope) -> String {
    format!(
        "{}objectClass: group\n{}groupType: {}\n",
        attribute("dn", format!("CN={},CN=Users,{BASE}", escape_rdn(name))),
        attribute("sAMAccountName", name),
        scope.group_type(),
    )
}

/// How `unicodePwd` takes a password (MS-ADTS section 3.1.1.3.1.5).
fn quoted_utf16(password: &str) -> Vec<u8> {
    format!("\"{password}\"")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect()
}
