//! The thread that waits for what the shards tell, and hands it to JavaScript.
//!
//! It also does what blocks: binding ports, joining threads. At most
//! [`AHEAD`] batches wait for JavaScript; when it is slower than that, what
//! happens waits in the client's queue, which is bounded and counts what it
//! loses.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use napi::Status;
use napi::bindgen_prelude::{Buffer, FnArgs};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use serde_json::Value;
use sfu_core::client::{Call, Client, ClientOptions};

use crate::convert::Batch;

/// Batches that JavaScript has not dealt with, at most.
const AHEAD: usize = 2;

/// What JavaScript is called with: items, short payloads, long payloads.
pub(crate) type Parts = FnArgs<(String, Option<Buffer>, Vec<Buffer>)>;

/// The way to JavaScript. It does not keep the process alive; the TypeScript
/// side decides that.
pub(crate) type Deliver = ThreadsafeFunction<Batch, (), Parts, Status, false, true>;

/// What the thread shares with the JavaScript class.
#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct State {
    /// None before the start and after the end.
    client: Option<Arc<Client>>,
    /// Batches that JavaScript has not dealt with.
    ahead: usize,
    /// Somebody asked for the end.
    closing: bool,
    /// JavaScript is gone: nothing can be delivered any more.
    abandoned: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held; the state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn client(&self) -> Option<Arc<Client>> {
        self.lock().client.clone()
    }

    /// JavaScript dealt with a batch.
    pub(crate) fn ready(&self) {
        let mut state = self.lock();
        state.ahead = state.ahead.saturating_sub(1);
        self.changed.notify_all();
    }

    /// Asks for the end; the thread carries it out.
    pub(crate) fn close(&self) {
        self.end(|state| state.closing = true);
    }

    /// Says that JavaScript can be called no more, and asks for the end.
    pub(crate) fn abandon(&self) {
        self.end(|state| {
            state.closing = true;
            state.abandoned = true;
        });
    }

    /// Waits until the thread is gone, which it is soon after the last batch.
    pub(crate) fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic has been dealt with there.
            let _ = thread.join();
        }
    }

    fn end(&self, mark: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        mark(&mut state);
        let client = state.client.clone();
        drop(state);
        self.changed.notify_all();
        // The completion of any call ends the wait; nobody looks for this one.
        if let Some(client) = client {
            client.submit(Call::new("Sfu.shards", 0, Value::Null, Vec::new()));
        }
    }

    /// Waits for JavaScript to take another batch; `false` if it never will.
    fn acquire(&self) -> bool {
        let mut state = self.lock();
        while state.ahead >= AHEAD && !state.abandoned {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.ahead += 1;
        !state.abandoned
    }
}

/// Starts the thread.
pub(crate) fn start(
    options: ClientOptions,
    shared: &Arc<Shared>,
    deliver: Deliver,
) -> std::io::Result<()> {
    let of_thread = Arc::clone(shared);
    let thread = thread::Builder::new()
        .name("plenum-node".to_owned())
        .spawn(move || run(options, &of_thread, &deliver))?;
    *shared.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
    Ok(())
}

fn run(options: ClientOptions, shared: &Shared, deliver: &Deliver) {
    let outcome = catch_unwind(AssertUnwindSafe(|| live(options, shared, deliver)));
    shared.lock().client = None;
    let mut last = Batch::new();
    match outcome {
        Ok(Ok(())) => last.push_closed(),
        Ok(Err(error)) => last.push_failed(&error),
        // A bug was contained; nobody may wait for ever because of it.
        Err(_) => last.push_closed(),
    }
    send(last, shared, deliver);
}

/// From the start to the end; all threads of the SFU are gone when it returns.
fn live(options: ClientOptions, shared: &Shared, deliver: &Deliver) -> sfu_core::Result<()> {
    let client = Arc::new(Client::start(options)?);
    shared.lock().client = Some(Arc::clone(&client));
    let mut started = Batch::new();
    started.push_started();
    let mut delivered = send(started, shared, deliver);
    loop {
        if !delivered || shared.lock().closing {
            client.close();
        }
        let mut batch = Batch::new();
        let mut closed = false;
        while !batch.is_full() {
            match client.poll() {
                Some(sfu_core::client::Incoming::Closed) => {
                    closed = true;
                    break;
                }
                Some(incoming) => batch.push(incoming),
                None => break,
            }
        }
        if !batch.is_empty() {
            delivered &= send(batch, shared, deliver);
        } else if !closed {
            client.wait(None);
        }
        if closed {
            return Ok(());
        }
    }
}

fn send(batch: Batch, shared: &Shared, deliver: &Deliver) -> bool {
    shared.acquire() && deliver.call(batch, ThreadsafeFunctionCallMode::NonBlocking) == Status::Ok
}
