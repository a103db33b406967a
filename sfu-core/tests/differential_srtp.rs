//! Our SRTP against an independent implementation, in both directions and for
//! each profile, over valid traffic.

use proptest::prelude::*;
use sfu_core::wire::srtp::{Inbound, Outbound, SrtpProfile};
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

const PROFILES: [(SrtpProfile, ProtectionProfile); 3] = [
    (SrtpProfile::AeadAes128Gcm, ProtectionProfile::AeadAes128Gcm),
    (SrtpProfile::AeadAes256Gcm, ProtectionProfile::AeadAes256Gcm),
    (SrtpProfile::AesCm128HmacSha1_80, ProtectionProfile::Aes128CmHmacSha1_80),
];

struct Pair {
    outbound: Outbound,
    inbound: Inbound,
    oracle_out: Context,
    oracle_in: Context,
}

impl Pair {
    fn new((ours, theirs): (SrtpProfile, ProtectionProfile), seed: u8) -> Self {
        let key: Vec<u8> = (0..ours.key_len() as u8).map(|i| i.wrapping_mul(37) ^ seed).collect();
        let salt: Vec<u8> = (0..ours.salt_len() as u8).map(|i| i.wrapping_add(seed)).collect();
        let oracle = || Context::new(&key, &salt, theirs, None, None).unwrap();
        Self {
            outbound: Outbound::new(ours, &key, &salt).unwrap(),
            inbound: Inbound::new(ours, &key, &salt).unwrap(),
            oracle_out: oracle(),
            oracle_in: oracle(),
        }
    }

    fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut packet = plain.to_vec();
        packet.resize(plain.len() + Outbound::MAX_OVERHEAD, 0);
        let len = self.outbound.protect_rtp(&mut packet, plain.len()).unwrap();
        packet.truncate(len);
        packet
    }

    fn seal_rtcp(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut packet = plain.to_vec();
        packet.resize(plain.len() + Outbound::MAX_OVERHEAD, 0);
        let len = self.outbound.protect_rtcp(&mut packet, plain.len()).unwrap();
        packet.truncate(len);
        packet
    }

    fn open(&mut self, sealed: &[u8]) -> Vec<u8> {
        let mut packet = sealed.to_vec();
        let len = self.inbound.unprotect_rtp(&mut packet).unwrap();
        packet.truncate(len);
        packet
    }

    fn open_rtcp(&mut self, sealed: &[u8]) -> Vec<u8> {
        let mut packet = sealed.to_vec();
        let len = self.inbound.unprotect_rtcp(&mut packet).unwrap();
        packet.truncate(len);
        packet
    }
}

fn rtp(ssrc: u32, seq: u16, extension: bool, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![if extension { 0x90 } else { 0x80 }, 96];
    packet.extend(seq.to_be_bytes());
    packet.extend([0, 1, 2, 3]);
    packet.extend(ssrc.to_be_bytes());
    if extension {
        // One-byte elements: id 1 with two bytes, then padding.
        packet.extend([0xbe, 0xde, 0, 1, 0x11, 0xaa, 0xbb, 0]);
    }
    packet.extend(payload);
    packet
}

fn rtcp(ssrc: u32, body: &[u8]) -> Vec<u8> {
    let words = body.len() / 4;
    let mut packet = vec![0x80, 204, 0, 1 + words as u8];
    packet.extend(ssrc.to_be_bytes());
    packet.extend(&body[..words * 4]);
    packet
}

/// The first indices that each side sends and then a wrap, several SSRCs: the
/// same bytes from both, and each opens the other's.
#[test]
fn both_make_the_same_bytes_through_a_wrap() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile, 0x21);
        let seqs = (65_000..=65_535).chain(0..=65_535u16).step_by(7);
        for (number, seq) in seqs.enumerate() {
            let ssrc = [0xcafe_babe, 1][number % 2];
            let plain = rtp(ssrc, seq, number % 3 == 0, &[number as u8; 40]);
            let theirs = pair.oracle_out.encrypt_rtp(&plain).unwrap();
            assert_eq!(pair.seal(&plain), theirs, "{:?} {seq}", profile.0);
            assert_eq!(pair.open(&theirs), plain);
            assert_eq!(pair.oracle_in.decrypt_rtp(&theirs).unwrap(), plain);
        }
    }
}

/// The oracle counts SRTCP from 1 and we from 0, so each opens the other's and
/// from our second packet on the bytes are the same.
#[test]
fn rtcp_opens_in_both_directions_and_has_the_same_bytes() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile, 0x42);
        let plain = rtcp(7, &[3; 24]);
        let mut ours = pair.seal_rtcp(&plain);
        for _ in 0..100 {
            assert_eq!(pair.oracle_in.decrypt_rtcp(&ours).unwrap(), plain);
            let theirs = pair.oracle_out.encrypt_rtcp(&plain).unwrap();
            assert_eq!(pair.open_rtcp(&theirs), plain);
            ours = pair.seal_rtcp(&plain);
            assert_eq!(ours, theirs);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Random sizes, several streams, loss and reordering by a few packets.
    #[test]
    fn each_opens_what_the_other_sealed(
        profile in 0usize..3,
        seed: u8,
        start in prop_oneof![Just(65_500u16), any::<u16>()],
        packets in prop::collection::vec(
            (0u32..3, 1u16..20, any::<bool>(), prop::collection::vec(any::<u8>(), 1..300), 0u8..5),
            1..60,
        ),
    ) {
        let mut pair = Pair::new(PROFILES[profile], seed);
        let mut next = [start; 3];
        let mut held = None;
        for (number, (ssrc, gap, extension, payload, fate)) in packets.into_iter().enumerate() {
            let seq = &mut next[ssrc as usize];
            let first = *seq == start;
            let plain = rtp(ssrc + 1, *seq, extension, &payload);
            *seq = seq.wrapping_add(gap);
            let ours = pair.seal(&plain);
            let theirs = pair.oracle_out.encrypt_rtp(&plain).unwrap();
            prop_assert_eq!(&ours[..], &theirs[..]);
            // The first packet of a stream tells the receiver its cycle.
            match fate {
                0 if !first => {}
                1 if !first && held.is_none() => held = Some((plain, ours)),
                _ => {
                    prop_assert_eq!(pair.oracle_in.decrypt_rtp(&ours).unwrap(), &plain[..]);
                    prop_assert_eq!(pair.open(&theirs), plain);
                    if let Some((plain, sealed)) = held.take() {
                        prop_assert_eq!(pair.oracle_in.decrypt_rtp(&sealed).unwrap(), &plain[..]);
                        prop_assert_eq!(pair.open(&sealed), plain);
                    }
                }
            }
            if number % 5 == 0 {
                let plain = rtcp(ssrc + 1, &payload);
                let ours = pair.seal_rtcp(&plain);
                prop_assert_eq!(pair.oracle_in.decrypt_rtcp(&ours).unwrap(), &plain[..]);
                let theirs = pair.oracle_out.encrypt_rtcp(&plain).unwrap();
                prop_assert_eq!(pair.open_rtcp(&theirs), plain);
            }
        }
    }
}
