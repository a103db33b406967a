//! Names the shared library as the linker knows it.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let system = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if matches!(system.as_str(), "linux" | "android" | "freebsd" | "netbsd" | "openbsd") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{}", soname());
        // The threads of an Sfu run code of the library: it must stay, whatever dlclose() says.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}

/// Before 1.0 each minor version may change the interface; after it, each major one.
fn soname() -> String {
    let part = |name: &str| env::var(name).expect("cargo sets the version");
    match part("CARGO_PKG_VERSION_MAJOR").as_str() {
        "0" => format!("libplenum.so.0.{}", part("CARGO_PKG_VERSION_MINOR")),
        major => format!("libplenum.so.{major}"),
    }
}
