//! Encryption types of Kerberos.

use std::fmt;

/// The type of a key, and of what it seals.
///
/// ```
/// use tower_spnego::explain::Enctype;
///
/// let rc4 = Enctype::of(23);
/// assert_eq!(rc4.to_string(), "arcfour-hmac");
/// assert!(rc4.is_weak());
/// assert_eq!(Enctype::of(99).to_string(), "encryption type 99");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Enctype(i32);

impl Enctype {
    /// By its number in the registry of
    /// [IANA](https://www.iana.org/assignments/kerberos-parameters/).
    pub fn of(number: i32) -> Self {
        Self(number)
    }

    /// Its number.
    pub fn number(self) -> i32 {
        self.0
    }

    /// Its name in `krb5.conf`.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "des-cbc-crc",
            2 => "des-cbc-md4",
            3 => "des-cbc-md5",
            16 => "des3-cbc-sha1",
            17 => "aes128-cts-hmac-sha1-96",
            18 => "aes256-cts-hmac-sha1-96",
            19 => "aes128-cts-hmac-sha256-128",
            20 => "aes256-cts-hmac-sha384-192",
            23 => "arcfour-hmac",
            24 => "arcfour-hmac-exp",
            25 => "camellia128-cts-cmac",
            26 => "camellia256-cts-cmac",
            _ => return None,
        })
    }

    /// Whether it is deprecated as too weak: DES (RFC 6649), triple DES and RC4 (RFC 8429).
    pub fn is_weak(self) -> bool {
        matches!(self.0, 1..=3 | 16 | 23 | 24)
    }
}

/// As its name.
impl serde::Serialize for Enctype {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Enctype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "encryption type {}", self.0),
        }
    }
}
