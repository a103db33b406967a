//! The API as clients see it, over real sockets on the loopback interface, with a media plane that
//! only records.

mod client;
mod hostile;
mod meeting;
mod rest;
