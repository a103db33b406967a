//! Certificate fingerprints (RFC 8122 §5).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::{PeerError, crypto};

/// The hash function of a fingerprint. Those that RFC 8122 §5 forbids (MD5,
/// SHA-1) are not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FingerprintAlgorithm {
    /// SHA-256, what browsers send.
    #[serde(rename = "sha-256")]
    Sha256,
    /// SHA-384.
    #[serde(rename = "sha-384")]
    Sha384,
    /// SHA-512.
    #[serde(rename = "sha-512")]
    Sha512,
}

impl FingerprintAlgorithm {
    /// All algorithms, the usual one first.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// The name in SDP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// Length of the hash in bytes.
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => crypto::sha256(data),
            Self::Sha384 => crypto::sha384(data),
            Self::Sha512 => crypto::sha512(data),
        }
    }
}

/// Commits a signalling channel to a DTLS certificate.
///
/// The JSON form is mediasoup's, the text form the value of an
/// `a=fingerprint` line.
///
/// ```
/// use sfu_ice::dtls::Fingerprint;
/// let text = format!("sha-256 {}", ["AB"; 32].join(":"));
/// let fingerprint: Fingerprint = text.parse()?;
/// assert_eq!(fingerprint.to_string(), text);
/// # Ok::<(), sfu_ice::PeerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct Fingerprint {
    /// The hash function.
    pub algorithm: FingerprintAlgorithm,
    /// The hash, as pairs of hex digits with colons between them.
    pub value: String,
}

impl Fingerprint {
    /// The fingerprint of a certificate in DER form.
    pub fn of(algorithm: FingerprintAlgorithm, certificate_der: &[u8]) -> Self {
        let pairs: Vec<String> =
            algorithm.digest(certificate_der).iter().map(|byte| format!("{byte:02X}")).collect();
        Self { algorithm, value: pairs.join(":") }
    }

    /// Whether this is the fingerprint of that certificate. The hashes are
    /// compared in constant time; a malformed value matches nothing.
    pub fn matches(&self, certificate_der: &[u8]) -> bool {
        let Some(expected) = self.bytes() else { return false };
        let actual = self.algorithm.digest(certificate_der);
        expected.len() == actual.len() && bool::from(expected.ct_eq(&actual))
    }

    /// Checks that the value is well formed.
    ///
    /// # Errors
    /// [`PeerError::BadFingerprint`]
    pub fn validate(&self) -> Result<(), PeerError> {
        self.bytes().map(|_| ()).ok_or(PeerError::BadFingerprint)
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.algorithm.digest_len());
        for pair in self.value.split(':') {
            let hex = pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
            if !hex || bytes.len() == self.algorithm.digest_len() {
                return None;
            }
            bytes.push(u8::from_str_radix(pair, 16).ok()?);
        }
        (bytes.len() == self.algorithm.digest_len()).then_some(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm.as_str(), self.value)
    }
}

impl FromStr for Fingerprint {
    type Err = PeerError;

    fn from_str(text: &str) -> Result<Self, PeerError> {
        let (name, value) = text.trim().split_once(' ').ok_or(PeerError::BadFingerprint)?;
        let algorithm = FingerprintAlgorithm::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name))
            .ok_or(PeerError::BadFingerprint)?;
        let fingerprint = Self { algorithm, value: value.trim().to_owned() };
        fingerprint.validate()?;
        Ok(fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_fips_180() {
        let of = |algorithm| Fingerprint::of(algorithm, b"abc").value;
        assert!(of(FingerprintAlgorithm::Sha256).starts_with("BA:78:16:BF:8F:01:CF:EA"));
        assert!(of(FingerprintAlgorithm::Sha384).starts_with("CB:00:75:3F:45:A3:5E:8B"));
        assert!(of(FingerprintAlgorithm::Sha512).starts_with("DD:AF:35:A1:93:61:7A:BA"));
    }

    #[test]
    fn a_fingerprint_matches_its_certificate_only() {
        for algorithm in FingerprintAlgorithm::ALL {
            let mut fingerprint = Fingerprint::of(algorithm, b"certificate");
            assert!(fingerprint.matches(b"certificate"));
            assert!(!fingerprint.matches(b"certificatf"));
            fingerprint.value = fingerprint.value.to_lowercase();
            assert!(fingerprint.matches(b"certificate"));
            fingerprint.value.truncate(fingerprint.value.len() - 3);
            assert!(!fingerprint.matches(b"certificate"));
        }
    }

    #[test]
    fn malformed_text_is_refused() {
        let good = Fingerprint::of(FingerprintAlgorithm::Sha256, b"x").to_string();
        assert!(good.parse::<Fingerprint>().is_ok());
        for bad in [
            "".to_owned(),
            "sha-256".to_owned(),
            good.replace("sha-256", "sha-1"),
            good.replace(':', ""),
            good.replace("sha-256", "sha-384"),
            format!("{good}:00"),
            format!("sha-256 {}", ["+1"; 32].join(":")),
        ] {
            assert_eq!(bad.parse::<Fingerprint>(), Err(PeerError::BadFingerprint), "{bad}");
        }
    }
}
