//! Observers: who speaks, and how loud.

use super::error::Result;
use super::router::Place;
use crate::engine::Command;
use crate::route::{ProducerId, RtpObserverId};

/// The calls that both kinds of observer share, as methods of each.
macro_rules! observer {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// A handle: cheap to clone, and dropping it closes nothing.
        #[derive(Clone)]
        pub struct $name {
            place: Place,
            id: RtpObserverId,
        }

        impl $name {
            pub(super) fn new(place: Place, id: RtpObserverId) -> Self {
                Self { place, id }
            }

            /// Its identity, which its events carry.
            pub fn id(&self) -> RtpObserverId {
                self.id
            }

            /// Listens to an audio producer of the router. Not needed with
            /// [`ObserverScope::Router`](crate::ObserverScope::Router).
            ///
            /// # Errors
            /// `NotFound` if either is closed; `InvalidParameters` if it is
            /// a video producer.
            pub async fn add_producer(&self, producer: ProducerId) -> Result<()> {
                self.place.act(Command::ObserveProducer(self.id, producer)).await
            }

            /// Undoes [`add_producer`](Self::add_producer).
            ///
            /// # Errors
            /// `NotFound` if either is closed.
            pub async fn remove_producer(&self, producer: ProducerId) -> Result<()> {
                self.place.act(Command::UnobserveProducer(self.id, producer)).await
            }

            /// Tells nothing until [`resume`](Self::resume).
            ///
            /// # Errors
            /// `NotFound` if it is closed.
            pub async fn pause(&self) -> Result<()> {
                self.place.act(Command::PauseRtpObserver(self.id)).await
            }

            /// Tells again, from a new interval on.
            ///
            /// # Errors
            /// `NotFound` if it is closed.
            pub async fn resume(&self) -> Result<()> {
                self.place.act(Command::ResumeRtpObserver(self.id)).await
            }

            /// Closes it.
            ///
            /// # Errors
            /// `NotFound` if it is closed already.
            pub async fn close(&self) -> Result<()> {
                self.place.act(Command::CloseRtpObserver(self.id)).await
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field("id", &self.id).finish_non_exhaustive()
            }
        }
    };
}

observer! {
    /// Tells by [`Event::ActiveSpeaker`](crate::Event::ActiveSpeaker) who of
    /// its producers is the dominant speaker.
    ///
    /// The router tells the same of all its producers, without an observer.
    ///
    /// ```no_run
    /// # async fn run(room: sfu_core::Router, microphone: sfu_core::Producer)
    /// # -> sfu_core::Result<()> {
    /// use sfu_core::{ActiveSpeakerOptions, Event};
    ///
    /// let mut events = room.events();
    /// let observer =
    ///     room.create_active_speaker_observer(ActiveSpeakerOptions::default()).await?;
    /// observer.add_producer(microphone.id()).await?;
    /// while let Some(event) = events.next().await {
    ///     if let Event::ActiveSpeaker { observer: Some(id), producer, .. } = event
    ///         && id == observer.id()
    ///     {
    ///         println!("{producer} speaks");
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ActiveSpeakerObserver
}

observer! {
    /// Tells by [`Event::AudioLevels`](crate::Event::AudioLevels) and
    /// [`Event::Silence`](crate::Event::Silence) how loud its producers are.
    ///
    /// ```no_run
    /// # async fn run(room: sfu_core::Router) -> sfu_core::Result<()> {
    /// use sfu_core::{AudioLevelOptions, Event, ObserverScope};
    ///
    /// let mut events = room.events();
    /// let everyone = AudioLevelOptions::default().max_entries(5).scope(ObserverScope::Router);
    /// room.create_audio_level_observer(everyone).await?;
    /// while let Some(event) = events.next().await {
    ///     if let Event::AudioLevels { volumes, .. } = event {
    ///         for loud in volumes {
    ///             println!("{}: {} dBov", loud.producer, loud.volume);
    ///         }
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    AudioLevelObserver
}
