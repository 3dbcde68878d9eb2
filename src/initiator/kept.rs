//! What a login keeps of its initiator.

use serde::{Deserialize, Serialize};

use crate::sid::Sid;

/// What a login keeps of its initiator, beside the principal, for the directory to be asked again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Where `krb5.conf` made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) local_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<Account>,
}

/// Which account a PAC is of. Its name is the principal's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    #[serde(with = "sid_as_text")]
    pub(super) sid: Sid,
    pub(super) domain: String,
}

/// [`Sid`] has no serde of its own, as [`User`](crate::User) has none.
mod sid_as_text {
    use std::borrow::Cow;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Sid;

    pub(super) fn serialize<S: Serializer>(sid: &Sid, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(sid)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Sid, D::Error> {
        Cow::<str>::deserialize(from)?
            .parse()
            .map_err(D::Error::custom)
    }
}
