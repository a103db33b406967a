//! RTCP: reports (RFC 3550 §6), feedback (RFC 4585, RFC 5104), REMB,
//! transport-wide feedback and extended reports (RFC 3611).
//!
//! [`Compound`] reads a decrypted compound packet in place; [`RtcpWriter`]
//! builds one within a budget of bytes. Nothing here allocates, keeps a clock
//! or decides when to report.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

mod app;
mod compound;
mod nack;
mod ntp;
mod psfb;
mod report;
mod twcc;
mod writer;
mod xr;

pub use app::{App, Entries, PipeDemand, PipeMessage, PipeState};
pub use compound::{Compound, Packets, RtcpError, RtcpPacket};
pub use nack::{Nack, NackPair, NackPairs};
pub use ntp::NtpTime;
pub use psfb::{Fir, FirEntry, Pli, Remb};
pub use report::{Bye, ReceiverReport, ReportBlock, Sdes, SenderInfo, SenderReport};
pub use twcc::{Arrivals, TransportFeedback};
pub use writer::{RtcpWriteError, RtcpWriter};
pub use xr::{Dlrr, ExtendedReport, XrBlock};

// Packet types (RFC 3550 §12.1, RFC 4585 §6.1, RFC 3611 §2).
const SR: u8 = 200;
const RR: u8 = 201;
const SDES: u8 = 202;
const BYE: u8 = 203;
const APP: u8 = 204;
const RTPFB: u8 = 205;
const PSFB: u8 = 206;
const XR: u8 = 207;
