//! Why a sign-in failed, in words with the mend: [`Explanation`].
//!
//! Most of a refused token is sealed, and its clear text says a lot all the same: whether it is NTLM,
//! for which service the ticket is, by which version of which key it is sealed. Beside what the keytab
//! has, that tells the usual mistakes of a set-up apart. It is read only once a token was refused.
//!
//! The log has it, and [`Error::explanation`](crate::Error::explanation); no client ever gets a word
//! of it. What a token says in clear text anybody can write: in a command stand letters, digits, dots,
//! hyphens and underscores alone, else a word in capitals.
//!
//! ```
//! use axum::response::Response;
//! use tower_spnego::Error;
//! use tower_spnego::explain::{Cause, System};
//!
//! /// In a middleware outside of the layer.
//! fn count(answer: &Response) {
//!     let error = answer.extensions().get::<Error>();
//!     if let Some(why) = error.and_then(Error::explanation) {
//!         if why.kind() == Cause::KvnoTooNew {
//!             let mends = why.mends();
//!             let ours = mends.iter().find(|mend| mend.system() == System::Mit);
//!             println!("the keytab is out of date: {:?}", ours.map(|mend| mend.command()));
//!         }
//!         println!("{why}");
//!     }
//! }
//! ```

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::DecodeError;
use serde::ser::{Serialize, SerializeStruct, Serializer};

pub use self::cause::Cause;
#[cfg(feature = "doctor")]
pub(crate) use self::commands::{NO_COPY, Names, is_the_machines};
pub use self::enctype::Enctype;
pub use self::keytab::{HeldKeys, Key};
pub(crate) use self::mend::export_commands;
pub use self::mend::{Mend, System};
#[cfg(feature = "doctor")]
pub(crate) use self::mend::{here, mend, set_clock};
#[cfg(feature = "doctor")]
pub(crate) use self::names::{for_commands, path_for_commands};
pub(crate) use self::replay_cache::ReplayCacheProblem;
pub use self::token::{Mechanism, NtlmMessage, Ticket, Token};
use crate::error::ErrorKind;
use crate::principal::Principal;

mod cause;
mod commands;
mod cure;
mod enctype;
mod facts;
mod keytab;
mod mend;
mod names;
mod replay_cache;
mod token;
mod words;

/// Why a sign-in failed. [`Display`](std::fmt::Display) is the text that the log has: what was seen,
/// what it means, and the commands that mend it, in one line.
#[derive(Clone, PartialEq, Eq)]
pub struct Explanation {
    cause: Cause,
    seen: Box<Seen>,
}

/// What an explanation goes by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Seen {
    token: Option<Token>,
    keytab: Option<Arc<HeldKeys>>,
    /// The service whose tickets count in the request; any of the keytab's where there is none.
    service: Option<Principal>,
    host: Option<String>,
    client: Option<String>,
    realms: Vec<String>,
    clock: Option<Clock>,
    replay_cache: Option<ReplayCacheProblem>,
    /// More about this very case.
    detail: Option<Cow<'static, str>>,
}

/// By how much two clocks differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    /// By how many seconds the client's is ahead.
    pub(crate) ahead: i64,
    pub(crate) allowed: Duration,
}

impl Explanation {
    /// What is wrong.
    pub fn kind(&self) -> Cause {
        self.cause
    }

    /// What the client's token says in clear text, which anybody can write.
    pub fn token(&self) -> Option<&Token> {
        self.seen.token.as_ref()
    }

    /// The ticket in the token, likewise.
    pub fn ticket(&self) -> Option<&Ticket> {
        self.token().and_then(Token::ticket)
    }

    /// The keytab's file.
    pub fn keytab(&self) -> Option<&Path> {
        self.seen.keytab.as_deref().map(HeldKeys::path)
    }

    /// The keytab's keys.
    pub fn keys(&self) -> &[Key] {
        let keytab = self.seen.keytab.as_deref();
        keytab.map_or(&[], |keytab| &keytab.keys)
    }

    /// The service whose tickets count in such a request; none where all of the keytab do.
    pub fn service(&self) -> Option<&Principal> {
        self.seen.service.as_ref()
    }

    /// By how many seconds the client's clock is ahead of the server's; negative where it is behind.
    pub fn clock_offset(&self) -> Option<i64> {
        self.seen.clock.map(|clock| clock.ahead)
    }

    /// What the KDC calls the client, where that is known.
    pub fn client(&self) -> Option<&str> {
        self.seen.client.as_deref()
    }

    pub(crate) fn new(cause: Cause) -> Self {
        Self {
            cause,
            seen: Box::default(),
        }
    }

    /// Of a token that the keys did not open, or that GSSAPI would not take. None where there is no
    /// more to say than the kind does.
    pub(crate) fn of_refused(
        kind: ErrorKind,
        token: &[u8],
        keytab: Arc<HeldKeys>,
        service: Option<&str>,
        keytab_problem: Option<String>,
    ) -> Option<Self> {
        let token = Token::of(token);
        let cause = match kind {
            ErrorKind::WrongService => Cause::WrongSpn,
            ErrorKind::WrongKey | ErrorKind::KeyMissing => of_key(kind, token.ticket(), &keytab),
            ErrorKind::ClockSkew => Cause::ClockSkew,
            ErrorKind::Replay => Cause::Replay,
            ErrorKind::TicketExpired => Cause::TicketExpired,
            ErrorKind::TicketNotYetValid => Cause::TicketNotYetValid,
            ErrorKind::ChannelBindingDiffers => Cause::ChannelBindingDiffers,
            ErrorKind::ChannelBindingMissing => Cause::ChannelBindingMissing,
            ErrorKind::ReplayCacheUnusable => Cause::ReplayCacheUnusable,
            _ => return None,
        };
        let is_of_keys = matches!(
            cause,
            Cause::WrongSpn
                | Cause::WrongKey
                | Cause::KvnoTooNew
                | Cause::EnctypeMissing
                | Cause::KeyMissing
        );
        let (cause, detail) = match keytab_problem {
            Some(problem) if is_of_keys => (Cause::KeytabUnusable, Some(problem.into())),
            _ => (cause, None),
        };
        Some(Self {
            cause,
            seen: Box::new(Seen {
                token: Some(token),
                keytab: Some(keytab),
                service: service.and_then(|service| service.parse().ok()),
                detail,
                ..Seen::default()
            }),
        })
    }

    /// Of a text of this length that is not base64.
    pub(crate) fn of_flaw(flaw: &DecodeError, length: usize) -> Self {
        Self::new(Cause::NotBase64).with_detail(words::not_base64(flaw, length))
    }

    /// Of a token that is too long, as a text of this length.
    pub(crate) fn of_length(length: usize) -> Self {
        Self::new(Cause::TokenTooLong).with_detail((length / 4 * 3).to_string())
    }

    /// Of a token that was refused before GSSAPI saw it. None where there is no more to say than the
    /// kind does.
    pub(crate) fn of_unseen(kind: ErrorKind, token: &[u8]) -> Option<Self> {
        (kind == ErrorKind::Ntlm).then(|| {
            let mut explanation = Self::new(Cause::Ntlm);
            explanation.seen.token = Some(Token::of(token));
            explanation
        })
    }

    /// What speaks against a captured token that a server with this keytab would get, as far as that
    /// can be told without trying it; none where nothing does.
    ///
    /// ```
    /// # #[cfg(feature = "testing")] {
    /// use tower_spnego::explain::{Cause, Explanation, HeldKeys, Token};
    ///
    /// # let realm = tower_spnego::testing::TestRealm::start()?;
    /// # realm.kadmin(["addprinc", "-randkey", "HTTP/alias"])?;
    /// # let keytab = realm.keytab();
    /// # let header = realm.ticket_cache("alice")?.handshake("HTTP/alias").start()?.authorization();
    /// let keys = HeldKeys::read(keytab)?;
    /// let token = Token::read(&header).ok_or("no token")?;
    /// let why = Explanation::of_captured(token, keys).ok_or("nothing is wrong")?;
    /// assert_eq!(why.kind(), Cause::WrongSpn);
    /// # }
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_captured(token: Token, keytab: impl Into<Arc<HeldKeys>>) -> Option<Self> {
        let keytab = keytab.into();
        let cause = match (token.ntlm_message(), token.ticket()) {
            (Some(_), None) => Cause::Ntlm,
            (_, Some(ticket)) => match of_key(ErrorKind::KeyMissing, Some(ticket), &keytab) {
                Cause::KeyMissing => return None,
                cause => cause,
            },
            (None, None) => return None,
        };
        let mut explanation = Self::new(cause);
        explanation.seen.token = Some(token);
        explanation.seen.keytab = Some(keytab);
        Some(explanation)
    }

    /// In a request to this host, for whose tickets of this service count.
    pub(crate) fn at(mut self, host: Option<String>, service: Option<String>) -> Self {
        self.seen.host = host;
        if let Some(service) = service {
            self.seen.service = service.parse().ok();
        }
        self
    }

    pub(crate) fn with_clock(mut self, clock: Option<Clock>) -> Self {
        self.seen.clock = clock;
        self
    }

    pub(crate) fn with_replay_cache(mut self, problem: ReplayCacheProblem) -> Self {
        self.seen.replay_cache = Some(problem);
        self
    }

    pub(crate) fn of_client(mut self, client: &Principal) -> Self {
        self.seen.client = Some(client.to_string());
        self
    }

    pub(crate) fn with_realms(mut self, realms: &[String]) -> Self {
        self.seen.realms = realms.to_vec();
        self
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.seen.detail = Some(detail.into());
        self
    }
}

/// The cause, the text, what was seen, and the mends.
impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Explanation", 6)?;
        fields.serialize_field("cause", &self.cause)?;
        fields.serialize_field("text", &self.to_string())?;
        fields.serialize_field("token", &self.token())?;
        fields.serialize_field("keytab", &self.keytab().map(|_| self.keytab_path()))?;
        fields.serialize_field("service", &self.service().map(ToString::to_string))?;
        fields.serialize_field("mends", &self.mends())?;
        fields.end()
    }
}

impl fmt::Debug for Explanation {
    // Not derived: a keytab may have thousands of keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explanation")
            .field("kind", &self.cause)
            .field("text", &self.to_string())
            .finish_non_exhaustive()
    }
}

/// What is wrong with the keys, by what the ticket says of its own.
fn of_key(kind: ErrorKind, ticket: Option<&Ticket>, keytab: &HeldKeys) -> Cause {
    let otherwise = match kind {
        ErrorKind::WrongKey => Cause::WrongKey,
        _ => Cause::KeyMissing,
    };
    let Some(ticket) = ticket else {
        return otherwise;
    };
    let keys: Vec<_> = keytab.keys_of(ticket).collect();
    let Some(newest) = keys.iter().map(|key| key.kvno()).max() else {
        return Cause::WrongSpn;
    };
    let is_of_version = |key: &&&Key| ticket.kvno().is_none_or(|kvno| is_same(key.kvno(), kvno));
    if let Some(kvno) = ticket.kvno()
        && !keys.iter().any(|key| is_of_version(&key))
    {
        return match kvno > newest {
            true => Cause::KvnoTooNew,
            false => Cause::KvnoTooOld,
        };
    }
    let mut keys = keys.iter().filter(is_of_version);
    match keys.any(|key| Some(key.enctype()) == ticket.enctype()) {
        true => otherwise,
        false => Cause::EnctypeMissing,
    }
}

/// Old keytabs have no more of a version than its last byte, and MIT Kerberos compares that.
fn is_same(held: u32, wanted: u32) -> bool {
    held == wanted || (held < 256 && wanted & 0xff == held)
}

#[cfg(test)]
mod tests;
