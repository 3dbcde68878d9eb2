//! One accept step, and the kind of error that a refusal has.

use std::time::{Duration, SystemTime};

use super::credential::Credentials;
use super::ffi::{Client, Context, Outcome, Refusal, Step};
use crate::error::{Error, ErrorKind};
use crate::token;

/// A completed Kerberos context: somebody whom the KDC vouches for.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// The principal as GSSAPI prints it; nothing has judged it yet.
    pub(crate) name: String,
    pub(crate) ticket_end: Option<SystemTime>,
    pub(crate) authenticated_at: Option<SystemTime>,
    /// What proves us to the client; empty where the client wants no proof.
    pub(crate) final_token: Vec<u8>,
}

/// No context, and so no identity.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error: Error,
    /// GSSAPI's reject token; empty where it gave none.
    pub(crate) reject_token: Vec<u8>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self {
            error,
            reject_token: Vec::new(),
        }
    }
}

pub(super) fn accept(
    credentials: &Credentials,
    token: &[u8],
    clock_skew: Duration,
) -> Result<Accepted, Refused> {
    let Step { outcome, reply } = Context::new().step(&credentials.accepting, token);
    let error = match outcome {
        Outcome::Complete(client) if client.anonymous => Error::new(ErrorKind::Anonymous),
        Outcome::Complete(client) => return Ok(accepted(client, reply, clock_skew)),
        // Its reply asks for another leg, which nothing could tie to this one.
        Outcome::Continue => return Err(Error::new(ErrorKind::UnfinishedHandshake).into()),
        Outcome::Refused(refusal) => {
            let kind = match token::krb_error_code(&reply) {
                Some(code) => of_krb_error(code),
                None => without_krb_error(credentials, token, &refusal),
            };
            Error::new(kind).with_detail(refusal.text)
        }
    };
    Err(Refused {
        error,
        reject_token: reply,
    })
}

fn accepted(client: Client, final_token: Vec<u8>, clock_skew: Duration) -> Accepted {
    Accepted {
        name: client.name,
        ticket_end: client.lifetime.and_then(|lifetime| {
            SystemTime::now().checked_add(lifetime.saturating_sub(clock_skew))
        }),
        authenticated_at: client.authtime.and_then(|seconds| {
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.into()))
        }),
        final_token,
    }
}

/// By the error codes of RFC 4120 section 7.5.9.
fn of_krb_error(code: i32) -> ErrorKind {
    match code {
        31 => ErrorKind::WrongKey,
        32 => ErrorKind::TicketExpired,
        33 => ErrorKind::TicketNotYetValid,
        34 => ErrorKind::Replay,
        35 => ErrorKind::WrongService,
        37 => ErrorKind::ClockSkew,
        44 | 45 => ErrorKind::KeyMissing,
        60 => ErrorKind::ReplayCacheUnusable,
        _ => ErrorKind::TokenRefused,
    }
}

/// MIT sends a KRB-ERROR only to clients that ask for mutual authentication, which browsers don't,
/// and SPNEGO numbers the minor codes anew in every process. So the Kerberos token inside is tried
/// once more, bare and without the replay cache, for the sake of its code alone.
fn without_krb_error(credentials: &Credentials, token: &[u8], refusal: &Refusal) -> ErrorKind {
    const BAD_MECH: u32 = 1;
    const DEFECTIVE_TOKEN: u32 = 9;
    match refusal.routine_error {
        BAD_MECH => return ErrorKind::NotKerberos,
        DEFECTIVE_TOKEN => return ErrorKind::MalformedToken,
        _ => {}
    }
    let Some(kerberos) = token::kerberos(token) else {
        return ErrorKind::TokenRefused;
    };
    let retried = Context::new().step(&credentials.diagnosing, kerberos);
    match retried.outcome {
        Outcome::Refused(refusal) => of_krb_error(krb_error_of(refusal.minor)),
        Outcome::Continue => ErrorKind::TokenRefused,
        // Nothing but the replay cache speaks against it.
        Outcome::Complete(_) if credentials.replay_cache.is_usable() => ErrorKind::Replay,
        Outcome::Complete(_) => ErrorKind::ReplayCacheUnusable,
    }
}

/// libkrb5 counts the codes of KRB-ERROR from here (`ERROR_TABLE_BASE_krb5` of krb5.h).
fn krb_error_of(minor: u32) -> i32 {
    const BASE: i32 = -1_765_328_384;
    minor.cast_signed().wrapping_sub(BASE)
}
