//! One server. All of them have the same settings, the same keytab and the same store.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::{get, post};
use tokio::net::UnixListener;
use tower_sessions::cookie::SameSite;
use tower_sessions::{Session, SessionManagerLayer, session};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{
    Builder, ClientLike, Config, Error as RedisError, Pool, ReconnectPolicy,
};
use tower_spnego::{ConfigError, Error, Login, PrincipalOnly, SpnegoConnection, SpnegoLayer, User};
use tracing_subscriber::EnvFilter;

use crate::Failure;

#[tokio::main]
pub(crate) async fn run(socket: &Path, redis: &str, keytab: &Path) -> Result<(), Failure> {
    let filter = EnvFilter::try_from_default_env();
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new("info")))
        .with_writer(std::io::stderr)
        .init();

    let store = RedisStore::new(connect(redis).await?);
    let name = socket.file_stem().unwrap_or_default();
    let app = app(store, keytab, name.to_string_lossy().into_owned())?;

    // A server that was killed has left its socket behind. Where nginx is on another machine, this
    // is a TcpListener.
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket)?;
    // So that it can sign in those, too, who need several requests for it.
    let app = app.into_make_service_with_connect_info::<SpnegoConnection>();
    Ok(axum::serve(listener, app).await?)
}

async fn connect(url: &str) -> Result<Pool, RedisError> {
    let pool = Builder::from_config(Config::from_url(url)?)
        // While Redis is down, a request fails after this time, and does not wait for ever.
        .with_performance_config(|config| {
            config.default_command_timeout = Duration::from_secs(5);
        })
        .with_connection_config(|config| config.max_command_attempts = 1)
        // It tries for ever to connect again.
        .set_policy(ReconnectPolicy::new_exponential(0, 100, 5_000, 2))
        .build_pool(4)?;
    pool.init().await?;
    Ok(pool)
}

fn app(store: RedisStore<Pool>, keytab: &Path, server: String) -> Result<Router, ConfigError> {
    let spnego = SpnegoLayer::builder()
        .realm("EXAMPLE.TEST")
        // The name by which browsers open the site, and no server's own.
        .hostname("localhost")
        .keytab(keytab)
        .directory(PrincipalOnly)
        // A logout on one server is one on all, whatever is under way there.
        .session_store(store.clone())
        .sign_in_path("/sign-in")
        .build()?;

    let sessions = SessionManagerLayer::new(store)
        .with_same_site(SameSite::Lax)
        // For a try over plain http: leave it out.
        .with_secure(false);

    Ok(Router::new()
        .route("/", get(home))
        .route("/cart", post(add_to_cart))
        .route("/sign-out", post(sign_out))
        .route("/sign-in", get(async || Redirect::to("/")))
        .layer(spnego)
        .layer(sessions)
        // Not behind the layers, whose answer to a monitor is 401.
        .route("/health", get(async || "ok\n"))
        .with_state(server))
}

async fn home(
    user: User,
    session: Session,
    State(server): State<String>,
) -> Result<String, StatusCode> {
    let cart = cart(&session).await.map_err(failed)?.join(", ");
    Ok(format!(
        "Hello, {}. I am server {server}. In your cart: {cart}.\n",
        user.display_name()
    ))
}

async fn add_to_cart(_: User, session: Session, item: String) -> Result<Redirect, StatusCode> {
    let mut items = cart(&session).await.map_err(failed)?;
    items.push(item);
    session.insert("cart", items).await.map_err(failed)?;
    Ok(Redirect::to("/"))
}

async fn cart(session: &Session) -> Result<Vec<String>, session::Error> {
    Ok(session.get("cart").await?.unwrap_or_default())
}

async fn sign_out(login: Login) -> Result<&'static str, Error> {
    login.logout().await?;
    Ok("Goodbye.\n")
}

fn failed(error: session::Error) -> StatusCode {
    tracing::error!("the session store: {error}");
    StatusCode::INTERNAL_SERVER_ERROR
}
