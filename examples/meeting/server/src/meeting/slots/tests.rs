use proptest::prelude::*;

use super::*;

fn slots(audio: usize, video: usize) -> Slots {
    let spec =
        |kind, role| move |index| SlotSpec { mid: format!("{kind:?}{role:?}{index}"), kind, role };
    let mut specs: Vec<_> = (0..audio).map(spec(Kind::Audio, SlotRole::Participant)).collect();
    specs.extend((0..video).map(spec(Kind::Video, SlotRole::Participant)));
    specs.extend((0..1).map(spec(Kind::Audio, SlotRole::Screen)));
    specs.extend((0..1).map(spec(Kind::Video, SlotRole::Screen)));
    Slots::new(specs)
}

fn person(number: u64) -> ParticipantId {
    ParticipantId::from_number(number)
}

fn voice(number: u64) -> AudioCandidate {
    AudioCandidate { participant: person(number), muted: false }
}

fn muted(number: u64) -> AudioCandidate {
    AudioCandidate { participant: person(number), muted: true }
}

fn face(number: u64) -> VideoCandidate {
    VideoCandidate {
        participant: person(number),
        pinned: false,
        spotlit: false,
        layer: 1,
        speaks: false,
    }
}

fn held(slots: &Slots, source: Source) -> Vec<Option<ParticipantId>> {
    slots.take(source).into_iter().map(super::person).collect()
}

/// With a voice for each and without a tile for the speaker.
fn assign(
    slots: &mut Slots,
    audio: &[AudioCandidate],
    video: &[VideoCandidate],
    screen: Option<ScreenCandidate>,
) -> bool {
    slots.assign(Voices::Each(audio), video, false, screen)
}

#[test]
fn voice_and_face_share_an_index() {
    let mut slots = slots(4, 4);
    assert!(assign(&mut slots, &[voice(1)], &[], None));
    assert!(assign(&mut slots, &[voice(1), voice(2)], &[face(2)], None));
    assert!(assign(&mut slots, &[voice(1), voice(2)], &[face(1), face(2)], None));
    assert_eq!(held(&slots, Source::Microphone), held(&slots, Source::Camera));
}

#[test]
fn nobody_moves_when_somebody_leaves() {
    let mut slots = slots(3, 3);
    assign(&mut slots, &[voice(1), voice(2), voice(3)], &[face(1), face(2), face(3)], None);
    assign(&mut slots, &[voice(1), voice(3)], &[face(1), face(3)], None);
    assert_eq!(held(&slots, Source::Camera), [Some(person(1)), None, Some(person(3))]);
    assign(&mut slots, &[voice(1), voice(3), voice(4)], &[face(1), face(3), face(4)], None);
    let expected = [Some(person(1)), Some(person(4)), Some(person(3))];
    assert_eq!(held(&slots, Source::Camera), expected);
    assert_eq!(held(&slots, Source::Microphone), expected);
}

#[test]
fn a_muted_person_keeps_a_slot_until_a_speaker_needs_it() {
    let mut slots = slots(2, 0);
    assign(&mut slots, &[voice(1), voice(2)], &[], None);
    assign(&mut slots, &[muted(1), voice(2)], &[], None);
    assert_eq!(held(&slots, Source::Microphone), [Some(person(1)), Some(person(2))]);
    assign(&mut slots, &[muted(1), voice(2), voice(3)], &[], None);
    assert_eq!(held(&slots, Source::Microphone), [Some(person(3)), Some(person(2))]);
    assign(&mut slots, &[voice(1), voice(2), voice(3)], &[], None);
    assert_eq!(held(&slots, Source::Microphone), [Some(person(3)), Some(person(2))]);
}

#[test]
fn larger_tiles_are_served_first() {
    let mut slots = slots(0, 1);
    assign(&mut slots, &[], &[face(1)], None);
    let large = VideoCandidate { layer: 2, ..face(2) };
    assign(&mut slots, &[], &[face(1), large], None);
    assert_eq!(held(&slots, Source::Camera), [Some(person(2))]);
}

#[test]
fn a_pin_comes_before_the_spotlight_and_that_before_size_and_that_before_speech() {
    let ranks = [
        VideoCandidate { pinned: true, layer: 0, ..face(4) },
        VideoCandidate { spotlit: true, layer: 0, ..face(3) },
        VideoCandidate { layer: 2, ..face(2) },
        VideoCandidate { speaks: true, ..face(1) },
        face(0),
    ];
    for count in 1..5 {
        let mut slots = slots(0, count);
        let reversed: Vec<_> = ranks.into_iter().rev().collect();
        assign(&mut slots, &[], &reversed, None);
        let mut found: Vec<_> = held(&slots, Source::Camera).into_iter().flatten().collect();
        found.sort_unstable();
        let mut expected: Vec<_> = ranks.iter().take(count).map(|face| face.participant).collect();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_screen_has_slots_of_its_own() {
    let mut slots = slots(1, 1);
    let screen = ScreenCandidate { participant: person(1), video: true, audio: false };
    assert!(assign(&mut slots, &[], &[], Some(screen)));
    assert_eq!(held(&slots, Source::Screen), [Some(person(1))]);
    assert_eq!(held(&slots, Source::ScreenAudio), [None]);
    assert!(assign(&mut slots, &[], &[], None));
    assert_eq!(held(&slots, Source::Screen), [None]);
}

#[test]
fn tiles_ask_for_layers_by_height() {
    assert_eq!([0, 269, 270, 539, 540, 4000].map(spatial_layer), [0, 0, 1, 1, 2, 2]);
}

#[derive(Debug, Clone)]
struct Step {
    audio: Vec<AudioCandidate>,
    video: Vec<VideoCandidate>,
    speaker_shown: bool,
    by_speech: bool,
}

impl Step {
    fn apply(&self, slots: &mut Slots) -> bool {
        let voices = if self.by_speech { Voices::Speakers(3) } else { Voices::Each(&self.audio) };
        slots.assign(voices, &self.video, self.speaker_shown, None)
    }
}

fn step() -> impl Strategy<Value = Step> {
    let candidate = (any::<bool>(), any::<bool>(), any::<bool>(), 0..3_u8, any::<[bool; 3]>());
    let people = proptest::collection::vec(candidate, 12);
    (people, any::<bool>(), any::<bool>()).prop_map(|(people, speaker_shown, by_speech)| {
        let (audio, video) = (Vec::new(), Vec::new());
        let mut step = Step { audio, video, speaker_shown, by_speech };
        for (number, (has_audio, muted, has_video, layer, rank)) in (0..).zip(people) {
            let participant = person(number);
            if has_audio {
                step.audio.push(AudioCandidate { participant, muted });
            }
            if has_video {
                let [pinned, spotlit, speaks] = rank;
                step.video.push(VideoCandidate { participant, pinned, spotlit, layer, speaks });
            }
        }
        step
    })
}

proptest! {
    #[test]
    fn any_history_keeps_the_rules(
        audio in 0_usize..10,
        video in 0_usize..10,
        steps in proptest::collection::vec(step(), 1..12),
    ) {
        let mut slots = slots(audio, video);
        for step in steps {
            let before = slots.clone();
            step.apply(&mut slots);
            let voices = held(&slots, Source::Microphone);
            let faces = held(&slots, Source::Camera);

            for row in [&voices, &faces] {
                let mut people: Vec<_> = row.iter().flatten().collect();
                let count = people.len();
                people.sort_unstable();
                people.dedup();
                prop_assert_eq!(people.len(), count, "somebody has two slots of one kind");
            }
            let speaker = slots.take(Source::Camera).into_iter().filter(|held| is_speaker(*held)).count();
            prop_assert_eq!(speaker, usize::from(step.speaker_shown && video > 0));
            prop_assert_eq!(faces.iter().flatten().count(), (video - speaker).min(step.video.len()));
            if step.by_speech {
                let rank = |index| (index < 3).then_some(Holder::Speaker(index));
                let ranks: Vec<_> = (0..10).map(rank).take(audio).collect();
                prop_assert_eq!(slots.take(Source::Microphone), ranks);
                prop_assert!(!step.apply(&mut slots), "the same candidates change nothing");
                continue;
            }
            prop_assert_eq!(voices.iter().flatten().count(), audio.min(step.audio.len()));

            let is_heard = |person| voices.contains(&Some(person));
            let silent_is_heard = step.audio.iter().any(|c| c.muted && is_heard(c.participant));
            let speaker_is_not = step.audio.iter().any(|c| !c.muted && !is_heard(c.participant));
            prop_assert!(!(silent_is_heard && speaker_is_not), "a muted person displaces a speaker");

            for (index, person) in faces.iter().enumerate().filter(|(i, p)| *i < audio && p.is_some()) {
                if voices.contains(person) {
                    prop_assert_eq!(&voices[index], person, "voice and face are apart");
                }
            }
            let had_speaker = before.take(Source::Camera).into_iter().any(is_speaker);
            for (old, new) in held(&before, Source::Camera).iter().zip(&faces) {
                // The speaker's slot may have been somebody's.
                if had_speaker >= step.speaker_shown && old.is_some() && faces.contains(old) {
                    prop_assert_eq!(old, new, "a face moved");
                }
            }

            let once = slots.held.clone();
            prop_assert!(!step.apply(&mut slots));
            prop_assert_eq!(&once, &slots.held);
        }
    }
}
