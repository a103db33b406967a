//! Calls of the whole.

use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::{Value, json};
use sfu_ice::Protocol;

use super::router::SpeakerSettings;
use super::{Scope, answer, done};
use crate::api::client::describe::value;
use crate::api::client::incoming::Answer;
use crate::api::error::Result;
use crate::api::options::RouterOptions;
use crate::api::params::RtpCodecCapability;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RouterSettings {
    codecs: Option<Vec<RtpCodecCapability>>,
    shard: Option<usize>,
    #[serde(default)]
    speakers: SpeakerSettings,
}

impl RouterSettings {
    fn options(self) -> RouterOptions {
        let mut options = RouterOptions::default().speakers(self.speakers.options());
        if let Some(codecs) = self.codecs {
            options = options.codecs(codecs);
        }
        match self.shard {
            Some(shard) => options.shard(shard),
            None => options,
        }
    }
}

pub(in super::super) async fn create_router(mut scope: Scope) -> Result<Answer> {
    let options = scope.parameters::<RouterSettings>()?.options();
    let router = scope.inner.sfu()?.create_router(options).await?;
    answer(scope.registry().admit_router(router)?)
}

pub(in super::super) async fn restore_router(mut scope: Scope) -> Result<Answer> {
    let options = scope.parameters::<RouterSettings>()?.options();
    let snapshot = scope.payload()?;
    let router = scope.inner.sfu()?.restore_router(snapshot, options).await?;
    let mut described = scope.registry().admit_router(router.clone())?;
    let contents = scope.registry().admit_contents(&router).await?;
    if let Value::Object(fields) = &mut described {
        fields.insert("contents".to_owned(), contents);
    }
    answer(described)
}

pub(in super::super) async fn shards(mut scope: Scope) -> Result<Answer> {
    scope.no_parameters()?;
    answer(json!({ "shards": scope.inner.sfu()?.shards() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfShard {
    shard: usize,
}

pub(in super::super) async fn shard_stats(mut scope: Scope) -> Result<Answer> {
    let OfShard { shard } = scope.parameters()?;
    let stats = scope.inner.sfu()?.shard_stats(shard).await?;
    let mut described = value(&stats)?;
    if let Value::Object(fields) = &mut described {
        fields.remove("busy");
        fields.insert("busyMs".to_owned(), json!(stats.busy.as_secs_f64() * 1e3));
    }
    answer(described)
}

pub(in super::super) async fn addresses(mut scope: Scope) -> Result<Answer> {
    let OfShard { shard } = scope.parameters()?;
    answer(json!({ "addresses": scope.inner.sfu()?.addresses(shard) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listening {
    #[serde(default)]
    shard: usize,
    address: SocketAddr,
    protocol: Protocol,
}

pub(in super::super) async fn listen(mut scope: Scope) -> Result<Answer> {
    let Listening { shard, address, protocol } = scope.parameters()?;
    let address = scope.inner.sfu()?.listen(shard, address, protocol).await?;
    answer(json!({ "address": address }))
}

pub(in super::super) async fn unlisten(mut scope: Scope) -> Result<Answer> {
    let Listening { shard, address, protocol } = scope.parameters()?;
    scope.inner.sfu()?.unlisten(shard, address, protocol).await?;
    done()
}

/// `Client::submit` has done it already.
pub(in super::super) async fn close(_: Scope) -> Result<Answer> {
    done()
}
