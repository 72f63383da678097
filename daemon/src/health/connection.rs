//! Probes over a connection. The socket is made by the caller, in the network that it is to be in.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::Outcome;
use super::http::{HEAD_MAX, Request};

/// Whether something accepts a connection at this address and port.
pub async fn try_tcp(socket: TcpSocket, address: Ipv4Addr, port: u16, limit: Duration) -> Outcome {
    let connected = timeout(limit, connect(socket, address, port)).await;
    match connected {
        Ok(Ok(_)) => Outcome::success("accepted"),
        Ok(Err(error)) => failed(&error),
        Err(_) => Outcome::no_answer(limit),
    }
}

/// What is answered to a request. Only the head is read, and of that at most [`HEAD_MAX`] bytes.
pub async fn try_http(socket: TcpSocket, request: &Request<'_>, limit: Duration) -> Outcome {
    let answered = timeout(limit, ask(socket, request)).await;
    match answered {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => failed(&error),
        Err(_) => Outcome::no_answer(limit),
    }
}

async fn connect(socket: TcpSocket, address: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
    let stream = socket.connect((address, port).into()).await?;
    // The kernel chooses the near port. Where nobody listens it may choose the far one, and the socket
    // is then connected with itself (RFC 9293, section 3.5: both sides open at once).
    if stream.local_addr()? == SocketAddr::from((address, port)) {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

async fn ask(socket: TcpSocket, request: &Request<'_>) -> io::Result<Outcome> {
    let mut stream = connect(socket, request.address, request.port).await?;
    stream.write_all(request.head().as_bytes()).await?;
    let mut answer = Vec::with_capacity(1024);
    loop {
        let mut rest = (&mut stream).take((HEAD_MAX - answer.len()) as u64);
        let length = rest.read_buf(&mut answer).await?;
        if let Some(outcome) = request.judge(&answer) {
            return Ok(outcome);
        }
        if answer.len() >= HEAD_MAX {
            let words = format!("an answer whose head is longer than {} KiB", HEAD_MAX >> 10);
            return Ok(Outcome::failure(&words));
        }
        if length == 0 {
            return Ok(Outcome::failure(if answer.is_empty() {
                "closed without an answer"
            } else {
                "closed amid its answer"
            }));
        }
    }
}

/// The words for an error of a connection.
fn failed(error: &io::Error) -> Outcome {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Outcome::failure("refused"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            Outcome::failure("closed without an answer")
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Outcome::failure("unreachable")
        }
        _ => Outcome::failure(&error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};

    use super::{Request, try_http, try_tcp};

    const HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;
    const LONG: Duration = Duration::from_secs(30);

    async fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind((HOME, 0)).await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        (listener, port)
    }

    fn request(port: u16) -> Request<'static> {
        Request {
            address: HOME,
            port,
            path: "/",
            host: None,
            statuses: &[],
        }
    }

    fn socket() -> TcpSocket {
        TcpSocket::new_v4().expect("a socket")
    }

    /// What is said of a server that has read the question and then does this.
    async fn words<F>(serve: impl FnOnce(TcpStream) -> F) -> String
    where
        F: Future<Output = ()>,
    {
        let (listener, port) = listener().await;
        let server = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut question = [0; 1024];
            let _ = stream.read(&mut question).await;
            serve(stream).await;
        };
        let limit = Duration::from_secs(30);
        let request = request(port);
        let (outcome, ()) = tokio::join!(try_http(socket(), &request, limit), server);
        outcome.words
    }

    #[tokio::test]
    async fn a_port_accepts_or_refuses() {
        let (listener, port) = listener().await;
        let outcome = try_tcp(socket(), HOME, port, LONG).await;
        assert!(outcome.success, "{outcome:?}");
        drop(listener);
        let outcome = try_tcp(socket(), HOME, port, LONG).await;
        assert_eq!(
            (outcome.success, outcome.words.as_str()),
            (false, "refused")
        );
    }

    #[tokio::test]
    async fn a_socket_does_not_answer_itself() {
        let (listener, port) = listener().await;
        drop(listener);
        let itself = socket();
        itself.bind((HOME, port).into()).expect("free again");
        let outcome = try_tcp(itself, HOME, port, LONG).await;
        assert_eq!(
            (outcome.success, outcome.words.as_str()),
            (false, "refused")
        );
    }

    #[tokio::test]
    async fn an_answer_is_read_as_far_as_it_matters() {
        let status = words(|mut stream| async move {
            // In pieces, and with a body without end after it.
            for piece in ["HTTP/1.1 2", "04 No Content\r\nA: b", "\r\n\r\n"] {
                stream.write_all(piece.as_bytes()).await.expect("sent");
                stream.flush().await.expect("sent");
                tokio::task::yield_now().await;
            }
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(status.await, "status 204");
        let endless = words(|mut stream| async move {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nA: ").await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(endless.await, "an answer whose head is longer than 16 KiB");
        let closed = words(|stream| async move { drop(stream) });
        assert_eq!(closed.await, "closed without an answer");
        let amid = words(|mut stream| async move {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        });
        assert_eq!(amid.await, "closed amid its answer");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_says_nothing_is_not_waited_for() {
        let (_listener, port) = listener().await;
        // The kernel accepts the connection; nobody reads.
        let limit = Duration::from_secs(2);
        let outcome = try_http(socket(), &request(port), limit).await;
        assert_eq!(outcome.words, "no answer in 2s");
    }
}
