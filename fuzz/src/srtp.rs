//! SRTP and SRTCP under keys that the input does not know.

use sfu_core::wire::srtp::{Inbound, Outbound, SrtpError, SrtpProfile};

const PROFILES: [SrtpProfile; 3] =
    [SrtpProfile::AeadAes128Gcm, SrtpProfile::AeadAes256Gcm, SrtpProfile::AesCm128HmacSha1_80];

/// The first byte chooses the profile, the second a bit to flip; the rest is a
/// packet. As it came it is refused and leaves no state; sealed by us it opens
/// to the same bytes, once, and not with one bit changed.
pub fn srtp_unprotect(data: &[u8]) -> bool {
    let Some((&[profile, flip], packet)) = data.split_first_chunk() else { return false };
    let profile = PROFILES[usize::from(profile) % PROFILES.len()];
    let key = &[0x5a; 32][..profile.key_len()];
    let salt = &[0xa5; 14][..profile.salt_len()];
    let inbound = || Inbound::new(profile, key, salt).expect("lengths are the profile's");
    let mut outbound = Outbound::new(profile, key, salt).expect("lengths are the profile's");

    let mut forged = inbound();
    assert!(forged.unprotect_rtp(&mut packet.to_vec()).is_err());
    assert!(forged.unprotect_rtcp(&mut packet.to_vec()).is_err());
    assert_eq!(forged.ssrc_count(), 0, "a forgery leaves no state");

    let mut sealed = packet.to_vec();
    sealed.resize(packet.len() + Outbound::MAX_OVERHEAD, 0);
    let mut sealed_rtcp = sealed.clone();
    let rtp = outbound.protect_rtp(&mut sealed, packet.len());
    if let Ok(len) = rtp {
        sealed.truncate(len);
        round_trip(&mut forged, packet, &sealed, flip, Inbound::unprotect_rtp);
    }
    let rtcp = outbound.protect_rtcp(&mut sealed_rtcp, packet.len());
    if let Ok(len) = rtcp {
        sealed_rtcp.truncate(len);
        round_trip(&mut inbound(), packet, &sealed_rtcp, flip, Inbound::unprotect_rtcp);
    }
    rtp.is_ok() || rtcp.is_ok()
}

fn round_trip(
    inbound: &mut Inbound,
    packet: &[u8],
    sealed: &[u8],
    flip: u8,
    unprotect: fn(&mut Inbound, &mut [u8]) -> Result<usize, SrtpError>,
) {
    let mut tampered = sealed.to_vec();
    let bit = usize::from(flip) * sealed.len() * 8 / 256;
    tampered[bit / 8] ^= 1 << (bit % 8);
    assert!(unprotect(inbound, &mut tampered).is_err(), "bit {bit} is not authenticated");

    let mut opened = sealed.to_vec();
    let len = unprotect(inbound, &mut opened).expect("what we sealed");
    assert_eq!(&opened[..len], packet);
    assert_eq!(unprotect(inbound, &mut sealed.to_vec()), Err(SrtpError::Replayed));
}
