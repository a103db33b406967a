//! What people write: names, titles and chat. A value of these types has been checked.

use std::fmt;

use serde::Serialize;

use super::Refusal;

/// A display name of 1 to 60 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DisplayName(String);

impl DisplayName {
    /// Trims and checks a name.
    ///
    /// # Errors
    /// Names `display_name` when it is empty, too long, or holds control or invisible characters.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        one_line(text, "display_name", 60).map(Self)
    }
}

/// A meeting's title of 1 to 120 characters on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Title(String);

impl Title {
    /// Trims and checks a title.
    ///
    /// # Errors
    /// Names `title` when it is empty, too long, or holds control or invisible characters.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        one_line(text, "title", 120).map(Self)
    }

    /// The title of a meeting that was given none.
    #[must_use]
    pub fn untitled() -> Self {
        Self("Meeting".into())
    }
}

/// A chat message of 1 to 4000 characters; line breaks and tabs are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ChatText(String);

impl ChatText {
    /// Trims and checks a message.
    ///
    /// # Errors
    /// Names `message` when it is empty, too long, or holds control characters.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        length(text, "message", 4000)?;
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(Refusal::field("message", "must not hold control characters"));
        }
        Ok(Self(text.to_owned()))
    }

    /// A text that the store returns, which was checked when it was accepted.
    #[must_use]
    pub(crate) fn from_store(text: String) -> Self {
        Self(text)
    }
}

impl DisplayName {
    /// A name that the store returns, which was checked when it was accepted.
    #[must_use]
    pub(crate) fn from_store(text: String) -> Self {
        Self(text)
    }
}

impl Title {
    /// A title that the store returns, which was checked when it was accepted.
    #[must_use]
    pub(crate) fn from_store(text: String) -> Self {
        Self(text)
    }
}

macro_rules! as_text {
    ($($text:ident),+) => {$(
        impl $text {
            /// The checked text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $text {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

as_text!(DisplayName, Title, ChatText);

fn one_line(text: &str, field: &str, max: usize) -> Result<String, Refusal> {
    let text = text.trim();
    length(text, field, max)?;
    if text.chars().any(|c| c.is_control() || reorders_or_hides(c)) {
        return Err(Refusal::field(field, "must not hold control or invisible characters"));
    }
    Ok(text.to_owned())
}

fn length(text: &str, field: &str, max: usize) -> Result<(), Refusal> {
    let count = text.chars().take(max + 1).count();
    if (1..=max).contains(&count) {
        Ok(())
    } else {
        Err(Refusal::field(field, format!("must have 1 to {max} characters")))
    }
}

/// Characters that make one name look like another. The zero-width joiner stays: emoji need it.
fn reorders_or_hides(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_counted_in_characters() {
        assert_eq!(DisplayName::parse("  Ada Lovelace ").unwrap().as_str(), "Ada Lovelace");
        assert!(DisplayName::parse(&"ä".repeat(60)).is_ok());
        for bad in ["", "   ", "a\nb", "a\u{0}b", "\u{202e}adA", &"a".repeat(61)] {
            let refusal = DisplayName::parse(bad).unwrap_err();
            assert_eq!(refusal.fields[0].field, "display_name");
        }
    }

    #[test]
    fn families_of_emoji_are_names() {
        assert!(DisplayName::parse("👩‍👩‍👧‍👦").is_ok());
    }

    #[test]
    fn chat_keeps_lines_and_refuses_control_characters() {
        assert_eq!(ChatText::parse("a\nb\t c ").unwrap().as_str(), "a\nb\t c");
        assert!(ChatText::parse(&"x".repeat(4000)).is_ok());
        for bad in ["", " \n ", "a\u{7}", &"x".repeat(4001)] {
            assert_eq!(ChatText::parse(bad).unwrap_err().fields[0].field, "message");
        }
    }
}
