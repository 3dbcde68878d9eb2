//! What a refusal does with the body that the client still sends.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::time::Instant;

use crate::site::{Site, layer, post, realm, with_header};

const CHUNK: usize = 64 * 1024;

/// A body without end, and how many chunks of it were read.
fn endless() -> (Body, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    let chunks = stream::repeat_with(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Infallible>(Bytes::from_static(&[0; CHUNK]))
    });
    (Body::from_stream(chunks), read)
}

#[tokio::test]
async fn a_refusal_reads_a_mebibyte_of_the_body_and_no_more() {
    let site = Site::new(layer(&realm()));
    let (body, read) = endless();
    let mut request = post("/");
    *request.body_mut() = body;
    site.browser().send(request).await.is_challenge();
    assert_eq!(read.load(Ordering::SeqCst), (1 << 20) / CHUNK + 1);
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_to_send_is_not_waited_for() {
    let site = Site::new(layer(&realm()));
    let (body, read) = endless();
    let mut request = with_header(post("/"), "expect", "100-continue");
    *request.body_mut() = body;
    site.browser().send(request).await.is_challenge();
    assert_eq!(read.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_nothing_is_answered_after_a_second() {
    let site = Site::new(layer(&realm()));
    let mut request = post("/");
    *request.body_mut() = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
    let asked = Instant::now();
    site.browser().send(request).await.is_challenge();
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
}
