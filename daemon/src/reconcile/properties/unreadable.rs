//! Not being able to look is not the same as nothing being there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::sync::{Semaphore, oneshot, watch};

use super::cases;
use crate::machine::Active;
use crate::os::Paths;
use crate::reconcile::Feed;
use crate::reconcile::convergence::{anything, intents, is_there, wanted};
use crate::reconcile::fake_host::FakeHost;
use crate::reconcile::host::{Observed, Wanted};
use crate::reconcile::plan::Intent;
use crate::reconcile::task::{Request, Shared, spawn};

/// Some pauses between tries, on a clock that jumps. Together less than the longest pause: a due time
/// is of the real clock, which stands.
const LONG: Duration = Duration::from_secs(20);

/// What a task does on a host that does not answer at first, and then does.
async fn live_through(observed: Observed, wanted: Wanted) -> Result<(), TestCaseError> {
    let directory = tempfile::tempdir().expect("a directory");
    let paths = Paths {
        run: directory.path().to_owned(),
        ..Paths::default()
    };
    let (_fleet, fleet) = watch::channel(Arc::new(BTreeMap::new()));
    let shared = Shared {
        paths: Arc::new(paths),
        starts: Arc::new(Semaphore::new(1)),
        fleet,
        feed: Feed::default(),
    };
    let host = Arc::new(FakeHost::new(observed));
    host.world().unreadable = true;
    let handle = spawn(host.clone(), shared, wanted.clone());
    tokio::time::sleep(LONG).await;
    prop_assert_eq!(&host.world().done, &[]);
    host.world().unreadable = false;
    if wanted.intent == Intent::Run {
        // Its pause has grown meanwhile: a person does not wait for the end of it.
        let (reply, answer) = oneshot::channel();
        let sent = handle.requests.send(Request::Start(reply)).await;
        sent.expect("the task lives");
        answer.await.expect("it answers");
    }
    host.happen(|observed| {
        if observed.unit.active == Active::Activating {
            observed.unit.active = Active::Active;
        }
    });
    tokio::time::sleep(LONG).await;
    let world = host.world();
    prop_assert!(is_there(&wanted, &world.observed), "{:?}", world);
    Ok(())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_cannot_be_read_is_not_changed(observed in anything(), intent in intents()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(live_through(observed, wanted(intent)))?;
    }
}
