//! One stream in or out, and what it learns about its path.
//!
//! [`recv`] follows what a publisher sends, [`allocate`] shares a receiver's bits
//! among its streams, [`select`] chooses what one consumer gets of a source,
//! [`send`] turns the choice into one continuous stream; [`observe`] listens to
//! who speaks.
//! All of it is plain data (serde) without clock, randomness or I/O, so that a
//! snapshot taken in the middle of a stream goes on identically; nothing here
//! knows routers, transports or bytes on the wire.
//!
//! A packet passes through in this order:
//!
//! ```
//! use sfu_core::stream::recv::{ArrivalKind, ClockRate, RecvStream};
//! use sfu_core::stream::select::{Decision, PacketMeta, Selector};
//! use sfu_core::stream::send::{Rewriter, StreamKey};
//! use sfu_core::wire::{MediaKind, RtpTime, SeqNo};
//! use sfu_ice::Time;
//!
//! let (now, camera) = (Time::from_millis(5), StreamKey(1));
//! let mut recv = RecvStream::new(ClockRate::VIDEO);
//! let mut selector = Selector::plain(MediaKind::Video);
//! let mut rewriter = Rewriter::new(MediaKind::Video, ClockRate::VIDEO, SeqNo(1), RtpTime(0));
//!
//! let arrival = recv.push(now, SeqNo(700), RtpTime(90_000), 1_200);
//! assert_eq!(arrival.kind, ArrivalKind::InOrder);
//! let mut meta = PacketMeta::new(arrival.ext, RtpTime(90_000), now);
//! meta.keyframe_start = true;
//! let sent = match selector.decide(&meta) {
//!     Decision::Switch => rewriter.switch(camera, &meta),
//!     Decision::Forward => rewriter.forward(camera, &meta),
//!     Decision::Drop => rewriter.skip(camera, &meta),
//! };
//! assert_eq!(sent.unwrap().seq, SeqNo(1));
//! ```

pub mod allocate;
pub mod observe;
pub mod recv;
pub mod select;
pub mod send;

pub use recv::{NackGenerator, RecvStream, RemoteClock, TwccRecorder};
pub use select::{Layers, PacketMeta, Selector};
pub use send::{NackResponder, Rewriter, SendStream, StreamKey};
