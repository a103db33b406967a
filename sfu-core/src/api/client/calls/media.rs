//! Calls of producers and consumers.

use serde::Deserialize;

use super::{Scope, answer, done, target};
use crate::api::client::describe::value;
use crate::api::client::incoming::Answer;
use crate::api::error::Result;
use crate::route::{ProducerId, SpeakerSlot, TraceType};
use crate::stream::allocate::Demand;
use crate::stream::select::Layers;

/// Calls without parameters and with nothing to answer.
macro_rules! act {
    ($($name:ident = $noun:ident.$method:ident),* $(,)?) => {
        $(pub(in super::super) async fn $name(mut scope: Scope) -> Result<Answer> {
            let it = target!(scope, $noun);
            scope.no_parameters()?;
            it.$method().await?;
            done()
        })*
    };
}
pub(super) use act;

/// Calls without parameters that answer plain data.
macro_rules! tell {
    ($($name:ident = $noun:ident.$method:ident),* $(,)?) => {
        $(pub(in super::super) async fn $name(mut scope: Scope) -> Result<Answer> {
            let it = target!(scope, $noun);
            scope.no_parameters()?;
            answer(value(&it.$method().await?)?)
        })*
    };
}
pub(super) use tell;

act! {
    pause_producer = Producer.pause,
    resume_producer = Producer.resume,
    close_producer = Producer.close,
    pause_consumer = Consumer.pause,
    resume_consumer = Consumer.resume,
    request_key_frame = Consumer.request_key_frame,
    close_consumer = Consumer.close,
    pause_pipe_consumer = PipeConsumer.pause,
    resume_pipe_consumer = PipeConsumer.resume,
    request_pipe_key_frame = PipeConsumer.request_key_frame,
    close_pipe_consumer = PipeConsumer.close,
}

tell! {
    producer_stats = Producer.stats,
    consumer_stats = Consumer.stats,
    explain = Consumer.explain,
    pipe_consumer_stats = PipeConsumer.stats,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Voice {
    speaker: Option<ProducerId>,
}

pub(in super::super) async fn set_speaker(mut scope: Scope) -> Result<Answer> {
    let producer = target!(scope, Producer);
    let Voice { speaker } = scope.parameters()?;
    producer.set_speaker(speaker).await?;
    done()
}

/// What is to be traced.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Traced {
    #[serde(default)]
    pub(super) types: Vec<TraceType>,
}

/// Calls that choose what is traced.
macro_rules! trace {
    ($($name:ident = $noun:ident),* $(,)?) => {
        $(pub(in super::super) async fn $name(mut scope: Scope) -> Result<Answer> {
            let it = target!(scope, $noun);
            let Traced { types } = scope.parameters()?;
            it.enable_trace_event(&types).await?;
            done()
        })*
    };
}

trace! {
    trace_producer = Producer,
    trace_consumer = Consumer,
    trace_pipe_consumer = PipeConsumer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    producer: Option<ProducerId>,
}

pub(in super::super) async fn switch(mut scope: Scope) -> Result<Answer> {
    let consumer = target!(scope, Consumer);
    let Switch { producer } = scope.parameters()?;
    consumer.switch(producer).await?;
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Follow {
    rank: u8,
    except: Option<ProducerId>,
}

pub(in super::super) async fn follow_speaker(mut scope: Scope) -> Result<Answer> {
    let consumer = target!(scope, Consumer);
    let Follow { rank, except } = scope.parameters()?;
    consumer.follow_speaker(SpeakerSlot { rank, except }).await?;
    done()
}

pub(in super::super) async fn set_preferred_layers(mut scope: Scope) -> Result<Answer> {
    let consumer = target!(scope, Consumer);
    let layers: Layers = scope.parameters()?;
    consumer.set_preferred_layers(layers).await?;
    done()
}

pub(in super::super) async fn set_demand(mut scope: Scope) -> Result<Answer> {
    let consumer = target!(scope, Consumer);
    let demand: Demand = scope.parameters()?;
    consumer.set_demand(demand).await?;
    done()
}
