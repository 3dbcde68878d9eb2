//! What the domain itself says of an account.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{BASE, TestActiveDirectory};
use crate::testing::process::run;

impl TestActiveDirectory {
    /// The DN of the account, which may be a user's, a computer's (`carol$`) or a group's.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn dn(&self, account: &str) -> io::Result<String> {
        let filter = format!("(sAMAccountName={})", escape_filter(account));
        let found = self.search(&["-b", BASE, &filter, "1.1"], "dn")?;
        let dn = only(found).ok_or_else(|| not_found(account))?;
        String::from_utf8(dn).map_err(io::Error::other)
    }

    /// The account's SID, such as `S-1-5-21-1-2-3-1103`.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub fn sid(&self, account: &str) -> io::Result<String> {
        let sids = self.sids(account, "objectSid")?;
        only(sids).ok_or_else(|| not_found(account))
    }

    /// The SIDs of all groups that the account is in, also through other groups, sorted: the
    /// computed attribute `tokenGroups` (MS-ADTS section 3.1.1.4.5.19). The account's own SID is not
    /// among them.
    ///
    /// # Errors
    ///
    /// There is no such account.
    pub fn token_groups(&self, account: &str) -> io::Result<Vec<String>> {
        let mut sids = self.sids(account, "tokenGroups")?;
        sids.sort_unstable();
        Ok(sids)
    }

    fn sids(&self, account: &str, name: &str) -> io::Result<Vec<String>> {
        let dn = self.dn(account)?;
        let values = self.search(&["-b", &dn, "-s", "base", "(objectClass=*)", name], name)?;
        let sids = values.iter().map(|value| {
            sid_text(value).ok_or_else(|| io::Error::other(format!("{name} of {dn} is no SID")))
        });
        sids.collect()
    }

    /// The values of this attribute, or the DNs, in all entries that are found.
    fn search(&self, arguments: &[&str], name: &str) -> io::Result<Vec<Vec<u8>>> {
        let mut ldapsearch = self.ldap_client("ldapsearch")?;
        ldapsearch
            .args(["-LLL", "-o", "ldif-wrap=no"])
            .args(arguments);
        let output = String::from_utf8(run(&mut ldapsearch)?.stdout).map_err(io::Error::other)?;
        let values = output.lines().filter_map(|line| {
            let value = line.strip_prefix(name)?.strip_prefix(':')?;
            Some(match value.strip_prefix(": ") {
                Some(encoded) => STANDARD.decode(encoded).map_err(io::Error::other),
                None => Ok(value.trim_start().as_bytes().to_vec()),
            })
        });
        values.collect()
    }
}

fn only<T>(values: Vec<T>) -> Option<T> {
    let [value] = <[T; 1]>::try_from(values).ok()?;
    Some(value)
}

fn not_found(account: &str) -> io::Error {
    let text = format!("the domain has no account {account}");
    io::Error::new(io::ErrorKind::NotFound, text)
}

/// A value inside a filter (RFC 4515 section 3), every special character as `\xx`.
fn escape_filter(value: &str) -> String {
    let mut escaped = String::new();
    for character in value.chars() {
        match character {
            '*' | '(' | ')' | '\\' | '\0' => {
                escaped.push_str(&format!("\\{:02x}", u32::from(character)));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A SID in its binary form (MS-DTYP section 2.4.2.2) as text (section 2.4.2.1).
fn sid_text(sid: &[u8]) -> Option<String> {
    let (&[revision, count, authority @ ..], rest) = sid.split_first_chunk::<8>()?;
    let (sub_authorities, []) = rest.as_chunks::<4>() else {
        return None;
    };
    if sub_authorities.len() != usize::from(count) {
        return None;
    }
    let [a, b, c, d, e, f] = authority;
    let authority = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    let mut text = format!("S-{revision}-{authority}");
    for sub_authority in sub_authorities {
        text.push_str(&format!("-{}", u32::from_le_bytes(*sub_authority)));
    }
    Some(text)
}
