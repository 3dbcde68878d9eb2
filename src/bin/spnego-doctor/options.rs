//! What the command line says.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use lexopt::prelude::*;
use tower_spnego::doctor::Doctor;
use tower_spnego::ldap::{LdapDirectory, LdapDirectoryBuilder};

pub(crate) const HELP: &str = "\
Checks a set-up of Kerberos sign-on (tower-spnego), and says how to mend it. It changes nothing.
Run it as the user that the service runs as, on the service's machine:

    sudo -u www-data spnego-doctor --hostname intranet.corp.example.com \\
        --realm CORP.EXAMPLE.COM --keytab /etc/intranet.keytab

sudo passes on neither what a unit of systemd sets (Environment=KRB5_CONFIG=…, KRB5RCACHEDIR=…) nor
what the unit sees (PrivateTmp=, ProtectSystem=). The report names the variables that it saw. As
root, with the unit's own settings, which `systemctl cat intranet` shows:

    systemd-run --pipe --wait -p User=www-data -p PrivateTmp=yes -p ProtectSystem=strict \\
        -p Environment=KRB5_CONFIG=/etc/intranet/krb5.conf spnego-doctor --hostname …

Usage: spnego-doctor --hostname HOST --realm REALM [OPTIONS]
       spnego-doctor --token - [--keytab FILE] <HEADER

    --hostname HOST            the name by which browsers open the site; the SPN is HTTP/HOST
    --realm REALM              the realm of the SPN
    --keytab FILE              the keytab, in place of the system's default one
    --client-keytab FILE       the keytab of an account that can log in, to get a ticket for the SPN
                               where the SPN itself can't, as on Active Directory
    --dns-server ADDRESS       the DNS server that is asked about HOST, in place of the system's
    --replay-cache FOLDER      the folder that the layer has for its replay cache
    --token -                  explains a captured Authorization header, which it reads from the
                               input; as --token BASE64 every user of the machine may see it

A directory, as the layer has it:
    --ldap URL                 a server, as in ldaps://ldap.example.com
    --ldap-domain DOMAIN       Active Directory or Samba, by the domain's DNS name
    --ldap-free-ipa DOMAIN     FreeIPA, likewise
    --ldap-dns-server ADDRESS  the DNS server that names the domain's servers, in place of the
                               system's; with a port, as in 192.0.2.1:53, if it is another
    --ldap-openldap BASE       OpenLDAP, by the tree's root
    --ldap-start-tls           TLS on the port of ldap://
    --ldap-ca FILE             the certificate of the authority that signed the server's (PEM)
    --ldap-bind NAME           whom to bind as, by a password:
    --ldap-password-file FILE      that is the first line of this file
    --ldap-password-env NAME       that is in this environment variable
    --ldap-gssapi PRINCIPAL    whom to bind as, by its key in
    --ldap-keytab FILE             this keytab, in place of that of --keytab
    --ldap-base DN             where to search
    --ldap-filter FILTER       by which filter, as in (uid={user})
    --user NAME                somebody whom the directory should find

    --json                     for machines
    --help, --version

The status is 0 unless there is an error (1), or nothing was looked at (2).
";

pub(crate) enum Options {
    Help,
    Version,
    Examine(Box<Examination>),
}

/// Everything that was said.
#[derive(Default)]
pub(crate) struct Examination {
    pub(crate) as_json: bool,
    pub(crate) token: Option<String>,
    pub(crate) keytab: Option<PathBuf>,
    client_keytab: Option<PathBuf>,
    dns_server: Option<SocketAddr>,
    hostname: Option<String>,
    realm: Option<String>,
    replay_cache: Option<PathBuf>,
    user: Option<String>,
    ldap: Ldap,
}

#[derive(Default)]
struct Ldap {
    urls: Vec<String>,
    preset: Option<Preset>,
    dns_server: Option<SocketAddr>,
    start_tls: bool,
    ca: Option<PathBuf>,
    bind: Option<String>,
    password: Option<Password>,
    principal: Option<String>,
    keytab: Option<PathBuf>,
    base: Option<String>,
    filter: Option<String>,
}

enum Preset {
    Domain(String),
    FreeIpa(String),
    OpenLdap(String),
}

/// Where it is. On the command line everybody would see it.
enum Password {
    File(PathBuf),
    Variable(OsString),
}

impl Options {
    /// The error is for people.
    pub(crate) fn of_process() -> Result<Self, String> {
        Self::read(lexopt::Parser::from_env()).map_err(|error| error.to_string())
    }

    fn read(mut arguments: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut said = Examination::default();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("help") | Short('h') => return Ok(Self::Help),
                Long("version") | Short('V') => return Ok(Self::Version),
                Long("json") => said.as_json = true,
                Long("hostname") => said.hostname = Some(text(&mut arguments)?),
                Long("realm") => said.realm = Some(text(&mut arguments)?),
                Long("token") => said.token = Some(text(&mut arguments)?),
                Long("user") => said.user = Some(text(&mut arguments)?),
                Long("ldap") => said.ldap.urls.push(text(&mut arguments)?),
                Long("ldap-domain") => {
                    said.ldap.preset = Some(Preset::Domain(text(&mut arguments)?));
                }
                Long("ldap-free-ipa") => {
                    said.ldap.preset = Some(Preset::FreeIpa(text(&mut arguments)?));
                }
                Long("ldap-openldap") => {
                    said.ldap.preset = Some(Preset::OpenLdap(text(&mut arguments)?));
                }
                Long("dns-server") => {
                    said.dns_server = Some(dns_server("--dns-server", &text(&mut arguments)?)?);
                }
                Long("ldap-dns-server") => {
                    let text = text(&mut arguments)?;
                    said.ldap.dns_server = Some(dns_server("--ldap-dns-server", &text)?);
                }
                Long("ldap-start-tls") => said.ldap.start_tls = true,
                Long("ldap-bind") => said.ldap.bind = Some(text(&mut arguments)?),
                Long("ldap-gssapi") => said.ldap.principal = Some(text(&mut arguments)?),
                Long("ldap-base") => said.ldap.base = Some(text(&mut arguments)?),
                Long("ldap-filter") => said.ldap.filter = Some(text(&mut arguments)?),
                Long("keytab") => said.keytab = Some(path(&mut arguments)?),
                Long("client-keytab") => said.client_keytab = Some(path(&mut arguments)?),
                Long("replay-cache") => said.replay_cache = Some(path(&mut arguments)?),
                Long("ldap-ca") => said.ldap.ca = Some(path(&mut arguments)?),
                Long("ldap-keytab") => said.ldap.keytab = Some(path(&mut arguments)?),
                Long("ldap-password-file") => {
                    said.ldap.password = Some(Password::File(path(&mut arguments)?));
                }
                Long("ldap-password-env") => {
                    said.ldap.password = Some(Password::Variable(arguments.value()?));
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(Self::Examine(Box::new(said)))
    }
}

fn text(arguments: &mut lexopt::Parser) -> Result<String, lexopt::Error> {
    arguments.value()?.string()
}

fn path(arguments: &mut lexopt::Parser) -> Result<PathBuf, lexopt::Error> {
    arguments.value().map(PathBuf::from)
}

/// An address, with a port or with that of DNS.
fn dns_server(option: &str, text: &str) -> Result<SocketAddr, String> {
    const DNS: u16 = 53;
    let ip = || text.parse().map(|ip: IpAddr| SocketAddr::new(ip, DNS));
    let address = text.parse().or_else(|_| ip());
    address.map_err(|_| format!("{option}: {text:?} is no address; write it as in 192.0.2.1:53"))
}

impl Examination {
    /// Who looks at more than a token. The error is for people.
    pub(crate) fn doctor(self) -> Result<Option<Doctor>, String> {
        let (hostname, realm) = match (self.hostname, self.realm) {
            (Some(hostname), Some(realm)) => (hostname, realm),
            (None, None) if self.token.is_some() => return Ok(None),
            (None, _) => return Err("name the site with --hostname".to_owned()),
            (_, None) => return Err("name the SPN's realm with --realm".to_owned()),
        };
        let directory = self.ldap.directory(self.keytab.as_deref())?;
        if self.user.is_some() && directory.is_none() {
            return Err(
                "--user is looked up in a directory: name its server with --ldap".to_owned(),
            );
        }
        let mut doctor = Doctor::new(hostname, realm);
        if let Some(keytab) = self.keytab {
            doctor = doctor.keytab(keytab);
        }
        if let Some(keytab) = self.client_keytab {
            doctor = doctor.client_keytab(keytab);
        }
        if let Some(server) = self.dns_server {
            doctor = doctor.dns_server(server);
        }
        if let Some(folder) = self.replay_cache {
            doctor = doctor.replay_cache(folder);
        }
        if let Some(directory) = directory {
            doctor = doctor.directory(directory);
        }
        if let Some(user) = self.user {
            doctor = doctor.user(user);
        }
        Ok(Some(doctor))
    }
}

impl Ldap {
    fn directory(self, keytab: Option<&Path>) -> Result<Option<LdapDirectory>, String> {
        if self.urls.is_empty() && self.preset.is_none() {
            return match self.is_said() {
                Some(option) => Err(format!(
                    "{option} is of a directory: name its server with --ldap, or its domain"
                )),
                None => Ok(None),
            };
        }
        let mut urls = self.urls.into_iter();
        let mut builder = match self.preset {
            // The doctor has no ticket of the user's, with a PAC in it.
            Some(Preset::Domain(domain)) => {
                LdapDirectory::active_directory(domain).trust_ticket_names()
            }
            Some(Preset::FreeIpa(domain)) => LdapDirectory::free_ipa(domain),
            Some(Preset::OpenLdap(base)) => LdapDirectory::openldap(base),
            None => LdapDirectory::builder(urls.next().unwrap_or_default()),
        };
        for url in urls {
            builder = builder.server(url);
        }
        if let Some(server) = self.dns_server {
            builder = builder.dns_server(server);
        }
        if self.start_tls {
            builder = builder.start_tls();
        }
        if let Some(file) = self.ca {
            builder = builder.ca_file(file);
        }
        builder = match (self.bind, self.password, self.principal) {
            (Some(name), Some(password), None) => builder.bind_simple(name, password.read()?),
            (None, None, Some(principal)) => {
                let keytab = self.keytab.as_deref().or(keytab);
                let keytab = keytab.ok_or("--ldap-gssapi needs --ldap-keytab")?;
                builder.bind_gssapi(principal, keytab)
            }
            (None, None, None) => builder,
            (Some(_), None, None) => {
                return Err(
                    "--ldap-bind needs --ldap-password-file or --ldap-password-env".to_owned(),
                );
            }
            _ => return Err("say whom to bind as with --ldap-bind or --ldap-gssapi".to_owned()),
        };
        builder = searching(builder, self.base, self.filter)?;
        builder.build().map(Some).map_err(|error| error.to_string())
    }
}

impl Ldap {
    /// An option that says something of a directory, and not which it is.
    fn is_said(&self) -> Option<&'static str> {
        let said = [
            (self.dns_server.is_some(), "--ldap-dns-server"),
            (self.start_tls, "--ldap-start-tls"),
            (self.ca.is_some(), "--ldap-ca"),
            (self.bind.is_some(), "--ldap-bind"),
            (self.password.is_some(), "a password"),
            (self.principal.is_some(), "--ldap-gssapi"),
            (self.keytab.is_some(), "--ldap-keytab"),
            (self.base.is_some(), "--ldap-base"),
            (self.filter.is_some(), "--ldap-filter"),
        ];
        said.into_iter()
            .find_map(|(is_said, option)| is_said.then_some(option))
    }
}

fn searching(
    builder: LdapDirectoryBuilder,
    base: Option<String>,
    filter: Option<String>,
) -> Result<LdapDirectoryBuilder, String> {
    match (base, filter) {
        (Some(base), Some(filter)) => Ok(builder.search(base, filter)),
        (None, None) => Ok(builder),
        _ => Err("--ldap-base and --ldap-filter go together".to_owned()),
    }
}

impl Password {
    fn read(self) -> Result<String, String> {
        match self {
            Self::File(path) => {
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                Ok(text.lines().next().unwrap_or_default().to_owned())
            }
            Self::Variable(name) => {
                std::env::var(&name).map_err(|error| format!("{}: {error}", name.display()))
            }
        }
    }
}
