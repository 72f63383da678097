//! One question by HTTP, and what the answer's head says: pure.

use std::net::Ipv4Addr;

use super::Outcome;

/// The most that is read of an answer, in bytes: servers limit heads to less.
pub(super) const HEAD_MAX: usize = 16 << 10;
/// The most fields of a head.
const FIELDS_MAX: usize = 128;

/// A request, and which answers to it are a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The container's address.
    pub address: Ipv4Addr,
    /// The port there.
    pub port: u16,
    /// What is asked for.
    pub path: &'a str,
    /// The name that is asked for; the address where there is none.
    pub host: Option<&'a str>,
    /// The statuses that are a success; 200 to 399 where there are none.
    pub statuses: &'a [u16],
}

impl Request<'_> {
    /// What is sent (RFC 9112, section 3): no word in it has a space or a line break.
    pub(super) fn head(&self) -> String {
        let Self {
            address,
            port,
            path,
            host,
            statuses: _,
        } = self;
        // The port belongs to the name where it is not that of the scheme (RFC 9110, section 7.2).
        let host = match host {
            Some(host) => (*host).to_owned(),
            None if *port == 80 => address.to_string(),
            None => format!("{address}:{port}"),
        };
        format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: ctrd\r\nAccept: */*\r\n\
             Connection: close\r\n\r\n"
        )
    }

    /// Judges what came until now; `None` where the head is not all there.
    pub(super) fn judge(&self, mut answer: &[u8]) -> Option<Outcome> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
            let mut response = httparse::Response::new(&mut fields);
            match (response.parse(answer), response.code) {
                // What comes before the answer (RFC 9110, section 15.2).
                (Ok(httparse::Status::Complete(length)), Some(100..=199)) => {
                    answer = answer.get(length..).unwrap_or_default();
                }
                (Ok(httparse::Status::Complete(_)), Some(status)) => {
                    return Some(self.outcome(status));
                }
                (Ok(httparse::Status::Partial), _) => return None,
                (Err(httparse::Error::TooManyHeaders), _) => {
                    let words = format!("an answer with more than {FIELDS_MAX} fields");
                    return Some(Outcome::failure(&words));
                }
                (Ok(_) | Err(_), _) => return Some(Outcome::failure("an answer that is not HTTP")),
            }
        }
    }

    fn outcome(&self, status: u16) -> Outcome {
        let words = format!("status {status}");
        let success = if self.statuses.is_empty() {
            (200..400).contains(&status)
        } else {
            self.statuses.contains(&status)
        };
        if success {
            Outcome::success(&words)
        } else {
            Outcome::failure(&words)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Request;

    const REQUEST: Request<'_> = Request {
        address: std::net::Ipv4Addr::new(10, 0, 0, 2),
        port: 8080,
        path: "/health?deep",
        host: None,
        statuses: &[],
    };

    fn words(request: &Request<'_>, answer: &str) -> Option<(bool, String)> {
        let outcome = request.judge(answer.as_bytes())?;
        Some((outcome.success, outcome.words))
    }

    #[test]
    fn asks_for_the_path_at_the_host() {
        let head = REQUEST.head();
        assert!(
            head.starts_with("GET /health?deep HTTP/1.1\r\nHost: 10.0.0.2:8080\r\n"),
            "{head}"
        );
        assert!(head.ends_with("\r\n\r\n"));
        let of_a_name = Request {
            host: Some("www.example.org"),
            ..REQUEST
        };
        assert!(of_a_name.head().contains("\r\nHost: www.example.org\r\n"));
        let usual = Request {
            port: 80,
            ..REQUEST
        };
        assert!(usual.head().contains("\r\nHost: 10.0.0.2\r\n"));
    }

    #[test]
    fn a_status_is_a_success_or_not() {
        let says = |status: u16| {
            words(
                &REQUEST,
                &format!("HTTP/1.1 {status} x\r\nA: b\r\n\r\nbody"),
            )
        };
        assert_eq!(says(200), Some((true, "status 200".to_owned())));
        assert_eq!(says(302), Some((true, "status 302".to_owned())));
        assert_eq!(says(503), Some((false, "status 503".to_owned())));
        let picky = Request {
            statuses: &[204, 401],
            ..REQUEST
        };
        let says = |status: u16| words(&picky, &format!("HTTP/1.0 {status}\r\n\r\n"));
        assert_eq!(says(401), Some((true, "status 401".to_owned())));
        assert_eq!(says(200), Some((false, "status 200".to_owned())));
    }

    #[test]
    fn what_comes_before_the_answer_is_not_it() {
        let early = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
        assert_eq!(words(&REQUEST, early), None);
        let both = format!("{early}HTTP/1.1 500 No\r\n\r\n");
        assert_eq!(
            words(&REQUEST, &both),
            Some((false, "status 500".to_owned()))
        );
    }

    #[test]
    fn no_answer_surprises() {
        for (answer, expected) in [
            ("", None),
            ("HTTP/1.1 200 OK\r\nA: b\r\n", None),
            (
                "220 mail.example.org ESMTP\r\n",
                Some("an answer that is not HTTP"),
            ),
            (
                "HTTP/1.1 20x OK\r\n\r\n",
                Some("an answer that is not HTTP"),
            ),
            ("\u{1b}[2J\u{0}", Some("an answer that is not HTTP")),
        ] {
            let found = words(&REQUEST, answer).map(|(success, words)| {
                assert!(!success);
                words
            });
            assert_eq!(found.as_deref(), expected, "{answer:?}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}", "a: b\r\n".repeat(200));
        let (success, words) = words(&REQUEST, &many).expect("it is judged");
        assert!(!success && words.contains("more than 128"), "{words}");
    }
}
