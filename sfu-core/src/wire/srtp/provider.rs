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

#[cfg(all(test, feature = "crypto-aws-lc-rs", feature = "crypto-rust"))]
mod tests {
    use proptest::prelude::*;

    use super::{aws_lc, rust_crypto};

    proptest! {
        /// Both providers compute the same.
        #[test]
        fn providers_agree(
            key: [u8; 32],
            long: bool,
            nonce: [u8; 12],
            iv: [u8; 16],
            aad in prop::collection::vec(any::<u8>(), 0..64),
            data in prop::collection::vec(any::<u8>(), 0..1500),
        ) {
            let key = if long { &key[..] } else { &key[..16] };

            let (a, b) = (aws_lc::AesGcm::new(key).unwrap(), rust_crypto::AesGcm::new(key).unwrap());
            let (mut x, mut y) = (data.clone(), data.clone());
            let tag = a.seal(nonce, &aad, &mut x).unwrap();
            prop_assert_eq!(b.seal(nonce, &aad, &mut y).unwrap(), tag);
            prop_assert_eq!(&x, &y);
            let mut wrong = tag;
            wrong[15] ^= 1;
            prop_assert!(b.open(nonce, &aad, &mut y.clone(), &wrong).is_err());
            prop_assert!(b.open(nonce, &aad, &mut y, &tag).is_ok());
            prop_assert_eq!(&y, &data);

            let (a, b) = (aws_lc::AesCtr::new(key).unwrap(), rust_crypto::AesCtr::new(key).unwrap());
            let (mut x, mut y) = (data.clone(), data.clone());
            a.apply(iv, &mut x).unwrap();
            b.apply(iv, &mut y).unwrap();
            prop_assert_eq!(x, y);

            let (a, b) =
                (aws_lc::HmacSha1::new(key).unwrap(), rust_crypto::HmacSha1::new(key).unwrap());
            prop_assert_eq!(a.sign(&data).unwrap(), b.sign(&data).unwrap());
        }
    }
}
