//! Whole packets from master key to wire, against published packets of the
//! reference implementation. The vectors of RFC 3711, 6188 and 7714 start from
//! session keys and are checked beside the code.

use sfu_core::wire::srtp::{Inbound, Outbound, SrtpProfile};

const RTP: &str = "800f1234 decafbad cafebabe abababab abababab abababab abababab";
const RTCP: &str = "81c8000b cafebabe abababab abababab abababab abababab";

struct Vector {
    profile: SrtpProfile,
    key: &'static str,
    salt: &'static str,
    srtp: &'static str,
    /// With SRTCP index 1.
    srtcp: &'static str,
}

const VECTORS: [Vector; 2] = [
    Vector {
        profile: SrtpProfile::AesCm128HmacSha1_80,
        key: "e1f97a0d 3e018be0 d64fa32c 06de4139",
        salt: "0ec675ad 498afeeb b6960b3a abe6",
        srtp: "800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402
               b78d6acc 99ea179b 8dbb",
        srtcp: "81c8000b cafebabe 7128035b e487b9bd bef89041 f977a5a8 80000001
                993e08cd 54d6c123 0798",
    },
    Vector {
        profile: SrtpProfile::AeadAes128Gcm,
        key: "00010203 04050607 08090a0b 0c0d0e0f",
        salt: "a0a1a2a3 a4a5a6a7 a8a9aaab",
        srtp: "800f1234 decafbad cafebabe c5002ede 04cfdd2e b91159e0 880aa06e
               d2976826 f796b201 df3131a1 27e8a392",
        srtcp: "81c8000b cafebabe c98b8b5d f0392a55 852b6c21 ac8e7025 c52c6fbe
                a2b3b446 ea31123b a88ce61e 80000001",
    },
];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

fn with_room(plain: &[u8]) -> Vec<u8> {
    let mut packet = plain.to_vec();
    packet.resize(plain.len() + Outbound::MAX_OVERHEAD, 0);
    packet
}

#[test]
fn packets_are_sealed_to_the_byte() {
    for vector in &VECTORS {
        let mut outbound =
            Outbound::new(vector.profile, &hex(vector.key), &hex(vector.salt)).unwrap();
        let mut packet = with_room(&hex(RTP));
        let len = outbound.protect_rtp(&mut packet, hex(RTP).len()).unwrap();
        assert_eq!(packet[..len], hex(vector.srtp), "{:?}", vector.profile);

        // Ours begin with index 0.
        outbound.protect_rtcp(&mut with_room(&hex(RTCP)), hex(RTCP).len()).unwrap();
        let mut packet = with_room(&hex(RTCP));
        let len = outbound.protect_rtcp(&mut packet, hex(RTCP).len()).unwrap();
        assert_eq!(packet[..len], hex(vector.srtcp), "{:?}", vector.profile);
    }
}

#[test]
fn published_packets_open() {
    for vector in &VECTORS {
        let mut inbound =
            Inbound::new(vector.profile, &hex(vector.key), &hex(vector.salt)).unwrap();
        let mut packet = hex(vector.srtp);
        let len = inbound.unprotect_rtp(&mut packet).unwrap();
        assert_eq!(packet[..len], hex(RTP));
        let mut packet = hex(vector.srtcp);
        let len = inbound.unprotect_rtcp(&mut packet).unwrap();
        assert_eq!(packet[..len], hex(RTCP));
    }
}
