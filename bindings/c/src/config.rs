//! The struct by which an SFU is configured.

use std::ffi::c_char;
use std::net::{IpAddr, SocketAddr};
use std::ptr;
use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::boundary;
use crate::result::plenum_result::*;
use crate::result::{Failure, Outcome};

/// How an SFU is to be. Begin with `PLENUM_CONFIG_INIT` and set what should be
/// different; `listen` must be set, here or in `options`. The library reads
/// the struct during `plenum_sfu_start` and keeps no pointer of it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct plenum_config {
    /// `sizeof(plenum_config)`: tells the library which version of it this is.
    pub size: usize,
    /// Addresses with ports for media, UDP and TCP, separated by commas: for
    /// example "0.0.0.0:40000" or "0.0.0.0:40000,[::]:40000". Port 0 is any
    /// free one. With n shards, the n ports from there on are taken.
    pub listen: *const c_char,
    /// The addresses, without ports, by which browsers reach this machine if
    /// they are not those of `listen`, separated by commas; or NULL.
    pub announce: *const c_char,
    /// Threads that carry media, usually one per core; 0 is one.
    pub shards: u32,
    /// Everything else as a JSON object, or NULL: tcp, pinThreads, dtlsVersion
    /// ("1.2", "1.3", "auto"), certificate and privateKey (PEM; EC keys on P-256;
    /// by default they are made), srtpProfiles, disconnectedAfterMs,
    /// failedAfterMs, maxTransports, maxProducers, maxConsumers, packetMemory
    /// (bytes per shard), eventCapacity. A field that is also set above is
    /// refused.
    pub options: *const c_char,
}

/// The size of the first version of the struct: the least that is accepted.
const FIRST_SIZE: usize = size_of::<plenum_config>();

const DEFAULT: plenum_config = plenum_config {
    size: size_of::<plenum_config>(),
    listen: ptr::null(),
    announce: ptr::null(),
    shards: 0,
    options: ptr::null(),
};

/// Reads the struct into the options that the client takes.
///
/// # Safety
/// `config` is NULL or points to as many bytes as its `size` says, and its
/// texts are NULL or NUL-terminated.
pub(crate) unsafe fn read(config: *const plenum_config) -> Outcome<Value> {
    let config = boundary::present("config", config)?;
    // SAFETY: not NULL, and `size` is the first field of every version.
    let size = unsafe { (&raw const (*config).size).read_unaligned() };
    if size < FIRST_SIZE {
        return Err(Failure::new(
            PLENUM_INVALID_SIZE,
            format!("`config.size` is {size}; begin with PLENUM_CONFIG_INIT"),
        ));
    }
    let mut own = DEFAULT;
    // SAFETY: both have that many bytes; fields that a newer caller has beyond
    // ours are not read, and ours beyond an older caller's keep their defaults.
    unsafe {
        ptr::copy_nonoverlapping(
            config.cast::<u8>(),
            (&raw mut own).cast(),
            size.min(size_of::<plenum_config>()),
        );
    }
    // SAFETY: as promised by the caller.
    let (mut fields, listen, announce) = unsafe {
        (
            boundary::options("config.options", own.options)?,
            boundary::optional_text("config.listen", own.listen)?,
            boundary::optional_text("config.announce", own.announce)?,
        )
    };
    let shards = (own.shards > 0).then(|| json!(own.shards));
    let listen = listen.map(|text| list::<SocketAddr>("listen", "ip:port", text)).transpose()?;
    let announce = announce.map(|text| list::<IpAddr>("announce", "an ip", text)).transpose()?;
    set(&mut fields, "listen", listen)?;
    set(&mut fields, "announce", announce)?;
    set(&mut fields, "shards", shards)?;
    Ok(Value::Object(fields))
}

/// What stands between commas, each an `A`.
fn list<A: FromStr + ToString>(name: &str, expected: &str, text: &str) -> Outcome<Value> {
    let address = |part: &str| {
        let address: Result<A, _> = part.trim().parse();
        address.map(|address| Value::String(address.to_string())).map_err(|_| {
            let part = part.escape_debug();
            Failure::parameters(format!("`config.{name}`: \"{part}\" is not {expected}"))
        })
    };
    text.split(',').map(address).collect()
}

fn set(fields: &mut Map<String, Value>, name: &str, value: Option<Value>) -> Outcome<()> {
    let Some(value) = value else { return Ok(()) };
    if fields.insert(name.to_owned(), value).is_some() {
        return Err(Failure::parameters(format!(
            "`{name}` is set twice: as a field of `config` and in `config.options`"
        )));
    }
    Ok(())
}
