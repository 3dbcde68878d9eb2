//! A person's entry in Active Directory, held against the ticket's PAC.

use std::time::SystemTime;

use super::entry::Entry;
use super::filter::Filter;
use crate::directory::DirectoryError;
use crate::filetime;
use crate::initiator::Initiator;
use crate::sid::Sid;

/// The account's name, which the PAC has, too.
pub(super) const ACCOUNT: &str = "sAMAccountName";

/// The SID in its binary form.
pub(super) const SID: &str = "objectSid";

const CONTROL: &str = "userAccountControl";

/// `ACCOUNTDISABLE` (MS-ADTS section 2.2.16).
const DISABLED: i64 = 0x2;

/// A FILETIME, from which on the account has expired.
const END: &str = "accountExpires";

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

/// What an entry must be beside what the filter says.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// By what a ticket without a PAC is searched; without one, such a ticket finds nobody.
    pub(super) ticket_names: Option<Filter>,
    /// Whether each entry must be the PAC's by its SID, and an account that is enabled and has not
    /// expired: the preset.
    pub(super) by_preset: bool,
}

impl Rules {
    /// What the entry is asked for.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &str> {
        let preset: &[&str] = if self.by_preset {
            &[SID, CONTROL, END]
        } else {
            &[]
        };
        let names = self.ticket_names.iter().flat_map(Filter::attributes);
        [ACCOUNT]
            .into_iter()
            .chain(preset.iter().copied())
            .chain(names)
    }

    /// The filter for a ticket without a PAC.
    pub(super) fn without_pac(&self) -> Result<&Filter, DirectoryError> {
        self.ticket_names.as_ref().ok_or_else(|| {
            DirectoryError::pac_missing().with_detail(
                "the directory finds people by the SID in it; .trust_ticket_names() does without, \
                 and says what that risks",
            )
        })
    }

    pub(super) fn check(&self, entry: &Entry, who: &Initiator) -> Result<(), DirectoryError> {
        if let Some(account) = who.account() {
            check_account(entry, account)?;
        }
        if self.by_preset {
            check_sid(entry, who.sid())?;
            check_enabled(entry)?;
            check_not_expired(entry)?;
        }
        Ok(())
    }
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
fn check_enabled(entry: &Entry) -> Result<(), DirectoryError> {
    let control: i64 = sole_text(entry, CONTROL)?
        .parse()
        .map_err(|_| unreadable(entry, CONTROL))?;
    if control & DISABLED == 0 {
        return Ok(());
    }
    Err(DirectoryError::denied().with_detail(format!("the account {} is disabled", entry.dn())))
}

/// The ticket's PAC has the end that was set when the person signed in to the domain.
fn check_not_expired(entry: &Entry) -> Result<(), DirectoryError> {
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

/// The entry's only SID.
pub(super) fn sid(entry: &Entry) -> Option<Sid> {
    let mut values = entry.values(SID);
    match (values.next(), values.next()) {
        (Some(value), None) => Sid::from_bytes(value).ok(),
        _ => None,
    }
}

pub(super) fn sole_text<'a>(entry: &'a Entry, name: &'a str) -> Result<&'a str, DirectoryError> {
    let mut values = entry.values(name);
    match (values.next().map(str::from_utf8), values.next()) {
        (Some(Ok(value)), None) => Ok(value),
        _ => Err(unreadable(entry, name)),
    }
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
