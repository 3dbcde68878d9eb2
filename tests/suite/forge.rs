//! Tickets and authenticators of the tests' own making, sealed with the service's real key, as only
//! the KDC and the service could.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use tower_sessions::cookie::time::OffsetDateTime;
use tower_spnego::testing::TestRealm;

use crate::aes_key::Key;
use crate::der::{
    AES256_SHA1, ApReq, KRB5, application, bit_string, context, frame, general_string,
    generalized_time, integer, octet_string, offer, principal_name, sequence,
};

/// Key usages of RFC 4120 section 7.5.1.
pub const TICKET: u32 = 2;
pub const AP_REQ_AUTHENTICATOR: u32 = 11;
const KRB_CRED_PART: u32 = 14;

/// A client's choices: SPNEGO or Kerberos alone, and whether the server is to prove itself.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    pub spnego: bool,
    pub mutual: bool,
}

pub const FORMS: [Form; 4] = [
    Form::new(true, true),
    Form::new(true, false),
    Form::new(false, true),
    Form::new(false, false),
];

impl Form {
    const fn new(spnego: bool, mutual: bool) -> Self {
        Self { spnego, mutual }
    }
}

/// An AP-REQ to be: alice's to `HTTP/localhost`, and good unless a test spoils it.
#[derive(Clone)]
pub struct Forgery {
    pub mutual: bool,
    pub ticket: Ticket,
    pub authenticator: Authenticator,
}

/// RFC 4120 section 5.3.
#[derive(Clone)]
pub struct Ticket {
    pub realm: String,
    pub service: Vec<&'static str>,
    pub enctype: u32,
    pub kvno: Option<u32>,
    /// What seals it: the service's.
    pub key: Key,
    pub flags: u32,
    pub session_key: Key,
    pub client: Client,
    pub starts: i64,
    pub ends: i64,
}

/// RFC 4120 section 5.5.1.
#[derive(Clone)]
pub struct Authenticator {
    pub client: Client,
    /// Whose ticket it forwards.
    pub forwards: Option<Client>,
    /// How that is broken.
    pub flaw: Option<Flaw>,
    /// Whether it is sealed once more by itself, as Java and Windows do.
    pub seals: bool,
    pub time: i64,
    /// What seals it: the ticket's session key.
    pub session_key: Key,
}

/// What a forwarded ticket lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    NoClient,
    /// The same, and in clear text that calls itself sealed.
    Mislabelled,
    NoServer,
    NoInfo,
    MoreTickets,
    Empty,
}

#[derive(Clone)]
pub struct Client {
    pub realm: String,
    pub name: Vec<Vec<u8>>,
}

impl Client {
    pub fn new<C: AsRef<[u8]>>(name: &[C], realm: &str) -> Self {
        Self {
            realm: realm.to_owned(),
            name: name.iter().map(|part| part.as_ref().to_vec()).collect(),
        }
    }
}

impl Forgery {
    /// With the key out of the realm's keytab.
    pub fn new(realm: &TestRealm) -> Self {
        let (kvno, key) = service_key(realm.command("klist"), realm.keytab());
        let client = Client::new(&["alice"], realm.realm());
        let session_key = Key::random();
        let now = seconds_now();
        Self {
            mutual: true,
            ticket: Ticket {
                realm: realm.realm().to_owned(),
                service: vec!["HTTP", "localhost"],
                enctype: AES256_SHA1,
                kvno: Some(kvno),
                key,
                flags: 0,
                session_key: session_key.clone(),
                client: client.clone(),
                starts: now - 60,
                ends: now + 3600,
            },
            authenticator: Authenticator {
                client,
                forwards: None,
                flaw: None,
                seals: false,
                time: now,
                session_key,
            },
        }
    }

    /// Of this client, in the ticket as in the authenticator.
    pub fn of(mut self, client: Client) -> Self {
        self.authenticator.client = client.clone();
        self.ticket.client = client;
        self
    }

    /// The Kerberos token. Each call seals anew, so that no two are replays.
    pub fn kerberos(&self) -> Vec<u8> {
        frame(KRB5, &self.unframed())
    }

    /// What is in the Kerberos token's frame.
    pub fn unframed(&self) -> Vec<u8> {
        self.sealing(&self.ticket.secret(), &self.authenticator_secret())
    }

    pub fn authenticator_secret(&self) -> Vec<u8> {
        self.authenticator.secret(self.mutual)
    }

    /// The same in SPNEGO.
    pub fn spnego(&self) -> Vec<u8> {
        offer(&[KRB5], Some(&self.kerberos()))
    }

    pub fn token(&self, Form { spnego, mutual }: Form) -> Vec<u8> {
        let forgery = Self {
            mutual,
            ..self.clone()
        };
        if spnego {
            forgery.spnego()
        } else {
            forgery.kerberos()
        }
    }

    pub fn all_forms(&self) -> [Vec<u8>; 4] {
        FORMS.map(|form| self.token(form))
    }

    /// The same with these bytes in the place of the ticket's secret part and the authenticator.
    pub fn sealing(&self, ticket: &[u8], authenticator: &[u8]) -> Vec<u8> {
        let session_key = &self.authenticator.session_key;
        let message = ApReq {
            mutual: self.mutual,
            realm: &self.ticket.realm,
            service: &self.ticket.service,
            enctype: self.ticket.enctype,
            kvno: self.ticket.kvno,
            ticket: &self.ticket.key.encrypt(TICKET, ticket),
            authenticator: &session_key.encrypt(AP_REQ_AUTHENTICATOR, authenticator),
        };
        message.unframed()
    }
}

impl Ticket {
    /// EncTicketPart.
    pub fn secret(&self) -> Vec<u8> {
        let part = sequence(&[
            context(0, &bit_string(&self.flags.to_be_bytes())),
            context(1, &typed(AES256_SHA1, &self.session_key.0)),
            context(2, &general_string(self.client.realm.as_bytes())),
            context(3, &principal_name(1, &self.client.name)),
            // The realms on the way here, in domain-x500-compress: none.
            context(4, &typed(1, b"")),
            context(5, &time(self.starts)),
            context(6, &time(self.starts)),
            context(7, &time(self.ends)),
        ]);
        application(3, &part)
    }
}

impl Authenticator {
    pub fn secret(&self, mutual: bool) -> Vec<u8> {
        let part = sequence(&[
            context(0, &integer(5)),
            context(1, &general_string(self.client.realm.as_bytes())),
            context(2, &principal_name(1, &self.client.name)),
            context(3, &self.gss_checksum(mutual)),
            context(4, &integer(0)),
            context(5, &time(self.time)),
            context(7, &integer(1)),
        ]);
        application(2, &part)
    }

    /// The checksum that carries GSS-API's flags, no channel binding, and a forwarded ticket (RFC
    /// 4121 section 4.1.1).
    fn gss_checksum(&self, mutual: bool) -> Vec<u8> {
        const GSS: u32 = 0x8003;
        const DELEGATION: u32 = 1;
        const MUTUAL: u32 = 2;
        const OPTION: u16 = 1;
        let length_of_binding = 16_u32.to_le_bytes();
        let mut flags = if mutual { MUTUAL } else { 0 };
        let mut credential = Vec::new();
        if let Some(client) = &self.forwards {
            flags |= DELEGATION;
            let message = forwarded(client, self.flaw, self.seals.then_some(&self.session_key));
            let length = u16::try_from(message.len()).expect("a length");
            credential.extend([OPTION, length].map(u16::to_le_bytes).concat());
            credential.extend(message);
        }
        let flags = flags.to_le_bytes();
        let contents = [&length_of_binding[..], &[0; 16], &flags, &credential];
        typed(GSS, &contents.concat())
    }
}

/// A KRB-CRED (RFC 4120 section 5.8) with a ticket that opens nothing, sealed with this key, or with
/// none, as MIT Kerberos sends it.
fn forwarded(client: &Client, flaw: Option<Flaw>, key: Option<&Key>) -> Vec<u8> {
    let tgs = ["krbtgt", &client.realm];
    let ticket = sequence(&[
        context(0, &integer(5)),
        context(1, &general_string(client.realm.as_bytes())),
        context(2, &principal_name(2, &tgs)),
        context(3, &encrypted(AES256_SHA1, &[0; 64])),
    ]);
    let mut info = vec![context(0, &typed(AES256_SHA1, &Key::random().0))];
    if !matches!(flaw, Some(Flaw::NoClient | Flaw::Mislabelled)) {
        info.push(context(1, &general_string(client.realm.as_bytes())));
        info.push(context(2, &principal_name(1, &client.name)));
    }
    info.push(context(6, &time(seconds_now() + 3600)));
    if flaw != Some(Flaw::NoServer) {
        info.push(context(8, &general_string(client.realm.as_bytes())));
        info.push(context(9, &principal_name(2, &tgs)));
    }
    let (tickets, infos) = match flaw {
        Some(Flaw::Empty) => (0, 0),
        Some(Flaw::NoInfo) => (1, 0),
        Some(Flaw::MoreTickets) => (3, 1),
        _ => (1, 1),
    };
    let infos = sequence(&vec![sequence(&info); infos]);
    let secret = application(29, &sequence(&[context(0, &infos)]));
    let secret = match key {
        Some(key) => encrypted(AES256_SHA1, &key.encrypt(KRB_CRED_PART, &secret)),
        None if flaw == Some(Flaw::Mislabelled) => encrypted(AES256_SHA1, &secret),
        None => encrypted(0, &secret),
    };
    let message = sequence(&[
        context(0, &integer(5)),
        context(1, &integer(22)),
        context(2, &sequence(&vec![application(1, &ticket); tickets])),
        context(3, &secret),
    ]);
    application(22, &message)
}

/// EncryptedData with no kvno.
fn encrypted(enctype: u32, cipher: &[u8]) -> Vec<u8> {
    sequence(&[
        context(0, &integer(enctype)),
        context(2, &octet_string(cipher)),
    ])
}

/// The shape of EncryptionKey, Checksum and TransitedEncoding.
fn typed(kind: u32, contents: &[u8]) -> Vec<u8> {
    sequence(&[
        context(0, &integer(kind)),
        context(1, &octet_string(contents)),
    ])
}

fn time(seconds: i64) -> Vec<u8> {
    let time = OffsetDateTime::from_unix_timestamp(seconds).expect("a time");
    generalized_time(&format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    ))
}

pub fn seconds_now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs() as i64
}

/// The kvno and key of `HTTP/localhost` in a keytab, by klist.
pub fn service_key(mut klist: Command, keytab: &Path) -> (u32, Key) {
    let output = klist.arg("-keK").arg(keytab).output();
    let text = String::from_utf8(output.expect("klist").stdout).expect("text");
    // As in "   1 HTTP/localhost@EXAMPLE.TEST (aes256-cts-hmac-sha1-96)  (0x…)".
    let line = text
        .lines()
        .find(|line| line.contains(" HTTP/localhost@") && line.contains("aes256-cts-hmac-sha1-96"));
    let words: Vec<_> = line.expect("a key").split_whitespace().collect();
    let kvno = words[0].parse().expect("a kvno");
    let hex = words[3].trim_matches(['(', ')']);
    let hex = hex.strip_prefix("0x").expect("a key in hexadecimal");
    let bytes: Vec<_> = hex
        .as_bytes()
        .chunks(2)
        .map(|digits| {
            let digits = str::from_utf8(digits).expect("text");
            u8::from_str_radix(digits, 16).expect("a byte")
        })
        .collect();
    (kvno, Key(bytes.try_into().expect("32 bytes")))
}
