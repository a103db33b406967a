//! What a receiver says about how it shows a stream.

use serde::{Deserialize, Serialize};

/// How a receiver shows what one of its consumers brings.
///
/// ```
/// use sfu_core::Demand;
/// let thumbnail = Demand::shown(320, 180);
/// let speaker = Demand::shown(1_280, 720).priority(3).pinned(true);
/// assert!(Demand::hidden().is_hidden() && !thumbnail.is_hidden());
/// let json = serde_json::to_string(&speaker).unwrap();
/// assert_eq!(json, r#"{"width":1280,"height":720,"priority":3,"pinned":true,"screen":false}"#);
/// let short: Demand = serde_json::from_str(r#"{"width":320,"height":180}"#).unwrap();
/// assert_eq!(short, thumbnail);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Demand {
    /// Width of the tile in device pixels; 0 means that it is not shown.
    pub width: u16,
    /// Height of the tile in device pixels; 0 means that it is not shown.
    pub height: u16,
    /// Weight against the receiver's other streams, 1 (the default) to 255; 0
    /// counts as 1.
    #[serde(default = "one")]
    pub priority: u8,
    /// The viewer chose it: it counts for four times its weight.
    #[serde(default)]
    pub pinned: bool,
    /// It is a shared screen or the like, to be read rather than watched: it
    /// keeps its resolution and gives up frame rate first.
    #[serde(default)]
    pub screen: bool,
}

const fn one() -> u8 {
    1
}

impl Demand {
    /// Shown in a tile of this many device pixels.
    pub const fn shown(width: u16, height: u16) -> Self {
        Self { width, height, priority: 1, pinned: false, screen: false }
    }

    /// Not shown: nothing is sent.
    pub const fn hidden() -> Self {
        Self::shown(0, 0)
    }

    /// With this weight against the receiver's other streams.
    #[must_use]
    pub const fn priority(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }

    /// Chosen by the viewer, or not.
    #[must_use]
    pub const fn pinned(mut self, pinned: bool) -> Self {
        self.pinned = pinned;
        self
    }

    /// A shared screen, or not.
    #[must_use]
    pub const fn screen(mut self, screen: bool) -> Self {
        self.screen = screen;
        self
    }

    /// Whether nothing of it is seen.
    pub const fn is_hidden(&self) -> bool {
        self.width == 0 || self.height == 0
    }
}
