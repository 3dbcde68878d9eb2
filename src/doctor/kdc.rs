//! What the KDC knows: its clock, and its key of the SPN.

use std::cmp::Reverse;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use self::findings::{clock, judged, no_client_logs_in, nobody_logs_in, silent, unreached};
use super::keytab::Sound;
use super::{Check, Finding, Level, Site};
use crate::kerberos::examination::{KdcAnswer, KeytabCopy};
use crate::principal::Principal;

mod findings;

/// How long a question to the KDC may take. libkrb5 turns to the next KDC after a second, and has asked
/// them all by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many principals are tried.
const CANDIDATES: usize = 5;

/// How many keys the KDC may call wrong before no other is tried: some lock accounts.
const WRONG_KEYS: usize = 2;

/// Codes of RFC 4120 section 7.5.9.
const WRONG_PASSWORD: i32 = 24;
const WRONG_KEY: i32 = 31;

/// libkrb5's own, counted as those of KRB-ERROR are: `KRB5_REALM_UNKNOWN`, `KRB5_KDC_UNREACH` and
/// `KRB5_REALM_CANT_RESOLVE` of krb5.h.
const UNKNOWN_REALM: i32 = 154;
const NO_KDC: i32 = 156;
const NO_ADDRESS: i32 = 220;

/// Asks the KDC as the principals of the clients' keytab, or of the service's where there is none.
/// Returns whether it is silent. libkrb5 waits for half a minute, and can't be told otherwise: it
/// has a thread that nobody waits for longer than [`PATIENCE`], and that ends by itself. At the end of
/// the process it is still in `poll(2)`, and touches nothing of libkrb5's.
pub(super) fn examine(
    site: &Site,
    keytab: Sound,
    clients: Option<KeytabCopy>,
    allowed_skew: Duration,
    findings: &mut Vec<Finding>,
) -> bool {
    let (said, heard) = mpsc::channel();
    let asking = Asking {
        realm: site.realm.clone(),
        level: site.without_kdc,
        keytab,
        clients,
        allowed_skew,
        said,
    };
    let thread = thread::spawn(move || asking.examine());
    let mut question = String::new();
    loop {
        match heard.recv_timeout(PATIENCE) {
            Ok(Word::Asked(what)) => question = what,
            Ok(Word::Found(finding)) => findings.push(finding),
            Err(RecvTimeoutError::Timeout) => {
                findings.push(silent(site, &question));
                return true;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
    false
}

/// What the thread says.
enum Word {
    /// A question to the KDC, which may take its time.
    Asked(String),
    Found(Finding),
}

struct Asking {
    realm: String,
    /// How bad it is that no KDC answers.
    level: Level,
    keytab: Sound,
    clients: Option<KeytabCopy>,
    allowed_skew: Duration,
    said: mpsc::Sender<Word>,
}

impl Asking {
    fn examine(&self) {
        let mut refused: Vec<(&Principal, KdcAnswer)> = Vec::new();
        let mut wrong_keys = 0;
        let mut is_reached = false;
        for (client, kvno) in self.candidates() {
            // An older key is for a KDC that refused the newer one.
            let is_older = refused.last().filter(|(last, _)| *last == client);
            if is_older.is_some_and(|(_, answer)| !has_wrong_key(answer)) {
                continue;
            }
            let Ok(keys) = self.client_keys().up_to(client, kvno) else {
                continue;
            };
            if !self.asks(format!("a first ticket of {client}")) {
                return;
            }
            let answer = keys.log_in(&client.to_string());
            if is_unreached(&answer) {
                return self.found(unreached(&self.realm, self.level, &answer));
            }
            if answer.has_answered && !is_reached {
                is_reached = true;
                self.found(Finding::ok(
                    Check::Kdc,
                    format!("a KDC of {} answers", self.realm),
                ));
                if let Some(ahead) = answer.clock {
                    self.found(clock(ahead, self.allowed_skew));
                }
            }
            if answer.outcome.is_ok() {
                return self.sign_in(client, &keys);
            }
            wrong_keys += usize::from(has_wrong_key(&answer));
            refused.retain(|(last, _)| *last != client);
            refused.push((client, answer));
            if wrong_keys == WRONG_KEYS {
                break;
            }
        }
        self.found(match &self.clients {
            Some(_) => no_client_logs_in(&self.realm, &refused),
            None => nobody_logs_in(&self.keytab, &refused),
        });
    }

    /// Nobody hears it any more where the KDC was silent for too long.
    fn found(&self, finding: Finding) {
        let _ = self.said.send(Word::Found(finding));
    }

    /// Whether anybody hears it still. Else nothing more is asked: a wrong key may lock an account.
    fn asks(&self, what: String) -> bool {
        self.said.send(Word::Asked(what)).is_ok()
    }

    fn client_keys(&self) -> &KeytabCopy {
        self.clients.as_ref().unwrap_or(&self.keytab.copy)
    }

    /// The principals of the realm that the clients' keytab has, with each version of their keys, the
    /// service's own first and the newest first.
    fn candidates(&self) -> Vec<(&Principal, u32)> {
        let service = &self.keytab.service;
        let mut candidates: Vec<(&Principal, u32)> = Vec::new();
        for entry in &self.client_keys().entries {
            let candidate = (&entry.principal, entry.kvno);
            if candidate.0.realm() == service.realm() && !candidates.contains(&candidate) {
                candidates.push(candidate);
            }
        }
        // An account's own name is the one that AD knows.
        candidates.sort_by_cached_key(|(principal, kvno)| {
            let is_other = *principal != service;
            let length = principal.components().len();
            (is_other, length, principal.to_string(), Reverse(*kvno))
        });
        let mut principals: Vec<&Principal> = Vec::new();
        candidates.retain(|(principal, _)| {
            if principals.last() != Some(principal) {
                principals.push(principal);
            }
            principals.len() <= CANDIDATES
        });
        candidates
    }

    /// With a ticket for the SPN, got as this client.
    fn sign_in(&self, client: &Principal, keys: &KeytabCopy) {
        let keytab = &self.keytab;
        let service = keytab.service.to_string();
        if !self.asks(format!("a ticket for {service}, as {client}")) {
            return;
        }
        let signed_in = keys.sign_in(&client.to_string(), &service, &keytab.copy);
        for finding in judged(keytab, client, signed_in) {
            self.found(finding);
        }
    }
}

/// Other errors may be libkrb5's own as well, such as that it takes none of a principal's keys.
fn is_unreached(answer: &KdcAnswer) -> bool {
    let code = answer.outcome.as_ref().err().map(|(code, _)| *code);
    !answer.has_answered && matches!(code, Some(UNKNOWN_REALM | NO_KDC | NO_ADDRESS))
}

fn has_wrong_key(answer: &KdcAnswer) -> bool {
    matches!(answer.outcome, Err((WRONG_PASSWORD | WRONG_KEY, _)))
}
