//! `include/plenum.h` is what the sources say. After a change of theirs:
//! `PLENUM_WRITE_HEADER=1 cargo test -p plenum-c --test header`

use std::path::Path;
use std::{env, fs};

/// Sources with public items, in the order in which the header has them.
const SOURCES: [&str; 21] = [
    "result",
    "event_type",
    "config",
    "event",
    "sfu",
    "delivery",
    "identity",
    "call",
    "calls/sfu",
    "calls/router",
    "calls/webrtc_transport",
    "calls/plain_transport",
    "calls/pipe_transport",
    "calls/direct_transport",
    "calls/producer",
    "calls/consumer",
    "calls/pipe_consumer",
    "calls/data_producer",
    "calls/data_consumer",
    "calls/active_speaker_observer",
    "calls/audio_level_observer",
];

fn generated(root: &Path) -> String {
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let builder = SOURCES.iter().fold(cbindgen::Builder::new(), |builder, source| {
        builder.with_src(root.join(format!("src/{source}.rs")))
    });
    let mut text = Vec::new();
    builder.with_config(config).generate().expect("the sources").write(&mut text);
    String::from_utf8(text).expect("UTF-8")
}

#[test]
fn the_header_is_what_the_sources_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("include/plenum.h");
    let generated = generated(root);
    if env::var_os("PLENUM_WRITE_HEADER").is_some() {
        fs::write(&path, &generated).expect("the header can be written");
    }
    let committed = fs::read_to_string(&path).expect("include/plenum.h");
    let differ = committed.lines().zip(generated.lines()).position(|(old, new)| old != new);
    assert!(
        committed == generated,
        "include/plenum.h is not what the sources say, from line {} on; renew it with \
         PLENUM_WRITE_HEADER=1 cargo test -p plenum-c --test header",
        differ.unwrap_or_else(|| committed.lines().count().min(generated.lines().count())) + 1,
    );
}

#[test]
fn every_function_of_the_library_is_in_the_header() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let header = fs::read_to_string(root.join("include/plenum.h")).expect("include/plenum.h");
    let mut folders = vec![root.join("src")];
    let mut functions = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = fs::read_to_string(&path).expect("a source");
            for (_, rest) in source
                .match_indices("extern \"C\" fn plenum_")
                .map(|(at, found)| (at, &source[at + found.len()..]))
            {
                let name = rest.split('(').next().expect("a name");
                assert!(
                    header.contains(&format!(" plenum_{name}("))
                        || header.contains(&format!("*plenum_{name}(")),
                    "plenum_{name} of {} is not in the header: is its file in SOURCES?",
                    path.display(),
                );
                functions += 1;
            }
        }
    }
    assert!(functions > 100, "{functions} functions were found");
}
