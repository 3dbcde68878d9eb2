//! From settings to a running realm.

use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::{RealmFiles, TestRealm};
use crate::testing::port::Port;
use crate::testing::process::{find_program, run};

/// What a [`TestRealm`] is to hold; see [`TestRealm::builder`].
#[derive(Debug, Clone)]
#[must_use = "a builder starts no KDC before `start`"]
pub struct TestRealmBuilder {
    realm: String,
    principals: Vec<String>,
    services: Vec<String>,
    ticket_lifetime: Duration,
}

impl Default for TestRealmBuilder {
    fn default() -> Self {
        Self {
            realm: "EXAMPLE.TEST".to_owned(),
            principals: vec!["alice".to_owned(), "bob".to_owned()],
            services: vec!["HTTP/localhost".to_owned()],
            ticket_lifetime: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl TestRealmBuilder {
    /// The realm's name; `EXAMPLE.TEST` unless set.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = realm.into();
        self
    }

    /// The users, in place of alice and bob.
    pub fn principals<I>(mut self, principals: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        self.principals = principals.into_iter().map(Into::into).collect();
        self
    }

    /// The only service, in place of `HTTP/localhost`; more come with
    /// [`TestRealm::add_service`].
    pub fn service(mut self, spn: impl Into<String>) -> Self {
        self.services = vec![spn.into()];
        self
    }

    /// The longest lifetime of a ticket, in whole seconds; a day unless set.
    pub fn ticket_lifetime(mut self, longest: Duration) -> Self {
        self.ticket_lifetime = longest;
        self
    }

    /// Starts the realm.
    ///
    /// # Errors
    ///
    /// A program is missing, a name is none, or the KDC does not start.
    pub fn start(&self) -> io::Result<TestRealm> {
        // Another program can take the port between our look and the KDC's start.
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.try_start() {
                Err(error) if attempts < 3 && error.to_string().contains("in use") => {}
                result => return result,
            }
        }
    }

    fn try_start(&self) -> io::Result<TestRealm> {
        let port = Port::claim()?;
        let files = Arc::new(RealmFiles::create(&self.realm, port.address())?);
        let mut realm = TestRealm {
            keytab: files.folder().join("service.keytab"),
            kdc: None,
            port,
            files,
        };
        self.write_kdc_conf(&realm)?;
        let kdb5_util = find_program("kdb5_util", "krb5-kdc")?;
        let master_password = "known to nobody, needed by nobody";
        run(realm
            .command(kdb5_util)
            .args(["create", "-s", "-P", master_password]))?;
        realm.start_kdc()?;
        realm.add_principals(&self.principals)?;
        for service in &self.services {
            realm.add_service(service)?;
        }
        Ok(realm)
    }

    fn write_kdc_conf(&self, realm: &TestRealm) -> io::Result<()> {
        let name = realm.realm();
        let folder = realm.folder().display();
        let port = realm.port.number();
        let lifetime = self.ticket_lifetime.as_secs();
        fs::write(
            realm.folder().join("kdc.conf"),
            format!(
                "[kdcdefaults]
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {name} = {{
        database_name = {folder}/database
        key_stash_file = {folder}/stash
        acl_file = {folder}/acl
        max_life = {lifetime}s
    }}
[logging]
    kdc = FILE:{folder}/kdc.log
"
            ),
        )
    }
}
