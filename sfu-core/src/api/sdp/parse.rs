//! From text to a [`SessionDescription`]: line by line, with limits.
//!
//! Lines that mean nothing here are skipped. A line is refused only if it is
//! understood and cannot be right, or if there is too much of something.

use super::SdpError;
use super::attributes::{SectionBuilder, apply_session_attribute};
use super::description::{Direction, MediaSection, SessionDescription};

/// Longest text that is read, in bytes.
pub const MAX_TEXT: usize = 256 * 1024;
/// Longest line, in bytes.
pub const MAX_LINE: usize = 4096;
/// Most m-sections.
pub const MAX_SECTIONS: usize = 128;
/// Most formats of an m-section.
pub const MAX_FORMATS: usize = 64;

impl SessionDescription {
    /// Reads a session description. Lines may end in CRLF or LF.
    ///
    /// # Errors
    ///
    /// [`SdpError`] with the first line that cannot be right, or that is one
    /// too many ([`MAX_TEXT`], [`MAX_LINE`], [`MAX_SECTIONS`], [`MAX_FORMATS`]).
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        if text.len() > MAX_TEXT {
            return Err(SdpError::new(0, "description", "at most 256 KiB"));
        }
        let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        if lines.next().is_none_or(|(line, _)| line.trim_end() != "v=0") {
            return Err(SdpError::new(1, "v=", "v=0"));
        }
        let mut session = Self::default();
        let mut direction = Direction::default();
        let mut section: Option<SectionBuilder> = None;
        for (line, number) in lines {
            let (kind, value) = split_line(line, number)?;
            match (kind, &mut section) {
                ('m', _) => {
                    if session.sections.len() + usize::from(section.is_some()) >= MAX_SECTIONS {
                        return Err(SdpError::new(number, "m=", "at most 128 sections"));
                    }
                    let next = SectionBuilder::new(media_line(value, number)?, direction);
                    session.sections.extend(section.replace(next).map(SectionBuilder::finish));
                }
                ('a', Some(section)) => section.apply(value, number)?,
                ('a', None) => {
                    apply_session_attribute(&mut session, &mut direction, value, number)?;
                }
                _ => {}
            }
        }
        session.sections.extend(section.map(SectionBuilder::finish));
        unique_mids(&session)?;
        Ok(session)
    }
}

fn split_line(line: &str, number: usize) -> Result<(char, &str), SdpError> {
    let line = line.trim_end();
    if line.len() > MAX_LINE {
        return Err(SdpError::new(number, "line", "at most 4096 bytes"));
    }
    // A stray CR would end the line for other readers of what we echo.
    if line.contains(|c: char| c.is_control() && c != '\t') {
        return Err(SdpError::new(number, "line", "no control characters"));
    }
    let mut chars = line.chars();
    match (chars.next(), chars.next()) {
        (Some(kind), Some('=')) => Ok((kind, chars.as_str())),
        _ => Err(SdpError::new(number, "line", "a letter and an equals sign")),
    }
}

/// `m=<media> <port>[/<ports>] <protocol> <format>…` (RFC 8866 §5.14).
fn media_line(value: &str, number: usize) -> Result<MediaSection, SdpError> {
    let error = || SdpError::new(number, "m=", "media, port, protocol and formats");
    let mut words = value.split_ascii_whitespace();
    let media = words.next().ok_or_else(error)?;
    let port = words.next().ok_or_else(error)?;
    let port = port.split_once('/').map_or(port, |(port, _)| port);
    let protocol = words.next().ok_or_else(error)?;
    let formats: Vec<String> = words.map(ToOwned::to_owned).collect();
    if formats.is_empty() {
        return Err(error());
    }
    if formats.len() > MAX_FORMATS {
        return Err(SdpError::new(number, "m=", "at most 64 formats"));
    }
    Ok(MediaSection {
        line: number,
        media: media.to_owned(),
        port: port.parse().map_err(|_| SdpError::new(number, "m=", "a port, 0 to 65535"))?,
        protocol: protocol.to_owned(),
        formats,
        ..MediaSection::default()
    })
}

fn unique_mids(session: &SessionDescription) -> Result<(), SdpError> {
    let mut mids = std::collections::BTreeSet::new();
    let named = |section: &MediaSection| section.mid.clone().map(|mid| (mid, section.line));
    for (mid, line) in session.sections.iter().filter_map(named) {
        if !mids.insert(mid) {
            return Err(SdpError::new(line, "a=mid", "a name of its own"));
        }
    }
    Ok(())
}
