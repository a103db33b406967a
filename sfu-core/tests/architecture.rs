//! The layout of the sources, as ARCHITECTURE.md promises it: rooms import
//! one way, only the host touches the world, and files keep to one subject.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, in the order in which they may use each other: each uses only
/// those before it.
const ROOMS: [&str; 6] = ["wire", "stream", "route", "engine", "host", "api"];

/// Parameter types are plain data that the user hands in and every room from
/// `route` on reads; they are part of `api` because users hold them.
const SHARED_PLAIN_DATA: &str = "api::params";

/// Words by which code reaches for a clock, a socket, a thread or shared
/// memory.
const WORLD: [&str; 17] = [
    "Instant",
    "SystemTime",
    "UdpSocket",
    "TcpListener",
    "TcpStream",
    "std::thread",
    "std::sync",
    "std::fs",
    "std::env",
    "std::process",
    "tokio",
    "mio",
    "quinn_udp",
    "socket2",
    "getrandom",
    "core_affinity",
    "println",
];

/// Words that a file may use all the same, because a library it adapts speaks
/// in them: `dimpl` and `sctp-proto` take their time as `Instant`, of which one
/// origin is kept, and share certificates and settings.
const ADAPTERS: [(&str, &str); 5] = [
    ("sfu-ice/src/dtls/dimpl.rs", "Instant"),
    ("sfu-ice/src/dtls/dimpl.rs", "std::sync"),
    ("sfu-ice/src/dtls/certificate.rs", "std::sync"),
    ("sfu-ice/src/sctp/clock.rs", "Instant"),
    ("sfu-ice/src/sctp/association.rs", "std::sync"),
];

#[test]
fn rooms_import_one_way() {
    let mut wrong = String::new();
    for source in Source::all("sfu-core") {
        let Some(own) = source.room() else { continue };
        for (line, path) in source.crate_paths() {
            let target = path.split("::").next().unwrap_or_default();
            let Some(used) = ROOMS.iter().position(|room| *room == target) else {
                if own < rank("api") {
                    writeln!(wrong, "{}:{line}: crate::{path} is not in a room", source.name)
                        .unwrap();
                }
                continue;
            };
            let plain_data = own >= rank("route") && path.starts_with(SHARED_PLAIN_DATA);
            if used > own && !plain_data {
                writeln!(wrong, "{}:{line}: crate::{path} runs upwards", source.name).unwrap();
            }
        }
        for (line, supers) in source.climbs() {
            if supers >= source.parts.len() {
                writeln!(wrong, "{}:{line}: super:: leaves the room", source.name).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn only_the_host_touches_the_world() {
    let mut wrong = String::new();
    for source in libraries().filter(Source::must_be_sans_io) {
        for (line, code) in source.code() {
            for word in WORLD.iter().filter(|word| contains_word(code, word)) {
                if ADAPTERS.contains(&(source.name.as_str(), *word)) {
                    continue;
                }
                writeln!(wrong, "{}:{line}: {word}", source.name).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_room_exists_and_libraries_forbid_unsafe_code() {
    for library in ["sfu-core", "sfu-ice"] {
        let root = fs::read_to_string(repository().join(library).join("src/lib.rs")).unwrap();
        assert!(root.contains("#![forbid(unsafe_code)]"), "{library} must forbid unsafe code");
    }
    let sources = Source::all("sfu-core");
    for (room, name) in ROOMS.iter().enumerate() {
        assert!(sources.iter().any(|source| source.room() == Some(room)), "no {name}/");
    }
}

#[test]
fn files_are_named_for_their_subject() {
    const NO_SUBJECT: [&str; 4] = ["utils", "helpers", "common", "misc"];
    for source in libraries() {
        for part in &source.parts {
            assert!(!NO_SUBJECT.contains(&part.as_str()), "{}: what is in it?", source.name);
        }
    }
}

#[test]
fn the_checks_see_what_they_are_meant_to_see() {
    let source = Source::new(
        "sfu-core",
        Path::new("stream/probe.rs"),
        "use crate::{wire::rtp, engine::{Engine, Event}};\n\
         // use crate::host::Shard;\n\
         use super::super::host;\n\
         fn now() { std::time::Instant::now(); }\n\
         \n\
         #[cfg(test)]\n\
         mod tests {\n    use crate::api::Sfu;\n}\n",
    );
    let paths: Vec<_> = source.crate_paths().into_iter().map(|(_, path)| path).collect();
    assert_eq!(paths, ["wire::rtp", "engine::"]);
    assert_eq!(source.climbs(), [(3, 2)]);
    assert_eq!(source.parts, ["stream", "probe"]);
    assert!(source.must_be_sans_io());
    assert!(source.code().any(|(_, code)| contains_word(code, "Instant")));
    assert!(!contains_word("let Instantiated = 1;", "Instant"));
}

fn libraries() -> impl Iterator<Item = Source> {
    Source::all("sfu-core").into_iter().chain(Source::all("sfu-ice"))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

fn rank(room: &str) -> usize {
    ROOMS.iter().position(|r| *r == room).expect("a room")
}

fn contains_word(code: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(is_name) && !code[at + word.len()..].starts_with(is_name)
    })
}

/// One file below `src/`, without its unit tests.
struct Source {
    name: String,
    /// The module's path: `["wire", "rtp", "view"]`.
    parts: Vec<String>,
    text: String,
}

impl Source {
    /// Every file of a library but those of unit tests.
    fn all(library: &str) -> Vec<Self> {
        let root = repository().join(library).join("src");
        let mut folders = vec![root.clone()];
        let mut sources = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = fs::read_to_string(&path).unwrap();
                    sources.push(Self::new(library, path.strip_prefix(&root).unwrap(), &text));
                }
            }
        }
        sources.retain(|source| !source.parts.iter().any(|part| part == "tests"));
        assert!(!sources.is_empty());
        sources
    }

    fn new(library: &str, path: &Path, text: &str) -> Self {
        let name = format!("{library}/src/{}", path.display());
        let module = path.with_extension("");
        let parts = module
            .iter()
            .map(|part| part.to_str().unwrap().to_owned())
            .filter(|part| part != "mod" && part != "lib")
            .collect();
        let tests = text.find("\n#[cfg(test)]\nmod tests {").unwrap_or(text.len());
        Self { name, parts, text: text[..tests].to_owned() }
    }

    fn room(&self) -> Option<usize> {
        let first = self.parts.first()?;
        ROOMS.iter().position(|room| room == first)
    }

    fn must_be_sans_io(&self) -> bool {
        if self.name.starts_with("sfu-ice") {
            // The second DTLS implementation is asynchronous and has a thread of its own.
            return self.name != "sfu-ice/src/dtls/webrtc_dtls.rs";
        }
        self.room().is_some_and(|room| room < rank("host"))
    }

    /// Numbered lines without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..)
            .zip(self.text.lines())
            .map(|(number, line)| (number, line.split("//").next().unwrap_or_default()))
    }

    /// Every path that starts with `crate::`; a braced list is taken apart
    /// one level deep.
    fn crate_paths(&self) -> Vec<(usize, String)> {
        let code: Vec<(usize, &str)> = self.code().collect();
        let mut paths = Vec::new();
        for (index, (number, line)) in code.iter().enumerate() {
            for (at, start) in line.match_indices("crate::") {
                let mut rest = line[at + start.len()..].to_owned();
                if !rest.starts_with('{') {
                    paths.push((*number, leading_path(&rest)));
                    continue;
                }
                for (_, more) in code.iter().skip(index + 1) {
                    if rest.matches('{').count() == rest.matches('}').count() {
                        break;
                    }
                    rest.push_str(more);
                }
                paths.extend(top_level_items(&rest).into_iter().map(|path| (*number, path)));
            }
        }
        paths
    }

    /// How many `super::` stand in a row, by line.
    fn climbs(&self) -> Vec<(usize, usize)> {
        let longest = |line: &str| {
            (1..).take_while(|n| line.contains(&"super::".repeat(*n))).last().unwrap_or(0)
        };
        self.code()
            .map(|(number, line)| (number, longest(line)))
            .filter(|(_, supers)| *supers > 0)
            .collect()
    }
}

fn leading_path(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect()
}

fn top_level_items(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut items = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => items.push(String::new()),
            c if depth == 1 => items.last_mut().expect("never empty").push(c),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    items.iter().map(|item| leading_path(item.trim())).filter(|item| !item.is_empty()).collect()
}
