//! Which hash of a certificate clients put into their tokens (RFC 5929 section 4.1).

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::der::{Element, OID, SEQUENCE, context, element, only, take};
use crate::error::ConfigError;

/// The hash function of a certificate's end point.
#[derive(Clone, Copy)]
pub(super) enum CertificateHash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

// Contents of the object identifiers of signatures (RFC 3279, 4055, 5758, 8410), and of the hashes
// that RSASSA-PSS names.
/// 1.2.840.113549.1.1.4
const MD5_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04];
/// 1.2.840.113549.1.1.5
const SHA1_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05];
/// 1.2.840.113549.1.1.10
const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// 1.2.840.113549.1.1.11
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
/// 1.2.840.113549.1.1.12
const SHA384_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c];
/// 1.2.840.113549.1.1.13
const SHA512_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d];
/// 1.2.840.113549.1.1.14
const SHA224_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0e];
/// 1.2.840.10045.4.1
const ECDSA_WITH_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
/// 1.2.840.10045.4.3.1
const ECDSA_WITH_SHA224: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x01];
/// 1.2.840.10045.4.3.2
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
/// 1.2.840.10045.4.3.3
const ECDSA_WITH_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
/// 1.2.840.10045.4.3.4
const ECDSA_WITH_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04];
/// 1.3.101.112
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// 1.3.101.113
const ED448: &[u8] = &[0x2b, 0x65, 0x71];
/// 1.2.840.113549.2.5
const MD5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05];
/// 1.3.14.3.2.26
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
/// 2.16.840.1.101.3.4.2.1
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 2.16.840.1.101.3.4.2.2
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
/// 2.16.840.1.101.3.4.2.3
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
/// 2.16.840.1.101.3.4.2.4
const SHA224: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04];

impl CertificateHash {
    pub(super) fn of(certificate: &[u8]) -> Result<Self, ConfigError> {
        let (algorithm, parameters) =
            signature_algorithm(certificate).ok_or(ConfigError::NotACertificate)?;
        let named = match algorithm {
            RSASSA_PSS => pss_hash(parameters).ok_or(ConfigError::NotACertificate)?,
            _ => algorithm,
        };
        match named {
            MD5_WITH_RSA | SHA1_WITH_RSA | ECDSA_WITH_SHA1 | MD5 | SHA1 => Ok(Self::Sha256),
            SHA224_WITH_RSA | ECDSA_WITH_SHA224 | SHA224 => Ok(Self::Sha224),
            SHA256_WITH_RSA | ECDSA_WITH_SHA256 | SHA256 => Ok(Self::Sha256),
            SHA384_WITH_RSA | ECDSA_WITH_SHA384 | SHA384 => Ok(Self::Sha384),
            SHA512_WITH_RSA | ECDSA_WITH_SHA512 | SHA512 => Ok(Self::Sha512),
            ED25519 => Err(ConfigError::NoCertificateHash("Ed25519".to_owned())),
            ED448 => Err(ConfigError::NoCertificateHash("Ed448".to_owned())),
            _ => Err(match dotted(named) {
                Some(named) => ConfigError::NoCertificateHash(named),
                None => ConfigError::NotACertificate,
            }),
        }
    }

    pub(super) fn digest(self, certificate: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha224 => Sha224::digest(certificate).to_vec(),
            Self::Sha256 => Sha256::digest(certificate).to_vec(),
            Self::Sha384 => Sha384::digest(certificate).to_vec(),
            Self::Sha512 => Sha512::digest(certificate).to_vec(),
        }
    }
}

/// The algorithm of the signature on a certificate, and the algorithm's parameters (RFC 5280
/// section 4.1).
fn signature_algorithm(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = take(only(certificate, SEQUENCE)?, SEQUENCE)?;
    let (algorithm, signature) = take(rest, SEQUENCE)?;
    only(signature, BIT_STRING)?;
    take(algorithm, OID)
}

const BIT_STRING: u8 = 0x03;

/// The hash in the parameters of RSASSA-PSS, SHA-1 where they name none (RFC 4055 section 3.1).
/// There is a second one in them, of the mask; clients go by the first.
fn pss_hash(parameters: &[u8]) -> Option<&[u8]> {
    let fields = only(parameters, SEQUENCE)?;
    if fields.is_empty() {
        return Some(SHA1);
    }
    let Element { tag, contents, .. } = element(fields)?;
    if tag != context(0) {
        return Some(SHA1);
    }
    let (hash, _) = take(only(contents, SEQUENCE)?, OID)?;
    Some(hash)
}

/// An object identifier as people write it (X.690 section 8.19).
fn dotted(contents: &[u8]) -> Option<String> {
    // The longest that is in use for a signature has 12 bytes.
    if contents.len() > 32 || contents.last()? & 0x80 != 0 {
        return None;
    }
    let mut numbers = Vec::new();
    let mut number = 0_u64;
    for byte in contents {
        number = number.checked_mul(0x80)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            numbers.push(std::mem::take(&mut number));
        }
    }
    let (&first, rest) = numbers.split_first()?;
    let root = (first / 40).min(2);
    let mut text = format!("{root}.{}", first - 40 * root);
    for number in rest {
        text.push_str(&format!(".{number}"));
    }
    Some(text)
}

#[cfg(test)]
mod tests;
