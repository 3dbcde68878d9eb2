//! What a login made by a password remembers of it.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rustix::rand::{GetRandomFlags, getrandom};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::error::{Error, ErrorKind};
use crate::principal::Principal;

/// A keyed hash (HMAC-SHA256) of a user and a password, for one login alone. The key is this
/// process's: who reads the session store can't try passwords on it, and another server asks the
/// KDC anew.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PasswordHash(String);

/// A password that somebody has offered.
#[derive(Clone, Copy)]
pub(crate) struct Offered<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) password: &'a SecretString,
}

impl PasswordHash {
    pub(super) fn new(login: &str, offered: Offered<'_>) -> Result<Self, Error> {
        let tag = mac(login, offered)?.finalize().into_bytes();
        Ok(Self(URL_SAFE_NO_PAD.encode(tag)))
    }

    pub(super) fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Compared in constant time.
    pub(super) fn matches(&self, login: &str, offered: Offered<'_>) -> Result<bool, Error> {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(&self.0) else {
            return Ok(false);
        };
        Ok(mac(login, offered)?.verify_slice(&tag).is_ok())
    }
}

fn mac(
    login: &str,
    Offered {
        principal,
        password,
    }: Offered<'_>,
) -> Result<Hmac<Sha256>, Error> {
    let key = key()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|error| Error::new(ErrorKind::Internal).with_source(error))?;
    for part in [login, &principal.to_string(), password.expose_secret()] {
        // No two lists of parts are one text.
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part.as_bytes());
    }
    Ok(mac)
}

/// Made once, by the first login of the process that needs it.
fn key() -> Result<&'static [u8; 32], Error> {
    static KEY: OnceLock<Zeroizing<[u8; 32]>> = OnceLock::new();
    if let Some(key) = KEY.get() {
        return Ok(key);
    }
    let mut fresh = Zeroizing::new([0; 32]);
    let length = getrandom(fresh.as_mut_slice(), GetRandomFlags::empty())
        .map_err(|error| Error::new(ErrorKind::Internal).with_source(error))?;
    if length < fresh.len() {
        return Err(Error::new(ErrorKind::Internal).with_detail("too little randomness"));
    }
    Ok(KEY.get_or_init(|| fresh))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_matches_only_the_login_the_user_and_the_password_that_it_was_made_of() {
        let names = ["alice@CORP", "bob@CORP", "lice@CORP"];
        let [alice, bob, lice] = names.map(|name| name.parse().unwrap());
        let [right, wrong] = ["secret", "secreT"].map(SecretString::from);
        let offered = |principal, password| Offered {
            principal,
            password,
        };
        let hash = PasswordHash::new("1", offered(&alice, &right)).unwrap();
        let hash = PasswordHash::from_stored(hash.as_str());
        for (login, principal, password, matches) in [
            ("1", &alice, &right, true),
            ("1", &alice, &wrong, false),
            ("1", &bob, &right, false),
            ("2", &alice, &right, false),
            ("1a", &lice, &right, false),
        ] {
            let found = hash.matches(login, offered(principal, password));
            assert_eq!(found.unwrap(), matches, "{login} {principal}");
        }
        for text in ["", "0", "zz", "é", &hash.as_str()[2..]] {
            let broken = PasswordHash::from_stored(text);
            assert!(!broken.matches("1", offered(&alice, &right)).unwrap());
        }
    }
}
