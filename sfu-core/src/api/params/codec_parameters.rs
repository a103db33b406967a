//! The format-specific parameters of a codec (`a=fmtp`).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One value of a format-specific parameter: a number where it reads as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(clippy::exhaustive_enums)]
pub enum ParameterValue {
    /// An integer without sign or leading zeros.
    Number(u32),
    /// Anything else.
    Text(String),
}

impl ParameterValue {
    /// The value of this text.
    ///
    /// ```
    /// use sfu_core::api::params::ParameterValue;
    /// assert_eq!(ParameterValue::parse("96"), ParameterValue::Number(96));
    /// assert_eq!(ParameterValue::parse("42e01f"), ParameterValue::Text("42e01f".into()));
    /// // Not a number to a profile-level-id: the zeros count.
    /// assert_eq!(ParameterValue::parse("010"), ParameterValue::Text("010".into()));
    /// ```
    pub fn parse(text: &str) -> Self {
        match text.parse::<u32>() {
            Ok(n) if text == "0" || text.starts_with(|c: char| matches!(c, '1'..='9')) => {
                Self::Number(n)
            }
            _ => Self::Text(text.to_owned()),
        }
    }
}

impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => write!(f, "{n}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<u32> for ParameterValue {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for ParameterValue {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

/// Format-specific parameters of a codec, by name. Names are compared without
/// regard to case (RFC 4855 §3) and kept in lower case, in alphabetical order.
///
/// ```
/// use sfu_core::api::params::CodecParameters;
/// let fmtp = CodecParameters::parse("minptime=10; useinbandfec=1");
/// assert_eq!(fmtp.number("UseInbandFec"), Some(1));
/// assert_eq!(fmtp.to_string(), "minptime=10;useinbandfec=1");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, ParameterValue>", into = "BTreeMap<String, ParameterValue>")]
pub struct CodecParameters(BTreeMap<String, ParameterValue>);

impl CodecParameters {
    /// No parameters.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The parameters in the text of an `a=fmtp` line after the payload type:
    /// `name=value` pairs between semicolons. Text without `=` (RED's
    /// `111/111`, telephone-event's `0-15`) is kept under the empty name.
    pub fn parse(fmtp: &str) -> Self {
        fmtp.split(';')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or(("", pair)))
            .map(|(name, value)| (name.trim().to_owned(), ParameterValue::parse(value.trim())))
            .collect::<BTreeMap<_, _>>()
            .into()
    }

    /// This set with `name` set to `value`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<ParameterValue>) -> Self {
        self.insert(name, value);
        self
    }

    /// Sets `name` to `value`.
    pub fn insert(&mut self, name: &str, value: impl Into<ParameterValue>) {
        self.0.insert(name.to_ascii_lowercase(), value.into());
    }

    /// Removes `name`.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(&name.to_ascii_lowercase());
    }

    /// The value of `name`.
    pub fn value(&self, name: &str) -> Option<&ParameterValue> {
        match self.0.get(name) {
            None if name.bytes().any(|b| b.is_ascii_uppercase()) => {
                self.0.get(&name.to_ascii_lowercase())
            }
            found => found,
        }
    }

    /// The value of `name` if it is a number.
    pub fn number(&self, name: &str) -> Option<u32> {
        match self.value(name)? {
            ParameterValue::Number(n) => Some(*n),
            ParameterValue::Text(text) => text.parse().ok(),
        }
    }

    /// The value of `name` as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(ToString::to_string)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ParameterValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl From<BTreeMap<String, ParameterValue>> for CodecParameters {
    fn from(map: BTreeMap<String, ParameterValue>) -> Self {
        Self(map.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect())
    }
}

impl From<CodecParameters> for BTreeMap<String, ParameterValue> {
    fn from(parameters: CodecParameters) -> Self {
        parameters.0
    }
}

/// The text of an `a=fmtp` line after the payload type.
impl fmt::Display for CodecParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.iter().enumerate() {
            let separator = if i == 0 { "" } else { ";" };
            if name.is_empty() {
                write!(f, "{separator}{value}")?;
            } else {
                write!(f, "{separator}{name}={value}")?;
            }
        }
        Ok(())
    }
}
