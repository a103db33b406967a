//! Lets the linker leave the symbols of Node-API to be found in the process.

fn main() {
    napi_build::setup();
}
