//! `ctr <GROUP> url` and `ctr <GROUP> open`.

use std::process::{Command, Stdio};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use ctr_api::wire::{ContainerStatus, PortStatus};

use crate::args::Url;
use crate::authorise::plainly;
use crate::connect::Daemon;
use crate::error::{Error, Exit};
use crate::{output, target};

pub(super) async fn print(group: &str, words: Url) -> Result<Exit, Error> {
    let url = find(group, &words).await?;
    output::print(&format!("{url}\n"))?;
    Ok(Exit::OK)
}

pub(super) async fn open(group: &str, words: Url) -> Result<Exit, Error> {
    let url = find(group, &words).await?;
    let cannot = |why: &str| {
        Error::failed("failed to open a browser")
            .because(why)
            .hint(format!("the address is {url}"))
    };
    let display = ["WAYLAND_DISPLAY", "DISPLAY"]
        .iter()
        .any(|it| std::env::var_os(it).is_some());
    if !display {
        return Err(cannot("there is no graphical session here"));
    }
    // The person's own program, in the person's own PATH, with an address that we made.
    let opened = Command::new("xdg-open")
        .arg(&url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match opened {
        Ok(status) if status.success() => Ok(Exit::OK),
        Ok(status) => Err(cannot(&format!("xdg-open ended with {status}"))),
        Err(error) => Err(cannot(&format!("xdg-open: {error}"))),
    }
}

async fn find(group: &str, words: &Url) -> Result<String, Error> {
    let daemon = Daemon::connect().await?;
    let host = daemon.status().await?;
    let container = target::container(&host, group, &words.name)?;
    let url = url(container, words.port)?;
    let (port, _) = port_with_url(container, words.port)?;
    Ok(match &port.token {
        Some(id) => match token(&daemon, container, id).await {
            Ok(token) => with_token(&url, &token),
            Err(error) => {
                let (why, hint) = error.in_one_line();
                output::note(
                    &format!("the address is without its token: {why}"),
                    hint.as_deref(),
                );
                url
            }
        },
        None => url,
    })
}

/// Nobody is asked for a password because of an address.
async fn token(daemon: &Daemon, container: &ContainerStatus, id: &str) -> Result<String, Error> {
    let object = daemon.container(&container.group, &container.name).await?;
    let bytes: Vec<u8> = plainly(object.inner(), "Secret", &(id,)).await?;
    String::from_utf8(bytes).map_err(|_| Error::failed(format!("the credential {id} is no text")))
}

/// The last line end is the file's and not the token's. Everything but letters and digits is
/// written as `%xx` (RFC 3986, 2.1), whatever it means in an address.
fn with_token(url: &str, token: &str) -> String {
    let token = token.trim_end_matches(['\r', '\n']);
    format!(
        "{url}?token={}",
        utf8_percent_encode(token, NON_ALPHANUMERIC)
    )
}

fn url(container: &ContainerStatus, port: Option<u16>) -> Result<String, Error> {
    let name = format!("{}/{}", container.group, container.name);
    let (port, scheme) = port_with_url(container, port)?;
    if !container.state.is_up() {
        let state = container.state.as_str();
        let error = Error::new(
            Exit::NOT_RUNNING,
            format!("{name} is not running, but {state}"),
        );
        let error = match &container.reason {
            Some(reason) => error.because(reason),
            None => error,
        };
        let start = format!("`ctr {} start {}`", container.group, container.name);
        return Err(error.hint(container.hint.clone().unwrap_or(start)));
    }
    Ok(format!("{scheme}://{}:{}/", container.address, port.port))
}

fn port_with_url(
    container: &ContainerStatus,
    wanted: Option<u16>,
) -> Result<(&PortStatus, &str), Error> {
    let ports = || {
        container
            .ports
            .iter()
            .filter(|it| wanted.is_none_or(|port| it.port == port))
    };
    let found = ports().find_map(|it| Some((it, it.url.as_deref()?)));
    found.ok_or_else(|| {
        let name = format!("{}/{}", container.group, container.name);
        let message = match wanted {
            Some(port) if ports().next().is_none() => format!("{name} declares no port {port}"),
            Some(port) => format!("port {port} of {name} is declared without a `url`"),
            None => format!("no port of {name} is declared with a `url`"),
        };
        Error::failed(message)
            .hint("declare one: ports = [{ port = 8080, url = \"http\" }], then `ctr apply`")
    })
}

#[cfg(test)]
mod tests {
    use super::{url, with_token};
    use crate::error::Exit;
    use crate::render::Paint;
    use crate::sample;
    use ctr_api::wire::State;

    #[test]
    fn the_port_that_has_a_url_is_the_one_to_open() {
        let mut container = sample::running("ml", "jupyter");
        container.ports = vec![sample::port(9000, None), sample::port(8888, Some("http"))];
        let found = url(&container, None).expect("a port has a url");
        assert_eq!(found, "http://192.168.200.11:8888/");
    }

    #[test]
    fn a_token_is_data_in_an_address() {
        assert_eq!(
            with_token("http://10.77.3.11/", "a b&c=d/ü\n"),
            "http://10.77.3.11/?token=a%20b%26c%3Dd%2F%C3%BC"
        );
    }

    #[test]
    fn a_port_without_a_scheme_is_not_guessed() {
        let mut container = sample::running("dev", "postgres");
        container.ports = vec![sample::port(5432, None)];
        let error = url(&container, Some(5432)).expect_err("no scheme");
        assert_eq!(error.exit, Exit::FAILED);
        let error = url(&container, Some(80)).expect_err("no such port");
        assert!(error.render(Paint::plain()).contains("declares no port 80"));
    }

    #[test]
    fn what_does_not_run_says_why() {
        let mut container = sample::in_state("ml", "comfyui", State::Waiting);
        container.reason = Some("waiting for /dev/nvidia-uvm".to_owned());
        let error = url(&container, None).expect_err("waiting");
        assert_eq!(error.exit, Exit::NOT_RUNNING);
        assert_eq!(
            error.render(Paint::plain()),
            "error: ml/comfyui is not running, but waiting\n -> waiting for /dev/nvidia-uvm\n\
             hint: `ctr ml start comfyui`\n"
        );
    }
}
