//! What two endpoints tell each other of SCTP and of the data channels in it.

use serde::{Deserialize, Serialize};
use sfu_ice::{ChannelParameters, Reliability, SctpConfig};

/// SCTP of one side: what mediasoup servers send and
/// `device.createSendTransport()` takes as `sctpParameters`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct SctpParameters {
    /// SCTP port; 5000 as a rule.
    pub port: u16,
    /// Streams that it sends on at first.
    #[serde(rename = "OS")]
    pub os: u16,
    /// Streams that it receives on at most.
    #[serde(rename = "MIS")]
    pub mis: u16,
    /// Longest message that it receives, in bytes; 0 is no limit.
    pub max_message_size: u32,
}

impl From<&SctpConfig> for SctpParameters {
    fn from(config: &SctpConfig) -> Self {
        Self {
            port: config.port,
            os: config.max_streams,
            mis: config.max_streams,
            max_message_size: config.max_message_size,
        }
    }
}

/// The channel of a data producer or a data consumer, in the form of
/// mediasoup's `sctpStreamParameters`.
///
/// ```
/// use sfu_core::api::params::SctpStreamParameters;
/// let json = r#"{"streamId":3,"maxRetransmits":2}"#;
/// let parameters: SctpStreamParameters = serde_json::from_str(json).unwrap();
/// assert_eq!(parameters.stream_id, 3);
/// let channel = parameters.channel("cursor", "").unwrap();
/// assert!(!channel.ordered, "in mediasoup what may be lost has no order unless it is said");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::exhaustive_structs)]
pub struct SctpStreamParameters {
    /// Stream identifier.
    pub stream_id: u16,
    /// Whether messages are delivered in order. By default they are, unless
    /// they may be lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<bool>,
    /// For so many milliseconds delivery is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_packet_life_time: Option<u16>,
    /// So often delivery is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_retransmits: Option<u16>,
}

impl SctpStreamParameters {
    /// The parameters of a channel.
    pub fn new(stream_id: u16, channel: &ChannelParameters) -> Self {
        let value = |value: u32| Some(u16::try_from(value).unwrap_or(u16::MAX));
        let (max_packet_life_time, max_retransmits) = match channel.reliability {
            Reliability::Reliable => (None, None),
            Reliability::MaxPacketLifeTime(millis) => (value(millis), None),
            Reliability::MaxRetransmits(count) => (None, value(count)),
        };
        Self { stream_id, ordered: Some(channel.ordered), max_packet_life_time, max_retransmits }
    }

    /// What the channel is opened with; `None` if both bounds are given.
    pub fn channel(&self, label: &str, protocol: &str) -> Option<ChannelParameters> {
        let reliability = reliability(self.max_packet_life_time, self.max_retransmits)?;
        let mut channel = ChannelParameters::new(label);
        channel.protocol = protocol.to_owned();
        channel.ordered = self.ordered.unwrap_or(reliability == Reliability::Reliable);
        channel.reliability = reliability;
        Some(channel)
    }
}

/// The reliability by these bounds; `None` if both are given.
pub(crate) fn reliability(
    max_packet_life_time: Option<u16>,
    max_retransmits: Option<u16>,
) -> Option<Reliability> {
    match (max_packet_life_time, max_retransmits) {
        (None, None) => Some(Reliability::Reliable),
        (Some(millis), None) => Some(Reliability::MaxPacketLifeTime(millis.into())),
        (None, Some(count)) => Some(Reliability::MaxRetransmits(count.into())),
        (Some(_), Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_mediasoups() {
        let parameters = SctpParameters::from(&SctpConfig::default());
        let json = r#"{"port":5000,"OS":1024,"MIS":1024,"maxMessageSize":262144}"#;
        assert_eq!(serde_json::to_string(&parameters).unwrap(), json);
        assert_eq!(serde_json::from_str::<SctpParameters>(json).unwrap(), parameters);
        let stream = SctpStreamParameters::new(7, &ChannelParameters::new("x"));
        let json = r#"{"streamId":7,"ordered":true}"#;
        assert_eq!(serde_json::to_string(&stream).unwrap(), json);
        // What mediasoup-client adds is no obstacle.
        let json = r#"{"streamId":7,"ordered":true,"label":"x","protocol":""}"#;
        assert_eq!(serde_json::from_str::<SctpStreamParameters>(json).unwrap(), stream);
    }

    #[test]
    fn channels_and_parameters_say_the_same() {
        for reliability in [
            Reliability::Reliable,
            Reliability::MaxRetransmits(0),
            Reliability::MaxPacketLifeTime(500),
        ] {
            for ordered in [false, true] {
                let mut channel = ChannelParameters::new("label");
                (channel.ordered, channel.reliability) = (ordered, reliability);
                let parameters = SctpStreamParameters::new(1, &channel);
                assert_eq!(parameters.channel("label", ""), Some(channel));
            }
        }
        let both = SctpStreamParameters {
            max_packet_life_time: Some(1),
            max_retransmits: Some(1),
            ..SctpStreamParameters::default()
        };
        assert_eq!(both.channel("x", ""), None);
    }
}
