//! What the [doctor](crate::doctor) asks of Kerberos on this machine. It blocks, and changes nothing:
//! tickets stay in memory, and no replay cache is written.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::context::of_minor;
use super::default_keytab;
use super::ffi::{self, Context, Credential, Initiation, KRB5_ERRORS, Krb5, LogIn, Outcome, Terms};
use super::keytab::{Keytab, KeytabEntry, KeytabError};
use super::keytab_file::{Keys, contents};
use crate::attributes::generalized_time;
use crate::der::{GENERALIZED_TIME, INTEGER, SEQUENCE, context, field, integer, only};
use crate::error::{ConfigError, ErrorKind};
use crate::explain::{HeldKeys, ReplayCacheProblem};
use crate::principal::Principal;
use crate::token;

/// What krb5.conf says.
pub(crate) struct Krb5Conf {
    /// Or libkrb5's text.
    pub(crate) default_realm: Result<String, String>,
    /// By how much clocks may differ.
    pub(crate) clock_skew: Duration,
    /// The default keytab's file.
    pub(crate) keytab: Result<PathBuf, ConfigError>,
}

impl Krb5Conf {
    /// The error is libkrb5's text.
    pub(crate) fn read() -> Result<Self, String> {
        let mut krb5 = Krb5::new()?;
        Ok(Self {
            default_realm: krb5.default_realm(),
            clock_skew: krb5.clock_skew(),
            keytab: default_keytab(&mut krb5),
        })
    }
}

/// Whether GSSAPI has NTLM, by a plug-in.
pub(crate) fn has_ntlm() -> bool {
    ffi::has_mechanism(token::NTLM)
}

/// A keytab as it is now, copied.
pub(crate) struct KeytabCopy {
    pub(crate) entries: Vec<KeytabEntry>,
    keys: Keys,
}

/// Why there is none.
pub(crate) enum KeytabProblem {
    Unreadable(io::Error),
    Malformed(KeytabError),
}

impl KeytabCopy {
    pub(crate) fn read(path: &Path) -> Result<Self, KeytabProblem> {
        let bytes = contents(path).map_err(KeytabProblem::Unreadable)?;
        Self::of(path, &bytes)
    }

    fn of(path: &Path, bytes: &[u8]) -> Result<Self, KeytabProblem> {
        let keytab = Keytab::parse(bytes).map_err(KeytabProblem::Malformed)?;
        let keys = Keys::new(path, bytes, &keytab, Vec::new());
        Ok(Self {
            entries: keytab.entries().cloned().collect(),
            keys: keys.map_err(KeytabProblem::Unreadable)?,
        })
    }

    /// The same, without this principal's keys of a newer version: libkrb5 shows the KDC the newest
    /// alone.
    pub(crate) fn up_to(&self, principal: &Principal, kvno: u32) -> Result<Self, KeytabProblem> {
        let path = self.keys.held().path().to_owned();
        let copy = self.keys.name();
        let copy = copy.strip_prefix("FILE:").unwrap_or(&copy);
        let bytes = contents(Path::new(copy)).map_err(KeytabProblem::Unreadable)?;
        let is_kept = |entry: &KeytabEntry| entry.principal != *principal || entry.kvno <= kvno;
        let bytes = Keytab::only(&bytes, is_kept).map_err(KeytabProblem::Malformed)?;
        Self::of(&path, &bytes)
    }

    pub(crate) fn held(&self) -> Arc<HeldKeys> {
        self.keys.held()
    }

    /// Whether GSSAPI takes this service's keys. The error is its text.
    pub(crate) fn acquire(&self, service: &str) -> Result<(), String> {
        self.credential(service).map(drop)
    }

    fn credential(&self, service: &str) -> Result<Credential, String> {
        Credential::acceptor(service, &self.keys.name(), "none:")
    }

    /// Asks the KDC for a first ticket of this principal.
    pub(crate) fn log_in(&self, principal: &str) -> KdcAnswer {
        let LogIn { replies, authtime } = LogIn::of(principal, &self.keys.name());
        let of_errors = replies
            .iter()
            .find_map(|(at, reply)| Some((time_of(reply)?, *at)));
        let of_ticket = || {
            let seconds = Duration::from_secs(u64::from(*authtime.as_ref().ok()?));
            let (at, _) = replies.last()?;
            Some((SystemTime::UNIX_EPOCH.checked_add(seconds)?, *at))
        };
        KdcAnswer {
            has_answered: !replies.is_empty(),
            clock: of_errors
                .or_else(of_ticket)
                .map(|(theirs, ours)| ahead(ours, theirs)),
            outcome: authtime
                .map(drop)
                .map_err(|(code, text)| (code.wrapping_sub(KRB5_ERRORS), text)),
        }
    }

    /// A sign-in of this principal, by its key in this keytab, to the service, whose key is in the
    /// other. Both sides are in this process.
    pub(crate) fn sign_in(&self, client: &str, service: &str, services: &Self) -> SignIn {
        let begun =
            Initiation::new(client, &self.keys.name(), service).and_then(|mut initiation| {
                let token = initiation.step(&[], None)?.token;
                Ok((initiation, token))
            });
        let (mut initiation, token) = match begun {
            Ok(begun) => begun,
            Err(refusal) => {
                let code = refusal.minor.cast_signed().wrapping_sub(KRB5_ERRORS);
                return SignIn::NoTicket(code, refusal.text);
            }
        };
        let refused = |kind, text| SignIn::Refused {
            token: token.clone(),
            kind,
            text,
        };
        let credential = match services.credential(service) {
            Ok(credential) => credential,
            Err(text) => return refused(ErrorKind::TokenRefused, text),
        };
        let step = Context::new().step(&credential, &token, &Terms::default());
        match step.outcome {
            Outcome::Complete(_) => match initiation.step(&step.reply, None) {
                Ok(step) if step.is_proved => SignIn::Done { token },
                Ok(_) => refused(ErrorKind::TokenRefused, "it proved nothing".to_owned()),
                Err(refusal) => refused(ErrorKind::TokenRefused, refusal.text),
            },
            Outcome::Continue => refused(ErrorKind::TokenRefused, "it does not end".to_owned()),
            Outcome::Refused(refusal) => {
                refused(of_minor(refusal.minor.cast_signed()), refusal.text)
            }
        }
    }
}

/// The KDC's time, which a KRB-ERROR tells (RFC 4120 section 5.9.1); a ticket keeps it sealed.
fn time_of(reply: &[u8]) -> Option<SystemTime> {
    const KRB_ERROR: u8 = 0x7e;
    let fields = only(only(reply, KRB_ERROR)?, SEQUENCE)?;
    let time = only(field(fields, context(4))?, GENERALIZED_TIME)?;
    let micros = field(fields, context(5)).and_then(|contents| integer(only(contents, INTEGER)?));
    let micros = micros.and_then(|micros| u64::try_from(micros).ok());
    let time = generalized_time::parse(str::from_utf8(time).ok()?)?;
    time.checked_add(Duration::from_micros(micros.unwrap_or(0)))
}

/// By how many seconds our clock is ahead.
fn ahead(ours: SystemTime, theirs: SystemTime) -> i64 {
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match ours.duration_since(theirs) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    }
}

/// What a KDC said about a principal of the keytab.
pub(crate) struct KdcAnswer {
    /// Whether it said anything.
    pub(crate) has_answered: bool,
    /// By how many seconds our clock is ahead of its.
    pub(crate) clock: Option<i64>,
    /// The code of RFC 4120 section 7.5.9, or one of libkrb5's own, and libkrb5's text.
    pub(crate) outcome: Result<(), (i32, String)>,
}

/// What became of a sign-in with oneself.
pub(crate) enum SignIn {
    /// The KDC gave no ticket for the service: a code as that of a [`KdcAnswer`], and the text.
    NoTicket(i32, String),
    Refused {
        token: Vec<u8>,
        kind: ErrorKind,
        text: String,
    },
    Done {
        token: Vec<u8>,
    },
}

/// Where the replay cache is, if it can be written. Unlike the layer it makes nothing.
pub(crate) fn replay_cache(folder: Option<&Path>) -> Result<PathBuf, ReplayCacheProblem> {
    super::replay_cache::look(folder)
}
