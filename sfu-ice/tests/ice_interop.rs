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
    /// One lock for all that the task and the test share.
    state: Arc<Mutex<State>>,
    began: Instant,
}

struct State {
    agent: LiteAgent,
    events: Vec<IceEvent>,
    refused: Vec<StunError>,
    /// What came beside STUN.
    media: Vec<Vec<u8>>,
}

impl Server {
    async fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let credentials = IceCredentials::generate(&mut Random::from_seed([7; 32]));
        let state = State {
            agent: LiteAgent::new(credentials, ConsentConfig::default()),
            events: Vec::new(),
            refused: Vec::new(),
            media: Vec::new(),
        };
        let server = Self {
            socket: Arc::new(socket),
            state: Arc::new(Mutex::new(state)),
            began: Instant::now(),
        };
        tokio::spawn(server.clone().serve());
        server
    }

    async fn serve(self) {
        let mut datagram = [0; 2048];
        while let Ok((len, remote)) = self.socket.recv_from(&mut datagram).await {
            for (response, to) in self.take(&datagram[..len], remote) {
                self.socket.send_to(&response, to).await.unwrap();
            }
        }
    }

    /// Hands one datagram to the agent; what it wants to send comes back.
    fn take(&self, datagram: &[u8], remote: SocketAddr) -> Vec<(Vec<u8>, SocketAddr)> {
        let mut state = self.state.lock().unwrap();
        if classify(datagram) != PacketClass::Stun {
            state.media.push(datagram.to_vec());
            return Vec::new();
        }
        let tuple = Tuple::new(Protocol::Udp, self.socket.local_addr().unwrap(), remote);
        let now = Time::from_micros(self.began.elapsed().as_micros() as u64);
        if let Err(error) = state.agent.handle_datagram(now, tuple, datagram) {
            state.refused.push(error);
        }
        while let Some(event) = state.agent.poll_event() {
            state.events.push(event);
        }
        let (mut responses, mut response) = (Vec::new(), Vec::new());
        while let Some(to) = state.agent.poll_transmit(&mut response) {
            responses.push((std::mem::take(&mut response), to.remote));
        }
        responses
    }

    fn credentials(&self) -> IceCredentials {
        self.state.lock().unwrap().agent.credentials().clone()
    }

    /// The candidate as it stands in SDP.
    fn candidate(&self) -> String {
        Candidate::host(Protocol::Udp, self.socket.local_addr().unwrap(), 65535).to_string()
    }

    fn selected(&self) -> Option<SocketAddr> {
        self.state.lock().unwrap().selected()
    }

    async fn until(&self, what: &str, done: impl Fn(&State) -> bool) {
        let began = Instant::now();
        while !done(&self.state.lock().unwrap()) {
            assert!(began.elapsed() < PATIENCE, "not in time: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl State {
    fn selected(&self) -> Option<SocketAddr> {
        self.agent.selected_tuple().map(|tuple| tuple.remote)
    }
}

/// What hangs fails.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.unwrap_or_else(|_| panic!("not in time: {what}"))
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
    soon("candidates", done.recv()).await.unwrap();
}

fn tell(agent: &Agent, server: &Server) {
    let theirs: Arc<dyn webrtc_ice::candidate::Candidate + Send + Sync> =
        Arc::new(unmarshal_candidate(&server.candidate()).unwrap());
    agent.add_remote_candidate(&theirs).unwrap();
}

async fn dial(agent: &Agent, credentials: IceCredentials) -> Arc<impl Conn + use<>> {
    let (_keep, cancel) = mpsc::channel(1);
    let dialled = agent.dial(cancel, credentials.ufrag, credentials.password);
    soon("connection", dialled).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_agent_connects_and_both_send() {
    let server = Server::start().await;
    let theirs = full_agent().await;
    let (ufrag, _) = theirs.get_local_user_credentials().await;
    server.state.lock().unwrap().agent.set_remote_ufrag(&ufrag).unwrap();
    tell(&theirs, &server);
    let connection = dial(&theirs, server.credentials()).await;

    server
        .until("connected", |state| {
            state.events.contains(&IceEvent::StateChanged(IceState::Connected))
        })
        .await;
    let pair = theirs.get_selected_candidate_pair().unwrap();
    let selected = server.selected().unwrap();
    assert_eq!(selected, pair.local.addr());

    // Media, as far as ICE knows: the first byte is that of RTP.
    connection.send(&[0x80, 1, 2, 3]).await.unwrap();
    server.until("their datagram", |state| state.media == [[0x80, 1, 2, 3]]).await;
    server.socket.send_to(&[0x80, 4, 5, 6], selected).await.unwrap();
    let mut datagram = [0; 64];
    let len = soon("our datagram", connection.recv(&mut datagram)).await.unwrap();
    assert_eq!(datagram[..len], [0x80, 4, 5, 6]);

    assert_eq!(server.state.lock().unwrap().refused, []);
    soon("close", theirs.close()).await.unwrap();
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
    let refused = server.until("three refusals", |state| state.refused.len() >= 3);
    tokio::select! {
        _ = dialled => panic!("connected with a wrong password"),
        () = refused => {}
    }
    assert_eq!(server.selected(), None);
    let state = server.state.lock().unwrap();
    assert_eq!(state.events, []);
    assert!(
        state.refused.iter().all(|error| matches!(error, StunError::BadIntegrity)),
        "{:?}",
        state.refused
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_over_to_new_credentials_and_a_new_path() {
    let server = Server::start().await;
    let theirs = full_agent().await;
    tell(&theirs, &server);
    dial(&theirs, server.credentials()).await;
    server.until("selected", |state| state.selected().is_some()).await;
    let before = server.selected().unwrap();

    let mut random = Random::from_seed([8; 32]);
    let fresh = server.state.lock().unwrap().agent.restart_with(&mut random).clone();
    soon("restart", theirs.restart(String::new(), String::new())).await.unwrap();
    assert_eq!(server.selected(), Some(before), "media goes on over the old path meanwhile");
    gather(&theirs).await;
    let told = theirs.set_remote_credentials(fresh.ufrag, fresh.password);
    soon("credentials", told).await.unwrap();
    tell(&theirs, &server);
    server.until("another path", |state| state.selected().is_some_and(|now| now != before)).await;
    soon("close", theirs.close()).await.unwrap();
}
