//! Session descriptions: any text as an offer, and our answer to it.

use sfu_core::api::params::ortc::EgressIds;
use sfu_core::api::params::{IceParameters, SctpParameters, supported_capabilities};
use sfu_core::api::sdp::{
    AnswerBuilder, LocalTransport, MAX_SECTIONS, MAX_TEXT, RemoteOffer, SessionDescription,
};
use sfu_core::wire::Ssrc;
use sfu_ice::{Candidate, Fingerprint, FingerprintAlgorithm, Protocol, SctpConfig};

/// An offer that is accepted can be answered, and the answer is a session
/// description with the offer's sections, each one taken or refused.
pub fn sdp(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    match SessionDescription::parse(&text) {
        Ok(description) => {
            assert!(text.len() <= MAX_TEXT && description.sections.len() <= MAX_SECTIONS);
        }
        Err(error) => {
            assert!(RemoteOffer::parse(&text).is_err());
            assert!(error.line <= text.len() + 1);
        }
    }
    let Ok(offer) = RemoteOffer::parse(&text) else { return false };
    let router = supported_capabilities();
    let negotiation = offer.negotiate(&router);
    let slots: Vec<_> = negotiation
        .slots
        .iter()
        .zip(1..)
        .map(|(slot, n)| {
            let ids = EgressIds {
                mid: None,
                ssrc: Ssrc(n * 2),
                rtx_ssrc: Some(Ssrc(n * 2 + 1)),
                cname: "plenum".into(),
                msid: Some(format!("slot track{n}")),
            };
            slot.parameters(&router, ids).expect("a slot that was negotiated can be filled")
        })
        .collect();
    let mut answer = AnswerBuilder::new(&offer, &router);
    for producer in &negotiation.producers {
        answer.producer(producer.section, &producer.parameters).expect("a negotiated producer");
    }
    for (slot, parameters) in negotiation.slots.iter().zip(&slots) {
        answer.slot(slot.section, parameters).expect("a negotiated slot");
    }
    let wanted = offer.data();
    if wanted.is_some() {
        answer.data(SctpParameters::from(&SctpConfig::default()));
    }
    let text = answer.build(&local_transport(), 1);
    let answered = SessionDescription::parse(&text)
        .unwrap_or_else(|error| panic!("our answer does not parse: {error}\n{text}"));
    let offered = &offer.description().sections;
    assert_eq!(answered.sections.len(), offered.len());
    for (index, (ours, theirs)) in answered.sections.iter().zip(offered).enumerate() {
        let produced = negotiation.producers.iter().any(|p| p.section == index);
        let consumed = negotiation.slots.iter().any(|s| s.section == index);
        assert_eq!(ours.mid, theirs.mid);
        if wanted.as_ref().is_some_and(|data| data.section == index) {
            assert!(ours.is_data() && !ours.is_rejected());
        } else if produced || consumed {
            assert!(!ours.is_rejected());
            assert_eq!((ours.direction.receives(), ours.direction.sends()), (produced, consumed));
        } else {
            assert!(!ours.direction.sends() && !ours.direction.receives() || ours.is_rejected());
        }
    }
    true
}

fn local_transport() -> LocalTransport {
    LocalTransport {
        ice: IceParameters {
            username_fragment: "ufrag".into(),
            password: "aPasswordOfSomeLength/".into(),
            ice_lite: true,
        },
        candidates: vec![Candidate::host(
            Protocol::Udp,
            "192.0.2.1:40000".parse().expect("an address"),
            u16::MAX,
        )],
        fingerprints: vec![Fingerprint::of(FingerprintAlgorithm::Sha256, b"a certificate")],
    }
}
