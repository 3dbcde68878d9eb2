//! Which commands mend what.

use std::borrow::Cow;

use super::commands::{NO_COPY, Names};
use super::mend::{Mend, here, new_ticket, on_windows, set_clock};
use super::names::for_commands;
use super::{Cause, Explanation, Key, Ticket};

impl Explanation {
    /// The commands that mend it, or show where the fault is, in their order.
    pub fn mends(&self) -> Vec<Mend> {
        let ours = self.names();
        match self.cause {
            Cause::TokenTooLong => vec![on_windows("whoami /groups")],
            Cause::Ntlm => [ours.try_ticket(), ours.find()].concat(),
            Cause::WrongSpn => match self.is_elsewhere() {
                true => Vec::new(),
                false => self.added_names().add(&self.ticket_names()),
            },
            Cause::WrongKey => ours.find_and_replace(),
            Cause::KvnoTooNew => ours.find_and_export(self.if_it_has_kvno()),
            Cause::KeyMissing => ours.find_and_export("only if that is not the keytab's version"),
            Cause::KeytabUnusable => self.put_back(&ours),
            Cause::EnctypeMissing if self.ticket_is_weak() => ours.use_aes(!self.holds_aes()),
            Cause::EnctypeMissing => ours.find_and_export("only if its account takes that type"),
            Cause::KvnoTooOld => [new_ticket(), ours.find()].concat(),
            Cause::TicketExpired => new_ticket(),
            Cause::ClockSkew | Cause::TicketNotYetValid => set_clock(),
            Cause::ReplayCacheUnusable => match &self.seen.replay_cache {
                Some(problem) => problem.mends("USER"),
                None => Vec::new(),
            },
            Cause::ChannelBindingDiffers => vec![self.show_certificate()],
            Cause::PacMissing => ours.want_pac(),
            Cause::NotBase64
            | Cause::Replay
            | Cause::RealmNotAllowed
            | Cause::ChannelBindingMissing
            | Cause::NoConnection
            | Cause::HandshakeLost => Vec::new(),
        }
    }

    /// For commands about our own service, or the ticket's where it is one of ours.
    fn names(&self) -> Names {
        let of_ticket = self.keys_of_ticket().next().map(Key::principal);
        let first = || match self.keys() {
            [] => None,
            [first, rest @ ..] => {
                let is_sole = rest.iter().all(|key| key.principal() == first.principal());
                is_sole.then(|| first.principal())
            }
        };
        let service = of_ticket.or(self.service()).or_else(first);
        self.of_keytab(Names::of(service, self.path_text()))
    }

    fn of_keytab(&self, names: Names) -> Names {
        names.beside(self.keys().iter().map(Key::principal))
    }

    /// For commands that change something, about a service that the client asked for: its name is the
    /// client's own word. A stranger could have the keys of another service changed.
    fn added_names(&self) -> Names {
        match self.same_name_of_another_realm() {
            // The site's own name, in a realm of the client's choice.
            Some(held) => self
                .of_keytab(Names::of(Some(held), self.path_text()))
                .in_some_realm(),
            None => self.of_keytab(Names::new(None, None, self.path_text())),
        }
    }

    /// For commands that look at the service that the client asked for.
    fn ticket_names(&self) -> Names {
        let ticket = self.ticket();
        let realm = ticket.and_then(|ticket| for_commands(ticket.realm()));
        let spn = ticket.and_then(|ticket| ticket.spn.as_deref());
        Names::new(spn, realm, self.path_text())
    }

    fn if_it_has_kvno(&self) -> Cow<'static, str> {
        match self.ticket().and_then(Ticket::kvno) {
            Some(kvno) => format!("only if that shows kvno {kvno}").into(),
            None => "only if that shows another kvno".into(),
        }
    }

    /// A file that has gone may be had without any new key.
    fn put_back(&self, ours: &Names) -> Vec<Mend> {
        let mut mends = vec![ours.show_file()];
        mends.extend(ours.export(NO_COPY));
        mends
    }

    fn path_text(&self) -> Option<&str> {
        self.keytab().and_then(|path| path.to_str())
    }

    fn show_certificate(&self) -> Mend {
        // Never the request's own Host: whoever relays a token chooses that.
        let names = self.names();
        let host = names.host();
        here(format!(
            "openssl s_client -connect {host}:443 -servername {host} </dev/null | openssl x509 \
             -noout -subject -dates -fingerprint -sha256"
        ))
    }
}
