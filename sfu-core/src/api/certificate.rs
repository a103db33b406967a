//! A certificate from elsewhere, as PEM (RFC 7468).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use sfu_ice::Certificate;

use super::error::{Error, ErrorKind, Result};

/// The curve P-256 by its object identifier (RFC 5480 §2.1.1.1), in DER.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// What precedes an EC private key (RFC 5915) in PKCS#8 (RFC 5958): version 0,
/// and the algorithm "EC key on P-256".
const PKCS8_HEAD: &[u8] = &[
    0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
    0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
];
/// Longer keys are none of this curve.
const MAX_KEY: usize = 1_024;

/// A text that is not to be shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(pub(super) String);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The certificate of these two texts.
pub(super) fn from_pem(certificate: &str, private_key: &Secret) -> Result<Certificate> {
    let invalid = |message| Error::new(ErrorKind::InvalidParameters, message);
    let der = block(certificate, "CERTIFICATE")
        .ok_or_else(|| invalid("certificate: expected PEM with a CERTIFICATE"))?;
    let Secret(text) = private_key;
    let key = match (block(text, "PRIVATE KEY"), block(text, "EC PRIVATE KEY")) {
        (Some(pkcs8), _) => pkcs8,
        (None, Some(sec1)) if sec1.len() <= MAX_KEY => pkcs8(&sec1),
        (None, Some(_)) => return Err(curve()),
        (None, None) if block(text, "RSA PRIVATE KEY").is_some() => return Err(curve()),
        (None, None) => {
            let message = "privateKey: expected PEM with a PRIVATE KEY or an EC PRIVATE KEY that \
                           is not encrypted";
            return Err(invalid(message));
        }
    };
    if !key.windows(P256.len()).any(|window| window == P256) {
        return Err(curve());
    }
    Certificate::from_der(der, key).map_err(|_| {
        let message = "privateKey: expected the key of the certificate";
        Error::new(ErrorKind::Crypto, message)
    })
}

fn curve() -> Error {
    let message = "privateKey: expected an EC key on the curve P-256";
    Error::new(ErrorKind::Incompatible, message)
}

/// The first block with this label, decoded.
fn block(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body: String = body.chars().filter(|char| !char.is_ascii_whitespace()).collect();
    STANDARD.decode(body).ok().filter(|der| !der.is_empty())
}

/// An EC private key in the form that says which kind of key it is.
fn pkcs8(sec1: &[u8]) -> Vec<u8> {
    let key = [tag(0x04, sec1.len()).as_slice(), sec1].concat();
    [tag(0x30, PKCS8_HEAD.len() + key.len()).as_slice(), PKCS8_HEAD, &key].concat()
}

/// Tag and length in DER, of less than 65,536 bytes.
fn tag(tag: u8, len: usize) -> Vec<u8> {
    let [.., high, low] = len.to_be_bytes();
    match len {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    }
}

#[cfg(test)]
mod tests {
    use sfu_ice::Random;

    use super::*;

    fn pem(label: &str, der: &[u8]) -> String {
        let text = STANDARD.encode(der);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {label}-----\r\n{}\r\n-----END {label}-----\r\n", lines.join("\r\n"))
    }

    fn certificate(seed: u8) -> Certificate {
        Certificate::generate(&mut Random::from_seed([seed; 32])).unwrap()
    }

    #[test]
    fn both_forms_of_a_key_are_read() {
        let made = certificate(1);
        let text = pem("CERTIFICATE", made.der());
        let key = made.private_key_der();
        // What is inside of PKCS#8 is the older form.
        let start = key.windows(2).rposition(|window| window == [0x30, 0x6b]).unwrap();
        let parameters =
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        let older = parameters.to_owned() + &pem("EC PRIVATE KEY", &key[start..]);
        for key in [pem("PRIVATE KEY", key), older] {
            let read = from_pem(&format!("a comment\n{text}"), &Secret(key)).unwrap();
            assert_eq!(read.fingerprints(), made.fingerprints());
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        let (made, other) = (certificate(1), certificate(2));
        let text = pem("CERTIFICATE", made.der());
        let key = pem("PRIVATE KEY", made.private_key_der());
        let kind = |certificate: &str, key: &str| {
            let error = from_pem(certificate, &Secret(key.to_owned())).unwrap_err();
            (error.kind(), error.to_string())
        };
        let (no_certificate, message) = kind(&key, &key);
        assert_eq!(no_certificate, ErrorKind::InvalidParameters);
        assert!(message.starts_with("certificate: "), "{message}");
        let broken = text.replacen('M', "!", 1);
        assert_eq!(kind(&broken, &key).0, ErrorKind::InvalidParameters);
        for wrong in ["", &text, &pem("ENCRYPTED PRIVATE KEY", &[1, 2, 3])] {
            let (kind, message) = kind(&text, wrong);
            assert_eq!(kind, ErrorKind::InvalidParameters);
            assert!(message.starts_with("privateKey: "), "{message}");
        }
        for other in ["RSA PRIVATE KEY", "PRIVATE KEY"] {
            let rsa = pem(other, &[0x30, 0x82, 0x04, 0xa4, 0x02, 0x01, 0x00]);
            assert_eq!(kind(&text, &rsa).0, ErrorKind::Incompatible);
        }
        let foreign = pem("PRIVATE KEY", other.private_key_der());
        assert_eq!(kind(&text, &foreign).0, ErrorKind::Crypto);
        assert_eq!(format!("{:?}", Secret(key)), "…");
    }
}
