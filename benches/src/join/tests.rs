//! Ten people in a real server, over real sockets.

use std::sync::Arc;

use meeting_server::media::SfuPlane;
use meeting_server::store::SqliteStore;
use meeting_server::{App, Settings};
use sfu_core::Sfu;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::*;
use crate::receivers::ANY;

/// A server in this process, until the runtime is dropped.
fn serve(runtime: &Runtime, folder: &std::path::Path) -> std::net::SocketAddr {
    runtime.block_on(async {
        let store = SqliteStore::open(&folder.join("plenum.sqlite")).await.unwrap();
        let sfu = Sfu::builder().listen(ANY).build().unwrap();
        let media = Arc::new(SfuPlane::new(sfu));
        let (app, background) = App::start(Settings::default(), Arc::new(store), media);
        let listener = TcpListener::bind(ANY).await.unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            let _background = background;
            let listeners = meeting_server::Listeners { public: listener, metrics: None };
            meeting_server::serve(listeners, &app, std::future::pending()).await.unwrap();
        });
        address
    })
}

fn meet(hall: &Hall) -> Outcome {
    let outcome = hall.run().unwrap();
    let failures: Vec<_> = outcome.people.iter().filter_map(|p| p.failure.as_ref()).collect();
    assert!(
        outcome.refused.is_empty() && failures.is_empty(),
        "{:?} {failures:?}",
        outcome.refused
    );
    assert_eq!(outcome.connected().count(), hall.people);
    outcome
}

fn options(address: std::net::SocketAddr) -> HallOptions {
    HallOptions {
        server: ServerOptions::at(address),
        seconds: 4.0,
        settle: 2.0,
        rate: None,
        doors: 4,
        patience: 120.0,
        threads: 1,
        turn: 2.0,
        sample: 1,
        loss: 0.0,
        recording: None,
        seed: 1,
    }
}

#[test]
fn ten_people_see_and_hear_each_other_without_a_break() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let address = serve(&runtime, folder.path());
    let hall = Hall {
        people: 10,
        publishers: 4,
        slots: SlotCounts { audio: 4, video: 4 },
        view: View::All,
        options: options(address),
    };
    let outcome = meet(&hall);
    for person in outcome.connected() {
        let received = &person.received;
        assert!(received.audio_packets > 0, "{} hears nobody", person.index);
        assert!(received.frames > 0, "{} sees nobody", person.index);
        assert_eq!(received.rejected, 0, "{}: {received:?}", person.index);
        assert_eq!(received.breaks.total(), 0, "{}: {:?}", person.index, received.breaks);
        // Everybody's own join, and nobody's twice as much as another's.
        assert!(person.join.bytes > 1_000);
    }
    assert!(total(&outcome).loss() < 0.05, "{:?}", total(&outcome));
    assert!(outcome.residence.audio.total() > 0 && outcome.residence.video.total() > 0);
    runtime.shutdown_background();
}

/// What is lost comes again, so that pictures go on; what a repair could not
/// save costs a key frame and no break.
#[test]
fn losses_are_repaired() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let address = serve(&runtime, folder.path());
    let hall = Hall {
        people: 4,
        publishers: 2,
        slots: SlotCounts { audio: 2, video: 2 },
        view: View::All,
        options: HallOptions { loss: 0.02, ..options(address) },
    };
    let outcome = meet(&hall);
    let all = total(&outcome);
    assert!(all.repaired > 0 && all.nacks > 0, "{all:?}");
    assert_eq!((all.rejected, all.breaks.total()), (0, 0), "{all:?}");
    for person in outcome.connected() {
        assert!(person.received.frames > 0, "{} sees nobody", person.index);
    }
    runtime.shutdown_background();
}

#[test]
fn everybody_is_reported() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let address = serve(&runtime, folder.path());
    let hall = Hall {
        people: 3,
        publishers: 1,
        slots: SlotCounts { audio: 1, video: 1 },
        view: View::Speaker,
        options: HallOptions { seconds: 1.0, settle: 0.5, sample: 2, ..options(address) },
    };
    let outcome = meet(&hall);
    let texts: Vec<_> = tables(&hall, &outcome).into_iter().map(|table| table.title).collect();
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert!(notes(&hall, &outcome).iter().any(|note| note.contains("headers")));
    runtime.shutdown_background();
}
