//! What handles stand for. A handle is a number that C keeps in a pointer and
//! this table looks up: it is never followed, so one that is stale, made up
//! or of another kind is told from a good one, whatever it holds.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::process;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, ptr};

use crate::contents::Contents;
use crate::result::plenum_result::*;
use crate::result::{Failure, Outcome};
use crate::sfu::Running;

/// How C owns what a handle stands for.
pub(crate) trait Ownership {
    /// How the table holds a value.
    type Held<T>;
}

/// Calls of several threads may use it at once; it lives until the last of
/// them returns, even when it is freed meanwhile.
#[derive(Debug)]
pub(crate) struct Shared;

/// It belongs to one caller, who takes it out or leaves it.
#[derive(Debug)]
pub(crate) struct Unique;

impl Ownership for Shared {
    type Held<T> = Arc<T>;
}

impl Ownership for Unique {
    type Held<T> = Box<T>;
}

/// What a handle can stand for.
pub(crate) trait Kind: Sized {
    type Ownership: Ownership;
    /// What the messages call it.
    const NAME: &'static str;
    /// Low bits of its handles, different for each kind and never 0.
    const TAG: usize;
    fn table(registry: &Registry) -> &Table<Self>;
}

type Held<K> = <<K as Kind>::Ownership as Ownership>::Held<K>;

impl Kind for Running {
    type Ownership = Shared;
    const NAME: &'static str = "an SFU";
    const TAG: usize = 1;
    fn table(registry: &Registry) -> &Table<Self> {
        &registry.sfus
    }
}

impl Kind for Contents {
    type Ownership = Unique;
    const NAME: &'static str = "the contents of an event";
    const TAG: usize = 2;
    fn table(registry: &Registry) -> &Table<Self> {
        &registry.contents
    }
}

const TAG_BITS: u32 = 3;

/// The number in a handle.
pub(crate) struct Token<K> {
    number: usize,
    kind: PhantomData<fn() -> K>,
}

impl<K> Clone for Token<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Token<K> {}

impl<K> fmt::Debug for Token<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:#x})", self.number)
    }
}

impl<K: Kind> Token<K> {
    pub(crate) fn from_pointer<T>(pointer: *const T) -> Self {
        Self { number: pointer.addr(), kind: PhantomData }
    }

    /// The handle for C, an address at which nothing is.
    pub(crate) const fn to_pointer<T>(self) -> *mut T {
        ptr::without_provenance_mut(self.number)
    }

    pub(crate) const fn is_null(self) -> bool {
        self.number == 0
    }

    /// A number that the table holds nothing for.
    fn refused(self, registry: &Registry) -> Failure {
        let serial = self.number >> TAG_BITS;
        let name = K::NAME;
        if self.number == 0 {
            return Failure::new(PLENUM_NULL_POINTER, format!("the handle of {name} is NULL"));
        }
        if self.number & ((1 << TAG_BITS) - 1) != K::TAG
            || !(1..registry.next.load(Ordering::Relaxed)).contains(&serial)
        {
            return Failure::new(PLENUM_INVALID_HANDLE, format!("this is no handle of {name}"));
        }
        if serial < registry.first {
            return Failure::new(
                PLENUM_FORKED,
                format!("{name} of the parent process cannot be used after fork()"),
            );
        }
        Failure::new(PLENUM_CLOSED, format!("the handle of {name} was freed before"))
    }
}

/// What the handles of one kind stand for.
pub(crate) struct Table<K: Kind>(Mutex<HashMap<usize, Held<K>>>);

impl<K: Kind> Table<K> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Held<K>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All handles of this process.
pub(crate) struct Registry {
    process: u32,
    /// The first serial number of this process: those before are of its parent.
    first: usize,
    next: AtomicUsize,
    sfus: Table<Running>,
    contents: Table<Contents>,
    /// That of the parent. Its locks may be held for ever, by threads that are
    /// not in this process; it is not touched, only kept from being a leak.
    _parent: Option<&'static Self>,
}

/// The registry of the process that used the library last: this one or, just
/// after fork(), the parent.
static CURRENT: AtomicPtr<Registry> = AtomicPtr::new(ptr::null_mut());

impl Registry {
    /// That of this process. Without a lock, so that a child process gets its
    /// own whatever the threads of its parent were doing.
    fn current() -> &'static Self {
        let process = process::id();
        let mut seen = CURRENT.load(Ordering::Acquire);
        loop {
            // SAFETY: null, or leaked below and so alive for ever.
            let parent: Option<&'static Self> = unsafe { seen.as_ref() };
            if let Some(own) = parent.filter(|registry| registry.process == process) {
                return own;
            }
            let first = parent.map_or(1, |parent| parent.next.load(Ordering::Relaxed));
            let own = Box::into_raw(Box::new(Self {
                process,
                first,
                next: AtomicUsize::new(first),
                sfus: Table::new(),
                contents: Table::new(),
                _parent: parent,
            }));
            match CURRENT.compare_exchange(seen, own, Ordering::AcqRel, Ordering::Acquire) {
                // SAFETY: just made, and from now on nobody frees it.
                Ok(_) => return unsafe { &*own },
                Err(other) => {
                    // SAFETY: made above, and no other thread has seen it.
                    drop(unsafe { Box::from_raw(own) });
                    seen = other;
                }
            }
        }
    }
}

/// Gives C a handle of this.
pub(crate) fn insert<K: Kind>(held: Held<K>) -> Outcome<Token<K>> {
    let registry = Registry::current();
    let serial = registry.next.fetch_add(1, Ordering::Relaxed);
    if serial > usize::MAX >> TAG_BITS {
        return Err(Failure::new(PLENUM_LIMIT, "all handles of this process are used up"));
    }
    let token = Token { number: serial << TAG_BITS | K::TAG, kind: PhantomData };
    K::table(registry).lock().insert(token.number, held);
    Ok(token)
}

/// Takes from C what a handle stands for; the handle is stale from now on.
pub(crate) fn remove<K: Kind>(token: Token<K>) -> Outcome<Held<K>> {
    let registry = Registry::current();
    let held = K::table(registry).lock().remove(&token.number);
    held.ok_or_else(|| token.refused(registry))
}

/// What a handle stands for, for the time of a call.
pub(crate) fn share<K: Kind<Ownership = Shared>>(token: Token<K>) -> Outcome<Arc<K>> {
    let registry = Registry::current();
    let held = K::table(registry).lock().get(&token.number).cloned();
    held.ok_or_else(|| token.refused(registry))
}

/// Lets `read` look at what a handle stands for, while nobody frees it.
pub(crate) fn with<K: Kind<Ownership = Unique>, T>(
    token: Token<K>,
    read: impl FnOnce(&mut K) -> Outcome<T>,
) -> Outcome<T> {
    let registry = Registry::current();
    match K::table(registry).lock().get_mut(&token.number) {
        Some(held) => read(held),
        None => Err(token.refused(registry)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::plenum_result;

    fn contents(number: usize) -> Token<Contents> {
        Token { number, kind: PhantomData }
    }

    fn refusal(token: Token<Contents>) -> plenum_result {
        remove(token).map(drop).unwrap_err().result
    }

    #[test]
    fn handles_that_are_none_are_told_apart() {
        let token = insert::<Contents>(Box::new(Contents::default())).unwrap();
        assert_eq!(refusal(contents(0)), PLENUM_NULL_POINTER);
        assert_eq!(refusal(contents(token.number ^ 3)), PLENUM_INVALID_HANDLE);
        assert_eq!(refusal(contents(usize::MAX)), PLENUM_INVALID_HANDLE);
        assert_eq!(refusal(contents(0xdead_0000 | Contents::TAG)), PLENUM_INVALID_HANDLE);
        assert!(remove(token).is_ok());
        assert_eq!(refusal(token), PLENUM_CLOSED);
    }

    #[test]
    fn a_handle_of_another_kind_is_refused() {
        let token = insert::<Contents>(Box::new(Contents::default())).unwrap();
        let sfu: Token<Running> = Token { number: token.number, kind: PhantomData };
        assert_eq!(share(sfu).map(drop).unwrap_err().result, PLENUM_INVALID_HANDLE);
        assert!(remove(token).is_ok());
    }
}
