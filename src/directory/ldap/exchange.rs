//! Questions and answers on the socket itself, before ldap3 gets the connection.
//!
//! ldap3 reads lists in lists by recursion, however deep they are: a few kilobytes overflow the
//! stack, which ends the process. It panics on answers that are malformed, too. So it reads nothing
//! that comes before TLS, which anybody on the way can have written.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::failure::Failure;
use super::message::{self, Operation, Reply};
use super::outcome::Refused;

/// Has TLS begin on a fresh connection (RFC 4511 section 4.14): what follows on it is TLS.
pub(super) async fn start_tls(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> Result<(), Failure> {
    let reply = ask(stream, &Operation::StartTls, 1).await?;
    match reply.code {
        0 => Ok(()),
        code => Err(Failure::StartTls(Refused {
            code,
            text: reply.text,
        })),
    }
}

/// One question, and its answer.
pub(super) async fn ask(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    operation: &Operation<'_>,
    id: u8,
) -> Result<Reply, Failure> {
    let request = operation.encode(id);
    stream.write_all(&request).await.map_err(Failure::io)?;
    stream.flush().await.map_err(Failure::io)?;
    let message = read(stream).await?;
    operation.reply(&message, id).ok_or(Failure::Garbled)
}

/// One message and no byte more: what follows may be TLS, and nothing that came before is.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, Failure> {
    let mut message = vec![0; 2];
    fill(stream, &mut message, 0).await?;
    let further = message::further_length_bytes(&message).ok_or(Failure::Garbled)?;
    message.resize(2 + further, 0);
    fill(stream, &mut message, 2).await?;
    let length = message::length(&message).ok_or(Failure::Garbled)?;
    let header = message.len();
    message.resize(header + length, 0);
    fill(stream, &mut message, header).await?;
    Ok(message)
}

async fn fill(
    stream: &mut (impl AsyncRead + Unpin),
    message: &mut [u8],
    from: usize,
) -> Result<(), Failure> {
    let rest = message.get_mut(from..).unwrap_or_default();
    stream.read_exact(rest).await.map_err(Failure::io)?;
    Ok(())
}
