//! From the arguments of a C function to a call of the client.

use std::ffi::c_char;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value};
use sfu_core::client::Call;

use crate::boundary::{self, elements, guard};
use crate::event::plenum_bytes;
use crate::identity::id_text;
use crate::result::plenum_result::*;
use crate::result::{Failure, Outcome, plenum_result};
use crate::sfu::{Running, plenum_sfu, running};

/// A call whose arguments are being read.
pub(crate) struct Draft<'m> {
    running: Arc<Running>,
    method: &'m str,
    target: u64,
    parameters: Map<String, Value>,
    payloads: Vec<Bytes>,
}

/// The body of a function that makes a call: the method's name, where and on
/// what, the place for the request, and its arguments, each read by a method
/// of [`Draft`] under a name. The options come last, so that a field of them
/// that is also an argument is refused.
macro_rules! call {
    (
        $method:literal, $sfu:expr, $target:expr, $request:expr
        $(, $reader:ident($name:literal, $($value:expr),+))* $(,)?
    ) => {
        $crate::boundary::guard(|| {
            #[allow(unused_mut, reason = "there may be no arguments")]
            let mut draft = $crate::call::Draft::new($sfu, $method, $target)?;
            // SAFETY: the rules of the header ask this of the caller: texts end
            // with NUL, buffers have the length that is said, places are places.
            unsafe {
                $( draft.$reader($name, $($value),+)?; )*
                draft.submit($request)
            }
        })
    };
}
pub(crate) use call;

impl<'m> Draft<'m> {
    pub(crate) fn new(sfu: *mut plenum_sfu, method: &'m str, target: u64) -> Outcome<Self> {
        let running = running(sfu)?;
        Ok(Self { running, method, target, parameters: Map::new(), payloads: Vec::new() })
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.parameters.insert(name.to_owned(), value.into());
    }

    /// An id.
    pub(crate) fn id(&mut self, name: &str, id: u64) -> Outcome<()> {
        if id == 0 {
            return Err(Failure::parameters(format!("`{name}` is 0; an id is never 0")));
        }
        self.set(name, id_text(id));
        Ok(())
    }

    /// An id, or 0 for nothing.
    pub(crate) fn id_or_null(&mut self, name: &str, id: u64) -> Outcome<()> {
        self.set(name, (id != 0).then(|| id_text(id)));
        Ok(())
    }

    /// An id, or 0 to leave it out.
    pub(crate) fn id_or_none(&mut self, name: &str, id: u64) -> Outcome<()> {
        if id != 0 {
            self.set(name, id_text(id));
        }
        Ok(())
    }

    /// A number.
    pub(crate) fn number(&mut self, name: &str, number: u32) -> Outcome<()> {
        self.set(name, number);
        Ok(())
    }

    /// A number, or a negative one for nothing.
    pub(crate) fn number_or_null(&mut self, name: &str, number: i64) -> Outcome<()> {
        self.set(name, u64::try_from(number).ok());
        Ok(())
    }

    /// A truth value.
    pub(crate) fn flag(&mut self, name: &str, flag: bool) -> Outcome<()> {
        self.set(name, flag);
        Ok(())
    }

    /// A text.
    ///
    /// # Safety
    /// As for [`boundary::text`].
    pub(crate) unsafe fn text(&mut self, name: &str, text: *const c_char) -> Outcome<()> {
        // SAFETY: as promised by the caller.
        let text = unsafe { boundary::text(name, text)? };
        self.set(name, text);
        Ok(())
    }

    /// A JSON value.
    ///
    /// # Safety
    /// As for [`boundary::text`].
    pub(crate) unsafe fn json(&mut self, name: &str, text: *const c_char) -> Outcome<()> {
        // SAFETY: as promised by the caller.
        let value = unsafe { boundary::json(name, text)? };
        self.set(name, value);
        Ok(())
    }

    /// The other parameters, a JSON object or NULL.
    ///
    /// # Safety
    /// As for [`boundary::text`].
    pub(crate) unsafe fn options(&mut self, argument: &str, text: *const c_char) -> Outcome<()> {
        // SAFETY: as promised by the caller.
        for (name, value) in unsafe { boundary::options(argument, text)? } {
            if self.parameters.contains_key(&name) {
                return Err(Failure::parameters(format!(
                    "`{name}` is an argument of its own; leave it out of `{argument}`"
                )));
            }
            self.parameters.insert(name, value);
        }
        Ok(())
    }

    /// Bytes that go beside the parameters.
    ///
    /// # Safety
    /// As for [`elements`].
    pub(crate) unsafe fn payload(
        &mut self,
        name: &str,
        data: *const u8,
        len: usize,
    ) -> Outcome<()> {
        // SAFETY: as promised by the caller.
        let bytes = unsafe { elements(name, data, len)? };
        self.payloads.push(Bytes::copy_from_slice(bytes));
        Ok(())
    }

    /// Packets that go beside the parameters, in one piece of memory.
    ///
    /// # Safety
    /// As for [`elements`], for the packets and for the bytes of each.
    pub(crate) unsafe fn packets(
        &mut self,
        name: &str,
        packets: *const plenum_bytes,
        count: usize,
    ) -> Outcome<()> {
        // SAFETY: as promised by the caller.
        let packets = unsafe { elements(name, packets, count)? };
        let mut whole = 0_usize;
        for (index, packet) in packets.iter().enumerate() {
            whole = whole.saturating_add(packet.len);
            if whole > MAX_BATCH {
                return Err(Failure::parameters(format!(
                    "`{name}` has more than {MAX_BATCH} bytes with packet {index}"
                )));
            }
        }
        let mut all = BytesMut::with_capacity(whole);
        for (index, packet) in packets.iter().enumerate() {
            // SAFETY: as promised by the caller.
            let bytes =
                unsafe { elements("data", packet.data, packet.len) }.map_err(|failure| {
                    let message = format!("packet {index} of `{name}`: {}", failure.message);
                    Failure::new(failure.result, message)
                })?;
            all.extend_from_slice(bytes);
        }
        let mut rest = all.freeze();
        self.payloads.extend(packets.iter().map(|packet| rest.split_to(packet.len)));
        Ok(())
    }

    /// Sends the call on its way.
    ///
    /// # Safety
    /// `request` is NULL or a place for a number.
    pub(crate) unsafe fn submit(self, request: *mut u64) -> Outcome<plenum_result> {
        let parameters = Value::Object(self.parameters);
        let call = Call::new(self.method, self.target, parameters, self.payloads);
        let submitted = self.running.client.submit(call);
        if !request.is_null() {
            // SAFETY: as promised by the caller.
            unsafe { request.write_unaligned(submitted.0) };
        }
        Ok(PLENUM_OK)
    }
}

/// Bytes of packets in one call.
const MAX_BATCH: usize = 64 << 20;

/// Makes a call by the name of its method, for example "Router.close", with
/// parameters as a JSON object (or NULL) and bytes beside them (or NULL and 0).
/// Every call has a function of its own, which this one does not replace: it
/// is for languages that are called by name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plenum_call(
    sfu: *mut plenum_sfu,
    method: *const c_char,
    target: u64,
    parameters: *const c_char,
    payloads: *const plenum_bytes,
    payload_count: usize,
    request: *mut u64,
) -> plenum_result {
    guard(|| {
        // SAFETY: the rules of the header ask this of the caller.
        unsafe {
            let method = boundary::text("method", method)?;
            let mut draft = Draft::new(sfu, method, target)?;
            draft.options("parameters", parameters)?;
            draft.packets("payloads", payloads, payload_count)?;
            draft.submit(request)
        }
    })
}
