//! Somebody on the way between directory and server.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What clients say here, all connections together.
#[derive(Clone, Default)]
pub struct Heard {
    bytes: Arc<Mutex<Vec<u8>>>,
    connections: Arc<AtomicUsize>,
}

impl Heard {
    pub fn contains(&self, words: &str) -> bool {
        let heard = self.bytes.lock().expect("no panic");
        let words = words.as_bytes();
        heard.windows(words.len()).any(|window| window == words)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn add(&self, bytes: &[u8]) {
        self.bytes.lock().expect("no panic").extend(bytes);
    }
}

/// Passes connections on to the server of this URL, and listens.
pub async fn pass_on(listen: &str, url: &str) -> (SocketAddr, Heard) {
    let port = url.rsplit(':').next().expect("a port").parse::<u16>();
    let server = ("127.0.0.1", port.expect("a number"));
    serve(listen, move |client, heard| relay(client, server, heard)).await
}

async fn relay(mut client: TcpStream, server: (&str, u16), heard: Heard) {
    let mut server = TcpStream::connect(server).await.expect("a server");
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let said = async {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            heard.add(&buffer[..length]);
            if to_server.write_all(&buffer[..length]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = said => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
}

/// Answers each request with the next of these, and then with nothing: a mock, since no real server
/// does what these do.
pub async fn answer(answers: &'static [&'static [u8]]) -> (SocketAddr, Heard) {
    let connection = move |mut client: TcpStream, heard: Heard| async move {
        let mut answers = answers.iter();
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = client.read(&mut buffer).await {
            heard.add(&buffer[..length]);
            if let Some(answer) = answers.next() {
                client.write_all(answer).await.expect("written");
            }
        }
    };
    serve("127.0.0.1", connection).await
}

async fn serve<F>(
    listen: &str,
    connection: impl Fn(TcpStream, Heard) -> F + Send + 'static,
) -> (SocketAddr, Heard)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((listen, 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let heard = Heard::default();
    let hears = heard.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            hears.connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(connection(client, hears.clone()));
        }
    });
    (address, heard)
}
