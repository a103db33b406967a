//! The `plenum-server` binary: configuration, signals, and the parts put together.

use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use meeting_server::config::Config;
use meeting_server::http::TrustedProxies;
use meeting_server::media::SfuPlane;
use meeting_server::meeting::Limits;
use meeting_server::store::SqliteStore;
use meeting_server::{App, Listeners, Settings};
use sfu_core::Sfu;
use tokio::net::TcpListener;
use tokio::signal;
use tracing::info;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    let filter = EnvFilter::try_new(&config.log).context("--log is not a filter")?;
    tracing_subscriber::fmt().with_env_filter(filter).init();

    let listeners = listen(&config).await?;
    let address = listeners.public.local_addr()?;
    let store = SqliteStore::open(&config.database)
        .await
        .with_context(|| format!("cannot open the database {}", config.database.display()))?;
    let settings = Settings {
        meetings: config.max_meetings as usize,
        room: Limits { participants: config.max_participants.into(), ..Limits::default() },
        trusted_proxies: TrustedProxies::new(config.trusted_proxies.clone()),
        ..Settings::default()
    };
    let media = Arc::new(SfuPlane::new(start_sfu(&config)?));
    let (app, mut background) = App::start(settings, Arc::new(store.clone()), media);
    info!("Plenum is at http://{}", shown(address));

    meeting_server::serve(listeners, &app, stop_signal()).await?;
    background.stop_clock().await;
    drop(app);
    background.finish().await;
    store.close().await;
    Ok(())
}

async fn listen(config: &Config) -> anyhow::Result<Listeners> {
    let public = TcpListener::bind(config.http)
        .await
        .with_context(|| format!("cannot serve HTTP on {}", config.http))?;
    let metrics = match config.metrics {
        Some(address) => {
            let listener = TcpListener::bind(address)
                .await
                .with_context(|| format!("cannot serve metrics on {address}"))?;
            info!("metrics are at http://{}/metrics", listener.local_addr()?);
            Some(listener)
        }
        None => None,
    };
    Ok(Listeners { public, metrics })
}

fn start_sfu(config: &Config) -> anyhow::Result<Sfu> {
    let announced = config.announced().context("cannot list the network interfaces")?;
    let mut builder = Sfu::builder().listen(config.media).shards(config.shards());
    for address in &announced {
        builder = builder.announce(*address);
    }
    let sfu =
        builder.build().with_context(|| format!("cannot receive media on {}", config.media))?;
    info!(addresses = ?announced, ports = ?config.media_ports(), "media");
    Ok(sfu)
}

/// Browsers treat `localhost` as secure and give it the camera.
fn shown(address: std::net::SocketAddr) -> String {
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

/// Done at SIGINT, and at SIGTERM where that exists.
async fn stop_signal() {
    let interrupt = async {
        // Without a handler the signal ends the process by itself.
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut stream) => {
                stream.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
