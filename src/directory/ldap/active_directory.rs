//! A person's entry in Active Directory, held against the ticket's PAC.

use std::time::SystemTime;

use super::entry::Entry;
use crate::directory::DirectoryError;
use crate::filetime;
use crate::initiator::{Initiator, Occasion};
use crate::sid::Sid;

/// The account's name, which the PAC has, too.
pub(super) const ACCOUNT: &str = "sAMAccountName";

/// The SID in its binary form.
pub(super) const SID: &str = "objectSid";

pub(super) const CONTROL: &str = "userAccountControl";

/// `ACCOUNTDISABLE` (MS-ADTS section 2.2.16).
const DISABLED: i64 = 0x2;

/// A FILETIME, from which on the account has expired.
pub(super) const END: &str = "accountExpires";

/// What the server reckons at the moment it is asked (MS-ADTS section 3.1.1.4.5.17), unlike
/// `lockoutTime`, which outlives the lockout.
pub(super) const COMPUTED: &str = "msDS-User-Account-Control-Computed";

/// `LOCKOUT` in it.
const LOCKED: i64 = 0x10;

/// People and no computers, which are of the class `user` as well.
pub(super) const FILTER: &str = "(&(objectCategory=person)(objectClass=user)(objectSid={sid}))";

/// The tree's root of a domain: `DC=corp,DC=example,DC=com`. `None` where it is no domain's name.
pub(super) fn base(domain: &str) -> Option<String> {
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let parts = domain
        .split('.')
        .map(|label| is_label(label).then(|| format!("DC={label}")));
    Some(parts.collect::<Option<Vec<_>>>()?.join(","))
}

/// What an entry must be beside what the filter says, where people are found by their PAC.
#[derive(Debug, Clone)]
pub(super) struct PacRules {
    /// Whether each entry must be the PAC's by its SID, and an account that is enabled and has not
    /// expired: the preset.
    pub(super) by_preset: bool,
}

impl PacRules {
    /// What the entry is asked for.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &str> {
        let preset: &[&str] = if self.by_preset {
            &[SID, CONTROL, END, COMPUTED]
        } else {
            &[]
        };
        [ACCOUNT].into_iter().chain(preset.iter().copied())
    }

    pub(super) fn check(&self, entry: &Entry, who: &Initiator) -> Result<(), DirectoryError> {
        if let Some(account) = who.account() {
            check_account(entry, account)?;
        }
        if self.by_preset {
            check_sid(entry, who.sid())?;
            check_enabled(entry)?;
            check_not_expired(entry)?;
            if who.occasion() == Occasion::Password {
                check_not_locked(entry)?;
            }
        }
        Ok(())
    }
}

pub(super) fn pac_missing() -> DirectoryError {
    DirectoryError::pac_missing().with_detail(
        "the directory finds people by the SID in it; .trust_ticket_names() does without, and says \
         what that risks",
    )
}

/// Names of accounts are compared without regard to case there; beyond ASCII, nobody knows its rules.
fn check_account(entry: &Entry, account: &str) -> Result<(), DirectoryError> {
    let own = sole_text(entry, ACCOUNT)?;
    if own.eq_ignore_ascii_case(account) {
        return Ok(());
    }
    Err(DirectoryError::differs().with_detail(format!(
        "the PAC is {account}'s, and {} is {own}'s; if the account was just renamed, a new ticket \
         has the new name",
        entry.dn()
    )))
}

fn check_sid(entry: &Entry, wanted: Option<Sid>) -> Result<(), DirectoryError> {
    let sid = sid(entry).ok_or_else(|| unreadable(entry, SID))?;
    match wanted {
        Some(wanted) if wanted != sid => Err(DirectoryError::differs().with_detail(format!(
            "the PAC is {wanted}'s, and {} is {sid}",
            entry.dn()
        ))),
        _ => Ok(()),
    }
}

/// A ticket outlives its account by hours.
pub(super) fn check_enabled(entry: &Entry) -> Result<(), DirectoryError> {
    let control = number(entry, CONTROL)?;
    if control & DISABLED == 0 {
        return Ok(());
    }
    Err(DirectoryError::denied().with_detail(format!("the account {} is disabled", entry.dn())))
}

/// The ticket's PAC has the end that was set when the person signed in to the domain.
pub(super) fn check_not_expired(entry: &Entry) -> Result<(), DirectoryError> {
    let end = sole_text(entry, END)?
        .parse()
        .map_err(|_| unreadable(entry, END))?;
    match filetime::read(end) {
        Some(end) if end <= SystemTime::now() => {
            Err(DirectoryError::denied()
                .with_detail(format!("the account {} has expired", entry.dn())))
        }
        _ => Ok(()),
    }
}

/// For passwords alone: whoever guesses at somebody's locks the account, and must not throw its owner
/// out.
pub(super) fn check_not_locked(entry: &Entry) -> Result<(), DirectoryError> {
    if number(entry, COMPUTED)? & LOCKED == 0 {
        return Ok(());
    }
    Err(DirectoryError::denied().with_detail(format!(
        "the account {} is locked, by wrong passwords most likely; a ticket still signs in",
        entry.dn()
    )))
}

fn number(entry: &Entry, name: &str) -> Result<i64, DirectoryError> {
    sole_text(entry, name)?
        .parse()
        .map_err(|_| unreadable(entry, name))
}

/// The entry's only SID.
pub(super) fn sid(entry: &Entry) -> Option<Sid> {
    Sid::from_bytes(entry.sole(SID)?).ok()
}

pub(super) fn sole_text<'a>(entry: &'a Entry, name: &'a str) -> Result<&'a str, DirectoryError> {
    let text = entry.sole(name).map(str::from_utf8).and_then(Result::ok);
    text.ok_or_else(|| unreadable(entry, name))
}

/// Without it nobody knows whether the person may sign in.
pub(super) fn unreadable(entry: &Entry, name: &str) -> DirectoryError {
    DirectoryError::misconfigured().with_detail(format!(
        "the server shows no value of {name} of {} that can be read: give the bind account the \
         right to read it",
        entry.dn()
    ))
}

#[cfg(test)]
mod tests;
