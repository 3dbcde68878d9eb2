//! One accept step, and the kind of error that a refusal has.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::credential::{Credentials, Service};
use super::ffi::{
    self, Client, Context, Delegated, KRB5_ERRORS, Objection, Outcome, PacBuffers, Refusal, Step,
    Terms,
};
use super::keytab_file::KeytabFile;
use super::pac::{Buffers, Pac};
use super::replay_cache::ReplayCache;
use super::worker::{Disposable, Disposal};
use crate::error::{Error, ErrorKind};
use crate::explain::{Clock, Explanation};
use crate::principal::Principal;
use crate::token;

/// A completed Kerberos context: somebody whom the KDC vouches for.
pub(crate) struct Accepted {
    /// The principal as GSSAPI prints it; nothing has judged it yet.
    pub(crate) name: String,
    /// What `auth_to_local` makes of it, where it was asked and makes something of it.
    pub(crate) local_name: Option<String>,
    pub(crate) ticket_end: Option<SystemTime>,
    pub(crate) authenticated_at: Option<SystemTime>,
    /// What proves us to the client; empty where the client wants no proof.
    pub(crate) final_token: Vec<u8>,
    /// The client's forwarded ticket, where one was asked for.
    pub(super) delegated: Option<Disposable<Delegated>>,
    /// What the ticket's PAC says; an error where it is there and can't be read.
    pub(crate) pac: Result<Option<Arc<Pac>>, Error>,
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

impl From<ErrorKind> for Refused {
    fn from(kind: ErrorKind) -> Self {
        Error::new(kind).into()
    }
}

/// What a step came to that refused nobody.
pub(super) enum Progress {
    Accepted(Accepted),
    /// The client is to answer this token on the same connection.
    Unfinished(Disposable<Context>, Vec<u8>),
}

/// What an accept thread accepts with.
pub(super) struct Tools {
    pub(super) keytab: Arc<KeytabFile>,
    pub(super) credentials: Credentials,
}

/// What does not change between accepts.
#[derive(Debug, Clone, Copy)]
pub(super) struct AcceptSettings {
    pub(super) clock_skew: Duration,
    pub(super) local_name: bool,
    pub(super) delegation: bool,
    pub(super) bound_only: bool,
}

/// One leg of a handshake.
pub(super) struct Leg {
    pub(super) token: Vec<u8>,
    /// The principal that the ticket must be for; any of the keytab where there is none.
    pub(super) service: Option<String>,
    pub(super) channel_binding: Option<Vec<u8>>,
    pub(super) settings: AcceptSettings,
}

impl Tools {
    pub(super) fn accept(
        &mut self,
        context: Disposable<Context>,
        leg: &Leg,
        disposal: &Disposal,
    ) -> Result<Progress, Refused> {
        self.credentials.renew(&self.keytab);
        if let Some(ap_req) = token::ap_req(&leg.token)
            && let Err(objection) = self.credentials.guard.check(ap_req)
        {
            return Err(self.explain(objected(objection), leg).into());
        }
        let service = self
            .service(leg)
            .map_err(|error| self.explain(error, leg))?;
        let terms = Terms {
            channel_binding: leg.channel_binding.as_deref(),
            local_name: leg.settings.local_name,
            delegation: leg.settings.delegation,
            pac: true,
        };
        let Some(mut context) = context.take() else {
            return Err(ErrorKind::Internal.into());
        };
        let Step { outcome, reply } = context.step(&service.accepting, &leg.token, &terms);
        let error = match outcome {
            Outcome::Complete(client) if client.anonymous => Error::new(ErrorKind::Anonymous),
            Outcome::Complete(client) if leg.settings.bound_only && !client.is_bound => {
                // Not GSSAPI's reply, which is the proof that a client would take for a sign-in.
                let error = Error::new(ErrorKind::ChannelBindingMissing);
                return Err(self.explain(error, leg).into());
            }
            Outcome::Complete(client) => {
                let accepted = accepted(client, reply, &leg.settings, disposal);
                return Ok(Progress::Accepted(accepted));
            }
            Outcome::Continue => return Ok(Progress::Unfinished(disposal.of(context), reply)),
            Outcome::Refused(refusal) => {
                let replay_cache = &self.credentials.replay_cache;
                let kind = kind(&refusal, &reply, service, replay_cache, &leg.token);
                let error = Error::new(kind).with_detail(refusal.text);
                self.explain(error, leg)
            }
        };
        Err(Refused {
            error,
            reject_token: reply,
        })
    }

    /// With what can be read of the token and the keytab. Everything here is bounded, and short beside
    /// what GSSAPI did to refuse it.
    fn explain(&self, error: Error, leg: &Leg) -> Error {
        let explanation = Explanation::of_refused(
            error.kind(),
            &leg.token,
            self.credentials.held(),
            leg.service.as_deref(),
            self.keytab.problem(),
        );
        let explanation = explanation.map(|explanation| match error.kind() {
            ErrorKind::ClockSkew => explanation.with_clock(self.clock(leg)),
            ErrorKind::ReplayCacheUnusable => {
                explanation.with_replay_cache(self.credentials.replay_cache.problem())
            }
            _ => explanation,
        });
        error.explained(explanation)
    }

    /// By how much the client's clock differs, as the sealed authenticator says.
    fn clock(&self, leg: &Leg) -> Option<Clock> {
        let theirs = self
            .credentials
            .guard
            .client_time(token::ap_req(&leg.token)?)?;
        let ours = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Some(Clock {
            ahead: i64::from(theirs) - i64::try_from(ours.ok()?.as_secs()).ok()?,
            allowed: leg.settings.clock_skew,
        })
    }

    /// Whose credential it takes. What a ticket says in clear text chooses only among keys that
    /// count the same.
    fn service(&self, leg: &Leg) -> Result<&Service, Error> {
        let credentials = &self.credentials;
        if let Some(principal) = &leg.service {
            let service = credentials.of(principal);
            return service.ok_or_else(|| Error::new(ErrorKind::Internal));
        }
        let wanted = token::service(&leg.token).map(|principal| principal.to_string());
        match &wanted {
            Some(principal) => credentials
                .of(principal)
                .ok_or_else(|| Error::new(ErrorKind::WrongService)),
            None => credentials
                .any()
                .ok_or_else(|| Error::new(ErrorKind::Internal)),
        }
    }
}

fn objected(objection: Objection) -> Error {
    match objection {
        Objection::Unsound => Error::new(ErrorKind::MalformedToken)
            .with_detail("the ticket that it forwards names nobody"),
        Objection::Time(code) => Error::new(of_minor(code)),
    }
}

fn accepted(
    client: Client,
    final_token: Vec<u8>,
    settings: &AcceptSettings,
    disposal: &Disposal,
) -> Accepted {
    let pac = read_pac(client.pac);
    let local_name = match &pac {
        // The rules are for who it is, not for what the client calls itself.
        Ok(Some(pac)) if settings.local_name => of_account(&client.name, pac.account())
            .and_then(|principal| ffi::local_name(&principal.to_string())),
        _ => client.local_name,
    };
    Accepted {
        name: client.name,
        local_name,
        ticket_end: client.lifetime.and_then(|lifetime| {
            SystemTime::now().checked_add(lifetime.saturating_sub(settings.clock_skew))
        }),
        authenticated_at: client.authtime.and_then(|seconds| {
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.into()))
        }),
        final_token,
        delegated: client.delegated.map(|ticket| disposal.of(ticket)),
        pac,
    }
}

pub(super) fn read_pac(
    buffers: Result<Option<PacBuffers>, String>,
) -> Result<Option<Arc<Pac>>, Error> {
    let unreadable = |detail: String| Error::new(ErrorKind::PacUnreadable).with_detail(detail);
    let Some(buffers) = buffers.map_err(unreadable)? else {
        return Ok(None);
    };
    let pac = Pac::read(&Buffers {
        logon_info: &buffers.logon_info,
        upn_dns_info: buffers.upn_dns_info.as_deref(),
        requestor: buffers.requestor.as_deref(),
    });
    pac.map(|pac| Some(Arc::new(pac)))
        .map_err(|error| Error::new(ErrorKind::PacUnreadable).with_source(error))
}

/// The principal of this account in the realm of this one.
fn of_account(name: &str, account: &str) -> Option<Principal> {
    let ticket: Principal = name.parse().ok()?;
    Principal::from_parts(vec![account.to_owned()], ticket.realm().to_owned()).ok()
}

/// Routine errors of GSSAPI (RFC 2744 section 3.9.1).
const BAD_MECH: u32 = 1;
const BAD_BINDINGS: u32 = 4;
const DEFECTIVE_TOKEN: u32 = 9;

fn kind(
    refusal: &Refusal,
    reply: &[u8],
    service: &Service,
    replay_cache: &ReplayCache,
    token: &[u8],
) -> ErrorKind {
    if refusal.routine_error == BAD_BINDINGS {
        return ErrorKind::ChannelBindingDiffers;
    }
    let code = token::krb_error_code(reply);
    if let Some(code) = code.filter(|&code| code != KRB_ERR_GENERIC) {
        return of_krb_error(code);
    }
    match diagnose(refusal, service, token) {
        Some(kind) => kind,
        // A replay has a code of its own.
        None if code.is_none() && replay_cache.is_usable() => ErrorKind::Replay,
        None => ErrorKind::ReplayCacheUnusable,
    }
}

/// Whatever the protocol has no code for (RFC 4120 section 7.5.9).
const KRB_ERR_GENERIC: i32 = 60;

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
        _ => ErrorKind::TokenRefused,
    }
}

/// MIT sends a KRB-ERROR only to clients that ask for mutual authentication, which browsers don't,
/// and SPNEGO numbers the minor codes anew in every process. So the Kerberos token inside is tried
/// once more, bare and without the replay cache, for the sake of its code alone. `None` where nothing
/// but the replay cache speaks against it.
fn diagnose(refusal: &Refusal, service: &Service, token: &[u8]) -> Option<ErrorKind> {
    match refusal.routine_error {
        BAD_MECH => return Some(ErrorKind::NotKerberos),
        DEFECTIVE_TOKEN => return Some(ErrorKind::MalformedToken),
        _ => {}
    }
    let Some(kerberos) = token::kerberos(token) else {
        return Some(ErrorKind::TokenRefused);
    };
    let retried = Context::new().step(&service.diagnosing, kerberos, &Terms::default());
    match retried.outcome {
        Outcome::Refused(refusal) => Some(of_minor(refusal.minor.cast_signed())),
        Outcome::Continue => Some(ErrorKind::TokenRefused),
        Outcome::Complete(_) => None,
    }
}

/// By the codes of libkrb5 (krb5.h). One of its tables counts the codes of KRB-ERROR from its base,
/// another is its ASN.1 decoder's; each has room for 256.
pub(super) fn of_minor(minor: i32) -> ErrorKind {
    const ASN1: i32 = 1_859_794_432;
    const LAST_ASN1: i32 = ASN1 + 255;
    match minor {
        ASN1..=LAST_ASN1 => ErrorKind::MalformedToken,
        _ => of_krb_error(minor.wrapping_sub(KRB5_ERRORS)),
    }
}
