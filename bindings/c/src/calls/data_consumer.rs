//! The calls of a data consumer.

use crate::call::call;
use crate::result::plenum_result;
use crate::sfu::plenum_sfu;

/// Sends a message to the one receiver of a data consumer. `text` says that it
/// is UTF-8 text and not binary. The bytes are copied. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_data_consumer_send(
    sfu: *mut plenum_sfu,
    data_consumer: u64,
    text: bool,
    message: *const u8,
    message_len: usize,
    request: *mut u64,
) -> plenum_result {
    call!(
        "DataConsumer.send",
        sfu,
        data_consumer,
        request,
        flag("text", text),
        payload("message", message, message_len)
    )
}

/// PLENUM_EVENT_DATA_BUFFERED_AMOUNT_LOW is to come when fewer than `bytes` are
/// waiting to be sent; never, if that is negative. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_data_consumer_set_buffered_amount_low_threshold(
    sfu: *mut plenum_sfu,
    data_consumer: u64,
    bytes: i64,
    request: *mut u64,
) -> plenum_result {
    call!(
        "DataConsumer.setBufferedAmountLowThreshold",
        sfu,
        data_consumer,
        request,
        number_or_null("bytes", bytes)
    )
}

/// Pauses the data consumer: nothing passes it. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_data_consumer_pause(
    sfu: *mut plenum_sfu,
    data_consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("DataConsumer.pause", sfu, data_consumer, request)
}

/// Lets the data consumer go on. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_data_consumer_resume(
    sfu: *mut plenum_sfu,
    data_consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("DataConsumer.resume", sfu, data_consumer, request)
}

/// Counters of the data consumer. Answer: an object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_data_consumer_stats(
    sfu: *mut plenum_sfu,
    data_consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("DataConsumer.stats", sfu, data_consumer, request)
}

/// Closes the data consumer. Answer: nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_data_consumer_close(
    sfu: *mut plenum_sfu,
    data_consumer: u64,
    request: *mut u64,
) -> plenum_result {
    call!("DataConsumer.close", sfu, data_consumer, request)
}
