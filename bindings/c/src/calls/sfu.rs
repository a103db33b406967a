//! The calls of an SFU.

use std::ffi::c_char;

use crate::call::call;
use crate::result::plenum_result;
use crate::sfu::plenum_sfu;

/// Makes a router: a room, in which what is produced can be consumed. Options:
/// codecs (mediasoup's mediaCodecs; all that are supported if left out), shard
/// (the least loaded if left out), speakers {places, holdMs}. Answer: {id,
/// shard, rtpCapabilities}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_sfu_create_router(
    sfu: *mut plenum_sfu,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!("Sfu.createRouter", sfu, 0, request, options("options", options))
}

/// Makes a router from a snapshot of `plenum_router_snapshot`, of this SFU or
/// of another: with the same ids, keys and sequence numbers. Options: codecs,
/// shard. Answer: as of `plenum_sfu_create_router`, and contents, as of
/// `plenum_router_contents`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_sfu_restore_router(
    sfu: *mut plenum_sfu,
    snapshot: *const u8,
    snapshot_len: usize,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "Sfu.restoreRouter",
        sfu,
        0,
        request,
        payload("snapshot", snapshot, snapshot_len),
        options("options", options)
    )
}

/// How many threads carry media. Answer: {shards}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_sfu_shards(
    sfu: *mut plenum_sfu,
    request: *mut u64,
) -> plenum_result {
    call!("Sfu.shards", sfu, 0, request)
}

/// Load and counters of one shard, from 0 on. Answer: an object of numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_sfu_shard_stats(
    sfu: *mut plenum_sfu,
    shard: u32,
    request: *mut u64,
) -> plenum_result {
    call!("Sfu.shardStats", sfu, 0, request, number("shard", shard))
}

/// Where a shard listens. Answer: {addresses: ["ip:port", …]}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_sfu_addresses(
    sfu: *mut plenum_sfu,
    shard: u32,
    request: *mut u64,
) -> plenum_result {
    call!("Sfu.addresses", sfu, 0, request, number("shard", shard))
}

/// Listens on one more address ("ip:port", port 0 for any free one) by "udp" or
/// "tcp". Options: shard (0). Answer: {address}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_sfu_listen(
    sfu: *mut plenum_sfu,
    address: *const c_char,
    protocol: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "Sfu.listen",
        sfu,
        0,
        request,
        text("address", address),
        text("protocol", protocol),
        options("options", options)
    )
}

/// Listens no longer on an address that was added by `plenum_sfu_listen`.
/// Options: shard (0). Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_sfu_unlisten(
    sfu: *mut plenum_sfu,
    address: *const c_char,
    protocol: *const c_char,
    options: *const c_char,
    request: *mut u64,
) -> plenum_result {
    call!(
        "Sfu.unlisten",
        sfu,
        0,
        request,
        text("address", address),
        text("protocol", protocol),
        options("options", options)
    )
}
