//! The listeners' life: from the first connection to the last goodbye.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::app::App;
use crate::http;

/// How long requests that are under way may take once the server stops.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// Where a server listens.
#[derive(Debug)]
pub struct Listeners {
    /// For everybody: web client, API and signalling.
    pub public: TcpListener,
    /// For those who run the server: metrics. `None` serves them nowhere.
    pub metrics: Option<TcpListener>,
}

/// Serves until `stop` is done, then ends every meeting and returns.
///
/// # Errors
/// When a listener fails.
pub async fn serve(
    listeners: Listeners,
    app: &Arc<App>,
    stop: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    let (stopping, stopped) = watch::channel(false);
    let public = run(listeners.public, http::router(Arc::clone(app)), stopped.clone());
    let metrics = async {
        match listeners.metrics {
            Some(listener) => run(listener, http::operator_router(Arc::clone(app)), stopped).await,
            None => Ok(()),
        }
    };
    let servers = async { tokio::try_join!(public, metrics) };
    tokio::pin!(servers);
    tokio::select! {
        result = &mut servers => return result.map(drop),
        () = stop => {}
    }
    info!("stopping");
    let _ = stopping.send(true);
    app.shut_down().await;
    match timeout(LAST_REQUESTS, servers).await {
        Ok(result) => result.map(drop),
        Err(_) => {
            warn!("some requests were cut off");
            Ok(())
        }
    }
}

async fn run(
    listener: TcpListener,
    routes: Router,
    mut stopped: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            warn!(%error, "signalling may be slow");
        }
    });
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        })
        .await
}
