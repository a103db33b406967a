//! How much a rung is worth to a viewer: the one formula by which streams are
//! weighed against one another.
//!
//! A stream is worth `weight × quality`, or nothing while it is not sent.
//!
//! - `weight` = √(shown pixels ÷ 1280·720) × priority × 4 if it is pinned ×
//!   2 if it is a shared screen. A tile of four times the area counts twice.
//! - `quality` = 1/4 + 3/4 × sharpness^a × motion^b. The quarter is for being
//!   seen at all. `sharpness` is the share of the shown pixels that the picture
//!   fills (three quarters of them are as good as all) and `motion` the frame
//!   rate ÷ 30, both at most 1. Cameras have a = 1/2 and b = 1/4; shared screens
//!   a = 3/4 and b = 1/8, so that they keep resolution and give up frame rate.
//!
//! Both factors are concave: the first bits of every tile are worth more than
//! the last bits of one. Only square roots are taken, which every machine
//! rounds alike, so that the same inputs give the same choice everywhere.

use super::{Demand, Rung};

/// Pixels of a tile that has weight 1.
const REFERENCE_PIXELS: f64 = 1280.0 * 720.0;
/// Pictures per second that look smooth.
const SMOOTH: f64 = 30.0;
/// More than this share of the shown pixels is not seen.
const ENOUGH: f64 = 0.75;
/// Share of the quality that any picture has.
const SEEN: f64 = 0.25;
const PINNED: f64 = 4.0;
const SCREEN: f64 = 2.0;

/// The formula for one stream, with all that does not depend on the rung
/// worked out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Utility {
    weight: f64,
    /// Pixels that the viewer can see.
    visible: f64,
    screen: bool,
}

impl Utility {
    /// For a stream that is shown like this. A receiver that says nothing is
    /// taken to show it at `full_pixels`, the largest picture that there is.
    pub fn new(demand: Option<&Demand>, full_pixels: u32) -> Self {
        let demand = demand.copied();
        let shown = demand.map_or(full_pixels, |d| u32::from(d.width) * u32::from(d.height));
        let demand = demand.unwrap_or_else(|| Demand::shown(0, 0));
        let shown = f64::from(shown);
        let pin = if demand.pinned { PINNED } else { 1.0 };
        let screen = if demand.screen { SCREEN } else { 1.0 };
        let weight = (shown / REFERENCE_PIXELS).sqrt();
        Self {
            weight: weight * f64::from(demand.priority.max(1)) * pin * screen,
            visible: shown * ENOUGH,
            screen: demand.screen,
        }
    }

    /// What a rung is worth; nothing if the stream is not shown.
    pub fn of(&self, rung: &Rung) -> f64 {
        if self.visible <= 0.0 {
            return 0.0;
        }
        let sharpness = (f64::from(rung.pixels()) / self.visible).min(1.0);
        let motion = (f64::from(rung.frame_rate) / SMOOTH).clamp(0.0, 1.0);
        let quality = if self.screen {
            let root = sharpness.sqrt();
            root * root.sqrt() * motion.sqrt().sqrt().sqrt()
        } else {
            sharpness.sqrt() * motion.sqrt().sqrt()
        };
        self.weight * (SEEN + (1.0 - SEEN) * quality)
    }

    /// Whether the picture has more pixels than can be seen.
    pub(super) fn is_more_than_visible(&self, rung: &Rung) -> bool {
        f64::from(rung.pixels()) > self.visible
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::select::Layers;

    fn rung(width: u16, frame_rate: f32) -> Rung {
        let height = (u32::from(width) * 9 / 16) as u16;
        Rung { layers: Layers::MIN, bitrate: 0, width, height, frame_rate }
    }

    #[test]
    fn the_reference_tile_at_full_quality_is_worth_one() {
        let utility = Utility::new(Some(&Demand::shown(1_280, 720)), 0);
        assert_eq!(utility.of(&rung(1_280, 30.0)), 1.0);
        assert_eq!(utility.of(&rung(3_840, 60.0)), 1.0, "more is not seen");
        let quarter = Utility::new(Some(&Demand::shown(640, 360)), 0);
        assert_eq!(quarter.of(&rung(640, 30.0)), 0.5);
        let pinned = Utility::new(Some(&Demand::shown(640, 360).pinned(true).priority(3)), 0);
        assert_eq!(pinned.of(&rung(640, 30.0)), 6.0);
        assert_eq!(Utility::new(Some(&Demand::hidden()), 9).of(&rung(640, 30.0)), 0.0);
        assert_eq!(Utility::new(None, 1_280 * 720), utility);
    }

    #[test]
    fn a_camera_gives_up_resolution_and_a_screen_frame_rate() {
        let camera = Demand::shown(1_280, 720);
        let prefers_sharp = |demand: &Demand| {
            let utility = Utility::new(Some(demand), 0);
            utility.of(&rung(1_280, 2.5)) > utility.of(&rung(640, 30.0))
        };
        assert!(!prefers_sharp(&camera));
        assert!(prefers_sharp(&camera.screen(true)));
    }
}
