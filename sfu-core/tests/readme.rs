//! The program in the README is the example that is compiled.

use std::fs;
use std::path::Path;

#[test]
fn the_program_in_the_readme_is_the_example() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = fs::read_to_string(package.join("examples/room.rs")).unwrap();
    let body = example.split_once("\nuse ").expect("imports after the header").1;
    for readme in [package.join("../README.md"), package.join("README.md")] {
        let text = fs::read_to_string(&readme).unwrap();
        let after = text.split_once("```rust").expect("a Rust block").1;
        let (_, block) = after.split_once('\n').expect("a line after the fence");
        let block = block.split_once("```").expect("an end of the block").0;
        assert_eq!(block, format!("use {body}"), "in {}", readme.display());
    }
}
