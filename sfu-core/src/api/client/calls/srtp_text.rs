//! SRTP keys as text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sfu_ice::SrtpProfile;

use crate::api::error::{Error, ErrorKind, Result};
use crate::api::transport::SrtpParameters;
use crate::route::SrtpMaster;

/// Profile, and master key and salt as in SDES (RFC 4568 §6.1) and in
/// mediasoup's `srtpParameters`: base64 of the one behind the other.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct SrtpText {
    profile: SrtpProfile,
    key_base64: String,
}

impl From<&SrtpParameters> for SrtpText {
    fn from(parameters: &SrtpParameters) -> Self {
        let SrtpMaster { key, salt } = &parameters.master;
        let both = [key.as_slice(), salt.as_slice()].concat();
        Self { profile: parameters.profile, key_base64: STANDARD.encode(both) }
    }
}

impl SrtpText {
    /// The key, for a transport that was made with `ours`.
    pub(super) fn master(&self, ours: Option<SrtpProfile>) -> Result<SrtpMaster> {
        let wrong = |message: String| Err(Error::new(ErrorKind::InvalidParameters, message));
        if ours.is_some_and(|ours| ours != self.profile) {
            return wrong("srtpParameters.profile: expected that of the transport".to_owned());
        }
        let (key, salt) = (self.profile.key_len(), self.profile.salt_len());
        match STANDARD.decode(&self.key_base64) {
            Ok(mut both) if both.len() == key + salt => {
                let salt = both.split_off(key);
                Ok(SrtpMaster { key: both, salt })
            }
            _ => wrong(format!(
                "srtpParameters.keyBase64: expected base64 of {key} bytes of key and {salt} of salt"
            )),
        }
    }
}
