//! A look into a ClientHello before the handshake begins.
//!
//! Tells what the client offers in `use_srtp` and `supported_versions`, so
//! that the session can pick the version under which our order of SRTP
//! profiles counts. Total, bounded and without allocation; a ClientHello in
//! several fragments gives no answer.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)]

use super::SrtpProfile;

const HANDSHAKE_RECORD: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const EXTENSION_USE_SRTP: u16 = 14;
const EXTENSION_SUPPORTED_VERSIONS: u16 = 43;
const DTLS_1_2: u16 = 0xFEFD;
const DTLS_1_3: u16 = 0xFEFC;

/// What the client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// The first SRTP profile in the client's list that we allow.
    first_allowed: Option<SrtpProfile>,
    /// The allowed profile that comes first in our list.
    pub(super) best_allowed: Option<SrtpProfile>,
    /// Whether the client speaks DTLS 1.2.
    dtls12: bool,
    /// Whether `supported_versions` has DTLS 1.3.
    dtls13: bool,
}

impl Offer {
    /// Whether to answer with DTLS 1.3, under which the client's first profile
    /// is taken: yes if that costs no AEAD, or the client speaks nothing else.
    pub(super) fn prefers_dtls13(&self) -> bool {
        let aead = |profile: Option<SrtpProfile>| profile.is_some_and(SrtpProfile::is_aead);
        self.dtls13 && (!self.dtls12 || aead(self.first_allowed) || !aead(self.best_allowed))
    }
}

/// Reads the first record of a datagram. `allowed` is in our order.
pub(super) fn peek(datagram: &[u8], allowed: &[SrtpProfile]) -> Option<Offer> {
    let mut input = Reader(datagram);
    if input.u8()? != HANDSHAKE_RECORD {
        return None;
    }
    // Version, epoch and sequence number of the record.
    input.take(10)?;
    let mut record = input.vec16()?;
    if record.u8()? != CLIENT_HELLO {
        return None;
    }
    let length = record.u24()?;
    let _message_seq = record.u16()?;
    let (offset, fragment) = (record.u24()?, record.u24()?);
    if offset != 0 || fragment != length {
        return None;
    }
    let mut hello = Reader(record.take(length)?);
    // Version and random.
    hello.take(34)?;
    let _session_id = hello.vec8()?;
    let _cookie = hello.vec8()?;
    let _cipher_suites = hello.vec16()?;
    let _compression = hello.vec8()?;
    let mut extensions = hello.vec16()?;
    let mut offer = Offer { first_allowed: None, best_allowed: None, dtls12: true, dtls13: false };
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let mut value = extensions.vec16()?;
        match kind {
            EXTENSION_USE_SRTP => {
                let offered = value.vec16()?;
                let offers =
                    |profile| offered.u16s().any(|id| Some(profile) == SrtpProfile::from_id(id));
                offer.best_allowed = allowed.iter().copied().find(|profile| offers(*profile));
                offer.first_allowed =
                    offered.u16s().filter_map(SrtpProfile::from_id).find(|p| allowed.contains(p));
            }
            EXTENSION_SUPPORTED_VERSIONS => {
                let versions = value.vec8()?;
                offer.dtls12 = versions.u16s().any(|version| version == DTLS_1_2);
                offer.dtls13 = versions.u16s().any(|version| version == DTLS_1_3);
            }
            _ => {}
        }
    }
    Some(offer)
}

/// Takes from the front of a slice.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(front)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn u24(&mut self) -> Option<usize> {
        let high = usize::from(self.u8()?);
        Some(high << 16 | usize::from(self.u16()?))
    }

    fn vec8(&mut self) -> Option<Self> {
        let len = usize::from(self.u8()?);
        self.take(len).map(Reader)
    }

    fn vec16(&mut self) -> Option<Self> {
        let len = usize::from(self.u16()?);
        self.take(len).map(Reader)
    }

    fn u16s(&self) -> impl Iterator<Item = u16> + 'a {
        self.0.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hello(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let mut body = vec![0xFE, 0xFD];
        body.extend([7; 32]);
        body.extend([0, 0]);
        body.extend([0, 2, 0xC0, 0x2B]);
        body.extend([1, 0]);
        let mut block = Vec::new();
        for (kind, value) in extensions {
            block.extend(kind.to_be_bytes());
            block.extend((value.len() as u16).to_be_bytes());
            block.extend(value);
        }
        body.extend((block.len() as u16).to_be_bytes());
        body.extend(block);
        let len = &(body.len() as u32).to_be_bytes()[1..];
        let mut message = vec![CLIENT_HELLO];
        message.extend(len);
        message.extend([0, 0, 0, 0, 0]);
        message.extend(len);
        message.extend(body);
        let mut record = vec![HANDSHAKE_RECORD, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0];
        record.extend((message.len() as u16).to_be_bytes());
        record.extend(message);
        record
    }

    #[test]
    fn both_orders_are_seen() {
        let hello = hello(&[
            (EXTENSION_USE_SRTP, vec![0, 8, 0x99, 0x99, 0, 1, 0, 8, 0, 7, 0]),
            (EXTENSION_SUPPORTED_VERSIONS, vec![4, 0xFE, 0xFC, 0xFE, 0xFD]),
        ]);
        let offer = peek(&hello, &SrtpProfile::ALL).unwrap();
        assert_eq!(offer.first_allowed, Some(SrtpProfile::AesCm128HmacSha1_80));
        assert_eq!(offer.best_allowed, Some(SrtpProfile::AeadAes128Gcm));
        assert!(offer.dtls12 && offer.dtls13);

        let gcm = [SrtpProfile::AeadAes256Gcm];
        let offer = peek(&hello, &gcm).unwrap();
        assert_eq!(offer.first_allowed, Some(gcm[0]));
    }

    #[test]
    fn a_hello_without_extensions_offers_nothing() {
        let offer = peek(&hello(&[]), &SrtpProfile::ALL).unwrap();
        let none = Offer { first_allowed: None, best_allowed: None, dtls12: true, dtls13: false };
        assert_eq!(offer, none);
    }

    #[test]
    fn dtls13_is_taken_when_it_costs_no_aead() {
        let prefers = |profiles: &[u16], versions: &[u16]| {
            let bytes = |list: &[u16]| -> Vec<u8> {
                list.iter().flat_map(|value| value.to_be_bytes()).collect()
            };
            let mut srtp = ((profiles.len() * 2) as u16).to_be_bytes().to_vec();
            srtp.extend(bytes(profiles));
            srtp.push(0);
            let mut supported = vec![(versions.len() * 2) as u8];
            supported.extend(bytes(versions));
            let hello =
                hello(&[(EXTENSION_USE_SRTP, srtp), (EXTENSION_SUPPORTED_VERSIONS, supported)]);
            peek(&hello, &SrtpProfile::ALL).unwrap().prefers_dtls13()
        };
        let both = [DTLS_1_3, DTLS_1_2];
        assert!(prefers(&[8, 7, 1], &both));
        assert!(prefers(&[7, 1], &both));
        assert!(prefers(&[1], &both));
        assert!(!prefers(&[1, 7], &both));
        assert!(!prefers(&[2, 1, 8], &both));
        assert!(prefers(&[1, 7], &[DTLS_1_3]));
        assert!(!prefers(&[7], &[DTLS_1_2]));
    }

    #[test]
    fn fragments_and_other_messages_give_no_answer() {
        let whole = hello(&[]);
        let mut fragment = whole.clone();
        fragment[13 + 3] += 1;
        assert_eq!(peek(&fragment, &SrtpProfile::ALL), None);
        let mut other = whole.clone();
        other[13] = 2;
        assert_eq!(peek(&other, &SrtpProfile::ALL), None);
        for len in 0..whole.len() {
            assert_eq!(peek(&whole[..len], &SrtpProfile::ALL), None, "{len}");
        }
    }

    proptest! {
        #[test]
        fn mutations_never_panic(at in 0usize..90, value: u8, cut in 0usize..100) {
            let mut bytes = hello(&[
                (EXTENSION_USE_SRTP, vec![0, 2, 0, 7, 0]),
                (EXTENSION_SUPPORTED_VERSIONS, vec![2, 0xFE, 0xFC]),
            ]);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            bytes.truncate(cut);
            let _ = peek(&bytes, &SrtpProfile::ALL);
        }
    }
}
