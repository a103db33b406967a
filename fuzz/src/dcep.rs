//! The messages that open data channels.

use sfu_ice::sctp::{Dcep, MAX_LABEL};

/// Bytes of DATA_CHANNEL_OPEN before its text.
const HEAD_LEN: usize = 12;

/// What is read is bounded, and writes back to the same.
pub fn dcep(data: &[u8]) -> bool {
    let Ok(message) = Dcep::parse(data) else { return false };
    if let Dcep::Open(parameters) = &message {
        assert!(parameters.label.len() <= MAX_LABEL && parameters.protocol.len() <= MAX_LABEL);
    }
    let written = message.write();
    // The head may differ: the parameter of a reliable channel is ignored.
    assert!(data.len() >= written.len());
    assert_eq!(data.get(HEAD_LEN..written.len()), written.get(HEAD_LEN..), "nothing is made up");
    assert_eq!(Dcep::parse(&written).as_ref(), Ok(&message));
    true
}
