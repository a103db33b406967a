//! Settings of a client, as JSON.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;
use sfu_ice::{DtlsVersion, SrtpProfile};

use serde_json::Value;

use super::calls::parse;
use crate::api::certificate::Secret;
use crate::api::error::{Error, ErrorKind, Result};
use crate::api::sfu::{Sfu, SfuBuilder};
use crate::engine::EngineConfig;

/// Settings of a [`Client`](super::Client): those of
/// [`SfuBuilder`](crate::SfuBuilder), in camelCase. Only `listen` is required;
/// fields that do not exist are refused.
///
/// ```
/// use sfu_core::client::ClientOptions;
/// let json = r#"{"listen":["0.0.0.0:40000"],"announce":["203.0.113.7"],"shards":2}"#;
/// assert!(serde_json::from_str::<ClientOptions>(json).is_ok());
/// let error = serde_json::from_str::<ClientOptions>(r#"{"listne":[]}"#).unwrap_err();
/// assert!(error.to_string().starts_with("unknown field `listne`"));
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct ClientOptions {
    /// Addresses to listen on; port 0 is any free port.
    pub listen: Vec<SocketAddr>,
    /// Addresses to tell peers instead.
    #[serde(default)]
    pub announce: Vec<IpAddr>,
    /// Whether the ports also take ICE-TCP. True by default.
    #[serde(default = "yes")]
    pub tcp: bool,
    /// Number of threads, each with ports of its own. 1 by default.
    #[serde(default = "one")]
    pub shards: usize,
    /// Pin each thread to a core.
    #[serde(default)]
    pub pin_threads: bool,
    /// The DTLS version that is served: `1.2`, `1.3` or `auto`.
    #[serde(default)]
    pub dtls_version: DtlsVersion,
    /// The certificate that peers are shown, as PEM. By default one is made.
    #[serde(default)]
    pub certificate: Option<String>,
    /// Its private key, as PEM; only together with the certificate.
    #[serde(default)]
    private_key: Option<Secret>,
    /// SRTP profiles, the preferred one first.
    #[serde(default)]
    pub srtp_profiles: Option<Vec<SrtpProfile>>,
    /// Milliseconds of silence after which a peer counts as disconnected.
    #[serde(default)]
    pub disconnected_after_ms: Option<u64>,
    /// Milliseconds of silence after which a peer's transport is closed.
    #[serde(default)]
    pub failed_after_ms: Option<u64>,
    /// Transports per router at most.
    #[serde(default)]
    pub max_transports: Option<usize>,
    /// Producers per transport at most.
    #[serde(default)]
    pub max_producers: Option<usize>,
    /// Consumers per transport at most.
    #[serde(default)]
    pub max_consumers: Option<usize>,
    /// Memory of each thread for packets kept for retransmission, in bytes.
    #[serde(default)]
    pub packet_memory: Option<usize>,
    /// Events that may wait to be polled; the oldest are lost beyond. 16,384
    /// by default.
    #[serde(default = "event_capacity")]
    pub event_capacity: usize,
}

const fn yes() -> bool {
    true
}

const fn one() -> usize {
    1
}

const fn event_capacity() -> usize {
    16_384
}

impl ClientOptions {
    /// Reads the settings, and says which of them is wrong.
    ///
    /// ```
    /// use sfu_core::client::ClientOptions;
    /// use serde_json::json;
    /// let error = ClientOptions::from_value(json!({ "listen": ["nowhere"] })).unwrap_err();
    /// assert!(error.to_string().starts_with("listen[0]: "));
    /// ```
    ///
    /// # Errors
    /// `InvalidParameters` names the field.
    pub fn from_value(options: Value) -> Result<Self> {
        parse("options", options)
    }

    pub(super) fn builder(self) -> Result<SfuBuilder> {
        let mut engine = EngineConfig::default();
        let set = |place: &mut usize, value: Option<usize>| *place = value.unwrap_or(*place);
        set(&mut engine.max_transports, self.max_transports);
        set(&mut engine.max_producers, self.max_producers);
        set(&mut engine.max_consumers, self.max_consumers);
        set(&mut engine.packet_memory, self.packet_memory);
        let mut builder = Sfu::builder()
            .tcp(self.tcp)
            .shards(self.shards)
            .pin_threads(self.pin_threads)
            .dtls_version(self.dtls_version)
            .engine(engine);
        if let Some(profiles) = self.srtp_profiles {
            builder = builder.srtp_profiles(profiles);
        }
        builder = match (self.certificate, self.private_key) {
            (None, None) => builder,
            (Some(certificate), Some(Secret(private_key))) => {
                builder.certificate(certificate, private_key)
            }
            _ => {
                let message = "certificate, privateKey: expected both or neither";
                return Err(Error::new(ErrorKind::InvalidParameters, message));
            }
        };
        builder = match (self.disconnected_after_ms, self.failed_after_ms) {
            (None, None) => builder,
            (Some(disconnected), Some(failed)) if disconnected <= failed => {
                builder.consent(Duration::from_millis(disconnected), Duration::from_millis(failed))
            }
            _ => {
                let message = "disconnectedAfterMs, failedAfterMs: expected both or neither, \
                               and the second not to be less";
                return Err(Error::new(ErrorKind::InvalidParameters, message));
            }
        };
        builder = self.listen.into_iter().fold(builder, SfuBuilder::listen);
        Ok(self.announce.into_iter().fold(builder, SfuBuilder::announce))
    }
}
