-- Times are milliseconds since the Unix epoch.

CREATE TABLE meetings (
    meeting_id    TEXT    PRIMARY KEY NOT NULL,
    title         TEXT    NOT NULL,
    host_key_hash BLOB    NOT NULL,
    created_at    INTEGER NOT NULL
) WITHOUT ROWID;

-- One partition per meeting, ordered by a time-based id.
CREATE TABLE chat_messages (
    meeting_id  TEXT    NOT NULL REFERENCES meetings (meeting_id) ON DELETE CASCADE,
    message_id  TEXT    NOT NULL,
    sender_id   TEXT    NOT NULL,
    sender_name TEXT    NOT NULL,
    content     TEXT    NOT NULL,
    sent_at     INTEGER NOT NULL,
    PRIMARY KEY (meeting_id, message_id)
) WITHOUT ROWID;
