//! `OpenEvents`: what happens to containers, line by line, through a pipe.

use std::io;
use std::os::fd::OwnedFd;

use ctr_api::events::Event;
use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::unix::pipe;

use crate::reconcile::Follower;

use super::bounds::Held;

/// Opens a stream: the reading end of its pipe. It ends when that is closed, whoever has it; what the
/// reader does not read waits in the pipe, and after that as [`Follower`] says.
pub(super) fn open(follower: Follower, held: Held) -> io::Result<OwnedFd> {
    let (writer, reader) = pipe::pipe()?;
    let reader = reader.into_blocking_fd()?;
    tokio::spawn(async move {
        write(follower, writer).await;
        drop(held);
    });
    Ok(reader)
}

async fn write(mut follower: Follower, mut writer: pipe::Sender) {
    loop {
        let event = tokio::select! {
            event = follower.next() => event,
            // Nobody reads any more (poll(2), `POLLERR` of a pipe): nothing has to happen for that.
            _ = writer.ready(Interest::ERROR) => None,
        };
        let Some(line) = event.and_then(|event| line(&event)) else {
            return;
        };
        if writer.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn line(event: &Event) -> Option<String> {
    let mut line = serde_json::to_string(event).ok()?;
    line.push('\n');
    Some(line)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::watch;
    use tokio::time::timeout;

    use super::open;
    use crate::bus::bounds::{Bounds, Kind};
    use crate::reconcile::Feed;

    #[tokio::test]
    async fn a_reader_that_leaves_gives_its_place_back() {
        let bounds = Arc::new(Bounds::default());
        let (_fleet, fleet) = watch::channel(Arc::default());
        let held = bounds.take(Kind::Events, 1000).expect("the first");
        let feed = Feed::default();
        let reader = open(feed.follow(fleet), held).expect("a pipe");
        let mut others = Vec::new();
        while let Ok(one) = bounds.take(Kind::Events, 1000) {
            others.push(one);
        }
        drop(reader);
        let free = async {
            while bounds.take(Kind::Events, 1000).is_err() {
                tokio::task::yield_now().await;
            }
        };
        let given_back = timeout(Duration::from_secs(20), free).await;
        assert!(
            given_back.is_ok(),
            "nothing happened, and it was held on to"
        );
    }
}
