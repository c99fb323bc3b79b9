//! `agent doctor`: what works on this machine, what is reduced, and why.

use std::{fs, fs::File};

use super::{Terminal, Which};
use crate::{
    AgentError, Config,
    config::Token,
    fim::walk::Scope,
    log::{Ruleset, own_rules},
    response::firewall::Nft,
    work,
};

pub(super) fn run(which: &Which, terminal: &mut Terminal<'_>) -> Result<u8, AgentError> {
    let config = which.load()?;
    let mut out = String::new();
    for (part, told) in [
        ("rules", rules(&config)),
        ("logs", logs(&config)),
        ("files", files(&config)),
        ("ports", ports(&config)),
        ("response", response(&config)),
        ("ledger", ledger(&config)),
        ("hub", hub(&config)),
        ("state", state(&config)),
    ] {
        for (state, what) in told {
            out.push_str(&testudo_redact::printable(&format!("{part:<9} {state:<8} {what}")));
            out.push('\n');
        }
    }
    terminal.print(&out)?;
    Ok(0)
}

/// How a part is, and what there is to say.
type Told = Vec<(&'static str, String)>;
const OK: &str = "ok";
const REDUCED: &str = "reduced";
const OFF: &str = "off";

fn rules(config: &Config) -> Told {
    let Some(folder) = &config.rules else { return vec![(OK, format!("{} rules of ours", own_rules().len()))] };
    match Ruleset::of_folder(folder, crate::log::Counting::Wazuh) {
        Ok(loaded) if loaded.problems.is_empty() => vec![(OK, format!("{} rules", loaded.ruleset.rules()))],
        Ok(loaded) => {
            let (rules, wrong) = (loaded.ruleset.rules(), loaded.problems.len());
            vec![(REDUCED, format!("{rules} rules; {wrong} parts of {} cannot be used", folder.display()))]
        }
        Err(error) => vec![(REDUCED, error.to_string())],
    }
}

fn logs(config: &Config) -> Told {
    let told = |log: &crate::config::LogFile| match File::open(&log.path) {
        Ok(_) => (OK, log.path.display().to_string()),
        Err(error) => (REDUCED, format!("{}: {error}", log.path.display())),
    };
    if config.logs.is_empty() {
        vec![(OFF, "no log is named".to_owned())]
    } else {
        config.logs.iter().map(told).collect()
    }
}

fn files(config: &Config) -> Told {
    let (there, missing): (Vec<_>, Vec<_>) = config.fim.trees.iter().cloned().partition(|tree| tree.exists());
    let mut told: Told = missing.iter().map(|tree| (REDUCED, format!("{} is not there", tree.display()))).collect();
    let (mut folders, mut unread) = (0_u64, Vec::new());
    Scope::new(&there, &config.fim.exclude).walk(
        &mut |path| folders += u64::from(path.is_dir()),
        &mut |path, error| {
            unread.push((REDUCED, format!("{}: {error}", path.display())));
        },
    );
    told.append(&mut unread);
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok();
    let most: Option<u64> = most.and_then(|text| text.trim().parse().ok());
    match most {
        Some(most) if most < folders => told.push((
            REDUCED,
            format!("{folders} folders, and the system watches {most}: raise fs.inotify.max_user_watches"),
        )),
        None => told.push((REDUCED, "the system has no inotify: files are looked at once a minute".to_owned())),
        Some(_) => {
            told.push((OK, format!("{folders} folders are watched as they change; who changed them is not told")))
        }
    }
    let db = work::baseline_path(&config.state);
    if !db.exists() {
        told.push((OK, format!("{} will be made at the first start", db.display())));
    }
    told
}

fn ports(config: &Config) -> Told {
    if !config.ports.watch {
        return vec![(OFF, "`watch = false`".to_owned())];
    }
    if fs::read_to_string("/proc/net/tcp").is_err() {
        return vec![(REDUCED, "/proc/net/tcp cannot be read".to_owned())];
    }
    let root = rustix::process::geteuid().is_root();
    let who = if root {
        (OK, "ports and their programs".to_owned())
    } else {
        (
            REDUCED,
            "ports; programs of other users and ports of other network namespaces can only be told by root".to_owned(),
        )
    };
    vec![who]
}

fn response(config: &Config) -> Told {
    let mode = if work::enforces(config) { "enforce" } else { "nothing is blocked (dry run, or off)" };
    match Nft::check() {
        Ok(()) => vec![(OK, format!("nft works; {mode}"))],
        Err(why) => vec![(REDUCED, format!("{why}; {mode}"))],
    }
}

fn ledger(config: &Config) -> Told {
    match &config.ledger {
        None => vec![(OFF, "[agent.ledger] is not set".to_owned())],
        Some(ledger) => {
            let key = ledger.key.clone().unwrap_or_else(|| config.state.join(crate::sink::ledger::KEY));
            let place = format!("{}, environment {}", ledger.folder.display(), ledger.environment);
            match File::open(&key) {
                Ok(_) => vec![(OK, place)],
                Err(_) if ledger.key.is_none() => {
                    vec![(OK, format!("{place}; the agent makes its key at the first start"))]
                }
                Err(error) => vec![(REDUCED, format!("{}: {error}", key.display()))],
            }
        }
    }
}

fn hub(config: &Config) -> Told {
    let Some(hub) = &config.hub else { return vec![(OFF, "[agent.hub] is not set".to_owned())] };
    let missing = match &hub.token {
        Token::File(path) => File::open(path).err().map(|error| format!("{}: {error}", path.display())),
        Token::Variable(name) => std::env::var(name).err().map(|_| format!("{name} is not set")),
    };
    match missing {
        Some(why) => vec![(REDUCED, why)],
        None => vec![(OK, format!("{} (not asked)", hub.url))],
    }
}

fn state(config: &Config) -> Told {
    if !config.state.exists() {
        return vec![(OK, format!("{} will be made at the first start", config.state.display()))];
    }
    match work::hold(&config.state) {
        Ok(_) => vec![(OK, config.state.display().to_string())],
        Err(AgentError::Held { .. }) => vec![(OK, format!("{}: an agent runs", config.state.display()))],
        Err(error) => vec![(REDUCED, error.to_string())],
    }
}
