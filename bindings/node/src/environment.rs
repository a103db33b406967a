//! The SFUs that are open in this JavaScript environment: the main one, or that
//! of a worker. They end with it.

use std::cell::RefCell;
use std::sync::Arc;

use napi::Env;

use crate::pump::Shared;

thread_local! {
    /// An environment has one thread, and a thread one environment at a time.
    /// `None` until the environment has the hook.
    static OPEN: RefCell<Option<Vec<Arc<Shared>>>> = const { RefCell::new(None) };
}

/// Has the environment end this SFU when it ends itself.
///
/// One hook serves all SFUs of the environment: what a hook holds is never
/// freed before, not even when the hook is removed.
pub(crate) fn enter(env: Env, shared: Arc<Shared>) -> napi::Result<()> {
    OPEN.with_borrow_mut(|open| {
        if open.is_none() {
            env.add_env_cleanup_hook((), |()| {
                let open = OPEN.take().unwrap_or_default();
                // All at once, and then each in turn.
                open.iter().for_each(|shared| shared.abandon());
                open.iter().for_each(|shared| shared.join());
            })?;
        }
        open.get_or_insert_default().push(shared);
        Ok(())
    })
}

/// The SFU has ended by itself.
pub(crate) fn leave(shared: &Arc<Shared>) {
    OPEN.with_borrow_mut(|open| {
        if let Some(open) = open {
            open.retain(|other| !Arc::ptr_eq(other, shared));
        }
    });
    shared.join();
}
