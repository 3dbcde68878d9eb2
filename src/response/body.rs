//! The body of a request that is refused.

use std::pin::pin;
use std::time::Duration;

use bytes::Buf;
use http::Method;
use http::header::EXPECT;
use http::request::Parts;
use http_body_util::BodyExt;
use tokio::time::timeout;

/// How much of a request's body a refusal reads, in bytes.
const LIMIT: usize = 1 << 20;

/// How long it takes for that, and how long it waits for a client that sends nothing.
const TIME: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_secs(1);

/// Reads what a refused request still sends: a client that is cut off while it sends may never see
/// the answer. One that waits for `100 Continue`, or for a tunnel, sends nothing.
pub(crate) async fn read_body<B>(request: &Parts, body: B)
where
    B: http_body::Body,
{
    if request.headers.contains_key(EXPECT) || request.method == Method::CONNECT {
        return;
    }
    let mut body = pin!(body);
    let mut read = 0;
    // What can't be read ends the same way: with the answer.
    let _ = timeout(TIME, async {
        while let Ok(Some(Ok(frame))) = timeout(PAUSE, body.frame()).await {
            read += frame.data_ref().map_or(0, Buf::remaining);
            if read > LIMIT {
                break;
            }
        }
    })
    .await;
}
