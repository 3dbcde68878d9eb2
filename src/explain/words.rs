//! The text of an explanation.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use base64::DecodeError;

use super::keytab::{HeldKeys, List};
use super::mend;
use super::{Cause, Clock, Explanation, Ticket};
use crate::principal::printable;

/// What makes no new key.
const COPY: &str = "copy the keytab of another server of the site that works, or export the key";

impl Explanation {
    fn what(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let seen = &self.seen;
        let detail = seen.detail.as_deref().unwrap_or_default();
        let ticket = Shown(self.ticket());
        let keytab = self.keytab_path();
        let service = Service(self);
        match self.cause {
            Cause::NotBase64 => write!(
                f,
                "What follows Negotiate is not base64 (RFC 4648 section 4): {detail}. A client or a \
                 proxy has cut or changed the header; look at it where the client sends it."
            ),
            Cause::TokenTooLong => write!(
                f,
                "The Negotiate token has about {detail} bytes, and 65536 are the limit; a ticket with \
                 1,200 groups and a forwarded one has a third of that. Either the client sends \
                 something else, or the person is in far too many groups. List them on the client:"
            ),
            Cause::Ntlm => {
                write!(f, "The client sent NTLM instead of Kerberos")?;
                if let Some(message) = self.token().and_then(|token| token.ntlm_message()) {
                    write!(
                        f,
                        " (its message {message}{})",
                        self.beside_kerberos(message)
                    )?;
                }
                write!(f, ": it has no ticket for {service}.")?;
                if let Some(host) = self.strange_host() {
                    write!(f, " {host}")?;
                }
                f.write_str(
                    " Usual reasons: the page was opened by an IP address or by another name than \
                     the SPN's; the SPN is on no account; the client is not in the domain, or can't \
                     reach its KDC; the site is not in the browser's list of trusted sites; the SPN \
                     is on two accounts. Try for a ticket on the client, and look for the SPN's \
                     account:",
                )
            }
            Cause::WrongSpn => self.wrong_spn(f),
            Cause::WrongKey => write!(
                f,
                "The keytab {keytab} has a key of the name, version and type that the client's \
                 ticket is sealed with ({ticket}), and it does not open the token. Usual reasons: the \
                 SPN is on another account, or on two; the account was made anew, or its password \
                 set, without a new keytab; the keytab is of another realm of this name. Or somebody \
                 made the token up. See which account has the SPN, and leave it on that one alone; then \
                 {COPY}:"
            ),
            Cause::KvnoTooNew => write!(
                f,
                "The client's ticket ({ticket}) is sealed with a newer key than the keytab {keytab} \
                 has, which is of version {}. The account's password was changed after the keytab \
                 was made, or the SPN is on another account (unless somebody made the ticket up). See \
                 which version the SPN's account has; then {COPY}:",
                self.kvnos()
            ),
            Cause::KvnoTooOld => write!(
                f,
                "The client's ticket ({ticket}) is sealed with an older key than the keytab {keytab} \
                 has, which is of version {}. The client got it before the key was changed, and \
                 needs a new ticket; with the old key beside the new one in the keytab, old tickets \
                 would count until they end. If a new one is as old, the SPN is on another account \
                 than the keytab's. A new ticket, and the SPN's account:",
                self.kvnos()
            ),
            Cause::EnctypeMissing => {
                write!(
                    f,
                    "The keytab {keytab} has no key of the type that the client's ticket is sealed \
                     with ({ticket}); of this name and version it has {}.",
                    self.enctypes()
                )?;
                f.write_str(match self.ticket_is_weak() {
                    true => {
                        " That type is too weak to go on with. If the KDC does use it (unless somebody \
                         made the ticket up), let the account use AES, with a new password where it \
                         never had a key of AES:"
                    }
                    false => {
                        " If the SPN's account does use that type (unless somebody made the ticket \
                         up), export all its keys:"
                    }
                })
            }
            Cause::KeyMissing => write!(
                f,
                "The keytab {keytab} has no key that the client's ticket ({ticket}) is sealed with. \
                 Unless somebody made the ticket up, see which version the SPN's account has; then \
                 {COPY}, and have clients fetch a new ticket:"
            ),
            Cause::KeytabUnusable => write!(
                f,
                "The keytab {keytab} can't be read any more: {detail}. The keys that it had stay in \
                 use, and the client's ticket ({ticket}) needs another. Put the file back from a \
                 backup or from another server of the site, readable for the user that this process \
                 runs as; if there is no copy, export the key:",
            ),
            Cause::ClockSkew => self.clock_skew(f),
            Cause::Replay => write!(
                f,
                "The token, for {}, was used before (a replay). A client makes a new token for each \
                 request: look for a proxy that sends requests again, or a client that keeps the \
                 header. If there is none, somebody has stolen the token on its way: serve the site \
                 over TLS alone.",
                ticket.service()
            ),
            Cause::TicketExpired => write!(
                f,
                "The client's ticket ({ticket}) has expired. If all clients are refused so, this \
                 server's clock is ahead. A client gets another by itself while it can reach the KDC \
                 and the person's own login there has not ended; else they sign in to it again, or \
                 get new tickets:"
            ),
            Cause::TicketNotYetValid => write!(
                f,
                "The client's ticket ({ticket}) is not valid yet: it was asked for in advance, or \
                 the KDC's clock is ahead of this server's. Set the one that is wrong, and keep both \
                 by NTP:"
            ),
            Cause::RealmNotAllowed => {
                write!(
                    f,
                    "The client is {}, and the realms that may sign in are {}. If its realm is to be \
                     one of them, name it, to the letter",
                    shown(seen.client.as_deref()),
                    List(seen.realms.iter()),
                )?;
                match self.clients_realm() {
                    Some(realm) => write!(f, ": .realm(\"{realm}\")."),
                    None => f.write_str(", with .realm(..)."),
                }
            }
            Cause::ChannelBindingDiffers => match detail {
                "" => write!(
                    f,
                    "The token is bound to another TLS certificate than the one this server was \
                     given: the certificate was renewed, a TLS terminator stands in between, or \
                     somebody relays the token. Give the layer the certificate of your own site or \
                     of its TLS terminator, with .server_end_point(..); if clients see another one \
                     than those, somebody may stand in between:"
                ),
                _ => write!(f, "The token is bound to a TLS certificate, and {detail}:"),
            },
            Cause::ChannelBindingMissing => write!(
                f,
                "The client sent no channel binding, and one is required. Many clients can't, or \
                 must be told to (guide::clients lists them); a TLS interceptor takes it away, too. \
                 To let them in, say .channel_binding(ChannelBinding::WhenSent)."
            ),
            Cause::ReplayCacheUnusable => match &seen.replay_cache {
                Some(problem) => write!(
                    f,
                    "The replay cache {} can't be written: {}. Nobody can sign in until it can. {}:",
                    printable(&problem.path.display().to_string()),
                    problem.reason,
                    problem.advice()
                ),
                None => f.write_str(
                    "The replay cache can't be written. Give the layer a folder of its own with \
                     .replay_cache(..).",
                ),
            },
            Cause::PacMissing => {
                f.write_str("The ticket")?;
                if let Some(client) = self.client() {
                    write!(f, " of {}", printable(client))?;
                }
                f.write_str(
                    " has no PAC, which tells who the client really is on Active Directory, and one \
                     is required. Usual reasons: the client had it left out (kinit \
                     --no-request-pac); the service's account is set so (NO_AUTH_DATA_REQUIRED); its \
                     signature is wrong; the KDC is no domain's. On the service's account:",
                )
            }
            Cause::NoConnection => write!(
                f,
                "The client's handshake takes several requests, since its first choice is not \
                 Kerberos, and there is no SpnegoConnection in the request to tie them together: \
                 serve the application with \
                 into_make_service_with_connect_info::<SpnegoConnection>(), or with Connections(..)."
            ),
            Cause::HandshakeLost => write!(
                f,
                "The client's handshake takes several requests, since its first choice is not \
                 Kerberos, and {detail}. Have the client offer Kerberos first, or keep its requests \
                 on one connection of HTTP/1.1."
            ),
        }
    }

    fn wrong_spn(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let asked = Shown(self.ticket()).service();
        let keytab = self.keytab_path();
        if self.is_elsewhere() {
            return write!(
                f,
                "The client asked for a ticket for {asked}, which the keytab {keytab} has, but {} \
                 takes tickets for {} alone. Open the site by that name, or name the other one, too, \
                 with .hostnames(..); a proxy must pass Host on unchanged.",
                match &self.seen.host {
                    Some(host) => format!("a request to {}", printable(host)),
                    None => "this request".to_owned(),
                },
                Service(self),
            );
        }
        write!(
            f,
            "The client asked for a ticket for {asked}, but the keytab {keytab} has "
        )?;
        match self.seen.keytab.as_deref() {
            Some(held) if !held.keys.is_empty() => write!(f, "{}.", held.principals())?,
            _ => f.write_str("no keys.")?,
        }
        match self.same_name_of_another_realm().is_some() {
            true => f.write_str(
                " That is the same name in another realm: the client's [domain_realm] in krb5.conf, \
                 or its DNS, puts the host there. Mend that; or, if the site is that realm's, add the \
                 key of its account there:",
            ),
            false => f.write_str(
                " Either open the site by the keytab's name (and not by an alias that the client \
                 turns into another), or, if this is a name of the site (unless somebody made the \
                 token up), see first that no other service has it, add the SPN and its key, and name \
                 its host, too, with .hostnames(..):",
            ),
        }
    }

    fn clock_skew(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.seen.clock {
            Some(Clock { ahead, allowed }) => {
                let by = span(Duration::from_secs(ahead.unsigned_abs()));
                let side = if ahead < 0 { "behind" } else { "ahead of" };
                write!(
                    f,
                    "The client's clock is {by} {side} this server's, and {} are allowed",
                    span(allowed)
                )?;
                if ahead < 0 {
                    f.write_str(", unless the token was held back so long on its way")?;
                }
                f.write_str(". ")?;
            }
            None => f.write_str("The client's clock and this server's differ by too much. ")?,
        }
        f.write_str("Set the one that is wrong, and keep both by NTP:")
    }
}

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.what(f)?;
        let mends = self.mends();
        if mends.is_empty() {
            return Ok(());
        }
        write!(f, " {}", mend::List(&mends))
    }
}
/// What is wrong with a text of this length that should be base64; nothing of the text itself, which
/// may be secret.
pub(super) fn not_base64(flaw: &DecodeError, length: usize) -> String {
    match flaw {
        DecodeError::InvalidByte(_, b'-' | b'_') => {
            "it is written with - or _, as base64url is".to_owned()
        }
        DecodeError::InvalidByte(place, byte) if *byte != b'=' => {
            format!("its character {} is none of base64's", place + 1)
        }
        _ if !length.is_multiple_of(4) => format!(
            "it has {length} characters, which is no multiple of four: its end is cut off, or its \
             padding with = is missing"
        ),
        _ => "its padding is wrong".to_owned(),
    }
}

fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) if hours < 48 => format!("{hours} h {minutes} min"),
        (hours, ..) => format!("{} days", hours / 24),
    }
}

fn shown(name: Option<&str>) -> String {
    printable(name.unwrap_or("unknown"))
}

/// A ticket in a sentence.
struct Shown<'a>(Option<&'a Ticket>);

impl<'a> Shown<'a> {
    fn service(&self) -> &'a str {
        self.0.map_or("an unknown service", Ticket::service)
    }
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(ticket) => write!(f, "{ticket}"),
            None => f.write_str("which can't be read"),
        }
    }
}

/// What a request's tickets must be for.
struct Service<'a>(&'a Explanation);

impl Display for Service<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (
            self.0.service(),
            self.0.seen.keytab.as_deref().map(HeldKeys::path),
        ) {
            (Some(service), _) => write!(f, "{service}"),
            (None, Some(path)) => write!(
                f,
                "any service of the keytab {}",
                printable(&path.display().to_string())
            ),
            (None, None) => f.write_str("this site"),
        }
    }
}
