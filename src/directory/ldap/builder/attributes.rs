//! What of a person's entry becomes a user.

use super::LdapDirectoryBuilder;

/// # The user
impl LdapDirectoryBuilder {
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
    pub fn attributes<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        for name in names.into_iter().map(Into::into) {
            let known = &mut self.fields.attributes;
            if !known.iter().any(|own| own.eq_ignore_ascii_case(&name)) {
                known.push(name);
            }
        }
        self
    }
}
