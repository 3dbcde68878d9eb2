//! Whether an entry's account may sign in, by whatever the server keeps about that.

use std::time::{Duration, SystemTime};

use super::active_directory::{self, COMPUTED, CONTROL, END};
use super::entry::Entry;
use crate::attributes::generalized_time;
use crate::directory::DirectoryError;
use crate::initiator::Occasion;

/// 389 Directory Server and FreeIPA, Oracle's as well: `TRUE` is disabled.
const NS_LOCK: &str = "nsAccountLock";

/// The day since 1970 from which on the account has expired (RFC 2307, shadow(5)). The other
/// attributes of `shadowAccount` are about the password's age.
const SHADOW_END: &str = "shadowExpire";

/// slapo-ppolicy(5): when the account was locked.
const POLICY_LOCK: &str = "pwdAccountLockedTime";

/// How long before 1970 the time in it is where an administrator has locked the account:
/// `000001010000Z`.
const FOR_EVER: Duration = Duration::from_secs(62_167_219_200);

/// slapo-ppolicy(5): when a pause between two guesses is over.
const POLICY_PAUSE: &str = "pwdAccountTmpLockoutEnd";

/// slapo-ppolicy(5): from when to when the account is valid.
const POLICY_START: &str = "pwdStartTime";
const POLICY_END: &str = "pwdEndTime";

/// MIT Kerberos's and FreeIPA's schema.
const KERBEROS_END: &str = "krbPrincipalExpiration";

/// What the entry is asked for. Servers leave out what they don't know.
pub(super) const ATTRIBUTES: [&str; 10] = [
    NS_LOCK,
    SHADOW_END,
    POLICY_LOCK,
    POLICY_PAUSE,
    POLICY_START,
    POLICY_END,
    KERBEROS_END,
    CONTROL,
    END,
    COMPUTED,
];

/// Refuses an account that is disabled or out of its time; and, with a password, one that is locked.
/// What the entry does not have, or the bind account may not read, says nothing.
pub(super) fn check(entry: &Entry, occasion: Occasion) -> Result<(), DirectoryError> {
    let account = Account {
        entry,
        now: SystemTime::now(),
    };
    account.is_enabled()?;
    account.is_in_its_time()?;
    match occasion {
        Occasion::Password => account.is_not_locked(),
        Occasion::Ticket | Occasion::Recheck => Ok(()),
    }
}

struct Account<'a> {
    entry: &'a Entry,
    now: SystemTime,
}

impl Account<'_> {
    /// A ticket outlives its account by hours.
    fn is_enabled(&self) -> Result<(), DirectoryError> {
        match self.text(NS_LOCK)? {
            Some(text) if text.eq_ignore_ascii_case("TRUE") => {
                return Err(self.denied("is disabled", NS_LOCK));
            }
            Some(text) if !text.eq_ignore_ascii_case("FALSE") => {
                return Err(self.unreadable(NS_LOCK));
            }
            _ => {}
        }
        let locked = self.time(POLICY_LOCK)?;
        if locked.is_some() && locked == SystemTime::UNIX_EPOCH.checked_sub(FOR_EVER) {
            return Err(self.denied("is locked by an administrator", POLICY_LOCK));
        }
        match self.text(CONTROL)? {
            Some(_) => active_directory::check_enabled(self.entry),
            None => Ok(()),
        }
    }

    fn is_in_its_time(&self) -> Result<(), DirectoryError> {
        if let Some(day) = self.text(SHADOW_END)? {
            let day: i64 = day.parse().map_err(|_| self.unreadable(SHADOW_END))?;
            // -1 is none; shadow(5) has no meaning for 0, and SSSD and shadow's own tools take it for
            // none, too.
            if day > 0 && day <= days_of(self.now) {
                return Err(self.denied("has expired", SHADOW_END));
            }
        }
        for name in [POLICY_END, KERBEROS_END] {
            if self.time(name)?.is_some_and(|end| end <= self.now) {
                return Err(self.denied("has expired", name));
            }
        }
        if self
            .time(POLICY_START)?
            .is_some_and(|start| start > self.now)
        {
            return Err(self.denied("is not valid yet", POLICY_START));
        }
        match self.text(END)? {
            Some(_) => active_directory::check_not_expired(self.entry),
            None => Ok(()),
        }
    }

    /// How long slapd's lock lasts is in a policy, which is another's to read, and the attribute
    /// outlives it until the next bind: who is locked there stays so until the lock is lifted.
    fn is_not_locked(&self) -> Result<(), DirectoryError> {
        if self.text(POLICY_LOCK)?.is_some() {
            return Err(self.denied("is locked, by wrong passwords most likely", POLICY_LOCK));
        }
        if self.time(POLICY_PAUSE)?.is_some_and(|end| end > self.now) {
            return Err(self.denied("is locked for a while", POLICY_PAUSE));
        }
        match self.text(COMPUTED)? {
            Some(_) => active_directory::check_not_locked(self.entry),
            None => Ok(()),
        }
    }

    fn text<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, DirectoryError> {
        let mut values = self.entry.values(name);
        match (values.next().map(str::from_utf8), values.next()) {
            (None, _) => Ok(None),
            (Some(Ok(value)), None) => Ok(Some(value)),
            _ => Err(self.unreadable(name)),
        }
    }

    fn time(&self, name: &str) -> Result<Option<SystemTime>, DirectoryError> {
        let time = self
            .text(name)?
            .map(|text| generalized_time::parse(text).ok_or_else(|| self.unreadable(name)));
        time.transpose()
    }

    fn denied(&self, what: &str, by: &str) -> DirectoryError {
        let dn = self.entry.dn();
        DirectoryError::denied().with_detail(format!("the account {dn} {what} ({by})"))
    }

    fn unreadable(&self, name: &str) -> DirectoryError {
        DirectoryError::misconfigured().with_detail(format!(
            "{name} of {} has a value that nobody can read: nothing tells whether the account may \
             sign in; mend it in the directory",
            self.entry.dn()
        ))
    }
}

/// Whole days since 1970.
fn days_of(time: SystemTime) -> i64 {
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH);
    let days = since_1970.unwrap_or_default().as_secs() / 86_400;
    i64::try_from(days).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::entry;
    use super::*;
    use crate::error::ErrorKind;

    /// What comes of this value with a ticket, and with a password. A recheck is like a ticket.
    fn outcomes(name: &str, value: &str) -> [Result<(), ErrorKind>; 2] {
        let entry = entry("uid=alice,dc=example", &[(name, &[value.as_bytes()])]);
        let outcome = |occasion| check(&entry, occasion).map_err(|error| error.kind());
        assert_eq!(outcome(Occasion::Recheck), outcome(Occasion::Ticket));
        [Occasion::Ticket, Occasion::Password].map(outcome)
    }

    #[test]
    fn an_account_that_is_disabled_or_out_of_its_time_is_refused() {
        let today = days_of(SystemTime::now());
        let (today, tomorrow) = (today.to_string(), (today + 1).to_string());
        for (name, open, closed) in [
            (NS_LOCK, &["FALSE", "false"][..], &["TRUE", "true"][..]),
            (SHADOW_END, &["-1", "0", &tomorrow, "99999"], &["1", &today]),
            (POLICY_LOCK, &[], &["000001010000Z", "00000101000000Z"]),
            (
                POLICY_START,
                &["20200101000000Z", "000001010000Z"],
                &["99990101000000Z"],
            ),
            (
                POLICY_END,
                &["99990101000000Z"],
                &["20200101000000Z", "000001010000Z"],
            ),
            (KERBEROS_END, &["99990101000000Z"], &["20200101000000Z"]),
            (CONTROL, &["512"], &["514"]),
            (END, &["0", "9223372036854775807"], &["134000000000000000"]),
        ] {
            for value in open {
                assert_eq!(outcomes(name, value), [Ok(()), Ok(())], "{name}: {value}");
            }
            for value in closed {
                let denied = Err(ErrorKind::UserDenied);
                assert_eq!(outcomes(name, value), [denied, denied], "{name}: {value}");
            }
        }
    }

    #[test]
    fn a_locked_account_is_refused_with_a_password_and_let_in_with_a_ticket() {
        for (name, value) in [
            (POLICY_LOCK, "20200101000000Z"),
            (POLICY_PAUSE, "99990101000000Z"),
            (COMPUTED, "16"),
        ] {
            let outcomes = outcomes(name, value);
            assert_eq!(outcomes, [Ok(()), Err(ErrorKind::UserDenied)], "{name}");
        }
        for (name, value) in [(POLICY_PAUSE, "20200101000000Z"), (COMPUTED, "8388608")] {
            assert_eq!(outcomes(name, value), [Ok(()), Ok(())], "{name}");
        }
    }

    #[test]
    fn a_value_that_nobody_can_read_refuses() {
        for name in [
            NS_LOCK,
            SHADOW_END,
            POLICY_LOCK,
            POLICY_START,
            POLICY_END,
            KERBEROS_END,
            CONTROL,
            END,
        ] {
            for value in ["", "soon"] {
                let unreadable = Err(ErrorKind::DirectoryMisconfigured);
                let outcomes = outcomes(name, value);
                assert_eq!(outcomes, [unreadable, unreadable], "{name}: {value:?}");
            }
        }
        let two: &[&[u8]] = &[b"FALSE", b"TRUE"];
        let entry = entry("uid=alice", &[(NS_LOCK, two)]);
        let error = check(&entry, Occasion::Ticket).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DirectoryMisconfigured);
    }

    #[test]
    fn an_entry_that_says_nothing_of_it_may_sign_in() {
        let entry = entry("uid=alice", &[]);
        for occasion in [Occasion::Ticket, Occasion::Password] {
            assert!(check(&entry, occasion).is_ok());
        }
    }
}
