//! Which packets a consumer is sent: what is fresh, what a switch or a speaker
//! brings back, and the cached past.

use std::time::Duration;

use sfu_ice::Time;

use super::Egress;
use crate::route::consumer::{Consumer, stream_key};
use crate::route::event::Event;
use crate::route::id::RouterId;
use crate::route::keyframe_cache;
use crate::route::producer::{IncomingStream, Producer};
use crate::route::speakers::Speech;
use crate::route::transport::Transport;
use crate::stream::select::{Decision, PacketMeta};
use crate::stream::send::StreamKey;
use crate::wire::ExtSeq;
use crate::wire::buf::Pool;

/// A slot that lags as much makes up for it in the pauses of speech,
const LAG: Duration = Duration::from_millis(20);
/// and one that lags more than this takes no more of a word than it can.
const MAX_LAG: Duration = Duration::from_millis(400);

/// Sends one consumer's packets over one transport.
pub(super) struct Outlet<'a, 'e> {
    pub(super) now: Time,
    pub(super) router: RouterId,
    pub(super) transport: &'a mut Transport,
    pub(super) pool: &'a Pool,
    pub(super) egress: &'a mut Egress<'e>,
    pub(super) events: &'a mut Vec<Event>,
}

impl Outlet<'_, '_> {
    /// Everything fresh of `producer`, as far as the selector lets it through.
    pub(super) fn forward(&mut self, consumer: &mut Consumer, producer: &Producer) {
        let follows_speaker = consumer.speaker.is_some();
        if follows_speaker && self.follow_opening(consumer, producer) {
            return;
        }
        for fresh in &producer.fresh {
            if fresh.waits || !consumer.listens_to(fresh.stream) {
                continue;
            }
            let Some(stream) = producer.streams.get(usize::from(fresh.stream)) else { continue };
            let Some(entry) = stream.ring.get(fresh.seq) else { continue };
            let meta = &entry.meta.meta;
            let key = stream_key(producer, fresh.stream);
            if follows_speaker && fresh.speech != Speech::Heard {
                if fresh.speech == Speech::HeldBack {
                    let _ = consumer.rewriter.skip(key, meta);
                    continue;
                }
                if consumer.rewriter.lag() >= LAG {
                    consumer.rewriter.accept_overlap(key);
                    continue;
                }
            }
            let rewritten = match consumer.decide(meta) {
                // The rewriter closes the gap; its answer is always "no".
                Decision::Drop => consumer.rewriter.skip(key, meta),
                Decision::Forward => consumer.rewriter.forward(key, meta),
                Decision::Switch => {
                    let rewritten = consumer.rewriter.switch(key, meta);
                    self.send(consumer, producer, &entry.meta, entry.slot, rewritten, fresh.pad);
                    self.catch_up(consumer, producer, stream, fresh.stream, fresh.seq);
                    continue;
                }
            };
            self.send(consumer, producer, &entry.meta, entry.slot, rewritten, fresh.pad);
        }
        consumer.tell_layers(self.router, self.events);
    }

    /// If a speaker's gate opened just now: sends everything since the spurt
    /// began, and whether it did.
    fn follow_opening(&mut self, consumer: &mut Consumer, producer: &Producer) -> bool {
        let Some(voice) = producer.voice.as_deref() else { return false };
        let opening = voice.opening();
        if consumer.opening.replace(opening.count) == Some(opening.count)
            || !voice.is_opening(self.now)
        {
            return false;
        }
        let Some(stream) = producer.streams.first() else { return false };
        let Some(highest) = stream.ring.highest() else { return false };
        let key = stream_key(producer, 0);
        consumer.selector.reset();
        if consumer.rewriter.lag() <= MAX_LAG {
            consumer.rewriter.accept_overlap(key);
        }
        // Numbers that jump may be far apart.
        let oldest = highest.0.saturating_sub(stream.ring.capacity() as u64);
        for seq in opening.from.0.max(oldest)..=highest.0 {
            let Some(entry) = stream.ring.get(ExtSeq(seq)) else { continue };
            let meta = &entry.meta.meta;
            let rewritten = match consumer.decide(meta) {
                Decision::Drop => consumer.rewriter.skip(key, meta),
                Decision::Forward => consumer.rewriter.forward(key, meta),
                Decision::Switch => consumer.rewriter.switch(key, meta),
            };
            self.send(consumer, producer, &entry.meta, entry.slot, rewritten, 0);
        }
        true
    }

    /// Sends the last key frame of a stream and what followed it, so that the
    /// receiver catches up with the present at once. Whether it could be done.
    pub(super) fn start_from_cache(
        &mut self,
        consumer: &mut Consumer,
        producer: &Producer,
        index: u8,
    ) -> bool {
        let current = consumer.selector.current();
        let max_age = match current {
            None => keyframe_cache::MAX_AGE,
            Some(current)
                if producer.streams.len() > 1 && consumer.encoding(current.spatial) != index =>
            {
                keyframe_cache::MAX_AGE_SHOWN
            }
            // It follows the stream already: its past would come twice.
            Some(_) => return false,
        };
        let Some(stream) = producer.streams.get(usize::from(index)) else { return false };
        let Some(mut history) = stream.cache.history(self.now, max_age, &stream.ring) else {
            return false;
        };
        // What came in this turn is of the present.
        let fresh = producer.fresh.iter().filter(|fresh| fresh.stream == index);
        if let Some(first) = fresh.map(|fresh| fresh.seq).min() {
            history.last = history.last.min(ExtSeq(first.0.saturating_sub(1)));
        }
        let Some(live) = stream.ring.get(history.last).filter(|_| history.first <= history.last)
        else {
            return false;
        };
        let brief = history.brief && current.is_none();
        if brief {
            consumer.selector.begin_history();
        }
        let key = stream_key(producer, index);
        let started = self.send_history(consumer, producer, stream, key, &history, &live.meta.meta);
        consumer.selector.end_history();
        if started {
            self.catch_up(consumer, producer, stream, index, history.last);
            consumer.tell_layers(self.router, self.events);
        }
        started
    }

    fn send_history(
        &mut self,
        consumer: &mut Consumer,
        producer: &Producer,
        stream: &IncomingStream,
        key: StreamKey,
        history: &keyframe_cache::History,
        live: &PacketMeta,
    ) -> bool {
        let mut timeline = None;
        let mut burst = 0;
        for seq in (history.first.0..=history.last.0).map(ExtSeq) {
            let Some(entry) = stream.ring.get(seq) else { continue };
            let meta = &entry.meta.meta;
            let rewritten = match (consumer.decide(meta), &timeline) {
                (Decision::Switch, _) => {
                    let pictures = history.pictures;
                    let (begun, rewritten) =
                        consumer.rewriter.switch_to_history(key, meta, live, pictures);
                    timeline = Some(begun);
                    rewritten
                }
                (Decision::Forward, Some(timeline)) => {
                    consumer.rewriter.forward_history(key, meta, timeline)
                }
                (Decision::Drop, Some(_)) => consumer.rewriter.skip(key, meta),
                // Of a stream that was left.
                (_, None) => continue,
            };
            if rewritten.is_ok() {
                burst += u64::from(meta.payload_len);
            }
            self.send(consumer, producer, &entry.meta, entry.slot, rewritten, 0);
        }
        if let Some(timeline) = &timeline {
            consumer.rewriter.end_history(key, live, timeline);
            consumer.responder.grant(burst);
        }
        timeline.is_some()
    }

    /// After a switch: packets that overtook the first of the key frame were
    /// held back, and follow now.
    fn catch_up(
        &mut self,
        consumer: &mut Consumer,
        producer: &Producer,
        stream: &IncomingStream,
        index: u8,
        after: ExtSeq,
    ) {
        let Some(highest) = stream.ring.highest() else { return };
        let key = stream_key(producer, index);
        for seq in after.0.saturating_add(1)..=highest.0 {
            let seq = ExtSeq(seq);
            let still_to_come = producer.fresh.iter().any(|f| f.stream == index && f.seq == seq);
            let Some(entry) =
                stream.ring.get(seq).filter(|entry| !still_to_come && !entry.meta.unread)
            else {
                continue;
            };
            let meta = &entry.meta.meta;
            let rewritten = match consumer.decide(meta) {
                Decision::Drop => consumer.rewriter.skip(key, meta),
                Decision::Forward | Decision::Switch => consumer.rewriter.forward(key, meta),
            };
            self.send(consumer, producer, &entry.meta, entry.slot, rewritten, 0);
        }
    }
}
