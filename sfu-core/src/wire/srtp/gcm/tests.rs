//! The examples of RFC 7714 §16 and §17, which give session keys.

use super::super::hex::hex;
use super::*;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SALT: &str = "517569642070726f2071756f";
const RTP: &str = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973
                   20646976 69736120 696e2070 61727465 73207472 6573";
const RTCP: &str = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930
                    4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef";

fn session(key_len: usize) -> Gcm {
    Gcm::from_session_keys(&hex(KEY)[..key_len], hex(SALT).try_into().unwrap())
}

fn rtp_example(key_len: usize, sealed: &str) {
    let (gcm, plain, sealed) = (session(key_len), hex(RTP), hex(sealed));
    let mut packet = plain.clone();
    packet.resize(sealed.len(), 0xee);
    let header = RtpHeader::read(&plain).unwrap();
    let index = u64::from(header.seq.0);
    assert_eq!(gcm.seal_rtp(header, index, &mut packet, plain.len()), Ok(sealed.len()));
    assert_eq!(packet, sealed);
    assert_eq!(gcm.open_rtp(header, index, &mut packet), Ok(plain.len()));
    assert_eq!(packet[..plain.len()], plain);
}

fn rtcp_example(key_len: usize, encrypted: &str, authenticated: &str) {
    let (gcm, plain, sealed) = (session(key_len), hex(RTCP), hex(encrypted));
    let ssrc = Ssrc(0x4d61_7273);
    let mut packet = plain.clone();
    packet.resize(sealed.len(), 0xee);
    assert_eq!(gcm.seal_rtcp(ssrc, 0x5d4, &mut packet, plain.len()), Ok(sealed.len()));
    assert_eq!(packet, sealed);
    assert_eq!(gcm.open_rtcp(ssrc, &mut packet), Ok(plain.len()));
    assert_eq!(packet[..plain.len()], plain);

    let sealed = hex(authenticated);
    let mut packet = sealed.clone();
    assert_eq!(gcm.open_rtcp(ssrc, &mut packet), Ok(plain.len()));
    assert_eq!(packet[..plain.len()], plain);
    for bit in 0..sealed.len() * 8 {
        let mut packet = sealed.clone();
        packet[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(gcm.open_rtcp(ssrc, &mut packet), Err(SrtpError::Authentication));
    }
}

#[test]
fn rtp_aes_128() {
    rtp_example(
        16,
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f
         42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
    );
}

#[test]
fn rtp_aes_256() {
    rtp_example(
        32,
        "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3
         b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
    );
}

#[test]
fn rtcp_aes_128() {
    rtcp_example(
        16,
        "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1
         730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4",
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef
         deadbeef deadbeef deadbeef deadbeef 841dd968 3dd78ec9 2ae58790 125f62b3 000005d4",
    );
}

#[test]
fn rtcp_aes_256() {
    rtcp_example(
        32,
        "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1
         110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4",
        "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef
         deadbeef deadbeef deadbeef deadbeef 91db4afb feee5a97 8fab4393 ed2615fe 000005d4",
    );
}
