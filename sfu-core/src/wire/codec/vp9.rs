//! VP9 (RFC 9628 §4.2): the payload descriptor with its scalability structure,
//! and rewriting its picture id and TL0PICIDX in place.

use serde::{Deserialize, Serialize};

use super::frame::{CodecError, FrameInfo, PictureId};

/// Looks at a VP9 payload.
///
/// # Errors
/// `Truncated` if the payload ends inside the descriptor; `Malformed` if it
/// lists more than three reference pictures.
pub fn inspect(payload: &[u8]) -> Result<FrameInfo, CodecError> {
    let descriptor = Descriptor::read(payload)?;
    let layer = descriptor.layer.unwrap_or_default();
    Ok(FrameInfo {
        keyframe: !descriptor.inter_picture,
        frame_start: descriptor.starts_frame,
        frame_end: Some(descriptor.ends_frame),
        spatial_id: layer.spatial_id,
        // The lowest layer has none below it, whatever its D bit says.
        inter_layer_dependency: layer.inter_layer && layer.spatial_id > 0,
        not_needed_above: descriptor.not_needed_above,
        temporal_id: descriptor.layer.map(|layer| layer.temporal_id),
        layer_sync: layer.switching_point,
        picture_id: descriptor.picture_id.map(|(_, id)| id),
        tl0_pic_idx: descriptor.tl0_pic_idx.map(|(_, index)| index),
        resolution: descriptor.scalability.and_then(|s| s.resolution(layer.spatial_id)),
        ..Default::default()
    })
}

/// The scalability structure in this payload, if there is one: it comes with
/// key pictures.
///
/// # Errors
/// As [`inspect`].
pub fn scalability(payload: &[u8]) -> Result<Option<Scalability>, CodecError> {
    Ok(Descriptor::read(payload)?.scalability)
}

/// Writes `picture_id` and `tl0_pic_idx` over those in the payload. A field
/// that the payload lacks stays absent, and the picture id keeps its width of 7
/// or 15 bits: higher bits are cut off.
///
/// In flexible mode frames refer to others by distances of picture ids, so all
/// pictures of a stream have to move by the same distance.
///
/// ```
/// use sfu_core::wire::codec::vp9;
/// let mut payload = [0xa8, 0x80, 0x01, 0x30, 0x05];
/// vp9::rewrite(&mut payload, 0x7fff, 9).unwrap();
/// assert_eq!(payload, [0xa8, 0xff, 0xff, 0x30, 0x09]);
/// ```
///
/// # Errors
/// As [`inspect`]; the payload is unchanged then.
pub fn rewrite(payload: &mut [u8], picture_id: u16, tl0_pic_idx: u8) -> Result<(), CodecError> {
    let descriptor = Descriptor::read(payload)?;
    if let Some((at, old)) = descriptor.picture_id {
        let [high, low] = (picture_id & old.mask()).to_be_bytes();
        match (old.wide, payload.get_mut(usize::from(at)..)) {
            (true, Some([a, b, ..])) => [*a, *b] = [0x80 | high, low],
            (false, Some([a, ..])) => *a = low,
            _ => return Err(CodecError::Truncated),
        }
    }
    if let Some((at, _)) = descriptor.tl0_pic_idx {
        *payload.get_mut(usize::from(at)).ok_or(CodecError::Truncated)? = tl0_pic_idx;
    }
    Ok(())
}

/// The layers of a stream as its publisher describes them (§4.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scalability {
    /// Number of spatial layers, 1 to 8.
    pub spatial_layers: u8,
    /// Number of pictures that the described pattern has, 0 if none is given.
    pub pictures: u8,
    sized: bool,
    sizes: [(u16, u16); 8],
}

impl Scalability {
    /// Width and height of a spatial layer in pixels, if they are given.
    pub fn resolution(&self, spatial_id: u8) -> Option<(u16, u16)> {
        let known = self.sized && spatial_id < self.spatial_layers;
        self.sizes.get(usize::from(spatial_id)).copied().filter(|_| known)
    }
}

#[derive(Clone, Copy, Default)]
struct Layer {
    temporal_id: u8,
    switching_point: bool,
    spatial_id: u8,
    inter_layer: bool,
}

/// The payload descriptor, with offsets of what can be rewritten.
#[derive(Clone, Copy)]
struct Descriptor {
    inter_picture: bool,
    starts_frame: bool,
    ends_frame: bool,
    not_needed_above: bool,
    picture_id: Option<(u8, PictureId)>,
    tl0_pic_idx: Option<(u8, u8)>,
    layer: Option<Layer>,
    scalability: Option<Scalability>,
}

impl Descriptor {
    fn read(payload: &[u8]) -> Result<Self, CodecError> {
        let mut reader = Reader { payload, at: 0 };
        let first = reader.byte()?;
        let [has_id, inter_picture, layered, flexible, starts, ends, structured, not_needed_above] =
            [0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01].map(|bit: u8| first & bit != 0);
        let mut descriptor = Self {
            inter_picture,
            starts_frame: starts,
            ends_frame: ends,
            not_needed_above,
            picture_id: None,
            tl0_pic_idx: None,
            layer: None,
            scalability: None,
        };
        // What can be rewritten lies within the first five bytes.
        if has_id {
            let at = reader.at as u8;
            let high = reader.byte()?;
            let wide = high & 0x80 != 0;
            let value = if wide {
                u16::from_be_bytes([high & 0x7f, reader.byte()?])
            } else {
                u16::from(high)
            };
            descriptor.picture_id = Some((at, PictureId { value, wide }));
        }
        if layered {
            let byte = reader.byte()?;
            descriptor.layer = Some(Layer {
                temporal_id: byte >> 5,
                switching_point: byte & 0x10 != 0,
                spatial_id: byte >> 1 & 0x07,
                inter_layer: byte & 0x01 != 0,
            });
            if !flexible {
                descriptor.tl0_pic_idx = Some((reader.at as u8, reader.byte()?));
            }
        }
        if flexible && inter_picture {
            reader.reference_pictures()?;
        }
        if structured {
            descriptor.scalability = Some(reader.scalability()?);
        }
        Ok(descriptor)
    }
}

struct Reader<'a> {
    payload: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, CodecError> {
        let byte = self.payload.get(self.at).copied().ok_or(CodecError::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    fn word(&mut self) -> Result<u16, CodecError> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// P_DIFF and N, up to three times.
    fn reference_pictures(&mut self) -> Result<(), CodecError> {
        for _ in 0..3 {
            if self.byte()? & 0x01 == 0 {
                return Ok(());
            }
        }
        Err(CodecError::Malformed)
    }

    fn scalability(&mut self) -> Result<Scalability, CodecError> {
        let head = self.byte()?;
        let (sized, has_pictures) = (head & 0x10 != 0, head & 0x08 != 0);
        let mut out =
            Scalability { spatial_layers: (head >> 5) + 1, sized, ..Scalability::default() };
        if sized {
            for size in out.sizes.iter_mut().take(out.spatial_layers.into()) {
                *size = (self.word()?, self.word()?);
            }
        }
        if has_pictures {
            out.pictures = self.byte()?;
            for _ in 0..out.pictures {
                let picture = self.byte()?;
                for _ in 0..picture >> 2 & 0x03 {
                    self.byte()?;
                }
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests;
