//! `ctr <GROUP> url` and `ctr <GROUP> open`.

use std::process::{Command, Stdio};

use ctr_api::wire::{ContainerStatus, PortStatus, State};

use crate::args::Url;
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
    let host = Daemon::connect().await?.status().await?;
    let container = target::container(&host, group, &words.name)?;
    url(container, words.port)
}

fn url(container: &ContainerStatus, port: Option<u16>) -> Result<String, Error> {
    let name = format!("{}/{}", container.group, container.name);
    let (port, scheme) = port_with_url(container, port)?;
    if container.state != State::Running {
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
    use super::url;
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
