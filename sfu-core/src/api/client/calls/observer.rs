//! Calls of observers, of both kinds.

use serde::Deserialize;

use super::{Scope, done};
use crate::api::client::incoming::Answer;
use crate::api::client::registry::Noun;
use crate::api::error::{Error, Result};
use crate::route::ProducerId;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whom {
    producer: ProducerId,
}

pub(in super::super) async fn add_producer(mut scope: Scope) -> Result<Answer> {
    let observer = scope.target()?;
    let Whom { producer } = scope.parameters()?;
    match observer {
        Noun::ActiveSpeakerObserver(it) => it.add_producer(producer).await?,
        Noun::AudioLevelObserver(it) => it.add_producer(producer).await?,
        _ => return Err(Error::unexpected_reply()),
    }
    done()
}

pub(in super::super) async fn remove_producer(mut scope: Scope) -> Result<Answer> {
    let observer = scope.target()?;
    let Whom { producer } = scope.parameters()?;
    match observer {
        Noun::ActiveSpeakerObserver(it) => it.remove_producer(producer).await?,
        Noun::AudioLevelObserver(it) => it.remove_producer(producer).await?,
        _ => return Err(Error::unexpected_reply()),
    }
    done()
}

pub(in super::super) async fn pause(mut scope: Scope) -> Result<Answer> {
    scope.no_parameters()?;
    match scope.target()? {
        Noun::ActiveSpeakerObserver(it) => it.pause().await?,
        Noun::AudioLevelObserver(it) => it.pause().await?,
        _ => return Err(Error::unexpected_reply()),
    }
    done()
}

pub(in super::super) async fn resume(mut scope: Scope) -> Result<Answer> {
    scope.no_parameters()?;
    match scope.target()? {
        Noun::ActiveSpeakerObserver(it) => it.resume().await?,
        Noun::AudioLevelObserver(it) => it.resume().await?,
        _ => return Err(Error::unexpected_reply()),
    }
    done()
}

pub(in super::super) async fn close(mut scope: Scope) -> Result<Answer> {
    scope.no_parameters()?;
    match scope.target()? {
        Noun::ActiveSpeakerObserver(it) => it.close().await?,
        Noun::AudioLevelObserver(it) => it.close().await?,
        _ => return Err(Error::unexpected_reply()),
    }
    // No event tells of its end.
    scope.registry().remove(scope.target);
    done()
}
