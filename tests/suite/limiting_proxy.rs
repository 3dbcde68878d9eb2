//! An LDAP proxy that keeps to limits of Active Directory that Samba has not: no more than 1,500
//! values of an attribute in an answer (MS-ADTS section 3.1.1.3.1.3.3, "range retrieval"), and no
//! more than 1,000 entries in one that is not paged, or in a page (`MaxValRange` and `MaxPageSize`,
//! section 3.1.1.3.4.6).

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use lber::structure::StructureTag;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tower_spnego::testing::{TestActiveDirectory, TestLdap};

use crate::tls;

mod message;
#[cfg(test)]
mod tests;

use message::{Search, limit_entry, refuse_for_size};

/// `MaxValRange`.
const VALUES: usize = 1_500;

/// `MaxPageSize`.
const ENTRIES: usize = 1_000;

/// Listens on a port of 127.0.0.1, without TLS, until it is dropped.
pub struct LimitingProxy {
    port: u16,
    seen: Arc<Mutex<Seen>>,
    listening: JoinHandle<()>,
}

/// What clients have asked.
#[derive(Default)]
struct Seen {
    binds: usize,
    searches: Vec<Search>,
}

/// Where the proxy asks.
#[derive(Clone)]
enum Upstream {
    Plain(u16),
    Tls(TlsConnector, std::net::Ipv4Addr),
}

impl LimitingProxy {
    pub async fn before_slapd(ldap: &TestLdap) -> Self {
        let port = ldap.url().rsplit(':').next().expect("a port").parse();
        Self::before(Upstream::Plain(port.expect("a number"))).await
    }

    /// Samba takes no password without TLS, so that the proxy asks with it.
    pub async fn before_domain(ad: &TestActiveDirectory) -> Self {
        let connector = tls::connector(&ad.ca_file(), &[]);
        Self::before(Upstream::Tls(connector, ad.address())).await
    }

    async fn before(upstream: Upstream) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (upstream, seen) = (upstream.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let server = upstream.connect().await?;
                    serve(client, server, &seen).await
                });
            }
        });
        Self {
            port,
            seen,
            listening,
        }
    }

    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    pub fn binds(&self) -> usize {
        lock(&self.seen).binds
    }

    /// The searches since this was asked for the last time.
    pub fn take_searches(&self) -> Vec<Search> {
        std::mem::take(&mut lock(&self.seen).searches)
    }
}

impl Drop for LimitingProxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Upstream {
    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Plain(port) => {
                let stream = TcpStream::connect(("127.0.0.1", *port)).await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Self::Tls(connector, address) => {
                let stream = TcpStream::connect((*address, 636)).await?;
                stream.set_nodelay(true)?;
                let name = ServerName::IpAddress(std::net::IpAddr::V4(*address).into());
                Ok(Box::new(connector.connect(name, stream).await?))
            }
        }
    }
}

/// A search under way on a connection.
#[derive(Default)]
struct UnderWay {
    search: Search,
    entries: usize,
}

async fn serve(client: TcpStream, server: Box<dyn Stream>, seen: &Mutex<Seen>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = split(server);
    let under_way = Mutex::new(HashMap::new());
    let requests = async {
        while let Some(mut message) = read(&mut from_client).await? {
            match message::operation(&message) {
                message::BIND => lock(seen).binds += 1,
                message::SEARCH => {
                    let search = Search::rewrite(&mut message, ENTRIES);
                    lock(seen).searches.push(search.clone());
                    let id = message::id(&message);
                    let entries = 0;
                    lock(&under_way).insert(id, UnderWay { search, entries });
                }
                _ => {}
            }
            write(&mut to_server, message).await?;
        }
        Ok(())
    };
    let answers = async {
        while let Some(mut message) = read(&mut from_server).await? {
            if limit(&mut message, &under_way) {
                write(&mut to_client, message).await?;
            }
        }
        Ok(())
    };
    // Whoever leaves first ends both connections.
    tokio::select! {
        ended = requests => ended,
        ended = answers => ended,
    }
}

/// Whether the client gets the answer, which is cut to the limits.
fn limit(message: &mut StructureTag, under_way: &Mutex<HashMap<Vec<u8>, UnderWay>>) -> bool {
    let id = message::id(message);
    let mut under_way = lock(under_way);
    let Some(state) = under_way.get_mut(&id) else {
        return true;
    };
    match message::operation(message) {
        message::ENTRY => {
            state.entries += 1;
            limit_entry(message, &state.search.ranges, VALUES);
            state.search.is_paged || state.entries <= ENTRIES
        }
        message::DONE => {
            if !state.search.is_paged && state.entries > ENTRIES {
                refuse_for_size(message);
            }
            under_way.remove(&id);
            true
        }
        _ => true,
    }
}

/// One message, or none where the connection has ended.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<StructureTag>> {
    let mut frame = vec![0; 2];
    match stream.read_exact(&mut frame).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    let length = match usize::from(frame[1]) {
        short @ ..0x80 => short,
        long => {
            let mut bytes = vec![0; long - 0x80];
            stream.read_exact(&mut bytes).await?;
            frame.extend(&bytes);
            bytes
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte))
        }
    };
    let start = frame.len();
    frame.resize(start + length, 0);
    stream.read_exact(&mut frame[start..]).await?;
    let parsed = lber::parse::parse_tag(&frame);
    Ok(Some(parsed.expect("an LDAP message").1))
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), message: StructureTag) -> io::Result<()> {
    let mut bytes = bytes::BytesMut::new();
    lber::write::encode_into(&mut bytes, message)?;
    stream.write_all(&bytes).await
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().expect("locks")
}
