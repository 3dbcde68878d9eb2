//! What the KDC's answers, and its silence, are told as.

use std::sync::Arc;
use std::time::Duration;

use super::super::keytab::Sound;
use super::super::{Check, Finding, Level, Site};
use super::{PATIENCE, UNKNOWN_REALM, has_wrong_key};
use crate::error::Error;
use crate::explain::{
    Cause, Explanation, HeldKeys, System, Ticket, Token, for_commands, here, mend, set_clock,
};
use crate::kerberos::examination::{KdcAnswer, SignIn};
use crate::principal::Principal;

/// From which on a clock is worth a word, in seconds.
const LITTLE: i64 = 60;

/// `KDC_ERR_S_PRINCIPAL_UNKNOWN` of RFC 4120 section 7.5.9.
const UNKNOWN_SERVICE: i32 = 7;

pub(super) fn unreached(own_realm: &str, level: Level, answer: &KdcAnswer) -> Finding {
    let realm = for_commands(own_realm).unwrap_or("REALM");
    let (code, text) = match &answer.outcome {
        Err((code, text)) => (*code, text.as_str()),
        Ok(()) => (0, ""),
    };
    let seen = format!("no KDC of {own_realm} answers: {text}");
    let finding = Finding::new(Check::Kdc, level, seen);
    let look = here(format!("dig +short SRV _kerberos._tcp.{realm}"));
    if code == UNKNOWN_REALM {
        return finding
            .meaning(
                "Neither krb5.conf nor the DNS names a KDC. The layer accepts tickets all the same; \
                 keys could not be compared. Name the KDC in krb5.conf, by kdc = HOST within the realm's \
                 braces in [realms], or the DNS server that knows it in /etc/resolv.conf; this shows \
                 what the DNS says:",
            )
            .mended_by([look]);
    }
    finding
        .meaning(
            "Nobody gets a ticket while no KDC runs. The layer needs none for the tickets that clients \
             have, but for Basic, and to bind with a keytab; keys could not be compared. Start it, and let this machine reach it on port 88 (TCP and UDP).",
        )
        .mended_by([
            mend(System::ActiveDirectory, "Start-Service kdc"),
            mend(System::Samba, "systemctl start samba-ad-dc"),
            mend(System::FreeIpa, "ipactl start"),
            mend(System::Mit, "systemctl start krb5-kdc"),
            look,
        ])
}

/// It takes what is asked, or somebody on the way does, and says nothing.
pub(super) fn silent(site: &Site, question: &str) -> Finding {
    let realm = for_commands(&site.realm).unwrap_or("REALM");
    Finding::new(
        Check::Kdc,
        site.without_kdc,
        format!(
            "no KDC of {} answers: asked for {question}, it was silent for {} s",
            site.realm,
            PATIENCE.as_secs()
        ),
    )
    .meaning(
        "The KDC hangs, or a firewall drops what is sent to port 88 (TCP and UDP), or krb5.conf or the \
         DNS names a machine that is gone. The layer accepts the tickets that there are. What else the \
         KDC would be asked is left out, for it would wait again: keys were not compared, and no \
         sign-in was tried.",
    )
    .mended_by([
        mend(System::ActiveDirectory, "Restart-Service kdc"),
        mend(System::Samba, "systemctl restart samba-ad-dc"),
        mend(System::FreeIpa, "ipactl restart"),
        mend(System::Mit, "systemctl restart krb5-kdc"),
        here(format!("dig +short SRV _kerberos._tcp.{realm}")),
    ])
}

pub(super) fn clock(ahead: i64, allowed: Duration) -> Finding {
    let seconds = ahead.unsigned_abs();
    let seen = match ahead {
        0 => "it agrees with the KDC's".to_owned(),
        1.. => format!("it is {seconds} s ahead of the KDC's"),
        _ => format!("it is {seconds} s behind the KDC's"),
    };
    if seconds > allowed.as_secs() {
        return Finding::error(Check::Clock, seen)
            .meaning(format!(
                "Clocks may differ by {} s (clockskew of krb5.conf). Clients go by the KDC's, and the \
                 layer refuses their tickets. Set both by NTP.",
                allowed.as_secs()
            ))
            .mended_by(set_clock());
    }
    if ahead.abs() > LITTLE {
        return Finding::warning(Check::Clock, seen)
            .meaning(format!(
                "From {} s on nobody can sign in. Set both clocks by NTP.",
                allowed.as_secs()
            ))
            .mended_by(set_clock());
    }
    Finding::ok(Check::Clock, seen)
}

/// What a sign-in tells.
pub(super) fn judged(keytab: &Sound, client: &Principal, signed_in: SignIn) -> Vec<Finding> {
    let service = keytab.service.to_string();
    let held = keytab.copy.held();
    match signed_in {
        SignIn::NoTicket(code, text) => vec![no_ticket(keytab, code, &text)],
        SignIn::Done { token } => {
            let ticket = Token::of(&token);
            vec![
                same_key(&ticket, &held),
                Finding::ok(
                    Check::Handshake,
                    format!("{client} signed in to {service}, and both proved who they are"),
                ),
            ]
        }
        SignIn::Refused { token, kind, text } => {
            let ticket = Token::of(&token);
            if let Some(why) = Explanation::of_captured(ticket.clone(), Arc::clone(&held)) {
                return vec![other_key(&why, &ticket)];
            }
            let why =
                Explanation::of_refused(kind, &token, Arc::clone(&held), Some(&service), None);
            let mends = why.map(|why| why.mends());
            vec![
                same_key(&ticket, &held),
                Finding::error(Check::Handshake, format!("{}: {text}", Error::new(kind)))
                    .meaning(match mends {
                        Some(_) => {
                            "So would every client's ticket be. The commands show where it \
                                    comes from, and mend it."
                        }
                        None => "So would every client's ticket be.",
                    })
                    .mended_by(mends.unwrap_or_default()),
            ]
        }
    }
}

fn same_key(token: &Token, held: &HeldKeys) -> Finding {
    let ticket = token.ticket();
    let shown = ticket.map(ToString::to_string);
    let seen = format!(
        "the KDC's ticket is for {}, and so is a key of the keytab",
        shown.as_deref().unwrap_or("the SPN")
    );
    let newest = ticket.and_then(|ticket| held.newest_of(ticket));
    match (newest, ticket.and_then(Ticket::kvno)) {
        (Some(newest), Some(kvno)) if newest > kvno => Finding::note(
            Check::KeyVersion,
            format!("{seen}; its newer key, kvno {newest}, waits for the KDC's"),
        )
        .meaning(
            "So it should be while the key is being changed: give each server of the site the new key, \
             and then the KDC. If no change is under way, the keytab is of another account.",
        ),
        _ => Finding::ok(Check::KeyVersion, seen),
    }
}

fn other_key(why: &Explanation, ticket: &Token) -> Finding {
    let means = match why.kind() {
        Cause::KvnoTooNew => {
            "The keytab is out of date: the account's password was changed after it was made, or the \
             SPN is on another account. See which account has the SPN; then copy the keytab of \
             another server of the site that works, or export the key."
        }
        Cause::KvnoTooOld => {
            "The keytab has a newer key than the KDC gives tickets with: a domain controller may not \
             know of the change yet, or the SPN is on another account than the keytab's."
        }
        Cause::EnctypeMissing => {
            "The keytab has no key of the type that the KDC seals tickets with. Export it again, with \
             all types of the account."
        }
        _ => "The keytab has no such key. Export it again.",
    };
    let seen = match ticket.ticket() {
        Some(ticket) => format!("the KDC's ticket is for {ticket}, and no key of the keytab"),
        None => "the KDC's ticket is for no key of the keytab".to_owned(),
    };
    Finding::error(Check::KeyVersion, seen)
        .meaning(means)
        .mended_by(why.mends())
}

fn no_ticket(keytab: &Sound, code: i32, text: &str) -> Finding {
    let service = &keytab.service;
    let finding = Finding::error(
        Check::KeyVersion,
        format!("the KDC gives no ticket for {service}: {text}"),
    );
    match code {
        UNKNOWN_SERVICE => finding
            .meaning(
                "No account has the SPN, or two have it. Add it to the service's account, take it off \
                 any other, and export its key.",
            )
            .mended_by(keytab.names.add(&keytab.names)),
        _ => finding
            .meaning("Look at the SPN's account, and into the KDC's log.")
            .mended_by(keytab.names.find()),
    }
}

pub(super) fn nobody_logs_in(keytab: &Sound, refused: &[(&Principal, KdcAnswer)]) -> Finding {
    let own = refused.first().filter(|(_, answer)| has_wrong_key(answer));
    if let Some((service, _)) = own {
        return Finding::error(
            Check::KeyVersion,
            format!("the KDC has another key of {service} than the keytab"),
        )
        .meaning(
            "The password or the key was changed after the keytab was made, or the keytab is of \
             another account. See which account has the SPN; then copy the keytab of another server \
             of the site that works, or export the key.",
        )
        .mended_by(
            keytab
                .names
                .find_and_export("only if that is the site's account"),
        );
    }
    Finding::note(
        Check::KeyVersion,
        format!("nobody of the keytab can log in: {}", reasons(refused)),
    )
    .meaning(
        "So the KDC's key of the SPN could not be compared with the keytab's, nor a sign-in be tried. \
         On Active Directory and Samba that is usual, for an SPN is no account. Name a keytab of an \
         account that can log in with .client_keytab(..) (--client-keytab); or compare the kvno of a ticket, on a client that \
         is signed in, with the keytab's.",
    )
    .mended_by(keytab.names.try_ticket())
}

fn reasons(refused: &[(&Principal, KdcAnswer)]) -> String {
    let listed: Vec<_> = refused
        .iter()
        .filter_map(|(client, answer)| {
            let (_, text) = answer.outcome.as_ref().err()?;
            Some(format!("{client} ({text})"))
        })
        .collect();
    listed.join(", ")
}

/// Nor with the keytab that is for that alone.
pub(super) fn no_client_logs_in(realm: &str, refused: &[(&Principal, KdcAnswer)]) -> Finding {
    let seen = match refused.is_empty() {
        true => format!("the clients' keytab has nobody of {realm}"),
        false => format!(
            "nobody of the clients' keytab can log in: {}",
            reasons(refused)
        ),
    };
    Finding::warning(Check::ClientKeytab, seen).meaning(
        "So the KDC's key of the SPN could not be compared with the keytab's, nor a sign-in be tried. \
         Name the keytab of an account that can log in, of the SPN's realm, with its key of now.",
    )
}
