//! What two endpoints tell each other to connect: ICE and DTLS.

use serde::{Deserialize, Serialize};
use sfu_ice::{Candidate, DtlsRole, Fingerprint, IceCredentials};

use super::SctpParameters;

/// Everything that a client needs to connect to a WebRTC transport: what
/// mediasoup servers send and `device.createSendTransport()` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct WebRtcTransportParameters {
    /// The transport's id.
    pub id: String,
    /// ICE credentials.
    pub ice_parameters: IceParameters,
    /// Addresses to reach it at, the preferred one first.
    pub ice_candidates: Vec<Candidate>,
    /// DTLS role and certificate fingerprints.
    pub dtls_parameters: DtlsParameters,
    /// SCTP, if data channels are enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sctp_parameters: Option<SctpParameters>,
}

/// ICE credentials of one side (RFC 8839 §5.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct IceParameters {
    /// `a=ice-ufrag`, 4 to 256 characters.
    pub username_fragment: String,
    /// `a=ice-pwd`, 22 to 256 characters.
    pub password: String,
    /// Whether this side is a lite agent (RFC 8445 §2.5).
    #[serde(default)]
    pub ice_lite: bool,
}

impl IceParameters {
    /// The parameters of a lite agent with these credentials.
    pub fn lite(credentials: &IceCredentials) -> Self {
        Self {
            username_fragment: credentials.ufrag.clone(),
            password: credentials.password.clone(),
            ice_lite: true,
        }
    }

    /// The credentials alone.
    pub fn credentials(&self) -> IceCredentials {
        IceCredentials { ufrag: self.username_fragment.clone(), password: self.password.clone() }
    }
}

/// DTLS role and certificate fingerprints of one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct DtlsParameters {
    /// The role of the side that these parameters describe.
    #[serde(default)]
    pub role: DtlsRole,
    /// Digests of its certificate; one that matches is enough.
    pub fingerprints: Vec<Fingerprint>,
}
