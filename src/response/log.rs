//! A refusal's line in the log. Explanations are long, and anybody can have one written: past a few in
//! a minute, each is a short line.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tracing::field::display;
use tracing::{debug, error, info, warn};

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Fault};
use crate::explain::{Cause, Explanation, Ticket};
use crate::principal::printable;

/// How many explanations of one cause, for one address, are written whole in [`SPELL`].
const WHOLE: u64 = 10;
const SPELL: Duration = Duration::from_secs(60);

/// How many causes and addresses are told apart; the rest share one count for each cause.
const TOLD_APART: usize = 1_000;

/// What one layer has explained in its log.
#[derive(Clone, Default)]
pub(crate) struct Log {
    clock: Clock,
    explained: Arc<Mutex<HashMap<Whence, Spell>>>,
}

/// One's refusals must not put another's in short.
type Whence = (Cause, Option<IpAddr>);

struct Spell {
    begun: SystemTime,
    lines: u64,
}

impl Log {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            explained: Arc::default(),
        }
    }

    /// Every refusal has its line.
    pub(super) fn write(&self, error: &Error, peer: Option<SocketAddr>) {
        if let Some(explanation) = error.explanation()
            && !is_no_refusal(error.kind())
        {
            let cause = explanation.kind();
            let address = peer.map(|peer| peer.ip());
            if let Some(shortened) = self.count((cause, address)).checked_sub(WHOLE)
                && shortened > 0
            {
                return write_short(error.kind(), explanation, peer, shortened);
            }
        }
        write(error);
    }

    /// How many such lines there are in their minute, with this one.
    fn count(&self, whence: Whence) -> u64 {
        let now = self.clock.now();
        let mut explained = self
            .explained
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back begins another one, too.
        let goes_on = |spell: &Spell| {
            now.duration_since(spell.begun)
                .is_ok_and(|since| since < SPELL)
        };
        if explained.len() >= TOLD_APART {
            explained.retain(|_, spell| goes_on(spell));
        }
        let whence = match explained.len() < TOLD_APART || explained.contains_key(&whence) {
            true => whence,
            false => (whence.0, None),
        };
        let fresh = || Spell {
            begun: now,
            lines: 0,
        };
        let spell = explained.entry(whence).or_insert_with(fresh);
        if !goes_on(spell) {
            *spell = fresh();
        }
        spell.lines = spell.lines.saturating_add(1);
        spell.lines
    }
}

/// The whole text, of what no stranger can have written again and again.
pub(crate) fn write(error: &Error) {
    let kind = error.kind();
    let mut causes = String::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push_str(": ");
        causes.push_str(&printable(&cause.to_string()));
        source = cause.source();
    }
    // Anybody can send what is refused with 4xx; that must not look like an outage.
    match (kind.fault(), kind.status().is_server_error()) {
        _ if kind == ErrorKind::NoCredentials => debug!(?kind, "challenged"),
        _ if kind == ErrorKind::HandshakeGoesOn => debug!(?kind, "answered"),
        (_, true) => error!(?kind, "failed: {error}{causes}"),
        (Fault::Client, false) => info!(?kind, "refused: {error}{causes}"),
        (_, false) => warn!(?kind, "refused: {error}{causes}"),
    }
}

fn write_short(
    kind: ErrorKind,
    explanation: &Explanation,
    peer: Option<SocketAddr>,
    shortened: u64,
) {
    let cause = explanation.kind();
    let peer = peer.map(display);
    let client = explanation.client().map(printable);
    let ticket = explanation.ticket();
    let service = ticket.map(|ticket| printable(ticket.service()));
    let kvno = ticket.and_then(Ticket::kvno);
    let text = kind.message();
    match (kind.fault(), kind.status().is_server_error()) {
        (_, true) => error!(
            ?kind,
            ?cause,
            peer,
            client,
            service,
            kvno,
            shortened,
            "failed: {text} ({IN_SHORT})"
        ),
        (Fault::Client, false) => info!(
            ?kind,
            ?cause,
            peer,
            client,
            service,
            kvno,
            shortened,
            "refused: {text} ({IN_SHORT})"
        ),
        (_, false) => warn!(
            ?kind,
            ?cause,
            peer,
            client,
            service,
            kvno,
            shortened,
            "refused: {text} ({IN_SHORT})"
        ),
    }
}

const IN_SHORT: &str = "in short, for there were many of this cause within a minute; the response's Error \
                        has the whole text";

fn is_no_refusal(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NoCredentials | ErrorKind::HandshakeGoesOn)
}
