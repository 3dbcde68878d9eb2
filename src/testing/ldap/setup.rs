//! The files of a test's LDAP server: configuration, certificate, first entries.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::TestLdapBuilder;
use super::{BASE, ROOT_PASSWORD, SERVICE_PASSWORD};
use crate::testing::certificate::{make_certificate, make_client_certificate};
use crate::testing::process::find_program;

/// Debian, then Fedora.
const SCHEMAS: [&str; 2] = ["/etc/ldap/schema", "/etc/openldap/schema"];
const MODULES: [&str; 3] = ["/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap"];

/// What other servers know of people's accounts.
const ACCOUNTS: &str = include_str!("accounts.schema");

pub(super) fn root_dn() -> String {
    format!("cn=root,{BASE}")
}

pub(super) fn service_dn() -> String {
    format!("cn=web,ou=services,{BASE}")
}

/// The subject of the service account's certificate.
pub(super) const CLIENT: &str = "web-client";

pub(super) fn write_files(folder: &Path, settings: &TestLdapBuilder) -> io::Result<()> {
    fs::create_dir(folder.join("database"))?;
    make_certificate(folder, &names())?;
    fs::write(folder.join("accounts.schema"), ACCOUNTS)?;
    make_client_certificate(folder, CLIENT)?;
    fs::write(folder.join("slapd.conf"), slapd_conf(folder, settings)?)
}

/// The percent-encoded path of the socket.
pub(super) fn ldapi_url(folder: &Path) -> String {
    let path = folder.join("ldapi");
    let encoded = path.display().to_string().replace('/', "%2F");
    format!("ldapi://{encoded}")
}

/// The server in the foreground, its URLs to be added.
pub(super) fn slapd(folder: &Path) -> io::Result<Command> {
    // slapd makes a table of as many entries as it may open files; in some containers that is a
    // billion.
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "ulimit -n 4096 2>/dev/null; exec \"$@\"", "slapd"])
        .arg(slapd_program(folder)?)
        .arg("-f")
        .arg(folder.join("slapd.conf"))
        .args(["-d", "none"]);
    Ok(command)
}

fn slapd_program(folder: &Path) -> io::Result<PathBuf> {
    if let Some(program) = std::env::var_os("TOWER_SPNEGO_SLAPD") {
        return Ok(PathBuf::from(program));
    }
    let installed = find_program("slapd", "slapd")?;
    if !Path::new("/etc/apparmor.d/usr.sbin.slapd").exists() {
        return Ok(installed);
    }
    // Ubuntu confines the program at this path to its own folders.
    let copy = folder.join("slapd");
    if !copy.exists() {
        fs::copy(installed, &copy)?;
    }
    Ok(copy)
}

fn slapd_conf(folder: &Path, settings: &TestLdapBuilder) -> io::Result<String> {
    let schema = first_folder(&SCHEMAS, "core.schema", "schema")?;
    let modules = first_folder(&MODULES, "memberof.so", "modules")?;
    // Some distributions have the back end built in.
    let back_mdb = if modules.join("back_mdb.so").exists() {
        "moduleload back_mdb"
    } else {
        ""
    };
    let tls = match settings.tls {
        true => tls_settings(folder),
        false => String::new(),
    };
    let (schema, modules, folder) = (schema.display(), modules.display(), folder.display());
    let (root, web) = (root_dn(), service_dn());
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    let (user, group) = (user.as_raw(), group.as_raw());
    let further = &settings.configuration;
    Ok(format!(
        r#"include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
include {schema}/nis.schema
include {folder}/accounts.schema
modulepath {modules}
{back_mdb}
moduleload memberof
moduleload ppolicy
moduleload refint
{tls}
sasl-host localhost
authz-regexp "^cn={CLIENT}$" "{web}"
authz-regexp "^gidNumber={group}[+]uidNumber={user},cn=peercred,cn=external,cn=auth$" "{web}"
authz-regexp "^uid=web,(cn=[^,]+,)?cn=gssapi,cn=auth$" "{web}"
{further}
database mdb
suffix "{BASE}"
rootdn "{root}"
rootpw "{ROOT_PASSWORD}"
directory "{folder}/database"
maxsize 268435456
dbnosync
sizelimit unlimited
index objectClass,uid,cn,member,memberUid eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{web}" read by anonymous auth by * none
overlay memberof
memberof-refint on
overlay ppolicy
overlay refint
refint_attributes member uniqueMember roleOccupant
"#
    ))
}

/// A client with a certificate of another authority is refused; one without any is not.
fn tls_settings(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        r#"TLSCACertificateFile "{folder}/ca.pem"
TLSCertificateFile "{folder}/certificate.pem"
TLSCertificateKeyFile "{folder}/key.pem"
TLSVerifyClient try"#
    )
}

fn first_folder(folders: &[&str], file: &str, what: &str) -> io::Result<PathBuf> {
    folders
        .iter()
        .map(PathBuf::from)
        .find(|folder| folder.join(file).exists())
        .ok_or_else(|| {
            let tried = folders.join(", ");
            io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "OpenLDAP's {what} ({file}) are not in {tried}; Debian has them in the \
                     package slapd"
                ),
            )
        })
}

/// libldap asks for the machine's name where the URL says `localhost`, and a [`TestDns`](crate::testing::TestDns)
/// may give the server a name in the domain.
fn names() -> String {
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine = machine.trim();
    let is_dns_name = !machine.is_empty()
        && machine
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    let names = "DNS:localhost, DNS:*.example.test, IP:127.0.0.1";
    match is_dns_name {
        true => format!("{names}, DNS:{machine}"),
        false => names.to_owned(),
    }
}

pub(super) fn first_entries() -> String {
    let web = service_dn();
    format!(
        "dn: {BASE}
objectClass: domain
dc: example

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{BASE}
objectClass: organizationalUnit
ou: groups

dn: ou=services,{BASE}
objectClass: organizationalUnit
ou: services

dn: {web}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: web
userPassword: {SERVICE_PASSWORD}

dn: uid=alice,ou=people,{BASE}
objectClass: inetOrgPerson
uid: alice
cn: Alice Liddell
sn: Liddell
givenName: Alice
displayName: Alice Liddell
mail: alice@example.test
title: Engineer
telephoneNumber: +1 555 0100
departmentNumber: Wonderland
employeeNumber: 1865
manager: uid=bob,ou=people,{BASE}

dn: uid=bob,ou=people,{BASE}
objectClass: inetOrgPerson
uid: bob
cn: Bob Cratchit
sn: Cratchit
givenName: Bob
displayName: Bob Cratchit
mail: bob@example.test
title: Clerk
telephoneNumber: +1 555 0101
departmentNumber: Counting-house
employeeNumber: 1843

dn: cn=Engineers,ou=groups,{BASE}
objectClass: groupOfNames
cn: Engineers
member: uid=alice,ou=people,{BASE}

dn: cn=Staff,ou=groups,{BASE}
objectClass: groupOfNames
cn: Staff
member: uid=alice,ou=people,{BASE}
member: uid=bob,ou=people,{BASE}
"
    )
}
