//! What a client's token says in clear text, as the log and the doctor print it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::enctype::Enctype;
use super::names::{shown, spn_for_commands};
use crate::principal::Principal;
use crate::token::{self, ClearTicket, KRB5, MS_KRB5, NTLM};

/// A client's Negotiate token as far as it can be read without a key. All of it is the client's own
/// word: anybody can write it. [`Display`](fmt::Display) is one line, with what deceives escaped.
///
/// ```
/// use tower_spnego::explain::Token;
///
/// let token = Token::read("Negotiate YBsGBisGAQUFAqARMA+gDTALBgkqhkiG9xIBAgI=").unwrap();
/// assert_eq!(token.to_string(), "SPNEGO that offers Kerberos, with no token of it");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Token {
    mechanisms: Vec<Mechanism>,
    is_spnego: bool,
    ntlm: Option<NtlmMessage>,
    pub(super) ticket: Option<Ticket>,
}

/// A mechanism of GSS-API that a token offers or is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Mechanism {
    /// 1.2.840.113554.1.2.2 (RFC 4121).
    Kerberos,
    /// The same by the number that Windows lists first, 1.2.840.48018.1.2.2.
    KerberosOfWindows,
    /// 1.3.6.1.4.1.311.2.2.10 (MS-NLMP).
    Ntlm,
    /// 1.3.6.1.4.1.311.2.2.30 (MS-NEGOEX).
    NegoEx,
    /// Any other.
    Other,
}

/// Which of NTLM's messages a token is (MS-NLMP section 2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NtlmMessage {
    /// The first, NEGOTIATE.
    Negotiate,
    /// The server's, CHALLENGE.
    Challenge,
    /// The last, AUTHENTICATE.
    Authenticate,
    /// None of MS-NLMP.
    Unknown,
}

/// What a ticket says outside of its secret part (RFC 4120 section 5.3).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Ticket {
    service: String,
    realm: String,
    /// Exactly, where it can be one.
    #[serde(skip)]
    principal: Option<Principal>,
    /// Its name alone, where it may stand in a command.
    #[serde(skip)]
    pub(super) spn: Option<String>,
    kvno: Option<u32>,
    pub(super) enctype: Option<Enctype>,
}

impl Token {
    /// Reads an `Authorization` header, with its name and the scheme or without; `None` if what
    /// follows the scheme is not base64, or longer than any token.
    pub fn read(header: &str) -> Option<Self> {
        let text = header.trim();
        let text = match text.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("Authorization") => value.trim(),
            _ => text,
        };
        let encoded = match text.split_once(char::is_whitespace) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("Negotiate") => rest.trim_start(),
            _ => text,
        };
        if encoded.len() > token::MAX_LEN.div_ceil(3) * 4 {
            return None;
        }
        STANDARD.decode(encoded).ok().map(|bytes| Self::of(&bytes))
    }

    pub(crate) fn of(token: &[u8]) -> Self {
        Self {
            // The first of more than anybody sends.
            mechanisms: token::mechanisms(token).take(16).map(mechanism).collect(),
            is_spnego: token::is_spnego(token),
            ntlm: token::ntlm_message(token).map(NtlmMessage::of),
            ticket: token::ticket(token).map(|ticket| Ticket::of(&ticket)),
        }
    }

    /// What it offers, the first choice first; or the one mechanism that it is of.
    pub fn mechanisms(&self) -> &[Mechanism] {
        &self.mechanisms
    }

    /// The message of NTLM that it is, or carries.
    pub fn ntlm_message(&self) -> Option<NtlmMessage> {
        self.ntlm
    }

    /// The ticket in it.
    pub fn ticket(&self) -> Option<&Ticket> {
        self.ticket.as_ref()
    }

    pub(super) fn offers_kerberos(&self) -> bool {
        let kerberos = [Mechanism::Kerberos, Mechanism::KerberosOfWindows];
        kerberos.iter().any(|one| self.mechanisms.contains(one))
    }
}

impl Ticket {
    fn of(ticket: &ClearTicket<'_>) -> Self {
        let text = |bytes: &&[u8]| shown(&String::from_utf8_lossy(bytes));
        let components: Vec<_> = ticket.service.iter().map(text).collect();
        let realm = text(&ticket.realm);
        Self {
            service: format!("{}@{realm}", components.join("/")),
            realm,
            principal: ticket.principal(),
            spn: spn_for_commands(&ticket.service),
            kvno: ticket.kvno,
            enctype: ticket.enctype.map(Enctype::of),
        }
    }

    /// The service that it is for, such as `HTTP/intranet.corp.example.com@CORP.EXAMPLE.COM`; with
    /// escapes, and shortened where it is longer than names are.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The service's realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    pub(super) fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// The version of the key that it is sealed with.
    pub fn kvno(&self) -> Option<u32> {
        self.kvno
    }

    /// How it is sealed.
    pub fn enctype(&self) -> Option<Enctype> {
        self.enctype
    }
}

impl NtlmMessage {
    fn of(number: u32) -> Self {
        match number {
            1 => Self::Negotiate,
            2 => Self::Challenge,
            3 => Self::Authenticate,
            _ => Self::Unknown,
        }
    }
}

fn mechanism(identifier: &[u8]) -> Mechanism {
    const NEGOEX: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x1e];
    match identifier {
        KRB5 => Mechanism::Kerberos,
        MS_KRB5 => Mechanism::KerberosOfWindows,
        NTLM => Mechanism::Ntlm,
        NEGOEX => Mechanism::NegoEx,
        _ => Mechanism::Other,
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_spnego {
            f.write_str("SPNEGO that offers ")?;
            if self.mechanisms.is_empty() {
                f.write_str("nothing")?;
            }
            for (place, mechanism) in self.mechanisms.iter().enumerate() {
                let before = if place > 0 { ", " } else { "" };
                write!(f, "{before}{mechanism}")?;
            }
            f.write_str(", with ")?;
        }
        match (&self.ticket, self.ntlm) {
            (Some(ticket), _) => write!(f, "a Kerberos ticket for {ticket}"),
            (None, Some(message)) => write!(f, "NTLM's message {message}"),
            (None, None) if self.is_spnego => f.write_str("no token of it"),
            (None, None) => f.write_str("neither SPNEGO, Kerberos nor NTLM"),
        }
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.service)?;
        match self.kvno {
            Some(kvno) => write!(f, ", kvno {kvno}")?,
            None => f.write_str(", no kvno")?,
        }
        match self.enctype {
            Some(enctype) => write!(f, ", {enctype}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kerberos => "Kerberos",
            Self::KerberosOfWindows => "Kerberos (by Windows's number)",
            Self::Ntlm => "NTLM",
            Self::NegoEx => "NEGOEX",
            Self::Other => "another mechanism",
        })
    }
}

impl fmt::Display for NtlmMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Negotiate => "NEGOTIATE",
            Self::Challenge => "CHALLENGE",
            Self::Authenticate => "AUTHENTICATE",
            Self::Unknown => "of an unknown kind",
        })
    }
}
