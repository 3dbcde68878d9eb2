//! [`RequireGroup`]: who may open some of the routes.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::response::{IntoResponse, Response};
use http::{Extensions, Request};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::directory::{Directory, SharedDirectory};
use crate::error::{ConfigError, Error, ErrorKind};
use crate::extract::{self, SignInRejection};
use crate::future::ResponseFuture;
use crate::group_rule::GroupRule;
use crate::response;
use crate::user::User;

/// A [`Layer`] for routes that are not for everybody who may sign in. It goes inside the
/// [`SpnegoLayer`](crate::SpnegoLayer), so add it before that one:
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use tower_sessions::{MemoryStore, SessionManagerLayer};
/// use tower_spnego::{ConfigError, RequireGroup, SpnegoLayer, User};
///
/// # fn app(spnego: SpnegoLayer) -> Result<Router, ConfigError> {
/// let admins = RequireGroup::new("CN=Admins,OU=Groups,DC=corp,DC=example,DC=com")?;
/// let editors = RequireGroup::when(|user| user.has_role("editor"));
///
/// let app = Router::new()
///     .route("/admin", get(async || "Hello, administrator"))
///     .route_layer(admins) // for the routes above
///     .route("/pages/{id}", get(page).merge(axum::routing::put(edit).layer(editors)))
///     .layer(spnego)
///     .layer(SessionManagerLayer::new(MemoryStore::default()));
/// # Ok(app)
/// # }
/// # async fn page() {}
/// # async fn edit() {}
/// ```
///
/// | who asks | answer |
/// |---|---|
/// | a user for whom the [rule](GroupRule) surely holds | the route's |
/// | another user | 403, [`RouteDenied`](ErrorKind::RouteDenied), no challenge; the login stays |
/// | a user of whom the directory does not tell it | 503, [`DirectoryMisconfigured`](ErrorKind::DirectoryMisconfigured), and the log says why |
/// | nobody, where the layer around lets such pass | as if the route asked for a [`User`]: the layer's challenge, 401 |
/// | anybody, where there is no `SpnegoLayer` around | 500, with a hint |
///
/// It is the user of the request who is judged, by the groups that the directory gave at the
/// sign-in. Several around one route must all let the request pass. A refusal has the
/// [page](crate::SpnegoLayerBuilder::refusal_page) of the layer around.
///
/// To keep people out of the whole application, use
/// [`require_group`](crate::SpnegoLayerBuilder::require_group): they get no session then.
#[derive(Clone)]
pub struct RequireGroup {
    condition: Condition,
}

#[derive(Clone)]
enum Condition {
    Rule(Arc<GroupRule>),
    Predicate(Arc<dyn Fn(&User) -> bool + Send + Sync>),
}

impl RequireGroup {
    /// Lets those pass for whom this rule surely holds. A text is a rule, too: a DN, a SID, or a
    /// name.
    ///
    /// # Errors
    ///
    /// [`ConfigError::GroupRule`] for a rule that can't be one, such as a DN that is none.
    pub fn new(rule: impl Into<GroupRule>) -> Result<Self, ConfigError> {
        let rule = rule.into();
        rule.check()?;
        Ok(Self {
            condition: Condition::Rule(Arc::new(rule)),
        })
    }

    /// Lets those pass for whom one of these rules surely holds.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); also for no rules at all.
    pub fn any<R: Into<GroupRule>>(
        rules: impl IntoIterator<Item = R>,
    ) -> Result<Self, ConfigError> {
        Self::new(GroupRule::any(rules))
    }

    /// Lets those pass for whom all of these rules surely hold.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); also for no rules at all.
    pub fn all<R: Into<GroupRule>>(
        rules: impl IntoIterator<Item = R>,
    ) -> Result<Self, ConfigError> {
        Self::new(GroupRule::all(rules))
    }

    /// Lets those pass for whom this says so, whatever it goes by:
    /// [roles](User::has_role), [attributes](User::attribute).
    pub fn when(predicate: impl Fn(&User) -> bool + Send + Sync + 'static) -> Self {
        Self {
            condition: Condition::Predicate(Arc::new(predicate)),
        }
    }

    /// Who passes; the others' answer.
    fn judge(&self, request: &Extensions) -> Result<(), Refused> {
        let (user, directory) = extract::user_and_directory(request)?;
        match &self.condition {
            Condition::Rule(rule) => Ok(judge(user, rule, directory)?),
            Condition::Predicate(predicate) if predicate(user) => Ok(()),
            Condition::Predicate(_) => {
                let detail = format!("{}; RequireGroup::when(..) refuses", user.principal());
                Err(Error::new(ErrorKind::RouteDenied)
                    .with_detail(detail)
                    .into())
            }
        }
    }
}

fn judge(user: &User, rule: &GroupRule, directory: &SharedDirectory) -> Result<(), Error> {
    // Of such a group nobody is a member, and a rule that says "not" would hold for everybody.
    if let Some(group) = rule.unknown(&|group| directory.knows_group(group)) {
        let why = ConfigError::GroupNotKnown { group };
        let detail = format!("a RequireGroup asks for {rule}; {why}");
        return Err(Error::new(ErrorKind::DirectoryMisconfigured).with_detail(detail));
    }
    match rule.admits(user) {
        true => Ok(()),
        false => Err(rule.refusal(ErrorKind::RouteDenied, user, "a RequireGroup asks for")),
    }
}

enum Refused {
    NoUser(SignInRejection),
    Because(Error),
}

impl From<SignInRejection> for Refused {
    fn from(rejection: SignInRejection) -> Self {
        Self::NoUser(rejection)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Because(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::NoUser(rejection) => rejection.into_response(),
            Self::Because(error) => response::refuse_inside(error),
        }
    }
}

impl<S> Layer<S> for RequireGroup {
    type Service = RequireGroupService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireGroupService {
            inner,
            required: self.clone(),
        }
    }
}

impl fmt::Debug for RequireGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.condition {
            Condition::Rule(rule) => write!(f, "RequireGroup({rule})"),
            Condition::Predicate(_) => f.write_str("RequireGroup(..)"),
        }
    }
}

/// The service that [`RequireGroup`] makes.
#[derive(Clone)]
pub struct RequireGroupService<S> {
    inner: S,
    required: RequireGroup,
}

impl<S, B> Service<Request<B>> for RequireGroupService<S>
where
    S: Service<Request<B>> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone may not be ready; the service that was polled is.
        // https://docs.rs/tower/latest/tower/trait.Service.html#be-careful-when-cloning-inner-services
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        match self.required.judge(request.extensions()) {
            Ok(()) => {
                let answer = inner.call(request);
                ResponseFuture::new(async { Ok(answer.await?.into_response()) })
            }
            Err(refused) => ResponseFuture::new(async {
                let (parts, body) = request.into_parts();
                response::read_body(&parts, body).await;
                Ok(refused.into_response())
            }),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for RequireGroupService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireGroupService")
            .field("inner", &self.inner)
            .field("required", &self.required)
            .finish()
    }
}
