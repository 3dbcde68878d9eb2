//! A real ticket, opened with the service's key, whose PAC can be changed and which can be sealed
//! again, as only who has that key can do.

use tower_spnego::testing::TicketCache;

use crate::aes_key::Key;
use crate::der::{
    AES256_SHA1, ApReq, KRB5, application, context, elements, field, frame, integer, kerberos_in,
    octet_string, sequence,
};
use crate::forge::{AP_REQ_AUTHENTICATOR, Authenticator, Client, TICKET, seconds_now};
use crate::site::SPN;

/// A ticket for `HTTP/localhost`.
#[derive(Clone)]
pub struct OpenedTicket {
    key: Key,
    /// The fields of EncTicketPart (RFC 4120 section 5.3), as tag and contents.
    fields: Vec<(u8, Vec<u8>)>,
    pub pac: Option<Pac>,
}

/// Where EncTicketPart has its authorization data.
const AUTHORIZATION_DATA: u8 = 0xaa;

const AD_IF_RELEVANT: u32 = 1;
const AD_WIN2K_PAC: u32 = 128;

impl OpenedTicket {
    /// The ticket in this cache, whose service has this key.
    pub fn new(cache: &TicketCache, key: &Key) -> Self {
        let token = cache.token(SPN).expect("a token");
        let [(0x60, framed)] = elements(kerberos_in(&token))[..] else {
            panic!("no token of GSS-API's");
        };
        let (_, identified) = framed.split_at(KRB5.len() + 2);
        let [(0x6e, request)] = elements(&identified[2..])[..] else {
            panic!("no AP-REQ");
        };
        let [(0x61, ticket)] = elements(field(request, 3))[..] else {
            panic!("no ticket");
        };
        let sealed = field(ticket, 3);
        assert_eq!(field(sealed, 0), integer(AES256_SHA1));
        let [(_, cipher)] = elements(field(sealed, 2))[..] else {
            panic!("no cipher");
        };
        let secret = key.decrypt(TICKET, cipher);
        let [(0x63, part)] = elements(&secret)[..] else {
            panic!("no EncTicketPart");
        };
        let [(_, fields)] = elements(part)[..] else {
            panic!("no fields");
        };
        let fields = elements(fields).into_iter();
        let (data, fields): (Vec<_>, Vec<_>) =
            fields.partition(|(tag, _)| *tag == AUTHORIZATION_DATA);
        let owned = |(tag, contents): (u8, &[u8])| (tag, contents.to_vec());
        Self {
            key: key.clone(),
            fields: fields.into_iter().map(owned).collect(),
            pac: data.into_iter().find_map(|(_, data)| pac_in(data)),
        }
    }

    fn field(&self, number: u8) -> &[u8] {
        let found = self.fields.iter().find(|(tag, _)| *tag == 0xa0 | number);
        &found.expect("the field").1
    }

    /// A Kerberos token with this ticket, sealed again. Each call makes a new authenticator.
    pub fn token(&self) -> Vec<u8> {
        let [(_, session_key)] = elements(field(self.field(1), 1))[..] else {
            panic!("no key");
        };
        let [(_, realm)] = elements(self.field(2))[..] else {
            panic!("no realm");
        };
        let [(_, names)] = elements(field(self.field(3), 1))[..] else {
            panic!("no name");
        };
        let realm = str::from_utf8(realm).expect("text");
        let names: Vec<_> = elements(names).into_iter().map(|(_, name)| name).collect();
        let session_key = Key(session_key.try_into().expect("32 bytes"));
        let authenticator = Authenticator {
            client: Client::new(&names, realm),
            forwards: None,
            flaw: None,
            seals: false,
            time: seconds_now(),
            session_key: session_key.clone(),
        };
        let mutual = true;
        let message = ApReq {
            mutual,
            realm,
            service: &["HTTP", "localhost"],
            enctype: AES256_SHA1,
            kvno: None,
            ticket: &self.key.encrypt(TICKET, &self.secret()),
            authenticator: &session_key
                .encrypt(AP_REQ_AUTHENTICATOR, &authenticator.secret(mutual)),
        };
        frame(KRB5, &message.unframed())
    }

    fn secret(&self) -> Vec<u8> {
        let number = |tag: u8| tag & 0x1f;
        let mut fields: Vec<_> = self
            .fields
            .iter()
            .map(|(tag, contents)| context(number(*tag), contents))
            .collect();
        if let Some(pac) = &self.pac {
            let data = authorization(AD_WIN2K_PAC, &pac.bytes());
            let data = authorization(AD_IF_RELEVANT, &data);
            fields.push(context(number(AUTHORIZATION_DATA), &data));
        }
        application(3, &sequence(&fields))
    }

    /// Signs the PAC as the KDC does for the service. The KDC's own signatures stay as they are.
    pub fn sign(mut self) -> Self {
        let key = self.key.clone();
        self.pac.as_mut().expect("a PAC").sign(&key);
        self
    }

    /// Changes the PAC, and not its signatures.
    pub fn change(mut self, change: impl FnOnce(&mut Pac)) -> Self {
        change(self.pac.as_mut().expect("a PAC"));
        self
    }
}

/// AuthorizationData of one element (RFC 4120 section 5.2.6).
fn authorization(kind: u32, data: &[u8]) -> Vec<u8> {
    let element = [context(0, &integer(kind)), context(1, &octet_string(data))];
    sequence(&[sequence(&element)])
}

/// The PAC in AuthorizationData, also within AD-IF-RELEVANT.
fn pac_in(data: &[u8]) -> Option<Pac> {
    let [(_, data)] = elements(data)[..] else {
        panic!("no authorization data");
    };
    elements(data).into_iter().find_map(|(tag, contents)| {
        let element = sequence_of(tag, contents);
        let [(_, data)] = elements(field(&element, 1))[..] else {
            panic!("no data");
        };
        match field(&element, 0) {
            kind if kind == integer(AD_IF_RELEVANT) => pac_in(data),
            kind if kind == integer(AD_WIN2K_PAC) => Some(Pac::read(data)),
            _ => None,
        }
    })
}

fn sequence_of(tag: u8, contents: &[u8]) -> Vec<u8> {
    assert_eq!(tag, 0x30);
    sequence(&[contents.to_vec()])
}

/// PACTYPE (MS-PAC section 2.3): types and contents of the buffers.
#[derive(Clone)]
pub struct Pac(Vec<(u32, Vec<u8>)>);

pub const LOGON_INFO: u32 = 1;
pub const SERVER_SIGNATURE: u32 = 6;
pub const KDC_SIGNATURE: u32 = 7;
pub const CLIENT_INFO: u32 = 10;
pub const UPN_DNS_INFO: u32 = 12;
pub const REQUESTOR: u32 = 18;

/// KERB_NON_KERB_CKSUM_SALT (MS-PAC section 2.8.1).
const SIGNATURE: u32 = 17;

impl Pac {
    fn read(bytes: &[u8]) -> Self {
        let u32_at = |place: usize| {
            let bytes = bytes[place..].first_chunk().expect("four bytes");
            u32::from_le_bytes(*bytes)
        };
        let buffers = (0..u32_at(0) as usize).map(|index| {
            let info = 8 + 16 * index;
            let [kind, size, offset] = [0, 4, 8].map(|place| u32_at(info + place));
            let buffer = &bytes[offset as usize..][..size as usize];
            (kind, buffer.to_vec())
        });
        Self(buffers.collect())
    }

    fn bytes(&self) -> Vec<u8> {
        let count = self.0.len();
        let mut head = [count as u32, 0].map(u32::to_le_bytes).concat();
        let mut body = Vec::new();
        for (kind, buffer) in &self.0 {
            let offset = 8 + 16 * count + body.len();
            head.extend([*kind, buffer.len() as u32].map(u32::to_le_bytes).concat());
            head.extend((offset as u64).to_le_bytes());
            body.extend(buffer);
            body.resize(body.len().next_multiple_of(8), 0);
        }
        [head, body].concat()
    }

    pub fn kinds(&self) -> Vec<u32> {
        self.0.iter().map(|(kind, _)| *kind).collect()
    }

    pub fn buffer(&mut self, kind: u32) -> &mut Vec<u8> {
        let found = self.0.iter_mut().find(|(own, _)| *own == kind);
        &mut found.expect("the buffer").1
    }

    pub fn add(&mut self, kind: u32, buffer: Vec<u8>) {
        self.0.push((kind, buffer));
    }

    pub fn remove(&mut self, kind: u32) {
        self.0.retain(|(own, _)| *own != kind);
    }

    /// Over the whole, with both signatures zero (MS-PAC section 2.8.1).
    fn sign(&mut self, key: &Key) {
        let signature = 4..16;
        let kdc = self.buffer(KDC_SIGNATURE).clone();
        self.buffer(KDC_SIGNATURE)[4..].fill(0);
        self.buffer(SERVER_SIGNATURE)[signature.clone()].fill(0);
        let checksum = key.checksum(SIGNATURE, &self.bytes());
        self.buffer(SERVER_SIGNATURE)[signature].copy_from_slice(&checksum);
        *self.buffer(KDC_SIGNATURE) = kdc;
    }
}
