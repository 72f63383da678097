//! Memory that is held no longer goes back to the kernel.
//!
//! glibc gives back what is free at the end of its heap, and keeps what is free in the middle of it (`mallopt(3)`, `M_TRIM_THRESHOLD`).
//! A hundred guests that start take several megabytes for a few seconds, and without this `ctrd` held them for as
//! long as it ran.

use std::time::Duration;

use tokio::sync::Notify;

/// How long after work there may be more of it.
const A_WHILE: Duration = Duration::from_secs(1);

static WORKED: Notify = Notify::const_new();

/// One heap for all threads. Call it before there is a second one.
///
/// By default each of the first threads gets a heap of its own, eight to a processor (`mallopt(3)`,
/// `M_ARENA_MAX`), and keeps what it once took. Threads of `ctrd` wait for the kernel and not for each other's
/// allocations.
#[cfg_attr(
    target_env = "gnu",
    expect(unsafe_code, reason = "glibc's own interface")
)]
pub fn one_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes two numbers, and no other thread allocates yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Something was done that took memory for a while.
pub fn worked() {
    WORKED.notify_one();
}

/// Gives back what is free, a while after [`worked`] was called, for ever. While nobody calls it nothing happens.
pub async fn give_back() {
    loop {
        WORKED.notified().await;
        tokio::time::sleep(A_WHILE).await;
        trim();
    }
}

#[cfg_attr(
    target_env = "gnu",
    expect(unsafe_code, reason = "glibc's own interface")
)]
fn trim() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes a number, and is safe beside any other thread (malloc_trim(3), "Attributes").
    unsafe {
        libc::malloc_trim(0);
    }
}
