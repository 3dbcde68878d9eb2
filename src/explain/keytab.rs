//! What the keytab holds, beside what a ticket asks for.

use std::fmt;
use std::path::{Path, PathBuf};

use super::enctype::Enctype;
use super::token::Ticket;
use crate::principal::Principal;

/// A key of a keytab, without the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    principal: Principal,
    kvno: u32,
    enctype: Enctype,
}

impl Key {
    pub(crate) fn new(principal: Principal, kvno: u32, enctype: i32) -> Self {
        Self {
            principal,
            kvno,
            enctype: Enctype::of(enctype),
        }
    }

    /// Whose it is.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Its version.
    pub fn kvno(&self) -> u32 {
        self.kvno
    }

    /// Its encryption type.
    pub fn enctype(&self) -> Enctype {
        self.enctype
    }
}

/// What a keytab holds, without the keys themselves.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct HeldKeys {
    pub(crate) path: PathBuf,
    pub(crate) keys: Vec<Key>,
}

/// How many names are listed.
const LISTED: usize = 6;

impl HeldKeys {
    /// The keytab's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its keys, in the file's order.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The keys of a ticket's service.
    pub(super) fn keys_of(&self, ticket: &Ticket) -> impl Iterator<Item = &Key> {
        let keys = self.keys.iter();
        keys.filter(|key| Some(&key.principal) == ticket.principal())
    }

    /// The newest version of a ticket's service's key.
    #[cfg(feature = "doctor")]
    pub(crate) fn newest_of(&self, ticket: &Ticket) -> Option<u32> {
        self.keys_of(ticket).map(Key::kvno).max()
    }

    pub(super) fn principals(&self) -> List<impl Iterator<Item = &Principal> + Clone> {
        let mut previous: Vec<&Principal> = Vec::new();
        for key in &self.keys {
            if previous.len() <= LISTED && !previous.contains(&&key.principal) {
                previous.push(&key.principal);
            }
        }
        List(previous.into_iter())
    }
}

/// A few of them, with commas.
pub(super) struct List<I>(pub(super) I);

impl<I> fmt::Display for List<I>
where
    I: Iterator<Item: fmt::Display> + Clone,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, item) in self.0.clone().enumerate() {
            match place {
                0 => write!(f, "{item}")?,
                1..LISTED => write!(f, ", {item}")?,
                _ => return f.write_str(" and others"),
            }
        }
        Ok(())
    }
}
