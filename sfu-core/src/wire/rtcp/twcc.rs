//! Transport-wide congestion control feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): which packets of
//! a transport arrived, and when, in ticks of 250 µs.

use sfu_ice::Time;

use super::RtcpError;
use super::nack::feedback_header;
use crate::wire::Ssrc;

const TICK_NANOS: u64 = 250_000;
/// The reference time counts in 64 ms, which is 256 ticks.
const TICKS_PER_REFERENCE: i64 = 256;

// Packet status symbols (§3.1.1).
const NOT_RECEIVED: u8 = 0;
const SMALL_DELTA: u8 = 1;
const LARGE_DELTA: u8 = 2;

/// Arrivals of the packets `base`, `base + 1`, … of one transport.
///
/// Parsing checks that all announced statuses and deltas are there, so reading
/// [`Self::arrivals`] cannot fail.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TransportFeedback<'a> {
    /// Who reports.
    pub sender: Ssrc,
    /// A stream of the transport; which one has no meaning.
    pub media: Ssrc,
    /// Transport-wide sequence number of the first status.
    pub base: u16,
    /// Number of statuses, 1 to 65,535.
    pub status_count: u16,
    /// Origin of the arrival times on the reporter's clock, in units of 64 ms;
    /// 24 bits, signed, wrapping.
    pub reference_time: i32,
    /// Counts feedback packets, wrapping at 256.
    pub feedback_count: u8,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl<'a> TransportFeedback<'a> {
    pub(super) const FORMAT: u8 = 15;
    /// SSRCs, base, count, reference time and feedback count.
    const HEAD_LEN: usize = 16;

    pub(super) fn read(body: &'a [u8]) -> Result<Self, RtcpError> {
        let (sender, media, rest) = feedback_header(body)?;
        let (&[b0, b1, c0, c1, r0, r1, r2, feedback_count], rest) =
            rest.split_first_chunk().ok_or(RtcpError::Truncated)?;
        let status_count = u16::from_be_bytes([c0, c1]);
        if status_count == 0 {
            return Err(RtcpError::Malformed);
        }
        let (chunks_len, deltas_len) = measure(status_count, rest)?;
        let (chunks, deltas) = rest.split_at_checked(chunks_len).ok_or(RtcpError::Truncated)?;
        Ok(Self {
            sender,
            media,
            base: u16::from_be_bytes([b0, b1]),
            status_count,
            // The arithmetic shift extends the sign.
            reference_time: i32::from_be_bytes([r0, r1, r2, 0]) >> 8,
            feedback_count,
            chunks,
            deltas: deltas.get(..deltas_len).ok_or(RtcpError::Truncated)?,
        })
    }

    /// Each sequence number, with its arrival in ticks of 250 µs after
    /// [`Self::reference_time`] (64 ms are 256 ticks), or `None` if it has not
    /// arrived. Gives `status_count` items: up to 65,535, however short the
    /// packet.
    pub fn arrivals(&self) -> Arrivals<'a> {
        Arrivals {
            seq: self.base,
            left: self.status_count,
            ticks: 0,
            chunk: Chunk::Run { symbol: NOT_RECEIVED, left: 0 },
            chunks: self.chunks,
            deltas: self.deltas,
        }
    }
}

/// Iterator over the statuses of a [`TransportFeedback`].
#[derive(Clone, Debug)]
pub struct Arrivals<'a> {
    seq: u16,
    left: u16,
    ticks: i64,
    chunk: Chunk,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

impl Arrivals<'_> {
    fn symbol(&mut self) -> Option<u8> {
        loop {
            if let Some(symbol) = self.chunk.next() {
                return Some(symbol);
            }
            let (chunk, rest) = self.chunks.split_first_chunk()?;
            self.chunk = Chunk::read(*chunk);
            self.chunks = rest;
        }
    }

    fn delta(&mut self, symbol: u8) -> Option<i64> {
        if symbol == SMALL_DELTA {
            let (&delta, rest) = self.deltas.split_first()?;
            self.deltas = rest;
            return Some(delta.into());
        }
        let (delta, rest) = self.deltas.split_first_chunk()?;
        self.deltas = rest;
        Some(i16::from_be_bytes(*delta).into())
    }
}

impl Iterator for Arrivals<'_> {
    type Item = (u16, Option<i64>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let symbol = self.symbol()?;
        let seq = self.seq;
        self.seq = seq.wrapping_add(1);
        if symbol == NOT_RECEIVED {
            return Some((seq, None));
        }
        self.ticks += self.delta(symbol)?;
        Some((seq, Some(self.ticks)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.into(), Some(self.left.into()))
    }
}

impl ExactSizeIterator for Arrivals<'_> {}

/// A packet status chunk (§3.1.2 to §3.1.4), and how much of it is left.
#[derive(Clone, Copy, Debug)]
enum Chunk {
    Run { symbol: u8, left: u16 },
    OneBit { bits: u16, left: u8 },
    TwoBit { bits: u16, left: u8 },
}

impl Chunk {
    fn read(bytes: [u8; 2]) -> Self {
        let bits = u16::from_be_bytes(bytes);
        if bits & 0x8000 == 0 {
            Self::Run { symbol: (bits >> 13 & 3) as u8, left: bits & 0x1fff }
        } else if bits & 0x4000 == 0 {
            Self::OneBit { bits, left: 14 }
        } else {
            Self::TwoBit { bits, left: 7 }
        }
    }

    fn next(&mut self) -> Option<u8> {
        match self {
            Self::Run { symbol, left } => {
                *left = left.checked_sub(1)?;
                Some(*symbol)
            }
            Self::OneBit { bits, left } => {
                *left = left.checked_sub(1)?;
                Some((*bits >> *left & 1) as u8)
            }
            Self::TwoBit { bits, left } => {
                *left = left.checked_sub(1)?;
                Some((*bits >> (2 * *left) & 3) as u8)
            }
        }
    }
}

/// Bytes of chunks and of deltas that `count` statuses take; what a last chunk
/// says beyond them has no meaning.
fn measure(count: u16, bytes: &[u8]) -> Result<(usize, usize), RtcpError> {
    let (mut left, mut chunks_len, mut deltas_len) = (count, 0, 0);
    for bytes in bytes.as_chunks::<2>().0 {
        if left == 0 {
            break;
        }
        chunks_len += 2;
        let mut chunk = Chunk::read(*bytes);
        if let Chunk::Run { symbol, left: run } = chunk {
            let used = run.min(left);
            left -= used;
            if used > 0 {
                deltas_len += usize::from(used) * delta_len(symbol)?;
            }
            continue;
        }
        while left > 0
            && let Some(symbol) = chunk.next()
        {
            left -= 1;
            deltas_len += delta_len(symbol)?;
        }
    }
    if left == 0 { Ok((chunks_len, deltas_len)) } else { Err(RtcpError::Truncated) }
}

fn delta_len(symbol: u8) -> Result<usize, RtcpError> {
    match symbol {
        NOT_RECEIVED => Ok(0),
        SMALL_DELTA => Ok(1),
        LARGE_DELTA => Ok(2),
        _ => Err(RtcpError::Malformed),
    }
}

/// Writes the body of a feedback packet to the start of `out`; gives its
/// length, a multiple of 4, and the number of statuses in it. `None` if there
/// is no room for one status or there is none to write.
///
/// It ends before the first status that does not fit in `out` or whose distance
/// to the one before exceeds 16 bits of ticks; that one can start the next
/// packet.
pub(super) fn write_body(
    out: &mut [u8],
    (sender, media): (Ssrc, Ssrc),
    feedback_count: u8,
    base: u16,
    arrivals: impl Iterator<Item = Option<Time>> + Clone,
) -> Option<(usize, u16)> {
    let reference = arrivals.clone().flatten().next().map_or(0, ticks) / TICKS_PER_REFERENCE;
    let symbols = Symbols { arrivals, previous: reference * TICKS_PER_REFERENCE };
    let (head, tail) = out.split_first_chunk_mut::<{ TransportFeedback::HEAD_LEN }>()?;
    let room = tail.len().min(1 << 16) & !3;

    let (mut count, mut deltas_len) = (0_u16, 0);
    let mut chunks = ChunkWriter { out: tail, len: 0, pending: Pending::default() };
    for (symbol, _) in symbols.clone().take(u16::MAX.into()) {
        let deltas = deltas_len + delta_len(symbol).ok()?;
        // What is pending takes two chunks at most.
        if chunks.len + 4 + deltas > room {
            break;
        }
        chunks.push(symbol);
        deltas_len = deltas;
        count += 1;
    }
    if count == 0 {
        return None;
    }
    chunks.finish();

    let mut at = chunks.len;
    for (symbol, delta) in symbols.take(count.into()) {
        let [high, low] = delta.to_be_bytes();
        let bytes = match symbol {
            NOT_RECEIVED => continue,
            SMALL_DELTA => &[low][..],
            _ => &[high, low],
        };
        tail.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
        at += bytes.len();
    }
    let end = at.next_multiple_of(4);
    tail.get_mut(at..end)?.fill(0);

    let [s0, s1, s2, s3] = sender.0.to_be_bytes();
    let [m0, m1, m2, m3] = media.0.to_be_bytes();
    let [b0, b1] = base.to_be_bytes();
    let [c0, c1] = count.to_be_bytes();
    // The low 24 bits: the reference time wraps.
    let [.., r0, r1, r2] = reference.to_be_bytes();
    *head = [s0, s1, s2, s3, m0, m1, m2, m3, b0, b1, c0, c1, r0, r1, r2, feedback_count];
    Some((TransportFeedback::HEAD_LEN + end, count))
}

fn ticks(time: Time) -> i64 {
    (time.as_nanos() / TICK_NANOS).cast_signed()
}

/// Status symbols and deltas of arrivals; ends at a delta beyond 16 bits.
#[derive(Clone)]
struct Symbols<I> {
    arrivals: I,
    previous: i64,
}

impl<I: Iterator<Item = Option<Time>>> Iterator for Symbols<I> {
    type Item = (u8, i16);

    fn next(&mut self) -> Option<(u8, i16)> {
        let Some(arrival) = self.arrivals.next()? else { return Some((NOT_RECEIVED, 0)) };
        let now = ticks(arrival);
        // Rounding whole arrivals, not distances, keeps the error below a tick.
        let delta = i16::try_from(now - self.previous).ok()?;
        self.previous = now;
        let symbol = if (0..=255).contains(&delta) { SMALL_DELTA } else { LARGE_DELTA };
        Some((symbol, delta))
    }
}

/// Collects symbols and writes each chunk in the form that holds the most.
struct ChunkWriter<'a> {
    out: &'a mut [u8],
    len: usize,
    pending: Pending,
}

impl ChunkWriter<'_> {
    fn push(&mut self, symbol: u8) {
        if !self.pending.push(symbol) {
            let chunk = self.pending.take(false);
            self.write(chunk);
            // Six symbols or fewer are left, and those take any other.
            self.pending.push(symbol);
        }
    }

    fn finish(&mut self) {
        while self.pending.len > 0 {
            let chunk = self.pending.take(true);
            self.write(chunk);
        }
    }

    fn write(&mut self, chunk: u16) {
        if let Some(out) = self.out.get_mut(self.len..).and_then(|o| o.first_chunk_mut()) {
            *out = chunk.to_be_bytes();
            self.len += 2;
        }
    }
}

/// Symbols that one chunk can hold: a run of equal ones, up to 14 small ones,
/// or up to 7 of any kind.
#[derive(Default)]
struct Pending {
    /// The first 14; a run needs no more than its first.
    symbols: [u8; 14],
    len: u16,
    has_large: bool,
    /// At least two differ.
    mixed: bool,
}

impl Pending {
    const RUN_MAX: u16 = 0x1fff;

    /// Takes the symbol if one chunk can still hold all of them.
    fn push(&mut self, symbol: u8) -> bool {
        let differs = self.len > 0 && symbol != self.symbols[0];
        let mixed = self.mixed || differs;
        let has_large = self.has_large || symbol == LARGE_DELTA;
        let fits = match self.len {
            0..7 => true,
            7..14 => !mixed || !has_large,
            _ => !mixed && self.len < Self::RUN_MAX,
        };
        if fits {
            if let Some(slot) = self.symbols.get_mut(usize::from(self.len)) {
                *slot = symbol;
            }
            (self.mixed, self.has_large) = (mixed, has_large);
            self.len += 1;
        }
        fits
    }

    /// Removes what fits in one chunk and gives the chunk. Only the last chunk
    /// of a packet may have unused symbols.
    fn take(&mut self, last: bool) -> u16 {
        let held = std::mem::take(self);
        if !held.mixed {
            return (u16::from(held.symbols[0]) << 13) | held.len;
        }
        let symbols = held.symbols.iter().take(held.len.into());
        if !held.has_large && (held.len == 14 || (last && held.len > 7)) {
            return symbols
                .enumerate()
                .fold(0x8000, |bits, (i, &s)| bits | (u16::from(s) << (13 - i)));
        }
        for &symbol in symbols.clone().skip(7) {
            self.push(symbol);
        }
        symbols
            .take(7)
            .enumerate()
            .fold(0xc000, |bits, (i, &s)| bits | (u16::from(s) << (12 - 2 * i)))
    }
}

#[cfg(test)]
mod tests;
