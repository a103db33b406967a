//! Runs every fuzz target on the stable toolchain: over its corpus, then over
//! random mutations of it for ten seconds.
//!
//! `PLENUM_FUZZ_SECONDS` changes the time, `PLENUM_FUZZ_SEED` repeats a run.
//! A failing input is printed, and kept in `fuzz/artifacts/`.

mod mutator;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mutator::Mutator;
use plenum_fuzz::{TARGETS, Target};

#[test]
fn av1() {
    fuzz("av1");
}

#[test]
fn av1_dd() {
    fuzz("av1_dd");
}

#[test]
fn dcep() {
    fuzz("dcep");
}

#[test]
fn demux() {
    fuzz("demux");
}

#[test]
fn engine() {
    fuzz("engine");
}

#[test]
fn h264() {
    fuzz("h264");
}

#[test]
fn h265() {
    fuzz("h265");
}

#[test]
fn red() {
    fuzz("red");
}

#[test]
fn rtcp() {
    fuzz("rtcp");
}

#[test]
fn rtp() {
    fuzz("rtp");
}

#[test]
fn rtp_extensions() {
    fuzz("rtp_extensions");
}

#[test]
fn sctp() {
    fuzz("sctp");
}

#[test]
fn sdp() {
    fuzz("sdp");
}

#[test]
fn srtp_unprotect() {
    fuzz("srtp_unprotect");
}

#[test]
fn stun() {
    fuzz("stun");
}

#[test]
fn vla() {
    fuzz("vla");
}

#[test]
fn vp9() {
    fuzz("vp9");
}

#[test]
fn every_target_is_run_here_and_has_an_entry_point_for_libfuzzer() {
    let this = include_str!("stable.rs");
    let manifest = include_str!("../Cargo.toml");
    for (name, _) in TARGETS {
        assert!(this.contains(&format!("    fuzz(\"{name}\");")), "{name} is not run");
        assert!(manifest.contains(&format!("fuzz_targets/{name}.rs")), "{name} has no [[bin]]");
        assert!(folder(name).is_dir(), "{name} has no corpus");
    }
}

fn fuzz(name: &'static str) {
    let (_, target) = TARGETS.iter().find(|(n, _)| *n == name).expect("a target of this name");
    let corpus = corpus(name);
    let accepted = corpus.iter().filter(|input| judge(name, *target, input)).count();
    assert!(accepted * 2 >= corpus.len(), "{accepted} of {} files are valid", corpus.len());

    let seconds = number("PLENUM_FUZZ_SECONDS").unwrap_or(10);
    let seed = number("PLENUM_FUZZ_SEED").unwrap_or_else(random_seed);
    println!("{name}: PLENUM_FUZZ_SEED={seed}");
    let mut mutator = Mutator::new(seed);
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let (mut runs, mut valid) = (0_u64, 0_u64);
    while Instant::now() < deadline {
        for _ in 0..64 {
            let input = mutator.mutate(&corpus);
            runs += 1;
            valid += u64::from(judge(name, *target, &input));
        }
    }
    println!("{name}: {runs} inputs, {valid} of them valid");
    assert!(seconds == 0 || (valid > 0 && valid < runs), "{valid} of {runs} inputs are valid");
}

fn judge(name: &'static str, target: Target, input: &[u8]) -> bool {
    let on_panic = KeepInput { name, input };
    let valid = target(input);
    std::mem::forget(on_panic);
    valid
}

/// Dropped only when the target panics: shows and keeps what it was given.
struct KeepInput<'a> {
    name: &'static str,
    input: &'a [u8],
}

impl Drop for KeepInput<'_> {
    fn drop(&mut self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts").join(self.name);
        let file = folder.join("panic");
        let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, self.input));
        let start = self.input.iter().take(256);
        let hex: String = start.map(|byte| format!("{byte:02x}")).collect();
        let (name, len) = (self.name, self.input.len());
        println!("{name}: an input of {len} bytes panics (kept: {}): {hex}", kept.is_ok());
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder(name))
        .expect("a corpus folder")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    // The order of a folder is the file system's; a seed has to mean the same everywhere.
    files.sort();
    assert!(!files.is_empty(), "the corpus of {name} is empty");
    files.iter().map(|file| fs::read(file).expect("a readable file")).collect()
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}

fn random_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_nanos() as u64)
}
