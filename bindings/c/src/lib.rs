//! libplenum: the C interface of Plenum.
