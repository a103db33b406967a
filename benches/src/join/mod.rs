//! Participants that really join: REST and WebSocket signalling, ICE, DTLS and
//! SRTP with our own stack, each with a socket of its own, all in one process.
//!
//! A [`Hall`] lets a crowd into one meeting of a `plenum-server` and measures
//! what reaches each of them. Some publish a camera in three simulcast layers
//! and a microphone that follows a scripted conversation; everybody receives by
//! slots, authenticates what comes, asks again for what is lost, reports as a
//! browser does, and checks that what the slots carry goes on without a break.
//!
//! One thread (or a few) holds all participants; a few more do the blocking
//! part of a join. Nothing on the packet path allocates.

mod camera;
mod child;
mod clock;
mod continuity;
mod crowd;
mod door;
mod hall;
mod histogram;
mod http;
mod kernel;
mod marker;
mod measure;
mod microphone;
mod packet;
mod participant;
mod path;
mod publisher;
mod receiver;
mod recording;
mod reorder;
mod report;
mod script;
mod sdp;
mod signaling;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use child::ServerOptions;
pub(crate) use crowd::PersonReport;
pub(crate) use hall::{Hall, HallOptions, Outcome, View};
pub(crate) use report::{Options, notes, run, tables, total};
pub(crate) use sdp::SlotCounts;
