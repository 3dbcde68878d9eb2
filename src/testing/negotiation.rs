//! SPNEGO by hand (RFC 4178), for a client whose first choice is not Kerberos: MIT's own offers only
//! what it has credentials for.

use std::io;

use libgssapi::context::{ClientCtx, SecurityContext};

use super::handshake::gss;
use crate::der::{OCTET_STRING, OID, SEQUENCE, context, field, only};

/// 1.3.6.1.5.5.2
const SPNEGO: &[u8] = b"\x2b\x06\x01\x05\x05\x02";
/// 1.2.840.113554.1.2.2
const KRB5: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
/// 1.3.6.1.4.1.311.2.2.10
const NTLM: &[u8] = b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";

/// NTLM's first message, with no names in it (MS-NLMP section 2.2.1.1).
const NTLM_NEGOTIATE: &[u8] =
    b"NTLMSSP\0\x01\0\0\0\x97\x82\x08\xe2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

const FRAME: u8 = 0x60;

/// A negotiation of NTLM, the first choice, and Kerberos.
pub(super) struct Negotiation {
    /// DER of the list that was offered, which the MIC protects.
    offered: Vec<u8>,
    mic_sent: bool,
}

impl Negotiation {
    /// The negotiation, and its first token.
    pub(super) fn begin() -> (Self, Vec<u8>) {
        let offered = sequence(&[der(OID, NTLM), der(OID, KRB5)]);
        let fields = [
            der(context(0), &offered),
            der(context(2), &der(OCTET_STRING, NTLM_NEGOTIATE)),
        ];
        let init = der(context(0), &sequence(&fields));
        let token = der(FRAME, &[der(OID, SPNEGO), init].concat());
        let negotiation = Self {
            offered,
            mic_sent: false,
        };
        (negotiation, token)
    }

    /// The next token, if the server waits for one.
    pub(super) fn reply(
        &mut self,
        kerberos: &mut ClientCtx,
        binding: Option<&[u8]>,
        reply: &[u8],
    ) -> io::Result<Option<Vec<u8>>> {
        let fields = only(reply, context(1)).and_then(|response| only(response, SEQUENCE));
        let fields = fields.ok_or_else(|| io::Error::other("the reply is no NegTokenResp"))?;
        let state = field(fields, context(0)).and_then(|state| only(state, ENUMERATED));
        if state == Some(&[REJECT]) {
            return Err(io::Error::other("the server refuses"));
        }
        let carried = field(fields, context(2)).and_then(|token| only(token, OCTET_STRING));
        let mut answer = Vec::new();
        if !kerberos.is_complete() {
            let token = kerberos.step(carried, binding).map_err(gss)?;
            let token = token.filter(|token| !token.is_empty());
            answer.extend(token.map(|token| der(context(2), &der(OCTET_STRING, &token))));
        }
        if kerberos.is_complete() && !self.mic_sent {
            let mic = kerberos.get_mic(&self.offered).map_err(gss)?;
            answer.push(der(context(3), &der(OCTET_STRING, &mic)));
            self.mic_sent = true;
        } else if let Some(mic) = field(fields, context(3)) {
            let mic = only(mic, OCTET_STRING).unwrap_or_default();
            kerberos.verify_mic(&self.offered, mic).map_err(gss)?;
        }
        Ok((!answer.is_empty()).then(|| der(context(1), &sequence(&answer))))
    }
}

const ENUMERATED: u8 = 0x0a;
/// negState reject (RFC 4178 section 4.2.2).
const REJECT: u8 = 2;

fn sequence(elements: &[Vec<u8>]) -> Vec<u8> {
    der(SEQUENCE, &elements.concat())
}

fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let [.., high, low] = contents.len().to_be_bytes();
    let header = match contents.len() {
        ..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [&header, contents].concat()
}
