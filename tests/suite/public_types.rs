//! What an application may do with the types that it is given.

use std::convert::Infallible;

use tower_spnego::{
    BasicOver, Challenge, ChannelBinding, ConfigError, DelegatedTicket, DirectoryError, Error,
    GroupRule, Initiator, Login, NameMapping, NoLogin, Principal, RealmDirectories, RequireGroup,
    ResponseFuture, ServerEndPoint, SharedDirectory, SharedEndPoint, Spnego, SpnegoConnection,
    SpnegoLayer, SpnegoLayerBuilder, User,
};

fn shared<T: Send + Sync + 'static>() {}

fn cloned<T: Clone>() {}

fn sent<T: Send + 'static>() {}

#[test]
fn threads_may_share_them_and_most_can_be_cloned() {
    shared::<SpnegoLayerBuilder>();
    shared::<ConfigError>();
    shared::<Error>();
    shared::<DirectoryError>();
    sent::<ResponseFuture<Infallible>>();
    macro_rules! all {
        ($($shared:ty),+) => {$( shared::<$shared>(); cloned::<$shared>(); )+};
    }
    all!(
        SpnegoLayer,
        Spnego<()>,
        SpnegoConnection,
        User,
        Login,
        DelegatedTicket,
        Principal,
        Initiator,
        SharedDirectory,
        RealmDirectories,
        GroupRule,
        RequireGroup,
        ServerEndPoint,
        SharedEndPoint,
        BasicOver,
        ChannelBinding,
        NameMapping,
        NoLogin,
        Challenge
    );
}
