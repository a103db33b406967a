//! What a role may do.

use super::{MediaChange, Role};

/// Something that one participant asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Give up a seat.
    Leave,
    /// Change what a seat sends.
    SetMedia(MediaChange),
    /// Make somebody large for everybody.
    Spotlight,
}

/// Whether somebody with `role` may do `action` to their own seat (`own`) or to another's.
///
/// A host may take others out of the meeting and may silence them, but can never switch somebody's
/// microphone, camera or screen on. What everybody sees large is a host's choice alone.
#[must_use]
pub fn may(role: Role, action: Action, own: bool) -> bool {
    match (role, action) {
        (Role::Host, Action::Spotlight) => true,
        (Role::Participant, Action::Spotlight) => false,
        _ if own => true,
        (Role::Participant, _) => false,
        (Role::Host, Action::Leave) => true,
        (Role::Host, Action::SetMedia(change)) => !change.switches_on(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_may_touch_others_and_only_to_switch_off() {
        let off = MediaChange { audio_enabled: Some(false), ..MediaChange::default() };
        let on = MediaChange { audio_enabled: Some(true), ..MediaChange::default() };
        assert!(may(Role::Participant, Action::SetMedia(on), true));
        assert!(!may(Role::Participant, Action::SetMedia(off), false));
        assert!(!may(Role::Participant, Action::Leave, false));
        assert!(may(Role::Host, Action::SetMedia(off), false));
        assert!(!may(Role::Host, Action::SetMedia(on), false));
        assert!(may(Role::Host, Action::Leave, false));
        assert!(may(Role::Host, Action::Spotlight, false));
        assert!(!may(Role::Participant, Action::Spotlight, true), "not even oneself");
    }
}
