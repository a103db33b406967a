//! A checked, zero-copy view of one STUN message (RFC 8489 §5 and §14).
//!
//! Parsing walks the attributes once and remembers those that ICE uses.
//! Nothing here authenticates: see the integrity functions of the module.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::StunError;

pub(super) const MAGIC_COOKIE: u32 = 0x2112_A442;
pub(super) const HEADER_LEN: usize = 20;
/// The Binding method (RFC 8489 §18.2).
const METHOD_BINDING: u16 = 0x001;

pub(super) mod attr {
    pub(in super::super) const USERNAME: u16 = 0x0006;
    pub(in super::super) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(in super::super) const ERROR_CODE: u16 = 0x0009;
    pub(in super::super) const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
    pub(in super::super) const MESSAGE_INTEGRITY_SHA256: u16 = 0x001C;
    pub(in super::super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub(in super::super) const PRIORITY: u16 = 0x0024;
    pub(in super::super) const USE_CANDIDATE: u16 = 0x0025;
    pub(in super::super) const FINGERPRINT: u16 = 0x8028;
    pub(in super::super) const ICE_CONTROLLED: u16 = 0x8029;
    pub(in super::super) const ICE_CONTROLLING: u16 = 0x802A;
    /// draft-thatcher-ice-renomination, sent by libwebrtc.
    pub(in super::super) const NOMINATION: u16 = 0xC001;
    /// Understood in the sense that their absence of meaning is known:
    /// MAPPED-ADDRESS, REALM, NONCE, PASSWORD-ALGORITHM, USERHASH.
    pub(super) const KNOWN_UNUSED: [u16; 5] = [0x0001, 0x0014, 0x0015, 0x001D, 0x001E];
}

/// The class of a message (RFC 8489 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)]
pub enum Class {
    /// Wants a response.
    Request,
    /// Wants none.
    Indication,
    /// A success response.
    Success,
    /// An error response.
    Error,
}

/// The 96 bits that pair a response with its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct TransactionId(pub [u8; 12]);

/// The error codes that ICE sends and receives (RFC 8489 §14.8, RFC 8445 §7.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// 400: an attribute is missing or malformed.
    BadRequest,
    /// 401: the user name or the integrity is wrong.
    Unauthenticated,
    /// 420: an attribute that must be understood is not.
    UnknownAttribute,
    /// 487: both agents have the same role.
    RoleConflict,
    /// Any other code.
    Other(u16),
}

impl ErrorCode {
    /// The number on the wire, 300 to 699.
    pub const fn code(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthenticated => 401,
            Self::UnknownAttribute => 420,
            Self::RoleConflict => 487,
            Self::Other(code) => code,
        }
    }

    /// The code for a number on the wire.
    pub const fn from_code(code: u16) -> Self {
        match code {
            400 => Self::BadRequest,
            401 => Self::Unauthenticated,
            420 => Self::UnknownAttribute,
            487 => Self::RoleConflict,
            other => Self::Other(other),
        }
    }

    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::BadRequest => "Bad Request",
            Self::Unauthenticated => "Unauthenticated",
            Self::UnknownAttribute => "Unknown Attribute",
            Self::RoleConflict => "Role Conflict",
            Self::Other(_) => "Error",
        }
    }
}

/// One attribute as it is in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute<'a> {
    /// The attribute type. Below 0x8000 it must be understood.
    pub kind: u16,
    /// The value without padding.
    pub value: &'a [u8],
    /// Where the attribute's header begins, from the start of the datagram.
    pub offset: usize,
}

/// Iterates over the attributes of a message in wire order.
///
/// Yields one `Err` and ends when an attribute runs past the end.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, StunError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let attribute = self.parse();
        if attribute.is_none() {
            self.rest = &[];
        }
        Some(attribute.ok_or(StunError::BadAttribute))
    }
}

impl<'a> Attributes<'a> {
    fn parse(&mut self) -> Option<Attribute<'a>> {
        let (header, body) = self.rest.split_first_chunk::<4>()?;
        let [k0, k1, l0, l1] = *header;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        let padded = len.checked_next_multiple_of(4)?;
        let (padded_value, rest) = body.split_at_checked(padded)?;
        let attribute = Attribute {
            kind: u16::from_be_bytes([k0, k1]),
            value: padded_value.get(..len)?,
            offset: self.offset,
        };
        self.rest = rest;
        self.offset = self.offset.checked_add(padded)?.checked_add(4)?;
        Some(attribute)
    }
}

/// A well-formed STUN message. Not yet authenticated.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    datagram: &'a [u8],
    class: Class,
    method: u16,
    transaction_id: TransactionId,
    username: Option<&'a [u8]>,
    priority: Option<u32>,
    use_candidate: bool,
    nomination: Option<u32>,
    controlling: Option<u64>,
    controlled: Option<u64>,
    mapped: Option<SocketAddr>,
    error: Option<ErrorCode>,
    unknown: Option<u16>,
    pub(super) integrity: Option<(usize, &'a [u8; 20])>,
    pub(super) fingerprint: Option<(usize, u32)>,
}

impl<'a> Message<'a> {
    /// Parses a datagram as exactly one STUN message.
    ///
    /// # Errors
    /// [`StunError::NotStun`], [`StunError::BadLength`], [`StunError::BadCookie`]
    /// or [`StunError::BadAttribute`], and [`StunError::BadFingerprint`] if a
    /// FINGERPRINT is there and does not match.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, StunError> {
        let (kind, transaction_id, body) = split_header(datagram)?;
        let mut message = Self {
            datagram,
            class: class(kind),
            method: method(kind),
            transaction_id,
            username: None,
            priority: None,
            use_candidate: false,
            nomination: None,
            controlling: None,
            controlled: None,
            mapped: None,
            error: None,
            unknown: None,
            integrity: None,
            fingerprint: None,
        };
        for attribute in (Attributes { rest: body, offset: HEADER_LEN }) {
            message.admit(attribute?)?;
        }
        if !message.fingerprint_is_right() {
            return Err(StunError::BadFingerprint);
        }
        Ok(message)
    }

    fn admit(&mut self, attribute: Attribute<'a>) -> Result<(), StunError> {
        let Attribute { kind, value, offset } = attribute;
        // RFC 8489 §14.7: FINGERPRINT is the last attribute.
        if self.fingerprint.is_some() {
            return Err(StunError::BadAttribute);
        }
        // RFC 8489 §14.5: what follows MESSAGE-INTEGRITY is not covered by it
        // and is ignored, FINGERPRINT excepted.
        if self.integrity.is_some() && kind != attr::FINGERPRINT {
            return Ok(());
        }
        match kind {
            // RFC 8489 §14: of a repeated attribute only the first counts.
            attr::USERNAME if self.username.is_none() => self.username = Some(value),
            attr::PRIORITY => self.priority = Some(be_u32(value)?),
            attr::USE_CANDIDATE => self.use_candidate = true,
            attr::NOMINATION => self.nomination = Some(be_u32(value)?),
            attr::ICE_CONTROLLING => self.controlling = Some(be_u64(value)?),
            attr::ICE_CONTROLLED => self.controlled = Some(be_u64(value)?),
            attr::XOR_MAPPED_ADDRESS => self.mapped = Some(self.unxor(value)?),
            attr::ERROR_CODE => self.error = Some(error_code(value)?),
            attr::MESSAGE_INTEGRITY => {
                let mac = value.try_into().map_err(|_| StunError::BadAttribute)?;
                self.integrity = Some((offset, mac));
            }
            attr::FINGERPRINT => self.fingerprint = Some((offset, be_u32(value)?)),
            attr::USERNAME | attr::UNKNOWN_ATTRIBUTES | attr::MESSAGE_INTEGRITY_SHA256 => {}
            kind if kind < 0x8000 && !attr::KNOWN_UNUSED.contains(&kind) => {
                self.unknown.get_or_insert(kind);
            }
            _ => {}
        }
        Ok(())
    }

    fn unxor(&self, value: &[u8]) -> Result<SocketAddr, StunError> {
        let (&[_, family, p0, p1], addr) =
            value.split_first_chunk::<4>().ok_or(StunError::BadAttribute)?;
        let port = u16::from_be_bytes([p0, p1]) ^ (MAGIC_COOKIE >> 16) as u16;
        let ip = match family {
            1 => {
                let addr: [u8; 4] = addr.try_into().map_err(|_| StunError::BadAttribute)?;
                IpAddr::V4(Ipv4Addr::from_bits(u32::from_be_bytes(addr) ^ MAGIC_COOKIE))
            }
            2 => {
                let addr: [u8; 16] = addr.try_into().map_err(|_| StunError::BadAttribute)?;
                IpAddr::V6(Ipv6Addr::from_bits(
                    u128::from_be_bytes(addr) ^ v6_mask(self.transaction_id),
                ))
            }
            _ => return Err(StunError::BadAttribute),
        };
        Ok(SocketAddr::new(ip, port))
    }

    /// The whole datagram.
    pub fn datagram(&self) -> &'a [u8] {
        self.datagram
    }

    /// The message class.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Whether the method is Binding, the only one that ICE uses.
    pub fn is_binding(&self) -> bool {
        self.method == METHOD_BINDING
    }

    /// The transaction id.
    pub fn transaction_id(&self) -> TransactionId {
        self.transaction_id
    }

    /// All attributes in wire order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes { rest: self.datagram.get(HEADER_LEN..).unwrap_or(&[]), offset: HEADER_LEN }
    }

    /// USERNAME as the two user fragments of ICE (RFC 8445 §7.2.2): first the
    /// one of the agent that receives the request, then the sender's.
    pub fn username(&self) -> Option<(&'a str, &'a str)> {
        split_username(self.username?)
    }

    /// Whether MESSAGE-INTEGRITY is there, right or wrong.
    pub fn is_protected(&self) -> bool {
        self.integrity.is_some()
    }

    /// PRIORITY of a check.
    pub fn priority(&self) -> Option<u32> {
        self.priority
    }

    /// Whether USE-CANDIDATE is there: the sender nominates this pair.
    pub fn use_candidate(&self) -> bool {
        self.use_candidate
    }

    /// The NOMINATION value of draft-thatcher-ice-renomination.
    pub fn nomination(&self) -> Option<u32> {
        self.nomination
    }

    /// The tie-breaker of ICE-CONTROLLING.
    pub fn ice_controlling(&self) -> Option<u64> {
        self.controlling
    }

    /// The tie-breaker of ICE-CONTROLLED.
    pub fn ice_controlled(&self) -> Option<u64> {
        self.controlled
    }

    /// XOR-MAPPED-ADDRESS of a success response.
    pub fn mapped_address(&self) -> Option<SocketAddr> {
        self.mapped
    }

    /// ERROR-CODE of an error response.
    pub fn error_code(&self) -> Option<ErrorCode> {
        self.error
    }

    /// The first attribute that must be understood and is not.
    pub fn unknown_attribute(&self) -> Option<u16> {
        self.unknown
    }
}

/// The two user fragments in the USERNAME of a Binding request, ours first.
///
/// Cheap and not authenticated: it serves to route a datagram from an unknown
/// tuple to the agent that owns the fragment. Only well-formed requests have
/// an answer here, and each fragment is 1 to 256 bytes of ASCII.
pub fn username(datagram: &[u8]) -> Option<(&str, &str)> {
    let (kind, _, body) = split_header(datagram).ok()?;
    if class(kind) != Class::Request || method(kind) != METHOD_BINDING {
        return None;
    }
    let found = Attributes { rest: body, offset: HEADER_LEN }
        .map_while(Result::ok)
        .find(|attribute| attribute.kind == attr::USERNAME)?;
    split_username(found.value)
}

fn split_username(value: &[u8]) -> Option<(&str, &str)> {
    let text = str::from_utf8(value).ok()?;
    let (ours, theirs) = text.split_once(':')?;
    let fine = |s: &str| (1..=256).contains(&s.len()) && s.is_ascii();
    (fine(ours) && fine(theirs)).then_some((ours, theirs))
}

fn split_header(datagram: &[u8]) -> Result<(u16, TransactionId, &[u8]), StunError> {
    let (header, body) = datagram.split_first_chunk::<HEADER_LEN>().ok_or(StunError::NotStun)?;
    let [k0, k1, l0, l1, c0, c1, c2, c3, id @ ..] = *header;
    if k0 & 0xC0 != 0 {
        return Err(StunError::NotStun);
    }
    if u32::from_be_bytes([c0, c1, c2, c3]) != MAGIC_COOKIE {
        return Err(StunError::BadCookie);
    }
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    if len != body.len() || len % 4 != 0 {
        return Err(StunError::BadLength);
    }
    Ok((u16::from_be_bytes([k0, k1]), TransactionId(id), body))
}

/// Class bits C1 and C0 sit at 0x100 and 0x010 among the method bits.
fn class(kind: u16) -> Class {
    match (kind & 0x100 != 0, kind & 0x010 != 0) {
        (false, false) => Class::Request,
        (false, true) => Class::Indication,
        (true, false) => Class::Success,
        (true, true) => Class::Error,
    }
}

fn method(kind: u16) -> u16 {
    (kind & 0x000F) | ((kind & 0x00E0) >> 1) | ((kind & 0x3E00) >> 2)
}

/// What an IPv6 address is XORed with: cookie, then transaction id.
pub(super) fn v6_mask(id: TransactionId) -> u128 {
    let low = id.0.iter().fold(0u128, |mask, byte| (mask << 8) | u128::from(*byte));
    (u128::from(MAGIC_COOKIE) << 96) | low
}

fn error_code(value: &[u8]) -> Result<ErrorCode, StunError> {
    let (&[_, _, class, number], _reason) =
        value.split_first_chunk::<4>().ok_or(StunError::BadAttribute)?;
    let class = u16::from(class & 0x07);
    if !(3..=6).contains(&class) || number > 99 {
        return Err(StunError::BadAttribute);
    }
    Ok(ErrorCode::from_code(class * 100 + u16::from(number)))
}

fn be_u32(value: &[u8]) -> Result<u32, StunError> {
    value.try_into().map(u32::from_be_bytes).map_err(|_| StunError::BadAttribute)
}

fn be_u64(value: &[u8]) -> Result<u64, StunError> {
    value.try_into().map(u64::from_be_bytes).map_err(|_| StunError::BadAttribute)
}
