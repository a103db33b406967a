//! Writes chat behind: meetings never wait for the disk.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::warn;

use super::Store;
use crate::meeting::{ChatMessage, MeetingId};
use crate::metrics::Metrics;

/// How many messages may wait; with the store away for longer, new ones are counted and lost.
const CAPACITY: usize = 4096;
const BATCH: usize = 256;
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The way of chat messages to the store.
#[derive(Debug, Clone)]
pub struct ChatWriter {
    queue: mpsc::Sender<(MeetingId, ChatMessage)>,
    metrics: Arc<Metrics>,
}

impl ChatWriter {
    /// Starts the writing task. It ends when every writer is dropped and all is written.
    pub fn start(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> (Self, JoinHandle<()>) {
        let (sender, mut receiver) = mpsc::channel(CAPACITY);
        let writer = Self { queue: sender, metrics: Arc::clone(&metrics) };
        let task = tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while receiver.recv_many(&mut batch, BATCH).await > 0 {
                append(&*store, &batch, &metrics).await;
                batch.clear();
            }
        });
        (writer, task)
    }

    /// Queues a message.
    pub fn write(&self, meeting: MeetingId, message: ChatMessage) {
        if self.queue.try_send((meeting, message)).is_err() {
            self.metrics.chat_lost(1);
        }
    }
}

async fn append(store: &dyn Store, batch: &[(MeetingId, ChatMessage)], metrics: &Metrics) {
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=ATTEMPTS {
        let Err(error) = store.append_chat(batch).await else { return };
        metrics.store_failed();
        warn!(%error, attempt, messages = batch.len(), "chat was not stored");
        if attempt < ATTEMPTS {
            sleep(pause).await;
            pause *= 2;
        }
    }
    metrics.chat_lost(batch.len());
}
