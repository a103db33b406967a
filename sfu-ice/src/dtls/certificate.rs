//! The self-signed certificate that a DTLS endpoint shows (RFC 8827 §6.5).
//!
//! WebRTC peers know each other by fingerprint, so the certificate carries
//! nothing but a P-256 key, a random serial number and a validity without end
//! (RFC 5280 §4.1.2.5). It is written here in DER by hand: a dozen fixed
//! fields do not need an X.509 library.

use std::fmt;
use std::sync::Arc;

use super::{Fingerprint, FingerprintAlgorithm};
use crate::{PeerError, Random, crypto};

/// A certificate with its private key. Cloning is cheap.
///
/// ```
/// use sfu_ice::{Random, dtls::Certificate};
/// let certificate = Certificate::generate(&mut Random::from_seed([1; 32]))?;
/// assert_eq!(certificate.fingerprints().len(), 3);
/// # Ok::<(), sfu_ice::PeerError>(())
/// ```
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    private_key: Vec<u8>,
    fingerprints: Vec<Fingerprint>,
}

impl Certificate {
    /// A new self-signed certificate with a key drawn from `random`.
    ///
    /// The key depends on `random` alone. With the default crypto provider
    /// the signature, and with it the fingerprint, does not.
    ///
    /// # Errors
    /// [`PeerError::BadCertificate`] if the crypto provider fails.
    pub fn generate(random: &mut Random) -> Result<Self, PeerError> {
        let (scalar, public_key) = key_pair(random).ok_or(PeerError::BadCertificate)?;
        let private_key = der::pkcs8(&scalar, &public_key);
        let mut serial = [0; 16];
        random.fill(&mut serial);
        let body = der::certificate_body(serial, &public_key);
        let signature = crypto::p256_sign(&private_key, &body).ok_or(PeerError::BadCertificate)?;
        Ok(Self::new(der::certificate(&body, &signature), private_key))
    }

    /// A certificate and its key from elsewhere.
    ///
    /// `der` is the X.509 certificate; `private_key` an EC P-256 key in PKCS#8
    /// form, both in DER.
    ///
    /// # Errors
    /// [`PeerError::BadCertificate`] if the key cannot be used, or does not
    /// appear in the certificate.
    pub fn from_der(der: Vec<u8>, private_key: Vec<u8>) -> Result<Self, PeerError> {
        let point = crypto::p256_public_key_of(&private_key).ok_or(PeerError::BadCertificate)?;
        if !der.windows(point.len()).any(|window| window == point) {
            return Err(PeerError::BadCertificate);
        }
        Ok(Self::new(der, private_key))
    }

    fn new(der: Vec<u8>, private_key: Vec<u8>) -> Self {
        let fingerprints = FingerprintAlgorithm::ALL
            .into_iter()
            .map(|algorithm| Fingerprint::of(algorithm, &der))
            .collect();
        Self(Arc::new(Inner { der, private_key, fingerprints }))
    }

    /// The fingerprints to signal, sha-256 first.
    pub fn fingerprints(&self) -> &[Fingerprint] {
        &self.0.fingerprints
    }

    /// The certificate in DER form.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The private key in PKCS#8 DER form. Secret.
    pub fn private_key_der(&self) -> &[u8] {
        &self.0.private_key
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&self.fingerprints().first()).finish()
    }
}

/// A scalar in the range of the group and its point. One try in 2^32 misses.
fn key_pair(random: &mut Random) -> Option<([u8; 32], [u8; 65])> {
    (0..4).find_map(|_| {
        let scalar = random.seed();
        Some((scalar, crypto::p256_public_key(&scalar)?))
    })
}

/// The DER encodings (X.690) of the few structures above.
mod der {
    const OID_EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
    const OID_P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
    const OID_ECDSA_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
    const OID_COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

    const INTEGER: u8 = 0x02;
    const BIT_STRING: u8 = 0x03;
    const OCTET_STRING: u8 = 0x04;
    const OID: u8 = 0x06;
    const UTF8_STRING: u8 = 0x0C;
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    const SEQUENCE: u8 = 0x30;
    const SET: u8 = 0x31;
    const CONTEXT_0: u8 = 0xA0;
    const CONTEXT_1: u8 = 0xA1;

    /// RFC 5280 §4.1: the signed part and its signature.
    pub(super) fn certificate(body: &[u8], signature: &[u8]) -> Vec<u8> {
        let algorithm = tlv(SEQUENCE, &[&tlv(OID, &[OID_ECDSA_SHA256])]);
        tlv(SEQUENCE, &[body, &algorithm, &tlv(BIT_STRING, &[&[0], signature])])
    }

    /// RFC 5280 §4.1: TBSCertificate, version 3 without extensions.
    pub(super) fn certificate_body(mut serial: [u8; 16], public_key: &[u8; 65]) -> Vec<u8> {
        // §4.1.2.2: positive, and in the shortest form.
        serial[0] = (serial[0] & 0x7F) | 0x40;
        let version = tlv(CONTEXT_0, &[&tlv(INTEGER, &[&[2]])]);
        let serial = tlv(INTEGER, &[&serial]);
        let algorithm = tlv(SEQUENCE, &[&tlv(OID, &[OID_ECDSA_SHA256])]);
        let attribute =
            tlv(SEQUENCE, &[&tlv(OID, &[OID_COMMON_NAME]), &tlv(UTF8_STRING, &[b"sfu"])]);
        let name = tlv(SEQUENCE, &[&tlv(SET, &[&attribute])]);
        let validity = tlv(
            SEQUENCE,
            &[&tlv(UTC_TIME, &[b"200101000000Z"]), &tlv(GENERALIZED_TIME, &[b"99991231235959Z"])],
        );
        let key = tlv(SEQUENCE, &[&key_algorithm(), &tlv(BIT_STRING, &[&[0], public_key])]);
        tlv(SEQUENCE, &[&version, &serial, &algorithm, &name, &validity, &name, &key])
    }

    /// RFC 5958 around RFC 5915.
    pub(super) fn pkcs8(scalar: &[u8; 32], public_key: &[u8; 65]) -> Vec<u8> {
        let public_key = tlv(CONTEXT_1, &[&tlv(BIT_STRING, &[&[0], public_key])]);
        let key =
            tlv(SEQUENCE, &[&tlv(INTEGER, &[&[1]]), &tlv(OCTET_STRING, &[scalar]), &public_key]);
        tlv(SEQUENCE, &[&tlv(INTEGER, &[&[0]]), &key_algorithm(), &tlv(OCTET_STRING, &[&key])])
    }

    fn key_algorithm() -> Vec<u8> {
        tlv(SEQUENCE, &[&tlv(OID, &[OID_EC_PUBLIC_KEY]), &tlv(OID, &[OID_P256])])
    }

    /// Tag, length, value. Every value above is shorter than 65536 bytes.
    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let mut out = vec![tag];
        let [.., high, low] = len.to_be_bytes();
        match len {
            0..=0x7F => out.push(low),
            0x80..=0xFF => out.extend_from_slice(&[0x81, low]),
            _ => out.extend_from_slice(&[0x82, high, low]),
        }
        for part in parts {
            out.extend_from_slice(part);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_of_one_seed_share_a_key_and_those_of_two_do_not() {
        let make = |seed| Certificate::generate(&mut Random::from_seed([seed; 32])).unwrap();
        assert_eq!(make(1).private_key_der(), make(1).private_key_der());
        assert_ne!(make(1).private_key_der(), make(2).private_key_der());
        assert_ne!(make(1).fingerprints(), make(2).fingerprints());
    }

    #[test]
    fn fingerprints_are_of_the_certificate() {
        let certificate = Certificate::generate(&mut Random::from_seed([1; 32])).unwrap();
        assert_eq!(certificate.fingerprints()[0].algorithm, FingerprintAlgorithm::Sha256);
        for fingerprint in certificate.fingerprints() {
            assert!(fingerprint.matches(certificate.der()));
        }
    }

    #[test]
    fn a_certificate_makes_the_round_trip_through_der() {
        let a = Certificate::generate(&mut Random::from_seed([1; 32])).unwrap();
        let b = Certificate::from_der(a.der().to_vec(), a.private_key_der().to_vec()).unwrap();
        assert_eq!(a.fingerprints(), b.fingerprints());
    }

    #[test]
    fn a_foreign_or_broken_key_is_refused() {
        let a = Certificate::generate(&mut Random::from_seed([1; 32])).unwrap();
        let b = Certificate::generate(&mut Random::from_seed([2; 32])).unwrap();
        let key = b.private_key_der().to_vec();
        assert!(Certificate::from_der(a.der().to_vec(), key).is_err());
        assert!(Certificate::from_der(a.der().to_vec(), vec![1, 2, 3]).is_err());
        assert!(Certificate::from_der(vec![], a.private_key_der().to_vec()).is_err());
    }
}
