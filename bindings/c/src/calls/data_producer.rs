//! The calls of a data producer.

use crate::call::call;
use crate::result::plenum_result;
use crate::sfu::plenum_sfu;

/// Sends a message into the router: from a data producer of a direct transport.
/// `text` says that it is UTF-8 text and not binary. The bytes are copied.
/// Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_data_producer_send(
    sfu: *mut plenum_sfu,
    data_producer: u64,
    text: bool,
    message: *const u8,
    message_len: usize,
    request: *mut u64,
) -> plenum_result {
    call!(
        "DataProducer.send",
        sfu,
        data_producer,
        request,
        flag("text", text),
        payload("message", message, message_len)
    )
}

/// Pauses the data producer: nothing passes it. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_data_producer_pause(
    sfu: *mut plenum_sfu,
    data_producer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("DataProducer.pause", sfu, data_producer, request)
}

/// Lets the data producer go on. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_data_producer_resume(
    sfu: *mut plenum_sfu,
    data_producer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("DataProducer.resume", sfu, data_producer, request)
}

/// Counters of the data producer. Answer: an object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_data_producer_stats(
    sfu: *mut plenum_sfu,
    data_producer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("DataProducer.stats", sfu, data_producer, request)
}

/// Closes the data producer. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_data_producer_close(
    sfu: *mut plenum_sfu,
    data_producer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("DataProducer.close", sfu, data_producer, request)
}
