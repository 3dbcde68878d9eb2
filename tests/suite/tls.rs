//! A server with TLS of its own, as an application would write it: each request carries what the
//! layer wants to know of the connection.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};
use tokio_rustls::{TlsAcceptor, TlsConnector, client};
use tower::Layer;
use tower::util::option_layer;
use tower_spnego::{ServerEndPoint, SpnegoConnection};

mod relay;

pub use relay::Relay;

/// An authority, and the certificate that it has signed: of `localhost`, and of the guides' site.
pub struct Tls {
    folder: TempDir,
    /// Bytes of all headers of an HTTP/2 request, where they are not hyper's 16 KiB.
    max_header_list_size: Option<u32>,
}

const EC: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256";

const EXTENSIONS: &str = "
[req]
distinguished_name = subject
[subject]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost, DNS:intranet.corp.example.com, IP:127.0.0.1
";

impl Tls {
    pub fn new() -> Self {
        let tls = Self::empty();
        tls.make(
            EC,
            "-keyout ca.key -out ca.pem -subj /CN=authority -extensions ca",
        );
        tls.make_certificate();
        tls
    }

    /// Another certificate of the same authority's, with another key.
    pub fn renewed(&self) -> Self {
        let tls = Self::empty();
        for name in ["ca.key", "ca.pem"] {
            let [from, to] = [&self.folder, &tls.folder].map(|folder| folder.path().join(name));
            std::fs::copy(from, to).expect("copies");
        }
        tls.make_certificate();
        tls
    }

    /// A certificate that is its own authority, by these options of `openssl req` for key and
    /// signature. Clients take a trusted certificate whatever its signature.
    pub fn self_signed(keys: &str) -> Self {
        let tls = Self::empty();
        tls.make(
            keys,
            "-keyout key.pem -out ca.pem -subj /CN=localhost -extensions server",
        );
        std::fs::copy(tls.ca_file(), tls.certificate_file()).expect("copies");
        tls
    }

    fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("extensions"), EXTENSIONS).expect("written");
        Self {
            folder,
            max_header_list_size: None,
        }
    }

    fn make_certificate(&self) {
        self.make(
            EC,
            "-keyout key.pem -out certificate.pem -subj /CN=localhost -extensions server \
             -CA ca.pem -CAkey ca.key",
        );
    }

    fn make(&self, keys: &str, what: &str) {
        let output = Command::new("openssl")
            .current_dir(self.folder.path())
            .args("req -x509 -config extensions -days 30 -nodes".split(' '))
            .args(keys.split_whitespace())
            .args(what.split_whitespace())
            .output()
            .expect("openssl runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
    }

    pub fn max_header_list_size(mut self, bytes: u32) -> Self {
        self.max_header_list_size = Some(bytes);
        self
    }

    /// What clients have to trust; PEM.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn certificate_file(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    pub fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.certificate_file()).expect("PEM")
    }

    pub fn end_point(&self) -> ServerEndPoint {
        let pem = std::fs::read(self.certificate_file()).expect("PEM");
        ServerEndPoint::from_pem(&pem).expect("a certificate")
    }

    /// Serves HTTP/2 and HTTP/1.1, as clients ask for by ALPN.
    pub fn server(&self) -> impl FnOnce(TcpListener, Router) -> BoxFuture + use<> {
        let identity = Identity {
            acceptor: self.acceptor(&["h2", "http/1.1"]),
            end_point: Some(self.end_point()),
        };
        let (_, identity) = watch::channel(identity);
        let mut http = auto::Builder::new(TokioExecutor::new());
        if let Some(bytes) = self.max_header_list_size {
            http.http2().max_header_list_size(bytes);
        }
        move |listener, router| Box::pin(serve(listener, identity, http, router))
    }

    /// For clients that speak one of these protocols, by ALPN.
    pub fn acceptor(&self, protocols: &[&str]) -> TlsAcceptor {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(
                certificates(&self.certificate_file()),
                PrivateKeyDer::from_pem_file(self.folder.path().join("key.pem")).expect("a key"),
            )
            .expect("the certificate's key");
        config.alpn_protocols = protocols.iter().map(|name| (*name).into()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// A client's connection that will speak this protocol.
    pub async fn connect(&self, port: u16, alpn: &str) -> client::TlsStream<TcpStream> {
        let connector = connector(&self.ca_file(), &[alpn]);
        let stream = TcpStream::connect(("127.0.0.1", port)).await;
        let name = "localhost".try_into().expect("a name");
        connector
            .connect(name, stream.expect("connects"))
            .await
            .expect("TLS")
    }
}

/// A client that trusts this authority, and speaks these protocols, by ALPN.
pub fn connector(ca_file: &Path, protocols: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(ca_file));
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| (*name).into()).collect();
    TlsConnector::from(Arc::new(config))
}

/// A server's certificate that is replaced while it runs. Its requests say nothing of it.
pub struct Renewable {
    current: watch::Sender<Identity>,
}

impl Renewable {
    pub fn new(tls: &Tls) -> Self {
        let current = watch::Sender::new(Identity::unsaid(tls));
        Self { current }
    }

    /// For the connections that come from now on.
    pub fn renew(&self, tls: &Tls) {
        self.current.send_replace(Identity::unsaid(tls));
    }

    pub fn server(&self) -> impl FnOnce(TcpListener, Router) -> BoxFuture + use<> {
        let identity = self.current.subscribe();
        let http = auto::Builder::new(TokioExecutor::new());
        move |listener, router| Box::pin(serve(listener, identity, http, router))
    }
}

/// What a server shows of itself to clients, and what it tells the layer of that.
struct Identity {
    acceptor: TlsAcceptor,
    end_point: Option<ServerEndPoint>,
}

impl Identity {
    fn unsaid(tls: &Tls) -> Self {
        Self {
            acceptor: tls.acceptor(&["h2", "http/1.1"]),
            end_point: None,
        }
    }
}

type BoxFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

fn provider() -> Arc<crypto::CryptoProvider> {
    Arc::new(crypto::ring::default_provider())
}

fn certificates(file: &Path) -> Vec<CertificateDer<'static>> {
    let certificates = CertificateDer::pem_file_iter(file).expect("PEM");
    certificates.map(|one| one.expect("PEM")).collect()
}

async fn serve(
    listener: TcpListener,
    identity: watch::Receiver<Identity>,
    http: auto::Builder<TokioExecutor>,
    router: Router,
) {
    loop {
        let (stream, peer) = listener.accept().await.expect("a connection");
        let (acceptor, end_point) = {
            let current = identity.borrow();
            (current.acceptor.clone(), current.end_point.clone())
        };
        let of_the_connection = (
            Extension(SpnegoConnection::new(Some(peer))),
            option_layer(end_point.map(Extension)),
        );
        let service = TowerToHyperService::new(of_the_connection.layer(router.clone()));
        let http = http.clone();
        tokio::spawn(async move {
            // A client that leaves in the middle is no fault of the server's.
            if let Ok(stream) = acceptor.accept(stream).await {
                let stream = TokioIo::new(stream);
                let _ = http.serve_connection_with_upgrades(stream, service).await;
            }
        });
    }
}
