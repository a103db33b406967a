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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::future::{BoxFuture, FutureExt};

    use super::*;
    use crate::meeting::{ChatText, DisplayName, MessageId, Moment, ParticipantId};
    use crate::store::{ChatStore, MeetingStore, StoreError, StoredMeeting};

    /// Fails a number of times, then works.
    struct Flaky {
        failures: Mutex<u32>,
        stored: Mutex<Vec<MessageId>>,
    }

    impl Flaky {
        fn new(failures: u32) -> Arc<Self> {
            Arc::new(Self { failures: Mutex::new(failures), stored: Mutex::default() })
        }

        fn stored(&self) -> usize {
            self.stored.lock().unwrap().len()
        }
    }

    impl MeetingStore for Flaky {
        fn create_meeting<'a>(
            &'a self,
            _: &'a StoredMeeting,
        ) -> BoxFuture<'a, Result<(), StoreError>> {
            async { Ok(()) }.boxed()
        }

        fn meeting(
            &self,
            _: MeetingId,
        ) -> BoxFuture<'_, Result<Option<StoredMeeting>, StoreError>> {
            async { Ok(None) }.boxed()
        }
    }

    impl ChatStore for Flaky {
        fn append_chat<'a>(
            &'a self,
            messages: &'a [(MeetingId, ChatMessage)],
        ) -> BoxFuture<'a, Result<(), StoreError>> {
            async move {
                let mut failures = self.failures.lock().unwrap();
                if *failures > 0 {
                    *failures -= 1;
                    return Err(StoreError::Damaged("disk"));
                }
                let ids = messages.iter().map(|(_, message)| message.message_id);
                self.stored.lock().unwrap().extend(ids);
                Ok(())
            }
            .boxed()
        }

        fn chat_before(
            &self,
            _: MeetingId,
            _: Option<MessageId>,
            _: usize,
        ) -> BoxFuture<'_, Result<Vec<ChatMessage>, StoreError>> {
            async { Ok(Vec::new()) }.boxed()
        }
    }

    fn message(number: u64) -> ChatMessage {
        ChatMessage {
            message_id: MessageId::after(None, number),
            sender_id: ParticipantId::from_number(1),
            sender_name: DisplayName::parse("Ada").unwrap(),
            message: ChatText::parse("hi").unwrap(),
            sent_at: Moment::now().utc,
        }
    }

    async fn write(store: &Arc<Flaky>, messages: u64) -> Arc<Metrics> {
        let metrics = Arc::<Metrics>::default();
        let shared: Arc<dyn Store> = Arc::<Flaky>::clone(store);
        let (writer, task) = ChatWriter::start(shared, Arc::clone(&metrics));
        let meeting = MeetingId::random();
        for number in 0..messages {
            writer.write(meeting, message(number));
        }
        drop(writer);
        task.await.unwrap();
        metrics
    }

    fn lost(metrics: &Metrics) -> String {
        let text = metrics.render(0, 0);
        let line = text.lines().find(|line| line.starts_with("plenum_chat_lost_total "));
        line.unwrap().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_outage_loses_nothing() {
        let store = Flaky::new(ATTEMPTS - 1);
        let metrics = write(&store, 300).await;
        assert_eq!(store.stored(), 300);
        assert_eq!(lost(&metrics), "plenum_chat_lost_total 0");
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_outage_is_counted_and_bounded() {
        let store = Flaky::new(u32::MAX);
        let beyond = 5;
        let metrics = write(&store, CAPACITY as u64 + beyond).await;
        assert_eq!(store.stored(), 0);
        assert_eq!(lost(&metrics), format!("plenum_chat_lost_total {}", CAPACITY as u64 + beyond));
    }
}
