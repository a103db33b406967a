//! What passes of one stream: chosen at each key frame by what its packets
//! carry.

use serde::{Deserialize, Serialize};

use super::dd::DependencyFilter;
use super::svc::SvcFilter;
use super::temporal::TemporalFilter;
use super::{Layers, PacketMeta, References};

/// The layers inside of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LayerFilter {
    target: Layers,
    /// A history is being sent: only its base layer.
    brief: bool,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    /// The codec's temporal layers, if it tells them.
    Temporal(TemporalFilter),
    /// VP9's descriptor.
    Svc(SvcFilter),
    /// The dependency descriptor.
    Dependencies(DependencyFilter),
}

impl LayerFilter {
    pub(super) const fn new() -> Self {
        Self { target: Layers::MAX, brief: false, kind: Kind::Temporal(TemporalFilter::new()) }
    }

    pub(super) fn set_target(&mut self, target: Layers) {
        self.target = target;
        self.apply_target();
    }

    /// While `brief`, only the base temporal layer passes.
    pub(super) fn set_brief(&mut self, brief: bool) {
        self.brief = brief;
        self.apply_target();
    }

    /// Starts over at this packet, if a receiver can start there.
    pub(super) fn begin(&mut self, packet: &PacketMeta) -> bool {
        let target = self.effective_target();
        if let Some(frame) = &packet.dependencies {
            let Some(begun) = DependencyFilter::begin(packet, frame, target) else { return false };
            self.kind = Kind::Dependencies(begun);
            return true;
        }
        if !packet.keyframe_start {
            return false;
        }
        self.kind = if packet.references.contains(References::LAYERED) {
            Kind::Svc(SvcFilter::begin(packet, target))
        } else {
            let mut temporal = TemporalFilter::new();
            temporal.set_target(target.temporal);
            temporal.restart(packet.timestamp);
            Kind::Temporal(temporal)
        };
        true
    }

    /// Whether a packet of the stream passes.
    pub(super) fn passes(&mut self, packet: &PacketMeta) -> bool {
        if packet.keyframe_start && self.is_other_kind(packet) {
            // The publisher went over to another codec, or began to describe
            // its layers.
            return self.begin(packet);
        }
        match (&mut self.kind, &packet.dependencies) {
            (Kind::Dependencies(filter), Some(frame)) => filter.passes(packet, frame),
            // Without its descriptor nothing is known of the packet.
            (Kind::Dependencies(_), None) => false,
            (Kind::Svc(filter), _) => filter.passes(packet),
            (Kind::Temporal(filter), _) => filter.passes(packet),
        }
    }

    /// Whether a late packet of the stream passes, without a change of state.
    pub(super) fn passed(&self, packet: &PacketMeta) -> bool {
        let mut copy = *self;
        copy.passes(packet)
    }

    pub(super) fn needs_key_frame(&self) -> bool {
        match &self.kind {
            Kind::Temporal(_) => false,
            Kind::Svc(filter) => filter.needs_key_frame(),
            Kind::Dependencies(filter) => filter.needs_key_frame(),
        }
    }

    pub(super) fn current(&self) -> Layers {
        match &self.kind {
            Kind::Temporal(filter) => Layers { spatial: 0, temporal: filter.current() },
            Kind::Svc(filter) => filter.current(),
            Kind::Dependencies(filter) => filter.current(),
        }
    }

    /// What shall pass, of what there is.
    pub(super) fn target(&self) -> Layers {
        match &self.kind {
            Kind::Temporal(_) => Layers { spatial: 0, temporal: self.target.temporal },
            Kind::Svc(filter) => filter.target(),
            Kind::Dependencies(filter) => filter.target(),
        }
    }

    /// The spatial layer whose frame ends a picture for the receiver; `None` if
    /// the publisher's marker does.
    pub(super) fn top(&self) -> Option<u8> {
        match &self.kind {
            Kind::Temporal(_) => None,
            Kind::Svc(filter) => Some(filter.top()),
            Kind::Dependencies(filter) => Some(filter.top()),
        }
    }

    fn is_other_kind(&self, packet: &PacketMeta) -> bool {
        let layered = packet.references.contains(References::LAYERED);
        match (&self.kind, packet.dependencies.is_some()) {
            (Kind::Dependencies(_), described) => !described,
            (_, true) => true,
            (Kind::Svc(_), _) => !layered,
            (Kind::Temporal(_), _) => layered,
        }
    }

    fn effective_target(&self) -> Layers {
        if self.brief { Layers { temporal: 0, ..self.target } } else { self.target }
    }

    fn apply_target(&mut self) {
        let target = self.effective_target();
        match &mut self.kind {
            Kind::Temporal(filter) => filter.set_target(target.temporal),
            Kind::Svc(filter) => filter.set_target(target),
            Kind::Dependencies(filter) => filter.set_target(target),
        }
    }
}
