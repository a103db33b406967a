//! The state of an ICE agent as applications see it.

use serde::{Deserialize, Serialize};

/// How the connectivity of a peer stands.
///
/// A lite agent sends no checks, so all of this is judged from the checks
/// that arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum IceState {
    /// No authenticated check has arrived yet.
    #[default]
    New,
    /// Checks arrive.
    Connected,
    /// Checks have stopped; they may come back.
    Disconnected,
    /// Checks have stopped for so long that consent is gone (RFC 7675).
    /// A new check still revives the peer.
    Failed,
    /// Closed by the application.
    Closed,
}
