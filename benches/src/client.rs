//! The client's side of a join: one ICE check, one DTLS handshake.

use anyhow::Context;
use sfu_ice::dtls::{DtlsConfig, Session};
use sfu_ice::ice::Checker;
use sfu_ice::{
    Certificate, DtlsRole, DtlsState, DtlsVersion, Fingerprint, IceCredentials, PacketClass,
    Random, Time, Tuple, classify,
};

pub(crate) struct Client {
    checker: Checker,
    session: Session,
}

impl Client {
    /// A client that shows `certificate` and is told the server's parameters.
    /// `tuple` is the path as the client sees it.
    pub(crate) fn new(
        tuple: Tuple,
        certificate: &Certificate,
        version: DtlsVersion,
        ice: IceCredentials,
        fingerprints: Vec<Fingerprint>,
        random: &mut Random,
    ) -> anyhow::Result<Self> {
        let mut config = DtlsConfig::new(certificate.clone());
        config.version = version;
        let mut session = Session::new(config, random);
        session.set_remote(DtlsRole::Server, fingerprints)?;
        Ok(Self { checker: Checker::new(tuple, ice, random), session })
    }

    pub(crate) fn handle_datagram(&mut self, now: Time, datagram: &[u8]) -> anyhow::Result<()> {
        match classify(datagram) {
            PacketClass::Stun => {
                self.checker.handle_datagram(now, datagram).context("ICE")?;
                self.session.begin(now).context("DTLS")
            }
            PacketClass::Dtls => self.session.handle_packet(now, datagram).context("DTLS"),
            _ => Ok(()),
        }
    }

    pub(crate) fn poll_transmit(&mut self, now: Time, out: &mut Vec<u8>) -> bool {
        // Lost flights are sent again; on a busy machine a slow one looks lost.
        if self.session.poll_timeout().is_some_and(|due| due <= now) {
            self.session.handle_timeout(now);
        }
        self.checker.poll_transmit(now, out) || self.session.poll_transmit(out)
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.session.state() == DtlsState::Connected
    }
}
