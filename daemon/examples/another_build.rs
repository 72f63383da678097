//! A `ctrd` that starts guests with other words: another path of systemd-nspawn, and no journal on
//! the host's disk. Tests put it in the place of `ctrd`, as an upgrade would, to see that nothing is
//! restarted for it. What is shipped has no switch for any of this.

use std::process::ExitCode;

use ctrd::os::Paths;

fn main() -> ExitCode {
    if ctrd::session::started_as_helper() {
        return ctrd::session::helper_main();
    }
    let paths = Paths {
        nspawn: "/usr/lib/another/systemd-nspawn".into(),
        journal: "/var/log/another".into(),
        ..Paths::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = runtime
        .map_err(Into::into)
        .and_then(|it| it.block_on(ctrd::run(paths)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
