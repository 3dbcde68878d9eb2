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
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};
use tokio_rustls::{TlsAcceptor, TlsConnector, client};
use tower::Layer;
use tower_spnego::{ServerEndPoint, SpnegoConnection};

/// An authority, and the certificate of `localhost` that it has signed.
pub struct Tls {
    folder: TempDir,
    /// Bytes of all headers of an HTTP/2 request, where they are not hyper's 16 KiB.
    max_header_list_size: Option<u32>,
}

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
subjectAltName = DNS:localhost, IP:127.0.0.1
";

impl Tls {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("extensions"), EXTENSIONS).expect("written");
        for step in [
            "-keyout ca.key -out ca.pem -subj /CN=authority -extensions ca",
            "-keyout key.pem -out certificate.pem -subj /CN=localhost -extensions server \
             -CA ca.pem -CAkey ca.key",
        ] {
            let output = Command::new("openssl")
                .current_dir(folder.path())
                .args("req -x509 -config extensions -days 30 -nodes".split(' '))
                .args("-newkey ec -pkeyopt ec_paramgen_curve:P-256".split(' '))
                .args(step.split_whitespace())
                .output()
                .expect("openssl runs");
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{errors}");
        }
        Self {
            folder,
            max_header_list_size: None,
        }
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

    pub fn end_point(&self) -> ServerEndPoint {
        let pem = std::fs::read(self.certificate_file()).expect("PEM");
        ServerEndPoint::from_pem(&pem).expect("a certificate")
    }

    /// Serves HTTP/2 and HTTP/1.1, as clients ask for by ALPN.
    pub fn server(&self) -> impl FnOnce(TcpListener, Router) -> BoxFuture + use<> {
        let acceptor = self.acceptor();
        let end_point = self.end_point();
        let mut http = auto::Builder::new(TokioExecutor::new());
        if let Some(bytes) = self.max_header_list_size {
            http.http2().max_header_list_size(bytes);
        }
        move |listener, router| Box::pin(serve(listener, acceptor, end_point, http, router))
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(
                certificates(&self.certificate_file()),
                PrivateKeyDer::from_pem_file(self.folder.path().join("key.pem")).expect("a key"),
            )
            .expect("the certificate's key");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// A client's connection that will speak this protocol.
    pub async fn connect(&self, port: u16, alpn: &str) -> client::TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates(&self.ca_file()));
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        let stream = TcpStream::connect(("127.0.0.1", port)).await;
        let name = "localhost".try_into().expect("a name");
        TlsConnector::from(Arc::new(config))
            .connect(name, stream.expect("connects"))
            .await
            .expect("TLS")
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
    acceptor: TlsAcceptor,
    end_point: ServerEndPoint,
    http: auto::Builder<TokioExecutor>,
    router: Router,
) {
    loop {
        let (stream, peer) = listener.accept().await.expect("a connection");
        let (acceptor, http) = (acceptor.clone(), http.clone());
        let of_the_connection = (
            Extension(SpnegoConnection::new(Some(peer))),
            Extension(end_point.clone()),
        );
        let service = TowerToHyperService::new(of_the_connection.layer(router.clone()));
        tokio::spawn(async move {
            // A client that leaves in the middle is no fault of the server's.
            if let Ok(stream) = acceptor.accept(stream).await {
                let stream = TokioIo::new(stream);
                let _ = http.serve_connection_with_upgrades(stream, service).await;
            }
        });
    }
}
