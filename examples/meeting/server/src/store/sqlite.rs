//! The embedded store.

use std::path::Path;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use sqlx::Row;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use time::OffsetDateTime;

use super::{ChatStore, MeetingStore, StoreError, StoredMeeting};
use crate::meeting::{ChatMessage, ChatText, DisplayName, MeetingId, MessageId, SecretHash, Title};

/// A store in one SQLite file, with a write-ahead log beside it.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, makes it when it is absent, and brings its schema up to date.
    ///
    /// # Errors
    /// When the file cannot be opened, is not ours, or was written by a newer version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options)
            .await?;
        sqlx::migrate!("src/store/migrations").run(&pool).await?;
        Ok(Self { pool })
    }

    /// Waits for what is under way and closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl MeetingStore for SqliteStore {
    fn create_meeting<'a>(
        &'a self,
        meeting: &'a StoredMeeting,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            sqlx::query(
                "INSERT INTO meetings (meeting_id, title, host_key_hash, created_at) \
                 VALUES ($1, $2, $3, $4)",
            )
            .bind(meeting.meeting_id.to_string())
            .bind(meeting.title.as_str())
            .bind(meeting.host_key.as_bytes())
            .bind(unix_ms(meeting.created_at))
            .execute(&self.pool)
            .await?;
            Ok(())
        }
        .boxed()
    }

    fn meeting(&self, id: MeetingId) -> BoxFuture<'_, Result<Option<StoredMeeting>, StoreError>> {
        async move {
            let row = sqlx::query(
                "SELECT title, host_key_hash, created_at FROM meetings WHERE meeting_id = $1",
            )
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
            row.map(|row| read_meeting(id, &row)).transpose()
        }
        .boxed()
    }
}

impl ChatStore for SqliteStore {
    fn append_chat<'a>(
        &'a self,
        messages: &'a [(MeetingId, ChatMessage)],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let mut transaction = self.pool.begin().await?;
            for (meeting, message) in messages {
                sqlx::query(
                    "INSERT INTO chat_messages \
                     (meeting_id, message_id, sender_id, sender_name, content, sent_at) \
                     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
                )
                .bind(meeting.to_string())
                .bind(message.message_id.to_string())
                .bind(message.sender_id.to_string())
                .bind(message.sender_name.as_str())
                .bind(message.message.as_str())
                .bind(unix_ms(message.sent_at))
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await?;
            Ok(())
        }
        .boxed()
    }

    fn chat_before(
        &self,
        meeting: MeetingId,
        before: Option<MessageId>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<ChatMessage>, StoreError>> {
        async move {
            // "g" sorts after every hexadecimal digit, so that no bound is a bound too.
            let before = before.map_or_else(|| "g".to_owned(), |id| id.to_string());
            let rows = sqlx::query(
                "SELECT message_id, sender_id, sender_name, content, sent_at FROM chat_messages \
                 WHERE meeting_id = $1 AND message_id < $2 ORDER BY message_id DESC LIMIT $3",
            )
            .bind(meeting.to_string())
            .bind(before)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
            rows.iter().rev().map(read_message).collect()
        }
        .boxed()
    }
}

fn read_meeting(meeting_id: MeetingId, row: &SqliteRow) -> Result<StoredMeeting, StoreError> {
    let host_key: Vec<u8> = row.try_get("host_key_hash")?;
    let host_key = host_key.try_into().map_err(|_| StoreError::Damaged("host key"))?;
    Ok(StoredMeeting {
        meeting_id,
        title: Title::from_store(row.try_get("title")?),
        host_key: SecretHash::from_bytes(host_key),
        created_at: from_unix_ms(row.try_get("created_at")?)?,
    })
}

fn read_message(row: &SqliteRow) -> Result<ChatMessage, StoreError> {
    let message_id: String = row.try_get("message_id")?;
    let sender_id: String = row.try_get("sender_id")?;
    Ok(ChatMessage {
        message_id: message_id.parse().map_err(|_| StoreError::Damaged("message id"))?,
        sender_id: sender_id.parse().map_err(|_| StoreError::Damaged("sender id"))?,
        sender_name: DisplayName::from_store(row.try_get("sender_name")?),
        message: ChatText::from_store(row.try_get("content")?),
        sent_at: from_unix_ms(row.try_get("sent_at")?)?,
    })
}

fn unix_ms(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

fn from_unix_ms(ms: i64) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000)
        .map_err(|_| StoreError::Damaged("time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::{Moment, ParticipantId, Secret};

    fn meeting() -> StoredMeeting {
        StoredMeeting {
            meeting_id: MeetingId::random(),
            title: Title::parse("Stand-up").unwrap(),
            host_key: Secret::random().hash(),
            created_at: Moment::now().utc,
        }
    }

    fn message(number: u64) -> ChatMessage {
        ChatMessage {
            message_id: MessageId::after(None, number),
            sender_id: ParticipantId::from_number(1),
            sender_name: DisplayName::parse("Ada").unwrap(),
            message: ChatText::parse(&format!("number {number}; DROP TABLE meetings")).unwrap(),
            sent_at: Moment::now().utc,
        }
    }

    #[tokio::test]
    async fn what_was_stored_is_there_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plenum.sqlite");
        let meeting = meeting();
        let messages: Vec<_> = (1..=5).map(|n| (meeting.meeting_id, message(n))).collect();
        {
            let store = SqliteStore::open(&path).await.unwrap();
            store.create_meeting(&meeting).await.unwrap();
            store.append_chat(&messages).await.unwrap();
            store.append_chat(&messages[3..]).await.unwrap();
            store.close().await;
        }
        let store = SqliteStore::open(&path).await.unwrap();
        assert_eq!(store.meeting(meeting.meeting_id).await.unwrap(), Some(meeting.clone()));
        assert_eq!(store.meeting(MeetingId::random()).await.unwrap(), None);

        let page = |before, limit| store.chat_before(meeting.meeting_id, before, limit);
        let numbers = |page: Vec<ChatMessage>| -> Vec<ChatMessage> { page };
        let all: Vec<_> = messages.iter().map(|(_, message)| message.clone()).collect();
        assert_eq!(numbers(page(None, 100).await.unwrap()), all);
        assert_eq!(numbers(page(None, 2).await.unwrap()), all[3..]);
        assert_eq!(numbers(page(Some(all[3].message_id), 2).await.unwrap()), all[1..3]);
        store.close().await;
    }

    #[tokio::test]
    async fn a_closed_store_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("plenum.sqlite")).await.unwrap();
        store.close().await;
        assert!(matches!(
            store.meeting(MeetingId::random()).await,
            Err(StoreError::Database(sqlx::Error::PoolClosed))
        ));
    }
}
