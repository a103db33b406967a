//! The server that is measured: one that runs already, or a child process.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::http;

/// A server that has not said where it is by then will not.
const START: Duration = Duration::from_secs(60);
/// Warnings that are kept.
const MAX_WARNINGS: usize = 20;

#[derive(Args, Clone, Debug)]
pub(crate) struct ServerOptions {
    /// A running server, such as http://127.0.0.1:8080. Without it one is started.
    #[arg(long)]
    url: Option<String>,
    /// The plenum-server to start. Default: the one beside this program.
    #[arg(long)]
    server: Option<PathBuf>,
    /// Media threads of the server that is started.
    #[arg(long, default_value_t = 1)]
    shards: u16,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Option<Running>,
}

struct Running {
    child: Child,
    folder: PathBuf,
    warnings: Arc<Mutex<Vec<String>>>,
}

impl ServerOptions {
    /// A server at a known address.
    #[cfg(test)]
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { url: Some(format!("http://{address}")), server: None, shards: 1 }
    }
}

impl Server {
    /// Finds or starts a server that has room for `people`.
    pub(crate) fn start(options: &ServerOptions, people: usize) -> anyhow::Result<Self> {
        match &options.url {
            Some(url) => Ok(Self { address: parse_url(url)?, child: None }),
            None => Self::spawn(options, people),
        }
    }

    /// The process, if it was started here or is on this machine.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(|running| running.child.id())
    }

    /// What it warned of.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let warnings = self.child.as_ref().map(|running| &running.warnings);
        warnings.map_or_else(Vec::new, |warnings| {
            warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
        })
    }

    /// Makes a meeting and returns its id.
    pub(crate) fn create_meeting(&self) -> anyhow::Result<String> {
        let local = super::door::address(self.address.ip(), 0);
        let title = serde_json::json!({ "title": "Load" });
        let meeting = http::post(local, self.address, "/api/meetings", &title)?.expect(201)?;
        let id = meeting["meeting_id"].as_str().context("the meeting has no id")?;
        Ok(id.to_owned())
    }

    fn spawn(options: &ServerOptions, people: usize) -> anyhow::Result<Self> {
        let program = match &options.server {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("plenum-server"),
        };
        let folder = std::env::temp_dir().join(format!("plenum-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let mut child = Command::new(&program)
            .args(["--http", "127.0.0.1:0", "--media", "127.0.0.1:0", "--log", "info"])
            .arg("--database")
            .arg(folder.join("plenum.sqlite"))
            .args(["--max-participants", &people.max(50).to_string()])
            .args(["--shards", &options.shards.to_string()])
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| {
                format!("cannot start {}; build it or name it by --server", program.display())
            })?;
        let output = child.stdout.take().context("the server has no output")?;
        let warnings = Arc::<Mutex<Vec<String>>>::default();
        let running = Running { child, folder, warnings: Arc::clone(&warnings) };
        let port = watch(output, warnings)?;
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        let server = Self { address, child: Some(running) };
        let health = http::get(IpAddr::V4(Ipv4Addr::LOCALHOST), address, "/healthz")?;
        ensure!(health.status == 200, "the server is not healthy");
        Ok(server)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It holds nothing that must be kept.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Reads the server's log to its end on a thread; returns the port that it
/// says it serves on.
fn watch(output: ChildStdout, warnings: Arc<Mutex<Vec<String>>>) -> anyhow::Result<u16> {
    let (say, said) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some((_, address)) = line.split_once("Plenum is at http://") {
                let port = address.rsplit(':').next().and_then(|port| port.trim().parse().ok());
                // Nobody listens once the port is known.
                let _ = say.send(port);
            }
            if line.contains(" WARN ") || line.contains(" ERROR ") {
                let mut warnings = warnings.lock().unwrap_or_else(PoisonError::into_inner);
                if warnings.len() < MAX_WARNINGS {
                    warnings.push(line);
                }
            }
        }
    });
    match said.recv_timeout(START) {
        Ok(Some(port)) => Ok(port),
        Ok(None) => bail!("the server does not say its port"),
        Err(_) => bail!("the server does not say where it is"),
    }
}

fn parse_url(url: &str) -> anyhow::Result<SocketAddr> {
    let rest = url.strip_prefix("http://").context("expected --url http://HOST:PORT")?;
    let host = rest.trim_end_matches('/');
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let mut addresses = host.to_socket_addrs().with_context(|| format!("no such host: {host}"))?;
    addresses.next().with_context(|| format!("{host} has no address"))
}
