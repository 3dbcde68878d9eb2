//! What the texts ask of an explanation.

use std::net::IpAddr;

use super::keytab::List;
use super::names::for_commands;
use super::{Explanation, Key, NtlmMessage, Ticket};
use crate::principal::{Principal, printable};

impl Explanation {
    /// The keytab has it, and this request is for another.
    pub(super) fn is_elsewhere(&self) -> bool {
        match (self.seen.keytab.as_deref(), self.ticket()) {
            (Some(keytab), Some(ticket)) => {
                self.service().is_some() && keytab.keys_of(ticket).next().is_some()
            }
            _ => false,
        }
    }

    /// The keytab's principal that the client asked for in another realm.
    pub(super) fn same_name_of_another_realm(&self) -> Option<&Principal> {
        let asked = self.ticket().and_then(Ticket::principal)?;
        let mut held = self.keys().iter().map(Key::principal);
        held.find(|held| held.components() == asked.components())
    }

    pub(super) fn ticket_is_weak(&self) -> bool {
        let enctype = self.ticket().and_then(Ticket::enctype);
        enctype.is_some_and(|enctype| enctype.is_weak())
    }

    /// The keytab has a key of the ticket's name and version that is not weak.
    pub(super) fn holds_aes(&self) -> bool {
        self.keys_of_version().any(|key| !key.enctype().is_weak())
    }

    fn keys_of_version(&self) -> impl Iterator<Item = &Key> {
        let kvno = self.ticket().and_then(Ticket::kvno);
        self.keys_of_ticket()
            .filter(move |key| kvno.is_none_or(|kvno| super::is_same(key.kvno(), kvno)))
    }

    pub(super) fn keys_of_ticket(&self) -> impl Iterator<Item = &Key> {
        let keytab = self.seen.keytab.as_deref().zip(self.ticket());
        keytab
            .into_iter()
            .flat_map(|(keytab, ticket)| keytab.keys_of(ticket))
    }

    pub(super) fn kvnos(&self) -> String {
        let mut kvnos: Vec<_> = self.keys_of_ticket().map(Key::kvno).collect();
        kvnos.sort_unstable();
        kvnos.dedup();
        List(kvnos.iter().rev()).to_string()
    }

    pub(super) fn enctypes(&self) -> String {
        let mut enctypes = Vec::new();
        for key in self.keys_of_version() {
            if !enctypes.contains(&key.enctype()) {
                enctypes.push(key.enctype());
            }
        }
        List(enctypes.iter()).to_string()
    }

    pub(super) fn keytab_path(&self) -> String {
        let path = self.keytab().map(|path| path.display().to_string());
        printable(&path.unwrap_or_else(|| "(unknown)".to_owned()))
    }

    pub(super) fn beside_kerberos(&self, message: NtlmMessage) -> &'static str {
        let offers = self.token().is_some_and(|token| token.offers_kerberos());
        match (offers, message) {
            (true, _) => ", though it offers Kerberos, too",
            (false, NtlmMessage::Authenticate) => ", after a challenge that we never send",
            (false, _) => "",
        }
    }

    /// What speaks against the host that the page was opened by.
    pub(super) fn strange_host(&self) -> Option<String> {
        let host = self.seen.host.as_deref()?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if bare.parse::<IpAddr>().is_ok() {
            return Some(format!(
                "The page was opened by the IP address {bare}, for which there are no tickets."
            ));
        }
        let own = self.service()?.components().get(1)?;
        (own != host).then(|| {
            format!(
                "The page was opened as {}, another name than that.",
                printable(host)
            )
        })
    }

    pub(super) fn clients_realm(&self) -> Option<&str> {
        let (_, realm) = self.client()?.rsplit_once('@')?;
        for_commands(realm)
    }
}
