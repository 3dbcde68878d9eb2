//! The bind counts on the TLS connection that it was made for, and on no other.

use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::*;
use crate::tls::Tls;

#[tokio::test]
async fn a_bind_that_is_relayed_over_another_certificate_is_refused() {
    if elsewhere("binding::a_bind_that_is_relayed_over_another_certificate_is_refused") {
        return;
    }
    let realm = TestRealm::start().expect("a KDC");
    let ldap = TestLdap::builder().configuration("sasl-cbinding tls-endpoint");
    let ldap = ldap.realm(&realm).expect("a service");
    let ldap = ldap.start().expect("a server");
    ask(&realm);
    alice_signs_in(&site(&realm, over_tls(&ldap)), &realm).await;
    // We trust the one in the middle, too.
    let own = Tls::new();
    let url = relay(&own, &ldap).await;
    let site = site(&realm, as_web(&ldap, &url).ca_file(own.ca_file()));
    let error = is_unavailable(&site, &realm, ErrorKind::DirectoryMisconfigured).await;
    assert!(error.contains("the bind as web@EXAMPLE.TEST"), "{error}");
}

/// The URL of somebody who passes on what they hear, over TLS on both sides.
async fn relay(own: &Tls, ldap: &TestLdap) -> String {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(ldap.ca_file()).expect("PEM");
    roots.add(authority).expect("an authority");
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let acceptor = own.acceptor(&["ldap"]);
    let port = ldap.tls_url().rsplit(':').next().expect("a port").parse();
    let port: u16 = port.expect("a number");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut client = acceptor.accept(stream).await.expect("a client");
            let server = TcpStream::connect(("127.0.0.1", port)).await;
            let name = "localhost".try_into().expect("a name");
            let server = connector.connect(name, server.expect("a server")).await;
            let mut server = server.expect("TLS");
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    });
    format!("ldaps://localhost:{}", address.port())
}
