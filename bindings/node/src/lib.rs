//! The native half of the Node.js package `plenum-sfu`.
