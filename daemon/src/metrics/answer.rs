//! HTTP for whoever scrapes, bounded on every side.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::collect::collect;
use super::families::CONTENT;
use super::listener::Listener;
use crate::reconcile::fleet::Fleet;

/// A connection, of whichever kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// From the first byte of a request to the last of its answer.
const LONGEST: Duration = Duration::from_secs(10);
/// How many are answered at once. One more ends the oldest, so that whoever holds connections open keeps
/// nobody out.
const MOST: usize = 8;
/// The longest request, without a body, which is never read. hyper takes no less.
const LONGEST_REQUEST: usize = 8192;
/// The pause after a connection that could not be taken: for want of file descriptors, say.
const PAUSE: Duration = Duration::from_secs(1);

/// Answers whoever asks, one request for each connection.
pub(super) async fn forever(listener: Listener, fleet: &Arc<Fleet>) {
    let mut answering = Answering(VecDeque::with_capacity(MOST));
    loop {
        match listener.accept().await {
            Ok(stream) => answering.begin(stream, fleet.clone()),
            Err(error) => {
                tracing::warn!("failed to take a connection for metrics: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Those that are being answered, the oldest first; they end with it.
struct Answering(VecDeque<AbortHandle>);

impl Answering {
    fn begin(&mut self, stream: Box<dyn Stream>, fleet: Arc<Fleet>) {
        self.0.retain(|it| !it.is_finished());
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.pop_front()
        {
            oldest.abort();
        }
        let task = tokio::spawn(async move {
            let answering = http1::Builder::new()
                .keep_alive(false)
                .max_buf_size(LONGEST_REQUEST)
                .serve_connection(
                    TokioIo::new(stream),
                    service_fn(|request| {
                        let fleet = fleet.clone();
                        async move {
                            // Drivers are asked before the answer is begun, and for nobody else.
                            let gpu_use = if is_answered(request.method(), request.uri().path()) {
                                fleet.gpu_use().await
                            } else {
                                Arc::default()
                            };
                            let answer = answer(&request, || collect(&fleet, &gpu_use));
                            Ok::<_, Infallible>(answer)
                        }
                    }),
                );
            // Whoever asks badly, or goes, has no answer: nobody else has to know.
            let _ = timeout(LONGEST, answering).await;
        });
        self.0.push_back(task.abort_handle());
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

fn answer(request: &Request<Incoming>, text: impl FnOnce() -> String) -> Response<Full<Bytes>> {
    let (status, kind, body) = respond(request.method(), request.uri().path(), text);
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
    }
    response
}

const TEXT: &str = "text/plain; charset=utf-8";

fn is_answered(method: &Method, path: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD) && path == "/metrics"
}

/// What is answered to whom.
fn respond(
    method: &Method,
    path: &str,
    text: impl FnOnce() -> String,
) -> (StatusCode, &'static str, String) {
    match (method, path) {
        _ if is_answered(method, path) => (StatusCode::OK, CONTENT, text()),
        (&Method::GET | &Method::HEAD, _) => {
            let said = "ctrd: metrics are at /metrics\n";
            (StatusCode::NOT_FOUND, TEXT, said.to_owned())
        }
        _ => {
            let said = "ctrd: metrics are only read\n";
            (StatusCode::METHOD_NOT_ALLOWED, TEXT, said.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::{Method, StatusCode};

    use super::respond;

    #[test]
    fn metrics_are_read_in_one_place() {
        let status = |method, path| respond(&method, path, || "text".to_owned()).0;
        assert_eq!(status(Method::GET, "/metrics"), StatusCode::OK);
        assert_eq!(status(Method::GET, "/"), StatusCode::NOT_FOUND);
        let refused = StatusCode::METHOD_NOT_ALLOWED;
        assert_eq!(status(Method::POST, "/metrics"), refused);
        let nobody = || panic!("nothing is collected for it");
        assert_eq!(respond(&Method::GET, "/status", nobody).0.as_u16(), 404);
    }
}
