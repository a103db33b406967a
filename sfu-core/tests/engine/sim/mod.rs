//! A small world around an engine: a virtual clock, links that lose, delay and
//! reorder, publishers and receivers. Everything follows from a seed.

mod encoder;
mod layout;
mod link;
mod media;
mod network;
mod ordered;
mod peer;
mod pipes;
mod sink;
mod source;
mod world;

pub use encoder::Frugal;
pub use layout::Layout;
pub use link::{Link, Rng};
pub use media::{Descriptor, Format, Stamp};
pub use network::Buffers;
pub use ordered::Ordered;
pub use peer::{Client, Path};
pub use pipes::{Collected, PipeRef, Piped, Pipes};
pub use sink::{Received, Sink};
pub use source::{Layer, Source, Voice};
pub use world::{SinkRef, SourceRef, World};
