//! Samba's settings.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use super::{DOMAIN, REALM};

pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("smb.conf")
}

/// Every folder is named, for the defaults are the machine's own.
///
/// `ldb:nosync`, since nothing here needs to outlive a power failure. `xattr_tdb`, since provisioning
/// sets attributes `security.…` on files, which root in a container may not.
pub(super) fn write(folder: &Path, address: Ipv4Addr) -> io::Result<()> {
    let place = folder.display();
    fs::write(
        path(folder),
        format!(
            "[global]
    netbios name = DC1
    realm = {REALM}
    workgroup = {DOMAIN}
    server role = active directory domain controller
    server services = ldap, cldap, kdc
    interfaces = {address}/8
    bind interfaces only = yes
    ldap server require strong auth = allow_sasl_over_tls
    tls keyfile = {place}/key.pem
    tls certfile = {place}/certificate.pem
    tls cafile = {place}/ca.pem
    private dir = {place}/private
    state directory = {place}/state
    lock directory = {place}/lock
    cache directory = {place}/cache
    pid directory = {place}/pid
    ncalrpc dir = {place}/ncalrpc
    binddns dir = {place}/bind-dns
    winbindd socket directory = {place}/winbindd
    ntp signd socket directory = {place}/ntp-signd
    log file = {place}/log.%m
    ldb:nosync = yes
    vfs objects = dfs_samba4 acl_xattr xattr_tdb
    xattr_tdb:file = {place}/xattr.tdb
[sysvol]
    path = {place}/state/sysvol
[netlogon]
    path = {place}/state/sysvol/ad.example.test/scripts
"
        ),
    )
}
