//! No directory: whoever the KDC knows.

use super::{Directory, DirectoryError};
use crate::group_rule::GroupKey;
use crate::initiator::Initiator;
use crate::user::User;

/// No directory at all: the user is what the ticket says.
///
/// The username is the principal's name without its realm where the layer allows a single realm,
/// else the whole principal. There are no groups, so that a layer with [rules](crate::GroupRule) on
/// them refuses to start, and nobody is ever refused: whoever the KDC knows gets in.
///
/// Where the ticket has a [`Pac`](crate::Pac), as on Active Directory, the name is the PAC's account
/// and the id its SID. Where it has none, the name is what the ticket says; on Active Directory that
/// is the client's choice, and so is whether there is a PAC: there the layer must
/// [require one](crate::SpnegoLayerBuilder::require_pac). [`TicketDirectory`](crate::TicketDirectory) does so
/// itself, and has the groups, too.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrincipalOnly;

impl Directory for PrincipalOnly {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        let mut user = User::builder(who.principal().clone()).username(who.unique_name());
        if let Some(sid) = who.sid() {
            user = user.id(sid.to_string());
        }
        Ok(user.build())
    }

    fn fingerprint(&self) -> Option<String> {
        Some("principal only".to_owned())
    }

    fn knows_group(&self, _: GroupKey<'_>) -> bool {
        false
    }
}
