//! A machine in the middle: it passes on what a client sends, by a certificate of its own.

use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::Tls;

/// It ends with this.
pub struct Relay {
    port: u16,
    _runtime: Runtime,
}

impl Relay {
    /// Shows the certificate of `own` to clients, and goes to the server with that of `server`.
    pub fn start(own: &Tls, server: Arc<Tls>, port: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = TcpListener::bind("127.0.0.1:0");
        let listener = runtime.block_on(listener).expect("a port");
        let own_port = listener.local_addr().expect("bound").port();
        let acceptor = own.acceptor(&["http/1.1"]);
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (acceptor, server) = (acceptor.clone(), Arc::clone(&server));
                tokio::spawn(async move {
                    if let Ok(mut client) = acceptor.accept(stream).await {
                        let mut server = server.connect(port, "http/1.1").await;
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self {
            port: own_port,
            _runtime: runtime,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }
}
