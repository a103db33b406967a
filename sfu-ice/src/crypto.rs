//! The few primitives that STUN and the certificate need, over aws-lc-rs or
//! RustCrypto, chosen at compile time. DTLS and SRTP have their own.

#[cfg(feature = "crypto-aws-lc-rs")]
mod provider {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
    use aws_lc_rs::{agreement, digest, hmac};

    pub(crate) fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> Option<[u8; 20]> {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
        let mut context = hmac::Context::with_key(&key);
        for part in parts {
            context.update(part);
        }
        context.sign().as_ref().try_into().ok()
    }

    pub(crate) fn sha256(data: &[u8]) -> Vec<u8> {
        digest::digest(&digest::SHA256, data).as_ref().to_vec()
    }

    pub(crate) fn sha384(data: &[u8]) -> Vec<u8> {
        digest::digest(&digest::SHA384, data).as_ref().to_vec()
    }

    pub(crate) fn sha512(data: &[u8]) -> Vec<u8> {
        digest::digest(&digest::SHA512, data).as_ref().to_vec()
    }

    /// The uncompressed point of a P-256 scalar, `None` if it is out of range.
    pub(crate) fn p256_public_key(scalar: &[u8; 32]) -> Option<[u8; 65]> {
        let key = agreement::PrivateKey::from_private_key(&agreement::ECDH_P256, scalar).ok()?;
        key.compute_public_key().ok()?.as_ref().try_into().ok()
    }

    /// The uncompressed point that belongs to a private key.
    pub(crate) fn p256_public_key_of(pkcs8: &[u8]) -> Option<[u8; 65]> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).ok()?;
        key.public_key().as_ref().try_into().ok()
    }

    /// An ECDSA signature in DER over SHA-256 of `data`.
    pub(crate) fn p256_sign(pkcs8: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).ok()?;
        Some(key.sign(&SystemRandom::new(), data).ok()?.as_ref().to_vec())
    }
}

#[cfg(all(feature = "crypto-rust", not(feature = "crypto-aws-lc-rs")))]
mod provider {
    use hmac::{Hmac, KeyInit, Mac};
    use p256::ecdsa::signature::Signer;
    use p256::ecdsa::{Signature, SigningKey};
    use p256::elliptic_curve::sec1::ToSec1Point;
    use p256::pkcs8::DecodePrivateKey;
    use sha2::{Digest, Sha256, Sha384, Sha512};

    pub(crate) fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> Option<[u8; 20]> {
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(key).ok()?;
        for part in parts {
            mac.update(part);
        }
        Some(mac.finalize().into_bytes().into())
    }

    pub(crate) fn sha256(data: &[u8]) -> Vec<u8> {
        Sha256::digest(data).to_vec()
    }

    pub(crate) fn sha384(data: &[u8]) -> Vec<u8> {
        Sha384::digest(data).to_vec()
    }

    pub(crate) fn sha512(data: &[u8]) -> Vec<u8> {
        Sha512::digest(data).to_vec()
    }

    /// The uncompressed point of a P-256 scalar, `None` if it is out of range.
    pub(crate) fn p256_public_key(scalar: &[u8; 32]) -> Option<[u8; 65]> {
        let key = p256::SecretKey::from_slice(scalar).ok()?;
        key.public_key().to_sec1_point(false).as_bytes().try_into().ok()
    }

    /// The uncompressed point that belongs to a private key.
    pub(crate) fn p256_public_key_of(pkcs8: &[u8]) -> Option<[u8; 65]> {
        let key = p256::SecretKey::from_pkcs8_der(pkcs8).ok()?;
        key.public_key().to_sec1_point(false).as_bytes().try_into().ok()
    }

    /// An ECDSA signature in DER over SHA-256 of `data`.
    pub(crate) fn p256_sign(pkcs8: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let key = SigningKey::from_pkcs8_der(pkcs8).ok()?;
        let signature: Signature = key.try_sign(data).ok()?;
        Some(signature.to_der().as_bytes().to_vec())
    }
}

#[cfg(not(any(feature = "crypto-aws-lc-rs", feature = "crypto-rust")))]
compile_error!("one of the features crypto-aws-lc-rs and crypto-rust is required");

pub(crate) use provider::*;
