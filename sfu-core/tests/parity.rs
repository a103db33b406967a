//! One API in four languages: every noun, method, event and error that
//! [`sfu_core::client`] has is there in Rust, Python, Node.js and C, under the
//! same name, and `docs/parity.md` says so.
//!
//! `PLENUM_BLESS=1 cargo test -p sfu-core --test parity` writes the table anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sfu_core::ErrorKind;
use sfu_core::client::{EVENTS, METHODS};

/// `noun`, `method` of everything in Rust's API that the client offers, too.
fn rust_methods() -> BTreeSet<(&'static str, &'static str)> {
    macro_rules! list {
        ($($noun:ident: $($method:ident)+;)+) => {{
            let mut all = BTreeSet::new();
            $($({
                // Only to be compiled: there must be such a method.
                let _ = sfu_core::$noun::$method;
                all.insert((stringify!($noun), stringify!($method)));
            })+)+
            all
        }};
    }
    list! {
        Sfu: create_router restore_router listen unlisten shards shard_stats addresses;
        Router: create_webrtc_transport create_plain_transport create_pipe_transport
            create_direct_transport create_active_speaker_observer create_audio_level_observer
            pipe_to_router pipe_data_to_router can_consume update_media_codecs speakers
            set_speaker_options accept_offer snapshot dump contents close;
        WebRtcTransport: connect restart_ice enable_data produce consume consume_pipe consume_slot
            produce_data consume_data set_available_outgoing_bitrate set_max_incoming_bitrate
            enable_trace_event stats close;
        PlainTransport: connect produce consume consume_pipe consume_slot produce_data consume_data
            set_available_outgoing_bitrate set_max_incoming_bitrate enable_trace_event stats close;
        PipeTransport: connect produce consume produce_data consume_data enable_trace_event stats
            close;
        DirectTransport: send_rtp send_rtcp produce consume consume_pipe consume_slot produce_data
            consume_data set_available_outgoing_bitrate enable_trace_event stats close;
        Producer: pause resume set_speaker enable_trace_event stats close;
        Consumer: switch follow_speaker set_preferred_layers set_demand pause resume
            request_key_frame enable_trace_event stats explain close;
        PipeConsumer: pause resume request_key_frame enable_trace_event stats close;
        DataProducer: send pause resume stats close;
        DataConsumer: send set_buffered_amount_low_threshold pause resume stats close;
        ActiveSpeakerObserver: add_producer remove_producer pause resume close;
        AudioLevelObserver: add_producer remove_producer pause resume close;
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

/// All files below `folder` with this ending, as one text.
fn sources(folder: &str, ending: &str) -> String {
    let mut folders = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "node_modules" && name != "mediasoup" {
                folders.push(path);
            } else if name.ends_with(ending) {
                files.push(path);
            }
        }
    }
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// `WebRtcTransport` or `createWebRtcTransport` with `_` and in small letters.
/// "WebRTC" is one word.
fn snake(name: &str) -> String {
    let name = name.replace("WebRtc", "Webrtc");
    let mut text = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// `producer-closed` as `ProducerClosed`.
fn pascal(event: &str) -> String {
    event.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// Classes with what they inherit from and the lines of their bodies; the
/// sources are formatted, so that a body ends where a line begins.
fn classes(text: &str) -> BTreeMap<String, (Vec<String>, Vec<String>)> {
    let mut all: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        let at = line.find("class ").filter(|at| {
            !line.starts_with(' ')
                && line[..*at].chars().all(|c| c.is_ascii_alphabetic() || c == ' ')
        });
        if let Some(at) = at {
            let words = line[at + 6..].split(|c: char| !c.is_alphanumeric() && c != '_');
            let mut words = words.filter(|word| !word.is_empty()).map(str::to_owned);
            let Some(name) = words.next() else { continue };
            all.entry(name.clone()).or_default().0.extend(words);
            open = Some(name);
        } else if line.starts_with([' ', '\t']) || line.is_empty() {
            if let Some(class) = open.as_ref().and_then(|name| all.get_mut(name)) {
                class.1.push(line.trim().to_owned());
            }
        } else if let (Some(rest), Some(class)) = (line.strip_prefix('>'), open.as_ref()) {
            // The end of a header that takes several lines.
            let parents =
                rest.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            all.entry(class.clone()).or_default().0.extend(parents.map(str::to_owned));
        } else if !line.starts_with([')', '}', '>', ']']) {
            open = None;
        }
    }
    all
}

/// Whether a class has a line that one of `begins` begins, or inherits it.
fn declares(
    classes: &BTreeMap<String, (Vec<String>, Vec<String>)>,
    class: &str,
    begins: &[String],
    depth: usize,
) -> bool {
    let Some((parents, lines)) = classes.get(class) else { return false };
    lines.iter().any(|line| begins.iter().any(|begin| line.starts_with(begin.as_str())))
        || depth > 0 && parents.iter().any(|parent| declares(classes, parent, begins, depth - 1))
}

struct Row {
    name: String,
    /// Rust, Python, Node.js, C: what it is called there.
    columns: [Option<String>; 4],
}

struct Languages {
    rust: BTreeSet<(&'static str, &'static str)>,
    python: BTreeMap<String, (Vec<String>, Vec<String>)>,
    node: BTreeMap<String, (Vec<String>, Vec<String>)>,
    node_text: String,
    header: String,
}

impl Languages {
    fn read() -> Self {
        let node_text = sources("bindings/node/lib", ".ts");
        Self {
            rust: rust_methods(),
            python: classes(&sources("bindings/python/python/plenum", ".py")),
            node: classes(&node_text),
            node_text,
            header: sources("bindings/c/include", ".h"),
        }
    }

    fn method(&self, noun: &str, name: &str) -> Row {
        let method = snake(name);
        // An Sfu ends in Rust when its last handle is dropped.
        let rust = if (noun, name) == ("Sfu", "close") {
            Some("drop".to_owned())
        } else {
            self.rust.contains(&(noun, method.as_str())).then(|| method.clone())
        };
        let python = [format!("async def {method}("), format!("def {method}(")];
        let node = ["async ", "", "get "].map(|kind| format!("{kind}{name}("));
        let c = format!("plenum_{}_{method}", snake(noun));
        Row {
            name: format!("{noun}.{name}"),
            columns: [
                rust,
                declares(&self.python, noun, &python, 3).then(|| method.clone()),
                declares(&self.node, noun, &node, 3).then(|| name.to_owned()),
                self.header.contains(&format!(" {c}(")).then_some(c),
            ],
        }
    }

    fn event(&self, event: &str) -> Row {
        let rust = include_str!("../src/route/event.rs");
        let name = pascal(event);
        let in_rust =
            rust.contains(&format!("\n    {name} {{")) || rust.contains(&format!("\n    {name}("));
        let constant = format!("PLENUM_EVENT_{}", event.to_uppercase().replace('-', "_"));
        Row {
            name: event.to_owned(),
            columns: [
                in_rust.then(|| name.clone()),
                self.python.contains_key(&name).then(|| name.clone()),
                self.node_text.contains(&format!("'{event}'")).then(|| event.to_owned()),
                self.header.contains(&constant).then_some(constant),
            ],
        }
    }

    fn error(&self, kind: ErrorKind) -> Row {
        let name = kind.as_str();
        let class = format!("{name}Error");
        let constant = format!("PLENUM_{}", snake(name).to_uppercase());
        let in_header = self.header.contains(&format!("{constant} = {}", kind.code()));
        Row {
            name: format!("{} {name}", kind.code()),
            columns: [
                Some(format!("ErrorKind::{name}")),
                self.python.contains_key(&class).then(|| class.clone()),
                self.node_text.contains(&format!("'{name}'")).then(|| format!("'{name}'")),
                in_header.then_some(constant),
            ],
        }
    }
}

fn table(title: &str, first: &str, rows: &[Row]) -> String {
    let mut text = format!(
        "\n## {title}\n\n| {first} | Rust | Python | Node.js | C |\n|---|---|---|---|---|\n"
    );
    for row in rows {
        let cell = |it: &Option<String>| {
            it.as_ref().map_or_else(|| "**missing**".to_owned(), |it| format!("`{it}`"))
        };
        let cells: Vec<String> = row.columns.iter().map(cell).collect();
        writeln!(text, "| {} | {} |", row.name, cells.join(" | ")).unwrap();
    }
    text
}

#[test]
fn every_language_has_everything() {
    let languages = Languages::read();
    let methods: Vec<Row> = METHODS.iter().map(|it| languages.method(it.noun, it.name)).collect();
    let events: Vec<Row> = EVENTS.iter().map(|it| languages.event(it)).collect();
    let errors: Vec<Row> = ErrorKind::ALL.iter().map(|it| languages.error(*it)).collect();
    let mut text = "# One API in four languages\n\n\
        Each row is one thing, by the name that it has in `sfu_core::client`, and what it is called in each \
        language. The table is written by `PLENUM_BLESS=1 cargo test -p sfu-core --test parity`; the same \
        test fails where a language lacks something, and where the table is not up to date.\n"
        .to_owned();
    text += &table("Methods", "noun and method", &methods);
    text += &table("Events", "event", &events);
    text += &table("Errors", "code and kind", &errors);
    let path = root().join("docs/parity.md");
    if std::env::var_os("PLENUM_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let all = methods.iter().chain(&events).chain(&errors);
    let missing = all.flat_map(|row| {
        let languages = row.columns.iter().zip(["Rust", "Python", "Node.js", "C"]);
        languages
            .filter(|(it, _)| it.is_none())
            .map(|(_, language)| format!("{}: {language}", row.name))
    });
    let missing: Vec<String> = missing.collect();
    assert!(missing.is_empty(), "missing:\n{}", missing.join("\n"));
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/parity.md is not up to date: run this test with PLENUM_BLESS=1");
}

#[test]
fn rust_has_nothing_that_the_others_lack() {
    let known: BTreeSet<(&str, String)> =
        METHODS.iter().map(|method| (method.noun, snake(method.name))).collect();
    for (noun, method) in rust_methods() {
        assert!(known.contains(&(noun, method.to_owned())), "{noun}.{method}");
    }
}

#[test]
fn what_is_not_there_is_seen() {
    let classes =
        classes("class A(B):\n    def f(self):\n        g()\n\nclass B:\n    async def h(\n");
    let has = |class: &str, begin: &str| declares(&classes, class, &[begin.to_owned()], 2);
    assert!(has("A", "def f(") && has("A", "async def h(") && has("B", "async def h("));
    assert!(!has("B", "def f(") && !has("A", "def g(") && !has("C", "def f("));
    assert_eq!(snake("createWebRtcTransport"), "create_webrtc_transport");
    assert_eq!(pascal("data-buffered-amount-low"), "DataBufferedAmountLow");
}
