//! FreeIPA and Red Hat's Identity Management: 389 Directory Server with a tree and a schema of its own.
//!
//! Checked against FreeIPA's sources, for it can't run in our tests: tree and permissions in
//! `ipaserver/plugins/user.py` and `baseuser.py` (every account that binds may read what is asked for
//! here), who is found in `install/share/bootstrap-template.ldif`, the id in `uuid-ipauniqueid.ldif`, the
//! groups in `memberof-conf.ldif`.

use super::active_directory;
use super::fields::Fields;

/// Active people, with every principal of theirs: a user may have aliases (`ipa user-add-principal`),
/// which are further values. Hosts and services have principals, too, and stand elsewhere.
pub(super) const FILTER: &str = "(&(objectClass=posixAccount)(krbPrincipalName={principal}))";

/// Where active people stand; staged and preserved ones stand in `cn=provisioning`. `None` where it is
/// no domain's name.
pub(super) fn base(domain: &str) -> Option<String> {
    let root = active_directory::base(domain)?.to_ascii_lowercase();
    Some(format!("cn=users,cn=accounts,{root}"))
}

/// Where groups of people stand, which are `groupOfNames` as well. `memberOf` of a person also names
/// roles, and rules for hosts and sudo, which are no groups.
pub(super) fn groups(domain: &str) -> Option<String> {
    let root = active_directory::base(domain)?.to_ascii_lowercase();
    Some(format!("cn=groups,cn=accounts,{root}"))
}

/// `ipaUniqueID` is made by a plug-in of the server for each entry; `entryUUID` has been there since
/// 389 Directory Server 2.0 alone, and not for older entries.
pub(super) fn fields() -> Fields {
    Fields {
        username: Some("uid".to_owned()),
        id: "ipaUniqueID".to_owned(),
        ..Fields::default()
    }
}
