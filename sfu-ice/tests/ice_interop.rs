//! Our lite agent with a full ICE agent that shares no code with it, over
//! sockets of the loopback interface.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sfu_ice::ice::{IceEvent, LiteAgent};
use sfu_ice::{
    Candidate, ConsentConfig, IceCredentials, IceState, PacketClass, Protocol, Random, StunError,
    Time, Tuple, classify,
};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use webrtc_ice::agent::Agent;
use webrtc_ice::agent::agent_config::AgentConfig;
use webrtc_ice::candidate::CandidateType;
use webrtc_ice::candidate::candidate_base::unmarshal_candidate;
use webrtc_ice::mdns::MulticastDnsMode;
use webrtc_ice::network_type::NetworkType;
use webrtc_util::Conn;

/// Long enough for a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// Our side: the agent, and a task that feeds it.
#[derive(Clone)]
struct Server {
    socket: Arc<UdpSocket>,
    agent: Arc<Mutex<LiteAgent>>,
    log: Arc<Mutex<Log>>,
    began: Instant,
}

#[derive(Default)]
struct Log {
    events: Vec<IceEvent>,
    refused: Vec<StunError>,
    /// What came beside STUN.
    media: Vec<Vec<u8>>,
}

impl Server {
    async fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let credentials = IceCredentials::generate(&mut Random::from_seed([7; 32]));
        let server = Self {
            socket: Arc::new(socket),
            agent: Arc::new(Mutex::new(LiteAgent::new(credentials, ConsentConfig::default()))),
            log: Arc::default(),
            began: Instant::now(),
        };
        tokio::spawn(server.clone().serve());
        server
    }

    async fn serve(self) {
        let (mut datagram, mut response) = ([0; 2048], Vec::new());
        while let Ok((len, remote)) = self.socket.recv_from(&mut datagram).await {
            let bytes = &datagram[..len];
            if classify(bytes) != PacketClass::Stun {
                self.log.lock().unwrap().media.push(bytes.to_vec());
                continue;
            }
            let tuple = Tuple::new(Protocol::Udp, self.socket.local_addr().unwrap(), remote);
            let now = Time::from_micros(self.began.elapsed().as_micros() as u64);
            let handled = self.agent.lock().unwrap().handle_datagram(now, tuple, bytes);
            if let Err(error) = handled {
                self.log.lock().unwrap().refused.push(error);
            }
            loop {
                let Some(to) = self.agent.lock().unwrap().poll_transmit(&mut response) else {
                    break;
                };
                self.socket.send_to(&response, to.remote).await.unwrap();
            }
            let mut agent = self.agent.lock().unwrap();
            self.log.lock().unwrap().events.extend(std::iter::from_fn(|| agent.poll_event()));
        }
    }

    fn credentials(&self) -> IceCredentials {
        self.agent.lock().unwrap().credentials().clone()
    }

    /// The candidate as it stands in SDP.
    fn candidate(&self) -> String {
        Candidate::host(Protocol::Udp, self.socket.local_addr().unwrap(), 65535).to_string()
    }

    fn selected(&self) -> Option<SocketAddr> {
        self.agent.lock().unwrap().selected_tuple().map(|tuple| tuple.remote)
    }

    async fn until(&self, what: &str, done: impl Fn(&Log) -> bool) {
        let began = Instant::now();
        while !done(&self.log.lock().unwrap()) {
            assert!(began.elapsed() < PATIENCE, "not in time: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Their side: controlling, with host candidates of the loopback interface.
async fn full_agent() -> Agent {
    let agent = Agent::new(AgentConfig {
        is_controlling: true,
        network_types: vec![NetworkType::Udp4],
        candidate_types: vec![CandidateType::Host],
        multicast_dns_mode: MulticastDnsMode::Disabled,
        include_loopback: true,
        ip_filter: Arc::new(Some(Box::new(|address| address.is_loopback()))),
        keepalive_interval: Some(Duration::from_millis(50)),
        ..AgentConfig::default()
    })
    .await
    .unwrap();
    gather(&agent).await;
    agent
}

/// Gathers to the end.
async fn gather(agent: &Agent) {
    let (sender, mut done) = mpsc::unbounded_channel();
    agent.on_candidate(Box::new(move |candidate| {
        if candidate.is_none() {
            let _ = sender.send(());
        }
        Box::pin(async {})
    }));
    agent.gather_candidates().unwrap();
    tokio::time::timeout(PATIENCE, done.recv()).await.unwrap().unwrap();
}

fn tell(agent: &Agent, server: &Server) {
    let theirs: Arc<dyn webrtc_ice::candidate::Candidate + Send + Sync> =
        Arc::new(unmarshal_candidate(&server.candidate()).unwrap());
    agent.add_remote_candidate(&theirs).unwrap();
}

async fn dial(agent: &Agent, credentials: IceCredentials) -> Arc<impl Conn + use<>> {
    let (_keep, cancel) = mpsc::channel(1);
    let dialled = agent.dial(cancel, credentials.ufrag, credentials.password);
    tokio::time::timeout(PATIENCE, dialled).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_agent_connects_and_both_send() {
    let server = Server::start().await;
    let theirs = full_agent().await;
    let (ufrag, _) = theirs.get_local_user_credentials().await;
    server.agent.lock().unwrap().set_remote_ufrag(&ufrag).unwrap();
    tell(&theirs, &server);
    let connection = dial(&theirs, server.credentials()).await;

    server
        .until("connected", |log| log.events.contains(&IceEvent::StateChanged(IceState::Connected)))
        .await;
    let pair = theirs.get_selected_candidate_pair().unwrap();
    let selected = server.selected().unwrap();
    assert_eq!(selected, pair.local.addr());

    // Media, as far as ICE knows: the first byte is that of RTP.
    connection.send(&[0x80, 1, 2, 3]).await.unwrap();
    server.until("their datagram", |log| log.media == [[0x80, 1, 2, 3]]).await;
    server.socket.send_to(&[0x80, 4, 5, 6], selected).await.unwrap();
    let mut datagram = [0; 64];
    let len = tokio::time::timeout(PATIENCE, connection.recv(&mut datagram)).await.unwrap();
    assert_eq!(datagram[..len.unwrap()], [0x80, 4, 5, 6]);

    assert_eq!(server.log.lock().unwrap().refused, []);
    theirs.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_gets_nowhere() {
    let server = Server::start().await;
    let theirs = full_agent().await;
    tell(&theirs, &server);
    let mut wrong = server.credentials();
    wrong.password = wrong.password.chars().rev().collect();
    let (_keep, cancel) = mpsc::channel(1);
    let dialled = theirs.dial(cancel, wrong.ufrag, wrong.password);
    let refused = server.until("three refusals", |log| log.refused.len() >= 3);
    tokio::select! {
        _ = dialled => panic!("connected with a wrong password"),
        () = refused => {}
    }
    assert_eq!(server.selected(), None);
    let log = server.log.lock().unwrap();
    assert_eq!(log.events, []);
    assert!(
        log.refused.iter().all(|error| matches!(error, StunError::BadIntegrity)),
        "{:?}",
        log.refused
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_over_to_new_credentials_and_a_new_path() {
    let server = Server::start().await;
    let theirs = full_agent().await;
    tell(&theirs, &server);
    dial(&theirs, server.credentials()).await;
    server.until("selected", |_| server.selected().is_some()).await;
    let before = server.selected().unwrap();

    let fresh = server.agent.lock().unwrap().restart_with(&mut Random::from_seed([8; 32])).clone();
    theirs.restart(String::new(), String::new()).await.unwrap();
    assert_eq!(server.selected(), Some(before), "media goes on over the old path meanwhile");
    gather(&theirs).await;
    theirs.set_remote_credentials(fresh.ufrag, fresh.password).await.unwrap();
    tell(&theirs, &server);
    server.until("another path", |_| server.selected().is_some_and(|now| now != before)).await;
    theirs.close().await.unwrap();
}
