//! One accept step, and the kind of error that a refusal has.

use std::time::{Duration, SystemTime};

use super::ffi::{Client, Context, Credential, Outcome, Step};
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
    credential: &Credential,
    token: &[u8],
    clock_skew: Duration,
) -> Result<Accepted, Refused> {
    let Step { outcome, reply } = Context::new().step(credential, token);
    let error = match outcome {
        Outcome::Complete(client) if client.anonymous => Error::new(ErrorKind::Anonymous),
        Outcome::Complete(client) => return Ok(accepted(client, reply, clock_skew)),
        // Its reply asks for another leg, which nothing could tie to this one.
        Outcome::Continue => return Err(Error::new(ErrorKind::UnfinishedHandshake).into()),
        Outcome::Refused {
            routine_error,
            text,
        } => Error::new(kind(routine_error, &reply)).with_detail(text),
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

/// The kind comes from the KRB-ERROR in the reject token: SPNEGO numbers the minor codes anew in
/// every process. Its codes are those of RFC 4120 section 7.5.9.
fn kind(routine_error: u32, reply: &[u8]) -> ErrorKind {
    const BAD_MECH: u32 = 1;
    const DEFECTIVE_TOKEN: u32 = 9;
    match (token::krb_error_code(reply), routine_error) {
        (Some(31), _) => ErrorKind::WrongKey,
        (Some(32), _) => ErrorKind::TicketExpired,
        (Some(33), _) => ErrorKind::TicketNotYetValid,
        (Some(34), _) => ErrorKind::Replay,
        (Some(35), _) => ErrorKind::WrongService,
        (Some(37), _) => ErrorKind::ClockSkew,
        (Some(44 | 45), _) => ErrorKind::KeyMissing,
        (Some(60), _) => ErrorKind::ReplayCacheUnusable,
        (_, BAD_MECH) => ErrorKind::NotKerberos,
        (_, DEFECTIVE_TOKEN) => ErrorKind::MalformedToken,
        _ => ErrorKind::TokenRefused,
    }
}
