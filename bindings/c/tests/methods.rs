//! The calls of C are the methods of the client, no more and no less, and
//! each calls the method that it is named after.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sfu_core::client::METHODS;

/// `createWebRtcTransport` as C writes it: `create_webrtc_transport`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.replace("WebRtc", "Webrtc").chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

fn c_name(noun: &str, method: &str) -> String {
    format!("plenum_{}_{}", snake_case(noun), snake_case(method))
}

/// Function and the method that its body calls, from the sources.
fn calls() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/calls");
    let mut calls = Vec::new();
    for entry in fs::read_dir(folder).expect("src/calls") {
        let source = fs::read_to_string(entry.expect("an entry").path()).expect("a source");
        for function in source.split("extern \"C\" fn ").skip(1) {
            let name = function.split('(').next().expect("a name");
            let body = function.split_once("call!(").expect("a call").1;
            let method = body.split('"').nth(1).expect("a method in quotes");
            calls.push((name.to_owned(), method.to_owned()));
        }
    }
    calls
}

#[test]
fn every_method_has_a_function_and_every_function_a_method() {
    let methods: BTreeSet<_> = METHODS.iter().map(|m| c_name(m.noun, m.name)).collect();
    let mut functions: BTreeSet<_> = calls().into_iter().map(|(name, _)| name).collect();
    // Not a call with a completion: it goes with plenum_sfu_free, in src/sfu.rs.
    functions.insert("plenum_sfu_close".to_owned());
    let missing: Vec<_> = methods.difference(&functions).collect();
    let extra: Vec<_> = functions.difference(&methods).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing: {missing:?}\nno method: {extra:?}");
}

#[test]
fn each_function_calls_the_method_of_its_name() {
    for (function, method) in calls() {
        let (noun, name) = method.split_once('.').expect("Noun.method");
        assert_eq!(function, c_name(noun, name));
    }
}
