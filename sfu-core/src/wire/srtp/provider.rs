//! The three primitives SRTP stands on, from the provider chosen at compile
//! time: aws-lc-rs, or RustCrypto when only `crypto-rust` is enabled.
//!
//! Both offer the same concrete types, so nothing above this file knows which
//! one it runs on and no call goes through a vtable.

#[cfg(feature = "crypto-aws-lc-rs")]
mod aws_lc;
#[cfg(feature = "crypto-aws-lc-rs")]
pub(super) use aws_lc::{AesCtr, AesGcm, HmacSha1};

#[cfg(all(feature = "crypto-rust", any(test, not(feature = "crypto-aws-lc-rs"))))]
mod rust_crypto;
#[cfg(all(feature = "crypto-rust", not(feature = "crypto-aws-lc-rs")))]
pub(super) use rust_crypto::{AesCtr, AesGcm, HmacSha1};

#[cfg(not(any(feature = "crypto-aws-lc-rs", feature = "crypto-rust")))]
compile_error!("sfu-core needs a cryptographic provider: enable crypto-aws-lc-rs or crypto-rust");

/// Length of a GCM tag in bytes.
pub(super) const GCM_TAG: usize = 16;
/// Length of a GCM nonce in bytes.
pub(super) const GCM_NONCE: usize = 12;
/// Length of a full HMAC-SHA1 value in bytes.
pub(super) const SHA1_LEN: usize = 20;

/// The provider refused. For an open this means a wrong tag; the other calls
/// cannot fail with keys of the right length and packets of this size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused;
