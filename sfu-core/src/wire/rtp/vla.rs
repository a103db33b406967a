//! The layer allocation of a publisher (`video-layers-allocation00`): which
//! simulcast streams and spatial layers it sends at present, with the bitrate of
//! each temporal layer and the picture size.
//!
//! It comes with key frames and whenever the allocation changes.

use serde::{Deserialize, Serialize};

/// The most layers: four streams of four spatial layers each.
pub const MAX_LAYERS: usize = 16;

/// Why a value is not a layer allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum VlaError {
    /// Ends before all announced layers are described.
    #[error("the layer allocation ends too early")]
    Truncated,
    /// A bitrate beyond 32 bits, or a stream index beyond the number of streams.
    #[error("the layer allocation contradicts itself")]
    Malformed,
    /// The buffer to write to is too short.
    #[error("the buffer is too short")]
    NoSpace,
}

/// One spatial layer that is being sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct SpatialLayer {
    /// Index of its RTP stream, 0 to 3, smallest simulcast layer first.
    pub stream: u8,
    /// Its spatial layer in that stream, 0 to 3.
    pub spatial_id: u8,
    /// Number of its temporal layers, 1 to 4.
    pub temporal_layers: u8,
    /// Target bitrate in kbit/s with the temporal layers up to this one; zero
    /// beyond `temporal_layers`. Those of spatial layers below are not included.
    pub bitrates: [u32; 4],
    /// Picture size and highest frame rate, if they are given.
    pub size: Option<LayerSize>,
}

/// Picture size of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)]
pub struct LayerSize {
    /// Width in pixels, 1 to 65,535.
    pub width: u16,
    /// Height in pixels, 1 to 65,535.
    pub height: u16,
    /// Highest frame rate in frames per second.
    pub max_framerate: u8,
}

/// What a publisher sends at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoLayersAllocation {
    stream: u8,
    streams: u8,
    len: u8,
    layers: [SpatialLayer; MAX_LAYERS],
}

impl VideoLayersAllocation {
    /// An allocation to write. `stream` is the index of the RTP stream that
    /// carries it, of `streams` (1 to 4). Layers have to be in the order of
    /// stream and then spatial layer; all of them have a size or none.
    ///
    /// # Errors
    /// `Malformed` if a number is out of its range, or the order is another.
    pub fn new(stream: u8, streams: u8, layers: &[SpatialLayer]) -> Result<Self, VlaError> {
        let place = |layer: &SpatialLayer| (layer.stream, layer.spatial_id);
        let sound = (1..=4).contains(&streams)
            && stream < streams
            && layers.iter().zip(layers.iter().skip(1)).all(|(a, b)| place(a) < place(b))
            && layers.iter().all(|l| {
                l.stream < streams
                    && l.spatial_id < 4
                    && (1..=4).contains(&l.temporal_layers)
                    && l.size.is_none_or(|s| s.width > 0 && s.height > 0)
                    && l.size.is_some() == layers.iter().any(|other| other.size.is_some())
            });
        let mut out = Self { stream, streams, ..Self::default() };
        let places = out.layers.get_mut(..layers.len()).filter(|_| sound);
        places.ok_or(VlaError::Malformed)?.copy_from_slice(layers);
        out.len = layers.len() as u8;
        Ok(out)
    }

    /// Index of the RTP stream that carried it. It describes all streams.
    pub const fn stream(&self) -> u8 {
        self.stream
    }

    /// Number of the publisher's RTP streams, 1 to 4, whether they are active or
    /// not.
    pub const fn streams(&self) -> u8 {
        self.streams
    }

    /// The layers that are being sent; none if the publisher sends nothing.
    pub fn layers(&self) -> &[SpatialLayer] {
        self.layers.get(..self.len.into()).unwrap_or_default()
    }

    /// Reads the value of the extension element.
    ///
    /// # Errors
    /// `Truncated` or `Malformed`.
    pub fn read(data: &[u8]) -> Result<Self, VlaError> {
        let mut reader = Reader(data);
        let head = reader.byte()?;
        // A single zero byte says that nothing is being sent.
        if data == [0] {
            return Ok(Self { streams: 1, ..Self::default() });
        }
        let mut out = Self { stream: head >> 6, streams: (head >> 4 & 3) + 1, ..Self::default() };
        if out.stream >= out.streams {
            return Err(VlaError::Malformed);
        }
        let masks = reader.masks(head & 0x0f, out.streams)?;
        let mut layers = out.layers.iter_mut();
        for (stream, mask) in (0..out.streams).zip(masks) {
            for spatial_id in (0..4).filter(|id| mask >> id & 1 != 0) {
                let layer = layers.next().ok_or(VlaError::Malformed)?;
                *layer = SpatialLayer { stream, spatial_id, ..SpatialLayer::default() };
                out.len += 1;
            }
        }
        let layers = out.layers.get_mut(..out.len.into()).unwrap_or_default();
        for four in layers.chunks_mut(4) {
            let counts = reader.byte()?;
            for (layer, shift) in four.iter_mut().zip([6, 4, 2, 0]) {
                layer.temporal_layers = (counts >> shift & 3) + 1;
            }
        }
        for layer in layers.iter_mut() {
            for bitrate in layer.bitrates.iter_mut().take(layer.temporal_layers.into()) {
                *bitrate = reader.leb128()?;
            }
        }
        if !reader.0.is_empty() {
            for layer in layers.iter_mut() {
                let (width, height) = (reader.side()?, reader.side()?);
                layer.size = Some(LayerSize { width, height, max_framerate: reader.byte()? });
            }
        }
        Ok(out)
    }

    /// Writes the value of the extension element; gives its length. With sizes
    /// it may be longer than the 16 bytes of the one-byte form.
    ///
    /// # Errors
    /// `NoSpace` if it does not fit; `out` may have been written to.
    pub fn write(&self, out: &mut [u8]) -> Result<usize, VlaError> {
        let mut writer = Writer { out, at: 0 };
        if self.len == 0 {
            writer.put(&[0])?;
            return Ok(writer.at);
        }
        let mut masks = [0_u8; 4];
        for layer in self.layers() {
            if let Some(mask) = masks.get_mut(usize::from(layer.stream)) {
                *mask |= 1 << (layer.spatial_id & 3);
            }
        }
        let used = masks.get(..self.streams.into()).unwrap_or_default();
        let [first, second, third, fourth] = masks;
        let same = used.iter().all(|mask| *mask == first);
        let head = (self.stream << 6) | (self.streams.saturating_sub(1) & 3) << 4;
        if same {
            writer.put(&[head | first])?;
        } else {
            writer.put(&[head, first << 4 | second])?;
            if self.streams > 2 {
                writer.put(&[third << 4 | fourth])?;
            }
        }
        for four in self.layers().chunks(4) {
            let count = |layer: &SpatialLayer| layer.temporal_layers.saturating_sub(1) & 3;
            let counts = four.iter().zip([6, 4, 2, 0]).map(|(layer, shift)| count(layer) << shift);
            writer.put(&[counts.fold(0, |sum, bits| sum | bits)])?;
        }
        for layer in self.layers() {
            for bitrate in layer.bitrates.iter().take(layer.temporal_layers.into()) {
                writer.leb128(*bitrate)?;
            }
        }
        for size in self.layers().iter().filter_map(|layer| layer.size) {
            writer.put(&size.width.saturating_sub(1).to_be_bytes())?;
            writer.put(&size.height.saturating_sub(1).to_be_bytes())?;
            writer.put(&[size.max_framerate])?;
        }
        Ok(writer.at)
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, VlaError> {
        let (&byte, rest) = self.0.split_first().ok_or(VlaError::Truncated)?;
        self.0 = rest;
        Ok(byte)
    }

    /// The active spatial layers of each stream: one mask for all, or, where
    /// that is zero, half a byte for each stream.
    fn masks(&mut self, common: u8, streams: u8) -> Result<[u8; 4], VlaError> {
        if common != 0 {
            return Ok([common; 4]);
        }
        let first = self.byte()?;
        let second = if streams > 2 { self.byte()? } else { 0 };
        Ok([first >> 4, first & 0x0f, second >> 4, second & 0x0f])
    }

    fn leb128(&mut self) -> Result<u32, VlaError> {
        let mut value = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| VlaError::Malformed);
            }
        }
        Err(VlaError::Malformed)
    }

    fn side(&mut self) -> Result<u16, VlaError> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]).saturating_add(1))
    }
}

struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), VlaError> {
        let end = self.at.saturating_add(bytes.len());
        self.out.get_mut(self.at..end).ok_or(VlaError::NoSpace)?.copy_from_slice(bytes);
        self.at = end;
        Ok(())
    }

    fn leb128(&mut self, mut value: u32) -> Result<(), VlaError> {
        while value > 0x7f {
            self.put(&[0x80 | (value & 0x7f) as u8])?;
            value >>= 7;
        }
        self.put(&[value as u8])
    }
}

#[cfg(test)]
mod tests;
