use proptest::prelude::*;

use super::*;

const PROFILES: [SrtpProfile; 3] = SrtpProfile::ALL;

fn contexts(profile: SrtpProfile) -> (Outbound, Inbound) {
    let key = vec![0x5a; profile.key_len()];
    let salt: Vec<u8> = (0..profile.salt_len() as u8).collect();
    let outbound = Outbound::new(profile, &key, &salt).unwrap();
    (outbound, Inbound::new(profile, &key, &salt).unwrap())
}

fn rtp(ssrc: u32, seq: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(seq.to_be_bytes());
    packet.extend([0, 1, 2, 3]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

/// A PLI.
fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x81, 206, 0, 2];
    packet.extend(ssrc.to_be_bytes());
    packet.extend([9, 9, 9, 9]);
    packet
}

fn seal(outbound: &mut Outbound, plain: &[u8]) -> Vec<u8> {
    try_seal(outbound, plain).unwrap()
}

fn try_seal(outbound: &mut Outbound, plain: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut packet = plain.to_vec();
    packet.resize(plain.len() + Outbound::MAX_OVERHEAD, 0);
    let len = outbound.protect_rtp(&mut packet, plain.len())?;
    packet.truncate(len);
    Ok(packet)
}

fn seal_rtcp(outbound: &mut Outbound, plain: &[u8]) -> Vec<u8> {
    let mut packet = plain.to_vec();
    packet.resize(plain.len() + Outbound::MAX_OVERHEAD, 0);
    let len = outbound.protect_rtcp(&mut packet, plain.len()).unwrap();
    packet.truncate(len);
    packet
}

fn open(inbound: &mut Inbound, sealed: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut packet = sealed.to_vec();
    let len = inbound.unprotect_rtp(&mut packet)?;
    packet.truncate(len);
    Ok(packet)
}

fn open_rtcp(inbound: &mut Inbound, sealed: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut packet = sealed.to_vec();
    let len = inbound.unprotect_rtcp(&mut packet)?;
    packet.truncate(len);
    Ok(packet)
}

#[test]
fn every_flipped_bit_is_noticed_and_leaves_no_trace() {
    for profile in PROFILES {
        let (mut outbound, mut inbound) = contexts(profile);
        let plain = rtp(7, 1000, b"payload");
        let sealed = seal(&mut outbound, &plain);
        let sealed_rtcp = seal_rtcp(&mut outbound, &rtcp(7));
        let before = inbound.snapshot();
        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&mut inbound, &forged).is_err(), "{profile:?} bit {bit}");
        }
        for bit in 0..sealed_rtcp.len() * 8 {
            let mut forged = sealed_rtcp.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(open_rtcp(&mut inbound, &forged).is_err(), "{profile:?} RTCP bit {bit}");
        }
        assert_eq!(inbound.snapshot(), before);
        assert_eq!(open(&mut inbound, &sealed), Ok(plain));
        assert_eq!(open_rtcp(&mut inbound, &sealed_rtcp), Ok(rtcp(7)));
    }
}

#[test]
fn a_replay_is_refused_and_so_is_what_is_behind_the_window() {
    for profile in PROFILES {
        let (mut outbound, mut inbound) = contexts(profile);
        let sealed: Vec<_> = (0..2000).map(|seq| seal(&mut outbound, &rtp(7, seq, b"x"))).collect();
        assert!(open(&mut inbound, &sealed[1500]).is_ok());
        assert_eq!(open(&mut inbound, &sealed[1500]), Err(SrtpError::Replayed));
        assert_eq!(open(&mut inbound, &sealed[1500 - 1024]), Err(SrtpError::TooOld));
        assert!(open(&mut inbound, &sealed[1500 - 1023]).is_ok());
        assert_eq!(open(&mut inbound, &sealed[1500 - 1023]), Err(SrtpError::Replayed));

        let reports: Vec<_> = (0..4).map(|_| seal_rtcp(&mut outbound, &rtcp(7))).collect();
        for index in [0, 3, 1, 2] {
            assert!(open_rtcp(&mut inbound, &reports[index]).is_ok());
        }
        for report in &reports {
            assert_eq!(open_rtcp(&mut inbound, report), Err(SrtpError::Replayed));
        }
    }
}

#[test]
fn a_forged_srtcp_index_does_not_move_the_window() {
    for profile in PROFILES {
        let (mut outbound, mut inbound) = contexts(profile);
        let first = seal_rtcp(&mut outbound, &rtcp(7));
        assert!(open_rtcp(&mut inbound, &first).is_ok());
        let next = seal_rtcp(&mut outbound, &rtcp(7));
        let before = inbound.snapshot();
        let word = if profile == SrtpProfile::AesCm128HmacSha1_80 { 14 } else { 4 };
        for e_bit in [0x80, 0x00] {
            let mut forged = next.clone();
            let at = forged.len() - word;
            forged[at..at + 4].copy_from_slice(&[e_bit | 0x7f, 0xff, 0xff, 0xff]);
            assert_eq!(open_rtcp(&mut inbound, &forged), Err(SrtpError::Authentication));
            // A plaintext that claims not to be encrypted, with a tag of noise.
            let mut forged = rtcp(7);
            forged.resize(next.len(), 0xa5);
            forged[at..at + 4].copy_from_slice(&[e_bit, 0, 1, 0]);
            assert_eq!(open_rtcp(&mut inbound, &forged), Err(SrtpError::Authentication));
        }
        assert_eq!(inbound.snapshot(), before);
        assert!(open_rtcp(&mut inbound, &next).is_ok());
    }
}

#[test]
fn forgeries_do_not_fill_the_table() {
    for profile in PROFILES {
        let (mut outbound, mut inbound) = contexts(profile);
        let sealed = seal(&mut outbound, &rtp(7, 1, b"x"));
        let report = seal_rtcp(&mut outbound, &rtcp(7));
        for ssrc in 100..5000u32 {
            let mut forged = sealed.clone();
            forged[8..12].copy_from_slice(&ssrc.to_be_bytes());
            assert_eq!(open(&mut inbound, &forged), Err(SrtpError::Authentication));
            let mut forged = report.clone();
            forged[4..8].copy_from_slice(&ssrc.to_be_bytes());
            assert_eq!(open_rtcp(&mut inbound, &forged), Err(SrtpError::Authentication));
        }
        assert_eq!(inbound.ssrc_count(), 0);
        assert_eq!(inbound.snapshot(), contexts(profile).1.snapshot());
    }
}

#[test]
fn sixty_four_live_ssrcs_are_served_and_the_next_is_refused() {
    let (mut outbound, mut inbound) = contexts(SrtpProfile::AeadAes128Gcm);
    for ssrc in 0..64 {
        assert!(open(&mut inbound, &seal(&mut outbound, &rtp(ssrc, 1, b"x"))).is_ok());
    }
    let refused = seal(&mut outbound, &rtp(64, 1, b"x"));
    assert_eq!(open(&mut inbound, &refused), Err(SrtpError::SsrcLimit));
    for seq in 2..1100 {
        assert!(open(&mut inbound, &seal(&mut outbound, &rtp(5, seq, b"x"))).is_ok());
    }
    assert!(open(&mut inbound, &refused).is_ok(), "idle ones give way");
    assert_eq!(inbound.ssrc_count(), 64);
}

#[test]
fn a_late_packet_before_a_wrap_is_sealed_under_its_own_cycle() {
    for profile in PROFILES {
        let (mut outbound, mut inbound) = contexts(profile);
        for seq in [65_530, 65_531, 65_535, 0, 1, 65_533, 2, 65_534] {
            let plain = rtp(7, seq, &seq.to_be_bytes());
            assert_eq!(open(&mut inbound, &seal(&mut outbound, &plain)), Ok(plain));
        }
    }
}

#[test]
fn no_index_is_sealed_twice_unless_the_caller_vouches() {
    for profile in PROFILES {
        let (mut outbound, _) = contexts(profile);
        let first = seal(&mut outbound, &rtp(7, 10, b"one"));
        seal(&mut outbound, &rtp(7, 11, b"two"));
        assert_eq!(try_seal(&mut outbound, &rtp(7, 10, b"new")), Err(SrtpError::Replayed));
        let plain = rtp(7, 10, b"one");
        let mut packet = plain.clone();
        packet.resize(plain.len() + Outbound::MAX_OVERHEAD, 0);
        let len = outbound.protect_rtp_again(&mut packet, plain.len()).unwrap();
        assert_eq!(packet[..len], first);
        seal(&mut outbound, &rtp(7, 2000, b"far ahead"));
        assert_eq!(outbound.protect_rtp_again(&mut packet, plain.len()), Err(SrtpError::TooOld));
    }
}

#[test]
fn a_key_is_not_used_beyond_its_limits() {
    for profile in PROFILES {
        let (mut outbound, mut inbound) = contexts(profile);
        outbound.skip_rtcp_to(Outbound::RTCP_PACKETS - 1);
        let last = seal_rtcp(&mut outbound, &rtcp(7));
        assert!(open_rtcp(&mut inbound, &last).is_ok());
        let mut packet = [0x80; 64];
        assert_eq!(outbound.protect_rtcp(&mut packet, 12), Err(SrtpError::KeyExhausted));

        let last = (1 << 48) - 1;
        outbound.place_rtp_at(crate::wire::Ssrc(7), last - 1);
        inbound.place_rtp_at(crate::wire::Ssrc(7), last - 1);
        let sealed = seal(&mut outbound, &rtp(7, 65_535, b"the last"));
        assert!(open(&mut inbound, &sealed).is_ok());
        let beyond = rtp(7, 0, b"one more");
        assert_eq!(try_seal(&mut outbound, &beyond), Err(SrtpError::KeyExhausted));
        assert_eq!(
            open(&mut inbound, &[&beyond[..], &[0; 16]].concat()),
            Err(SrtpError::KeyExhausted)
        );
    }
}

#[test]
fn a_buffer_without_room_is_refused_before_anything_happens() {
    for profile in PROFILES {
        let (mut outbound, _) = contexts(profile);
        let before = outbound.snapshot();
        let plain = rtp(7, 1, b"payload");
        let mut short = plain.clone();
        short.resize(plain.len() + outbound.rtp_overhead() - 1, 0);
        assert_eq!(outbound.protect_rtp(&mut short, plain.len()), Err(SrtpError::NoRoom));
        assert_eq!(outbound.protect_rtp(&mut short, usize::MAX), Err(SrtpError::NoRoom));
        assert_eq!(short[..plain.len()], plain);
        let mut short = rtcp(7);
        short.resize(12 + outbound.rtcp_overhead() - 1, 0);
        assert_eq!(outbound.protect_rtcp(&mut short, 12), Err(SrtpError::NoRoom));
        assert_eq!(outbound.protect_rtcp(&mut short, usize::MAX), Err(SrtpError::NoRoom));
        assert_eq!(outbound.protect_rtcp(&mut [0x80; 40], 7), Err(SrtpError::TooShort));
        assert_eq!(outbound.protect_rtp(&mut [0x80; 40], 11), Err(SrtpError::TooShort));
        assert_eq!(outbound.protect_rtp(&mut [0x40; 40], 12), Err(SrtpError::Malformed));
        assert_eq!(outbound.protect_rtp(&mut [0x9f; 80], 60), Err(SrtpError::Malformed));
        assert_eq!(outbound.snapshot(), before);
    }
}

#[test]
fn keys_of_a_wrong_length_are_named() {
    let error = Inbound::new(SrtpProfile::AeadAes256Gcm, &[0; 16], &[0; 12]).unwrap_err();
    assert_eq!(error, SrtpKeyError::KeyLength { expected: 32, actual: 16 });
    let error = Outbound::new(SrtpProfile::AeadAes128Gcm, &[0; 16], &[0; 14]).unwrap_err();
    assert_eq!(error, SrtpKeyError::SaltLength { expected: 12, actual: 14 });
}

/// Keys exported by one handshake: what each side sends, the other opens.
#[test]
fn the_two_sides_of_a_handshake_understand_each_other() {
    for profile in PROFILES {
        let material: Vec<u8> = (0..120).collect();
        let keys = |client| SrtpKeys::from_keying_material(profile, &material, client).unwrap();
        let (client, server) = (keys(true), keys(false));
        for (from, to) in [(&client, &server), (&server, &client)] {
            let mut outbound = Outbound::from_keys(from).unwrap();
            let mut inbound = Inbound::from_keys(to).unwrap();
            let plain = rtp(7, 1, b"x");
            let sealed = seal(&mut outbound, &plain);
            assert_eq!(open(&mut inbound, &sealed), Ok(plain));
            let mut own = Inbound::from_keys(from).unwrap();
            assert_eq!(open(&mut own, &sealed), Err(SrtpError::Authentication));
        }
    }
}

#[test]
fn keys_do_not_reach_debug_output() {
    let (outbound, inbound) = contexts(SrtpProfile::AeadAes128Gcm);
    let (out_snapshot, in_snapshot) = (outbound.snapshot(), inbound.snapshot());
    let text = format!("{outbound:?}{inbound:?}{out_snapshot:?}{in_snapshot:?}");
    assert!(text.contains("AeadAes128Gcm"));
    // 0x5a is 90.
    assert!(!text.contains("5a5a") && !text.contains("90, 90"), "{text}");
}

fn profile() -> impl Strategy<Value = SrtpProfile> {
    prop::sample::select(&PROFILES[..])
}

proptest! {
    #[test]
    fn whatever_is_sealed_opens_again(
        profile in profile(),
        csrcs in 0u8..16,
        extension in prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
        payload in prop::collection::vec(any::<u8>(), 0..1300),
        ssrc: u32,
        seq: u16,
    ) {
        let mut plain = rtp(ssrc, seq, &[]);
        plain[0] |= csrcs;
        plain.resize(12 + usize::from(csrcs) * 4, 0xcc);
        if let Some(words) = extension {
            plain[0] |= 0x10;
            plain.extend([0xbe, 0xde, 0, words.len() as u8]);
            plain.extend(words.iter().flat_map(|w| [*w; 4]));
        }
        let header = plain.len();
        plain.extend(&payload);
        let (mut outbound, mut inbound) = contexts(profile);
        let sealed = seal(&mut outbound, &plain);
        prop_assert_eq!(sealed.len(), plain.len() + outbound.rtp_overhead());
        prop_assert_eq!(&sealed[..header], &plain[..header]);
        prop_assert!(payload.len() < 8 || sealed[header..plain.len()] != plain[header..]);
        prop_assert_eq!(open(&mut inbound, &sealed), Ok(plain));
    }

    #[test]
    fn whatever_rtcp_is_sealed_opens_again(
        profile in profile(),
        ssrc: u32,
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut plain = rtcp(ssrc);
        plain.extend(body);
        let (mut outbound, mut inbound) = contexts(profile);
        let sealed = seal_rtcp(&mut outbound, &plain);
        prop_assert_eq!(sealed.len(), plain.len() + outbound.rtcp_overhead());
        prop_assert_eq!(open_rtcp(&mut inbound, &sealed), Ok(plain));
    }

    /// Noise of every short length, and with the look of RTP, gets an error
    /// and changes nothing.
    #[test]
    fn noise_is_refused(
        profile in profile(),
        noise in prop::collection::vec(any::<u8>(), 300),
        looks_like_rtp: bool,
    ) {
        let (_, mut inbound) = contexts(profile);
        let before = inbound.snapshot();
        let mut noise = noise;
        if looks_like_rtp {
            noise[0] = noise[0] & 0x3f | 0x80;
        }
        for len in (0..64).chain([100, 200, 300]) {
            prop_assert!(open(&mut inbound, &noise[..len]).is_err());
            prop_assert!(open_rtcp(&mut inbound, &noise[..len]).is_err());
        }
        prop_assert_eq!(inbound.snapshot(), before);
    }

    /// The sender takes any header or says why not.
    #[test]
    fn the_sender_is_total(
        profile in profile(),
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        len in 0usize..220,
    ) {
        let (mut outbound, mut inbound) = contexts(profile);
        let plain = bytes.clone();
        if let Ok(sealed) = outbound.protect_rtp(&mut bytes, len) {
            prop_assert_eq!(open(&mut inbound, &bytes[..sealed]), Ok(plain[..len].to_vec()));
        }
        let mut bytes = plain.clone();
        if let Ok(sealed) = outbound.protect_rtcp(&mut bytes, len) {
            prop_assert_eq!(open_rtcp(&mut inbound, &bytes[..sealed]), Ok(plain[..len].to_vec()));
        }
    }

    /// Several cycles of sequence numbers with jumps, loss, duplicates and
    /// reordering: what arrives for the first time, less than half a cycle from
    /// the highest (RFC 3711 §3.3.1), opens unless it is behind the window.
    #[test]
    fn indices_survive_wraps_loss_and_reordering(
        profile in profile(),
        start in prop_oneof![Just(0u16), Just(65_535), any::<u16>()],
        jumps in prop::collection::vec(prop_oneof![6 => 1u64..4, 1 => 1u64..30_000], 60..200),
        fates in prop::collection::vec((any::<prop::sample::Index>(), 0u8..10), 200),
    ) {
        let (mut outbound, mut inbound) = contexts(profile);
        let (mut index, mut highest) = (u64::from(start), u64::from(start));
        let plain = rtp(7, start, b"first");
        prop_assert_eq!(open(&mut inbound, &seal(&mut outbound, &plain)), Ok(plain));
        let mut waiting: Vec<(u64, Vec<u8>, Vec<u8>)> = Vec::new();
        for (jump, (pick, fate)) in jumps.into_iter().zip(fates) {
            index = (index + jump).min(highest + 32_000);
            let plain = rtp(7, (index & 0xffff) as u16, &index.to_be_bytes());
            match try_seal(&mut outbound, &plain) {
                Ok(sealed) => waiting.push((index, plain, sealed)),
                Err(error) => prop_assert_eq!(error, SrtpError::Replayed),
            }
            waiting.retain(|(i, ..)| i + 32_000 > highest);
            let (index, plain, sealed) = match fate {
                0 => continue,
                _ if waiting.is_empty() => continue,
                1 | 2 => waiting.swap_remove(pick.index(waiting.len())),
                _ => waiting.pop().unwrap(),
            };
            let behind = index + 1024 <= highest;
            let expected = if behind { Err(SrtpError::TooOld) } else { Ok(plain) };
            prop_assert_eq!(open(&mut inbound, &sealed), expected);
            prop_assert!(open(&mut inbound, &sealed).is_err());
            highest = highest.max(index);
        }
    }
}
