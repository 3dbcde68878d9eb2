//! What of a person's entry becomes a user.

use super::super::fields::WILDCARDS;
use super::LdapDirectoryBuilder;

/// # The user
impl LdapDirectoryBuilder {
    /// The attribute with the name to sign in with: one value, which no two people share and persons
    /// can't write. It is `uid` on FreeIPA and `sAMAccountName` on Active Directory; elsewhere there is
    /// none, and the username is the ticket's name. It is the username of whoever is found, whatever
    /// name finds them, unless the layer makes a name of its own of the principal: with several realms,
    /// the whole of it.
    pub fn username_attribute(mut self, name: impl Into<String>) -> Self {
        self.fields.username = Some(name.into());
        self
    }

    /// The attribute with the person's name, instead of `displayName` or else `cn`.
    pub fn display_name_attribute(mut self, name: impl Into<String>) -> Self {
        self.fields.display_name = vec![name.into()];
        self
    }

    /// The attribute with the mail address, instead of `mail`.
    pub fn email_attribute(mut self, name: impl Into<String>) -> Self {
        self.fields.email = name.into();
        self
    }

    /// The attribute with what stays the same when a person is renamed, instead of `entryUUID`
    /// (RFC 4530): one value, text, which two entries never share and persons can't write. Of
    /// `objectSid` it is the SID's text, `S-1-5-…`.
    pub fn id_attribute(mut self, name: impl Into<String>) -> Self {
        self.fields.id = name.into();
        self
    }

    /// Further attributes to load into the user, under the names given here:
    /// [`attribute`](crate::User::attribute) has those of their values that are text (UTF-8),
    /// [`binary_attribute`](crate::User::binary_attribute) has all, and
    /// [`attributes_as`](crate::User::attributes_as) reads them into a type of the application's own.
    ///
    /// The session stores them with the user: a photo there is read and written with each request that
    /// the session store serves.
    ///
    /// `*` stands for all user attributes (RFC 4511 section 4.5.1.8) and `+` for all operational ones
    /// (RFC 3673), as far as the bind account may read them, and for those that the directory reads
    /// for itself. They are loaded under the server's names, options included, where all their values
    /// are text; others have to be named. Better name whatever you need: all of it is in the session.
    ///
    /// Attributes that hold passwords or keys are never loaded, and naming one fails: `userPassword`,
    /// `unicodePwd`, `krbPrincipalKey`, `ipaNTHash`, `sambaNTPassword`, `ms-Mcs-AdmPwd`,
    /// `msDS-ManagedPassword` and some forty others that are known for it. One that your schema alone
    /// has is for the bind account's rights to hide.
    pub fn attributes<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        for name in names.into_iter().map(Into::into) {
            let known = match WILDCARDS.contains(&name.as_str()) {
                true => &mut self.fields.wildcards,
                false => &mut self.fields.attributes,
            };
            if !known.iter().any(|own| own.eq_ignore_ascii_case(&name)) {
                known.push(name);
            }
        }
        self
    }
}
