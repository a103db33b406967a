//! The listener's life: from the first connection to the last goodbye.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::app::App;
use crate::http;

/// How long requests that are under way may take once the server stops.
const LAST_REQUESTS: Duration = Duration::from_secs(5);

/// Serves until `stop` is done, then ends every meeting and returns.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    app: &Arc<App>,
    stop: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            warn!(%error, "signalling may be slow");
        }
    });
    let service = http::router(Arc::clone(app)).into_make_service_with_connect_info::<SocketAddr>();
    let (stopping, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let server = async { server.await };
    tokio::pin!(server);
    tokio::select! {
        result = &mut server => return result,
        () = stop => {}
    }
    info!("stopping");
    let _ = stopping.send(());
    app.shut_down().await;
    timeout(LAST_REQUESTS, server).await.unwrap_or_else(|_| {
        warn!("some requests were cut off");
        Ok(())
    })
}
