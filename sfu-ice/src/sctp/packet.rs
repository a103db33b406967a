//! SCTP packets as far as they are read and written here: the common header
//! with its checksum, and the chunks that begin and end an association
//! (RFC 9260 §3). All others are the library's.

use crate::SctpError;

pub(super) const HEADER_LEN: usize = 12;
const CHUNK_HEADER_LEN: usize = 4;

pub(super) const INIT: u8 = 1;
pub(super) const INIT_ACK: u8 = 2;
pub(super) const HEARTBEAT: u8 = 4;
pub(super) const HEARTBEAT_ACK: u8 = 5;
pub(super) const ABORT: u8 = 6;
pub(super) const COOKIE_ECHO: u8 = 10;
pub(super) const COOKIE_ACK: u8 = 11;
const RECONFIG: u8 = 130;
const FORWARD_TSN: u8 = 192;

const STATE_COOKIE: u16 = 7;
const SUPPORTED_EXTENSIONS: u16 = 0x8008;
const FORWARD_TSN_SUPPORTED: u16 = 0xc000;
/// The least window that an endpoint may advertise (RFC 9260 §3.3.2).
const MIN_WINDOW: u32 = 1_500;
/// Bytes of INIT before its parameters.
const INIT_LEN: usize = 16;

/// Ports of both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) local: u16,
    pub(super) remote: u16,
}

/// A packet of the peer, up to the end of its first chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    /// Verification tag.
    pub(super) tag: u32,
    /// Type of the first chunk.
    pub(super) kind: u8,
    /// Its body.
    pub(super) body: &'a [u8],
    /// Whether there is no other chunk.
    pub(super) alone: bool,
}

impl<'a> Head<'a> {
    /// Reads a packet that came in at `ports`.
    ///
    /// # Errors
    /// [`SctpError::Malformed`] if it is none: too short, for other ports, or
    /// with another checksum.
    pub(super) fn parse(packet: &'a [u8], ports: Ports) -> Result<Self, SctpError> {
        let (header, chunks) =
            packet.split_first_chunk::<HEADER_LEN>().ok_or(SctpError::Malformed)?;
        let &[s0, s1, d0, d1, t0, t1, t2, t3, ..] = header;
        let from = u16::from_be_bytes([s0, s1]);
        let to = u16::from_be_bytes([d0, d1]);
        if (from, to) != (ports.remote, ports.local) || !is_intact(packet) {
            return Err(SctpError::Malformed);
        }
        let &[kind, _, l0, l1] = chunks.first_chunk().ok_or(SctpError::Malformed)?;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        let body = chunks.get(CHUNK_HEADER_LEN..len).ok_or(SctpError::Malformed)?;
        let alone = chunks.len() <= len.next_multiple_of(4);
        Ok(Self { tag: u32::from_be_bytes([t0, t1, t2, t3]), kind, body, alone })
    }
}

/// A packet of one chunk.
pub(super) fn packet(ports: Ports, tag: u32, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(HEADER_LEN + CHUNK_HEADER_LEN + body.len() + 3);
    packet.extend(ports.local.to_be_bytes());
    packet.extend(ports.remote.to_be_bytes());
    packet.extend(tag.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(chunk(kind, body));
    packet.resize(packet.len().next_multiple_of(4), 0);
    let checksum = crc32c(&packet).to_le_bytes();
    if let Some(place) = packet.get_mut(8..HEADER_LEN) {
        place.copy_from_slice(&checksum);
    }
    packet
}

fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(CHUNK_HEADER_LEN + body.len()).unwrap_or(u16::MAX);
    let mut chunk = vec![kind, 0];
    chunk.extend(len.to_be_bytes());
    chunk.extend(body);
    chunk
}

/// What an end says of itself in INIT or INIT ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Init {
    /// The tag that packets to it carry.
    pub(super) tag: u32,
    /// Bytes that it holds.
    pub(super) window: u32,
    /// Streams that it sends on at most.
    pub(super) outbound: u16,
    /// Streams that it receives on at most.
    pub(super) inbound: u16,
    /// The number of its first chunk of data.
    pub(super) tsn: u32,
    /// Whether messages to it may be given up (RFC 3758).
    pub(super) forward_tsn: bool,
    /// Whether streams may be reset (RFC 6525).
    pub(super) reconfig: bool,
}

/// Bytes of an [`Init`] in a state cookie.
pub(super) const INIT_RECORD_LEN: usize = INIT_LEN + 1;

impl Init {
    /// Reads the body of INIT, or of INIT ACK with its state cookie.
    ///
    /// # Errors
    /// [`SctpError::Malformed`]
    pub(super) fn parse(body: &[u8]) -> Result<(Self, Option<&[u8]>), SctpError> {
        let (fixed, mut rest) = body.split_first_chunk::<INIT_LEN>().ok_or(SctpError::Malformed)?;
        let mut init = Self::from_fixed(fixed);
        let mut cookie = None;
        // Addresses and what else there may be has no meaning on one path.
        while let Some((&[k0, k1, l0, l1], _)) = rest.split_first_chunk() {
            let len = usize::from(u16::from_be_bytes([l0, l1]));
            let value = rest.get(4..len).ok_or(SctpError::Malformed)?;
            match u16::from_be_bytes([k0, k1]) {
                STATE_COOKIE => cookie = Some(value),
                FORWARD_TSN_SUPPORTED => init.forward_tsn = true,
                SUPPORTED_EXTENSIONS => {
                    init.forward_tsn |= value.contains(&FORWARD_TSN);
                    init.reconfig |= value.contains(&RECONFIG);
                }
                _ => {}
            }
            rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        }
        if init.is_sound() { Ok((init, cookie)) } else { Err(SctpError::Malformed) }
    }

    /// Whether an association can be made of it. A first number of 0 is allowed
    /// by the RFC, but not by the library.
    fn is_sound(&self) -> bool {
        let Self { tag, window, outbound, inbound, tsn, .. } = *self;
        tag != 0 && window >= MIN_WINDOW && outbound != 0 && inbound != 0 && tsn != 0
    }

    fn from_fixed(fixed: &[u8; INIT_LEN]) -> Self {
        let &[t0, t1, t2, t3, w0, w1, w2, w3, o0, o1, i0, i1, n0, n1, n2, n3] = fixed;
        Self {
            tag: u32::from_be_bytes([t0, t1, t2, t3]),
            window: u32::from_be_bytes([w0, w1, w2, w3]),
            outbound: u16::from_be_bytes([o0, o1]),
            inbound: u16::from_be_bytes([i0, i1]),
            tsn: u32::from_be_bytes([n0, n1, n2, n3]),
            forward_tsn: false,
            reconfig: false,
        }
    }

    /// The body of INIT or, with a state cookie, of INIT ACK.
    pub(super) fn body(&self, cookie: Option<&[u8]>) -> Vec<u8> {
        let mut body = Vec::with_capacity(96);
        body.extend(self.tag.to_be_bytes());
        body.extend(self.window.to_be_bytes());
        body.extend(self.outbound.to_be_bytes());
        body.extend(self.inbound.to_be_bytes());
        body.extend(self.tsn.to_be_bytes());
        let mut extensions = Vec::new();
        if self.reconfig {
            extensions.push(RECONFIG);
        }
        if self.forward_tsn {
            extensions.push(FORWARD_TSN);
            parameter(&mut body, FORWARD_TSN_SUPPORTED, &[]);
        }
        if let Some(cookie) = cookie {
            parameter(&mut body, STATE_COOKIE, cookie);
        }
        if !extensions.is_empty() {
            parameter(&mut body, SUPPORTED_EXTENSIONS, &extensions);
        }
        body
    }

    /// The INIT chunk, as the library takes it from whoever agreed before.
    pub(super) fn chunk(&self) -> Vec<u8> {
        chunk(INIT, &self.body(None))
    }

    /// As it is kept in a state cookie.
    pub(super) fn record(&self) -> Vec<u8> {
        let mut record = self.body(None);
        record.truncate(INIT_LEN);
        record.push(u8::from(self.forward_tsn) | u8::from(self.reconfig) << 1);
        record
    }

    pub(super) fn from_record(record: &[u8; INIT_RECORD_LEN]) -> Option<Self> {
        let (fixed, rest) = record.split_first_chunk::<INIT_LEN>()?;
        let bits = *rest.first()?;
        let (forward_tsn, reconfig) = (bits & 1 != 0, bits & 2 != 0);
        Some(Self { forward_tsn, reconfig, ..Self::from_fixed(fixed) })
    }
}

/// Appends a parameter, after the padding of the one before. The last one's is
/// the chunk's.
fn parameter(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    body.resize(body.len().next_multiple_of(4), 0);
    body.extend(kind.to_be_bytes());
    body.extend(u16::try_from(4 + value.len()).unwrap_or(u16::MAX).to_be_bytes());
    body.extend(value);
}

/// Whether the checksum is right, which is taken over zeroes in its place.
fn is_intact(packet: &[u8]) -> bool {
    let (Some(head), Some(told), Some(rest)) =
        (packet.get(..8), packet.get(8..HEADER_LEN), packet.get(HEADER_LEN..))
    else {
        return false;
    };
    let checksum = [head, &[0; 4], rest].into_iter().fold(!0, update);
    told == (!checksum).to_le_bytes()
}

/// CRC-32C (RFC 9260 Appendix A).
fn crc32c(bytes: &[u8]) -> u32 {
    !update(!0, bytes)
}

fn update(checksum: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(checksum, |sum, byte| {
        let at = usize::from(sum as u8 ^ byte);
        TABLE.get(at).copied().unwrap_or(0) ^ (sum >> 8)
    })
}

/// The checksum of each byte.
static TABLE: [u32; 256] = table();

#[allow(clippy::indexing_slicing)]
const fn table() -> [u32; 256] {
    /// The polynomial, its bits reversed.
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let (mut sum, mut bit) = (byte as u32, 0);
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PORTS: Ports = Ports { local: 5000, remote: 5001 };
    const BACK: Ports = Ports { local: 5001, remote: 5000 };

    fn init() -> Init {
        Init {
            tag: 0xdead_beef,
            window: 100_000,
            outbound: 16,
            inbound: 32,
            tsn: 77,
            forward_tsn: true,
            reconfig: true,
        }
    }

    #[test]
    fn the_checksum_is_that_of_the_rfc() {
        // The check value that the CRC's catalogues give.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let written = packet(PORTS, 9, INIT_ACK, &init().body(Some(b"cookie")));
        let head = Head::parse(&written, BACK).unwrap();
        assert_eq!((head.tag, head.kind, head.alone), (9, INIT_ACK, true));
        assert_eq!(Init::parse(head.body), Ok((init(), Some(&b"cookie"[..]))));
        let record = init().record().try_into().unwrap();
        assert_eq!(Init::from_record(&record), Some(init()));
    }

    #[test]
    fn other_ports_and_every_changed_bit_are_refused() {
        let written = packet(PORTS, 9, COOKIE_ACK, &[]);
        assert!(Head::parse(&written, BACK).is_ok());
        assert!(Head::parse(&written, PORTS).is_err());
        for bit in 0..written.len() * 8 {
            let mut changed = written.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Head::parse(&changed, BACK).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn an_end_of_which_no_association_can_be_made_is_refused() {
        let unsound = [
            Init { tag: 0, ..init() },
            Init { window: MIN_WINDOW - 1, ..init() },
            Init { outbound: 0, ..init() },
            Init { inbound: 0, ..init() },
            Init { tsn: 0, ..init() },
        ];
        for init in unsound {
            assert_eq!(Init::parse(&init.body(None)), Err(SctpError::Malformed), "{init:?}");
        }
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Head::parse(&bytes, PORTS);
            let _ = Init::parse(&bytes);
        }
    }
}
