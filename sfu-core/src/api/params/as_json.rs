//! For `#[serde(with = "…::params::as_json")]` on a field of a snapshot.
//!
//! The parameter types leave absent fields out of their JSON, which formats
//! that do not describe themselves (the snapshots' postcard) cannot express.
//! In those the field is carried as JSON text; in JSON it is itself.

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Serializes `value` as itself in readable formats and as JSON text in others.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<T, S>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Serialize,
    S: Serializer,
{
    if serializer.is_human_readable() {
        value.serialize(serializer)
    } else {
        serde_json::to_string(value).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// The reverse of [`serialize`].
///
/// # Errors
///
/// Those of the deserializer, and text that is not the JSON of a `T`.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    if deserializer.is_human_readable() {
        T::deserialize(deserializer)
    } else {
        let json = String::deserialize(deserializer)?;
        serde_json::from_str(&json).map_err(D::Error::custom)
    }
}
