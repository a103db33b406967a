//! The guide shows programs that the tests run: each block of code in
//! `docs/guide` stands under a comment that names its file, and is the same.
//!
//! `PLENUM_BLESS=1 cargo test -p sfu-core --test guide` copies the files into
//! the pages.

use std::fs;
use std::path::{Path, PathBuf};

/// Pages whose blocks are compiled and run from the page itself.
const RUN_AS_THEY_ARE: [&str; 1] = ["cpp-go-zig.md"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

/// What a comment says of the block below it: whether all of a file is shown,
/// and which.
fn source(comment: &str) -> Option<(bool, &str)> {
    let inside = comment.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    let whole = inside.strip_prefix("file: ").map(|file| (true, file));
    whole.or_else(|| inside.strip_prefix("part of: ").map(|file| (false, file)))
}

/// The page with every block of a whole file as the file has it, and what is
/// wrong with it as it is.
fn check(page: &str, read: impl Fn(&str) -> String) -> (String, Vec<String>) {
    let (mut made, mut wrong) = (String::new(), Vec::new());
    let (mut above, mut lines) = ("", page.lines());
    while let Some(line) = lines.next() {
        made += line;
        made.push('\n');
        let Some(language) = line.strip_prefix("```") else {
            above = line;
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let block = block.join("\n");
        let shown = match source(above) {
            None => {
                wrong.push(format!("a block of {language} below «{above}» has no file"));
                block
            }
            Some((whole, file)) => {
                let text = read(file);
                let text = text.trim_end();
                let same = if whole { block == text } else { text.contains(block.trim_end()) };
                if !same {
                    wrong.push(format!("{file} is not what is shown of it"));
                }
                if whole { text.to_owned() } else { block }
            }
        };
        made += &shown;
        made += if shown.is_empty() { "```\n" } else { "\n```\n" };
    }
    (made, wrong)
}

#[test]
fn the_guide_shows_what_is_tested() {
    let mut all = Vec::new();
    for entry in fs::read_dir(root().join("docs/guide")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if RUN_AS_THEY_ARE.contains(&name.as_str()) {
            continue;
        }
        let page = fs::read_to_string(&path).unwrap();
        let read = |file: &str| {
            fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
        };
        let (made, wrong) = check(&page, read);
        if std::env::var_os("PLENUM_BLESS").is_some() {
            fs::write(&path, made).unwrap();
        }
        all.extend(wrong.into_iter().map(|it| format!("{name}: {it}")));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn what_differs_is_seen() {
    let read = |_: &str| "one\ntwo\n".to_owned();
    let page = |above: &str, block: &str| format!("{above}\n```rust\n{block}\n```\nend\n");
    let (made, wrong) = check(&page("<!-- file: a.rs -->", "one"), read);
    assert_eq!(wrong.len(), 1);
    assert_eq!(check(&made, read), (made.clone(), Vec::new()));
    assert!(check(&page("<!-- part of: a.rs -->", "two"), read).1.is_empty());
    assert_eq!(check(&page("<!-- part of: a.rs -->", "three"), read).1.len(), 1);
    assert_eq!(check(&page("some words", "one"), read).1.len(), 1);
}
