//! A context that is saved and restored in mid-stream goes on as if nothing
//! had happened: same bytes out, same packets in, same replays refused.

use sfu_core::wire::srtp::{
    Inbound, InboundSnapshot, Outbound, OutboundSnapshot, SrtpError, SrtpKeyError, SrtpProfile,
};

const PROFILES: [SrtpProfile; 3] = SrtpProfile::ALL;

fn contexts(profile: SrtpProfile) -> (Outbound, Inbound) {
    let (key, salt) = (vec![0x77; profile.key_len()], vec![0x11; profile.salt_len()]);
    let outbound = Outbound::new(profile, &key, &salt).unwrap();
    (outbound, Inbound::new(profile, &key, &salt).unwrap())
}

fn rtp(ssrc: u32, seq: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(seq.to_be_bytes());
    packet.extend([0, 1, 2, 3]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend(seq.to_le_bytes().repeat(20));
    packet
}

fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x81, 206, 0, 2];
    packet.extend(ssrc.to_be_bytes());
    packet.extend([1, 2, 3, 4]);
    packet
}

fn seal(outbound: &mut Outbound, plain: &[u8], rtcp: bool) -> Vec<u8> {
    let mut packet = plain.to_vec();
    packet.resize(plain.len() + Outbound::MAX_OVERHEAD, 0);
    let len = if rtcp {
        outbound.protect_rtcp(&mut packet, plain.len())
    } else {
        outbound.protect_rtp(&mut packet, plain.len())
    };
    packet.truncate(len.unwrap());
    packet
}

fn open(inbound: &mut Inbound, sealed: &[u8], rtcp: bool) -> Result<Vec<u8>, SrtpError> {
    let mut packet = sealed.to_vec();
    let len = if rtcp {
        inbound.unprotect_rtcp(&mut packet)?
    } else {
        inbound.unprotect_rtp(&mut packet)?
    };
    packet.truncate(len);
    Ok(packet)
}

fn saved_and_restored(outbound: &Outbound, inbound: &Inbound) -> (Outbound, Inbound) {
    let out = postcard::to_stdvec(&outbound.snapshot()).unwrap();
    let out: OutboundSnapshot = postcard::from_bytes(&out).unwrap();
    let inn = serde_json::to_string(&inbound.snapshot()).unwrap();
    let inn: InboundSnapshot = serde_json::from_str(&inn).unwrap();
    (Outbound::restore(out).unwrap(), Inbound::restore(inn).unwrap())
}

#[test]
fn a_restored_pair_continues_the_original_through_a_wrap() {
    for profile in PROFILES {
        let (mut outbound, mut inbound) = contexts(profile);
        let mut sealed = Vec::new();
        let seqs = || (65_000..=65_535).chain(0..400u16);
        for (number, seq) in seqs().enumerate() {
            for ssrc in [1, 2] {
                sealed.push(seal(&mut outbound, &rtp(ssrc, seq), false));
                // Every ninth packet is lost for now.
                if number % 9 != 0 || number == 0 {
                    open(&mut inbound, sealed.last().unwrap(), false).unwrap();
                }
            }
            let report = seal(&mut outbound, &rtcp(1), true);
            open(&mut inbound, &report, true).unwrap();
        }

        let (mut outbound2, mut inbound2) = saved_and_restored(&outbound, &inbound);
        assert_eq!(outbound2.snapshot(), outbound.snapshot());
        assert_eq!(inbound2.snapshot(), inbound.snapshot());

        // The past: the same packets are late, and the same are replays.
        let mut accepted = 0;
        for packet in &sealed {
            let expected = open(&mut inbound, packet, false);
            accepted += usize::from(expected.is_ok());
            assert_eq!(open(&mut inbound2, packet, false), expected);
        }
        assert_eq!(accepted, 2 * seqs().count().div_ceil(9) - 2);

        // The future: the same bytes, and they open.
        for seq in 400..600 {
            let plain = rtp(1, seq);
            let packet = seal(&mut outbound, &plain, false);
            assert_eq!(seal(&mut outbound2, &plain, false), packet);
            assert_eq!(open(&mut inbound2, &packet, false), Ok(plain));
        }
        let report = seal(&mut outbound, &rtcp(1), true);
        assert_eq!(seal(&mut outbound2, &rtcp(1), true), report);
        assert_eq!(open(&mut inbound2, &report, true), Ok(rtcp(1)));
    }
}

#[test]
fn a_snapshot_with_a_key_of_another_profile_is_refused() {
    let (_, inbound) = contexts(SrtpProfile::AeadAes128Gcm);
    let json = serde_json::to_string(&inbound.snapshot()).unwrap();
    let other = json.replace("AEAD_AES_128_GCM", "AEAD_AES_256_GCM");
    assert_ne!(json, other);
    let snapshot: InboundSnapshot = serde_json::from_str(&other).unwrap();
    let error = Inbound::restore(snapshot).unwrap_err();
    assert_eq!(error, SrtpKeyError::KeyLength { expected: 32, actual: 16 });
}
