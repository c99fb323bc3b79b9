//! Steps grow with the text and with nothing else: what a hostile file costs is counted, not timed.

use testudo_model::Confidence;
use testudo_scan::{Detector as _, Fuel, Output};
use testudo_secrets::native::{Display, FingerprintKey, Options, SecretsDetector};
use testudo_source::{Origin, Unit};

fn detector() -> SecretsDetector {
    SecretsDetector::own(Options {
        key: FingerprintKey([7; 32]),
        decode_depth: 3,
        display: Display::Masked,
        disabled: Vec::new(),
        least: Confidence::Low,
    })
}

/// Steps that a text takes, and the number of findings.
fn steps(detector: &SecretsDetector, text: &str, mut fuel: Fuel) -> (u64, usize) {
    let before = fuel.left();
    let mut output = Output::default();
    detector.worker().inspect(&Unit::new("a.py", text.as_bytes().to_vec(), Origin::File), &mut fuel, &mut output);
    (before - fuel.left(), output.findings.len())
}

const PLENTY: u64 = 1 << 40;

#[test]
fn twice_the_text_takes_twice_the_steps() {
    let detector = detector();
    for piece in [
        "password=\"",
        "password=\"aB3!xyz9\" ",
        "password",
        "secret: {",
        "token,\n",
        "key = \\\"",
        "<password ",
        "auth=('a', ",
        "--password ",
        "keys: [\"",
        "keys:\n- ",
        "key: |\n ",
        "key=;",
        "value: \"",
        "env key ",
        "eJyrVkrLz1eyUkpKLFKqBQ",
        "ENEXT=",
        "kind: Secret\ndata:\n  a: ",
        "salt = {0x1f, ",
    ] {
        let once = piece.repeat(2_000);
        let (few, _) = steps(&detector, &once, Fuel::steps(PLENTY));
        let (many, _) = steps(&detector, &once.repeat(4), Fuel::steps(PLENTY));
        assert!(many <= few * 5 + 100_000, "{piece:?}: {few} steps, four times the text {many}");
    }
}

#[test]
fn mixed_pieces_take_steps_in_proportion() {
    let pieces = ["password", "=", "\"", "secret", ": ", "{", "<", ">", "token", "(", ", ", "\n", "0x1f", "--", "x7!K"];
    let (detector, mut state) = (detector(), 17u64);
    for _ in 0..60 {
        let mut text = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
        }
        let once = text.repeat(200);
        let (few, _) = steps(&detector, &once, Fuel::steps(PLENTY));
        let (many, _) = steps(&detector, &once.repeat(4), Fuel::steps(PLENTY));
        assert!(many <= few * 5 + 100_000, "{text:?}: {few} steps, four times the text {many}");
    }
}

#[test]
fn without_fuel_the_findings_end() {
    let (detector, text) = (detector(), "password=\"aB3!xyz9\"\n".repeat(4_000));
    let (spent, found) = steps(&detector, &text, Fuel::steps(PLENTY));
    let (_, some) = steps(&detector, &text, Fuel::steps(spent / 2));
    assert!(found == 4_000 && some < found, "{some} of {found}");
}
