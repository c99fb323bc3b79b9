//! `examples/lifecycle/run`: the whole life of one product, and that it says what it shows.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// What has to be said, in this order.
const SAID: &[&str] = &[
    "0 checks: no problem",
    "gate: FAILED",
    "[probe-sql-injection-error]",
    "[probe-xss-reflected]",
    "gate: PASSED",
    "prod-1: 1 promoted (every stage passed)",
    "verify FAILED",
    "prod-2: 2 rolled-back",
    "prod-3: 3 promoted (every stage passed)",
    "dev.jsonl: whole",
    "prod.jsonl: whole",
    "shore.jsonl: whole",
    "deploy  fine",
    "the whole life of one product",
];

/// What is said besides where the attack comes over a network of its own.
const BLOCKED: &[&str] =
    &["the attacker gets no answer any more", "the block was taken back, and the service answers again"];

fn position(text: &str, wanted: &str) -> Option<usize> {
    text.find(wanted)
}

#[test]
fn the_whole_life_of_a_product() {
    for tool in ["bash", "python3", "curl", "git"] {
        if Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            eprintln!("skipped: lifecycle: {tool} is not installed");
            return;
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/lifecycle/run");
    let ran = Command::new("bash")
        .arg(script)
        .env("TESTUDO", env!("CARGO_BIN_EXE_testudo"))
        .env_remove("LIFECYCLE_NET")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{out}\n{err}");
    let mut from = 0;
    for wanted in SAID {
        let at = position(&out[from..], wanted);
        assert!(at.is_some(), "{wanted} is not said behind what comes before it:\n{out}");
        from += at.unwrap_or_default();
    }
    if let Some(at) = position(&out, "skipped: ") {
        eprintln!("skipped: lifecycle: {}", out[at..].lines().next().unwrap_or_default());
    } else {
        assert!(BLOCKED.iter().all(|wanted| out.contains(wanted)), "{out}");
    }
}
