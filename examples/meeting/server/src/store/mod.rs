//! What outlives a meeting's time in memory: its facts and its chat.
//!
//! Traits follow access patterns, so that each can have the database that suits it. A store that
//! does not answer never ends a running meeting: chat is written behind by [`ChatWriter`].

mod chat_writer;
mod sqlite;

use futures_util::future::BoxFuture;
use time::OffsetDateTime;

pub use chat_writer::ChatWriter;
pub use sqlite::SqliteStore;

use crate::meeting::{ChatMessage, MeetingId, MessageId, SecretHash, Title};

/// A store that did not answer, or answered nonsense.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database's schema could not be brought up to date.
    #[error("the database could not be migrated: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row does not hold what we wrote.
    #[error("a stored {0} is damaged")]
    Damaged(&'static str),
}

/// A meeting as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMeeting {
    /// The meeting.
    pub meeting_id: MeetingId,
    /// Its title.
    pub title: Title,
    /// Who presents the key of this hash is a host.
    pub host_key: SecretHash,
    /// When it was created.
    pub created_at: OffsetDateTime,
}

/// Meetings, by id.
pub trait MeetingStore: Send + Sync {
    /// Stores a new meeting.
    fn create_meeting<'a>(
        &'a self,
        meeting: &'a StoredMeeting,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The meeting with this id.
    fn meeting(&self, id: MeetingId) -> BoxFuture<'_, Result<Option<StoredMeeting>, StoreError>>;
}

/// Chat, by meeting and then by time.
pub trait ChatStore: Send + Sync {
    /// Stores messages; one that is stored already is left as it is.
    fn append_chat<'a>(
        &'a self,
        messages: &'a [(MeetingId, ChatMessage)],
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The latest `limit` messages before `before`, oldest first.
    fn chat_before(
        &self,
        meeting: MeetingId,
        before: Option<MessageId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<ChatMessage>, StoreError>>;
}

/// Everything that a server stores.
pub trait Store: MeetingStore + ChatStore {}

impl<T: MeetingStore + ChatStore> Store for T {}
