//! A login as the session holds it, and as it is read.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tower_sessions::cookie::time::{OffsetDateTime, PrimitiveDateTime};
use tower_sessions::session;

use super::ended::{EndedLogins, Whose};
use super::password_hash::PasswordHash;
use super::policy::Ends;
use crate::hooks::OnLogout;
use crate::initiator::Kept;
use crate::principal::Principal;
use crate::user::User;

/// Of the head's form; a head of another version is no login.
const VERSION: u8 = 3;

/// A login that was read or is being made.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) id: Arc<str>,
    pub(super) user: User,
    pub(super) signed_in: SystemTime,
    /// When the directory was asked last.
    pub(super) checked: SystemTime,
    /// For it to be asked again.
    pub(super) kept: Kept,
    pub(super) expires: Option<SystemTime>,
    /// Of a login made by Basic.
    pub(super) password: Option<Password>,
    pub(super) root: Root,
    /// Whether this layer makes the same logins.
    pub(super) is_ours: bool,
    /// Those among which this one is, once it has been ended.
    pub(super) ended: Arc<EndedLogins>,
    /// Who is told of its logout.
    pub(super) on_logout: Arc<[OnLogout]>,
}

#[derive(Clone)]
pub(super) struct Password {
    /// Who was typed. On Active Directory that may be another name of the user's.
    pub(super) typed: Principal,
    pub(super) hash: PasswordHash,
}

/// What a login is ended by: its own id, or that of the login which it renews. A request that still
/// holds an older one of the same person in the same session can't bring that back, either.
#[derive(Debug, Clone, Copy)]
pub(super) struct Root {
    pub(super) id: session::Id,
    /// When the last of its logins ends: `None` with the session.
    pub(super) end: Option<SystemTime>,
    pub(super) whose: Whose,
}

impl Root {
    pub(super) fn new(whose: Whose, end: Option<SystemTime>) -> Self {
        let id = session::Id::default();
        Self { id, end, whose }
    }

    /// Of a login that goes on where this one was.
    pub(super) fn renewed(self, end: Option<SystemTime>) -> Self {
        let end = self.end.zip(end).map(|(before, now)| before.max(now));
        Self { end, ..self }
    }
}

/// In the session it is JSON in one string: a tree would be built and copied at every request.
#[derive(Serialize, Deserialize)]
pub(super) struct Head<'a> {
    version: u8,
    /// What makes each login's head its own.
    pub(super) id: &'a str,
    /// The [`Root`].
    root: &'a str,
    root_end: Option<u64>,
    /// Milliseconds since 1970, like the other times.
    signed_in: u64,
    checked: u64,
    ticket_end: Option<u64>,
    kick_off: Option<u64>,
    expires: Option<u64>,
    /// The fingerprint of the layer that made it.
    pub(super) layer: &'a str,
    #[serde(default)]
    pub(super) kept: Kept,
    /// Of a login made by Basic.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<StoredPassword<'a>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredPassword<'a> {
    pub(super) typed: Principal,
    /// The [`PasswordHash`].
    pub(super) hash: &'a str,
}

impl<'a> Head<'a> {
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let head: Self = serde_json::from_str(text).ok()?;
        (head.version == VERSION).then_some(head)
    }

    pub(super) fn write(
        layer: &str,
        record: &Record,
        root: Root,
        ends: Ends,
    ) -> serde_json::Result<String> {
        serde_json::to_string(&Head {
            version: VERSION,
            id: &record.id,
            root: &root.id.to_string(),
            root_end: root.end.map(to_millis),
            signed_in: to_millis(record.signed_in),
            checked: to_millis(record.checked),
            ticket_end: ends.ticket.map(to_millis),
            kick_off: ends.kick_off.map(to_millis),
            expires: record.expires.map(to_millis),
            layer,
            kept: record.kept.clone(),
            password: record.password.as_ref().map(|password| StoredPassword {
                typed: password.typed.clone(),
                hash: password.hash.as_str(),
            }),
        })
    }

    /// The same but for the time of the last check.
    pub(super) fn rechecked(self, at: SystemTime) -> serde_json::Result<String> {
        serde_json::to_string(&Head {
            checked: to_millis(at),
            ..self
        })
    }

    pub(super) fn root(&self, whose: Whose) -> Option<Root> {
        let id = self.root.parse().ok()?;
        let end = self.root_end.map(from_millis);
        Some(Root { id, end, whose })
    }

    pub(super) fn signed_in(&self) -> SystemTime {
        from_millis(self.signed_in)
    }

    pub(super) fn checked(&self) -> SystemTime {
        from_millis(self.checked)
    }

    pub(super) fn ends(&self) -> Ends {
        Ends {
            ticket: self.ticket_end.map(from_millis),
            kick_off: self.kick_off.map(from_millis),
        }
    }

    pub(super) fn expires(&self) -> Option<SystemTime> {
        self.expires.map(from_millis)
    }
}

pub(super) fn to_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis().try_into().unwrap_or(u64::MAX))
}

pub(super) fn from_millis(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_millis(millis))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Past the last that can be said, it is that one.
pub(super) fn to_date(time: SystemTime) -> OffsetDateTime {
    let seconds = i64::try_from(to_millis(time) / 1000).ok();
    let date = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    date.unwrap_or_else(|| PrimitiveDateTime::MAX.assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_ends_with_the_last_of_its_logins() {
        let early = SystemTime::UNIX_EPOCH;
        let late = early + Duration::from_secs(1);
        for (before, now, expected) in [
            (Some(early), Some(late), Some(late)),
            (Some(late), Some(early), Some(late)),
            (None, Some(late), None),
            (Some(late), None, None),
        ] {
            let root = Root::new(Whose::of(&"alice@LAB".parse().unwrap()), before);
            let renewed = root.renewed(now);
            assert_eq!(renewed.end, expected, "{before:?} {now:?}");
            assert_eq!(renewed.id, root.id);
        }
    }
}
