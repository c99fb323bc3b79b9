//! Targets: rules and policies that somebody else wrote, lines of logs, and the configuration of an agent.

use std::{path::Path, sync::LazyLock};

use testudo_agent::{
    Config,
    config::LogFormat,
    log::{Counting, Engine, Line, Ruleset, ruleset},
    sca,
};

use crate::input::text;

/// Our rules, compiled once.
static OWN: LazyLock<Ruleset> = LazyLock::new(ruleset);

/// The first line is a line of a log, the rest a file of rules and decoders.
pub fn rules(bytes: &[u8]) {
    let (line, file) = bytes.split_at(bytes.iter().position(|b| *b == b'\n').unwrap_or(0));
    let loaded = Ruleset::of_text("rules.xml", &text(file), Counting::Wazuh);
    for problem in &loaded.problems {
        assert!(problem.line > 0 && !problem.what.is_empty());
    }
    let mut engine = Engine::new(loaded.ruleset);
    let judge = |engine: &mut Engine| {
        engine.judge(Line { text: line, location: "x.log", arrival: 1, format: LogFormat::Syslog })
    };
    let first = judge(&mut engine);
    engine.forget();
    assert_eq!(judge(&mut engine), first, "what was forgotten counts");
}

/// Lines through our rules, twice.
pub fn lines(bytes: &[u8]) {
    let mut engines = [Engine::new(OWN.clone()), Engine::new(OWN.clone())];
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate().take(50) {
        for format in [LogFormat::Syslog, LogFormat::Plain] {
            let arrival = number as u64;
            let [first, second] =
                engines.each_mut().map(|engine| engine.judge(Line { text: line, location: "x.log", arrival, format }));
            assert_eq!(first, second);
        }
    }
}

/// The text of a configuration.
pub fn config(bytes: &[u8]) {
    let text = text(bytes);
    match Config::read(&text, Path::new("testudo.toml"), Path::new("/srv")) {
        Ok(config) => assert!(!config.response.ttl.is_zero() && !config.name.is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The text of a policy of checks. Nothing of it is looked at here.
pub fn policy(bytes: &[u8]) {
    match sca::read(&text(bytes), Path::new("policy.yml")) {
        Ok(policy) => assert!(policy.problems().all(|problem| !problem.is_empty())),
        Err(error) => assert!(error.to_string().starts_with("policy.yml:")),
    }
}
