//! Rebuilds the server when the web client that it embeds was built anew.

use std::path::Path;

fn main() {
    // The folder must exist to be watched; it is not part of the sources.
    let dist = Path::new("../web/dist");
    if let Err(error) = std::fs::create_dir_all(dist) {
        println!("cargo::warning=the web client cannot be embedded: {error}");
    }
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-changed=src/store/migrations");
}
