//! The allocator of this program: the system's, with a count of calls.

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

static COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
/// Calls that are being counted at this moment, on whatever thread.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
/// One measurement at a time: there is only one set of counters.
static MEASURING: Mutex<()> = Mutex::new(());
/// How many backtraces may still be taken.
static TRACES: AtomicUsize = AtomicUsize::new(0);
static TRACED: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    /// Taking a backtrace allocates; that is not counted.
    static TRACING: Cell<bool> = const { Cell::new(false) };
}

struct Counting;

// SAFETY: every call is passed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from `System` with this layout.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: `at` came from `System` with this layout.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    if !COUNTING.load(Ordering::Relaxed) || TRACING.get() {
        return;
    }
    // `during` ends the counting and then waits for the calls under way, so
    // after registering it must be asked again whether it still goes on.
    UNDER_WAY.fetch_add(1, Ordering::SeqCst);
    if COUNTING.load(Ordering::SeqCst) {
        count_call();
    }
    UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
}

fn count_call() {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    let take = |left: usize| left.checked_sub(1);
    if TRACES.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
        TRACING.set(true);
        let trace = Backtrace::force_capture().to_string();
        if let Ok(mut traced) = TRACED.lock() {
            traced.push(trace);
        }
        TRACING.set(false);
    }
}

/// What `work`, and every other thread meanwhile, asked of the allocator: the
/// number of calls, and the backtraces of the first `traces` of them.
pub(crate) fn during<T>(traces: usize, work: impl FnOnce() -> T) -> (u64, Vec<String>, T) {
    let _measuring = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    TRACES.store(traces, Ordering::Relaxed);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    COUNTING.store(true, Ordering::SeqCst);
    let result = work();
    COUNTING.store(false, Ordering::SeqCst);
    // Another thread may still be taking a backtrace that is part of the result.
    while UNDER_WAY.load(Ordering::SeqCst) > 0 {
        std::thread::yield_now();
    }
    let calls = ALLOCATIONS.load(Ordering::Relaxed) - before;
    let traced = TRACED.lock().map(|mut traced| std::mem::take(&mut *traced)).unwrap_or_default();
    (calls, traced, result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocations_are_counted_and_traced_only_during_the_work() {
        let before = vec![1_u8; 100];
        // Other tests may allocate at the same time: at least these.
        let (calls, traces, grown) = during(1, || {
            let mut grown = before.clone();
            grown.reserve(1000);
            grown
        });
        assert!(calls >= 2 && grown.len() == 100);
        assert!(traces.len() == 1 && traces[0].contains("counting"), "{traces:?}");
    }

    #[test]
    fn a_backtrace_that_another_thread_takes_is_waited_for() {
        use std::sync::atomic::AtomicBool;
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::black_box(vec![0_u8; 64]);
                    }
                });
            }
            for _ in 0..20 {
                // The work ends while others are in the midst of their traces.
                let (calls, traces, _) = during(3, || std::hint::black_box(vec![0_u8; 64]));
                assert!(calls >= 1, "the work's own call is missing");
                assert_eq!(traces.len() as u64, calls.min(3), "{traces:?}");
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}
