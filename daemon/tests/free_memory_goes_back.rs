//! What is free in the middle of the heap goes back to the kernel a while after work, and not before somebody has
//! worked.

use std::fs;
use std::time::Duration;

use ctrd::os::memory;

/// What this process holds of memory that no file stands behind, in KiB (`proc_pid_status(5)`, `RssAnon`).
fn held() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("it is there");
    let line = status.lines().find_map(|it| it.strip_prefix("RssAnon:"));
    let number = line.and_then(|it| it.split_whitespace().next());
    number.and_then(|it| it.parse().ok()).expect("a number")
}

#[test]
fn what_is_free_goes_back_after_work() {
    memory::one_heap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        tokio::spawn(memory::give_back());
        // 64 MiB in small pieces, and one behind them that keeps the end of the heap where it is.
        let pieces: Vec<Box<[u8; 1024]>> = (0..64 << 10).map(|_| Box::new([1; 1024])).collect();
        let last = Box::new([1_u8; 1024]);
        drop(pieces);
        let before = held();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(held() > before / 2, "nobody has worked: {before} KiB");
        assert!(before > 60 << 10, "{before} KiB: it went by itself");
        memory::worked();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let after = held();
        assert!(after < before / 4, "{before} KiB before, {after} KiB now");
        drop(last);
    });
}
