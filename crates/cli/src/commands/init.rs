//! `testudo init`: start slow. The smallest useful configuration, a key, and a first look.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueHint};
use testudo_policy::{config, key};
use testudo_source::walk;

use super::{baseline, scanning};
use crate::{
    files,
    scan::{self, Collected},
    terminal,
};

/// Write a first configuration and look at the project once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo init
  testudo init --baseline        accept what is there today, and fail on what is new
  testudo init services/billing")]
pub(crate) struct InitArgs {
    /// Also write a baseline: what is found today does not count any more
    #[arg(long)]
    baseline: bool,
    /// Write testudo.toml and the baseline again where they exist; the key is never replaced
    #[arg(long)]
    force: bool,
    /// The root of the project
    #[arg(value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    dir: PathBuf,
}

/// The file that is written. Everything that is not in it has a default.
const CONFIG: &str = "\
# testudo: everything has a default, so this file may stay as small as it is.
# `testudo config show` lists every key, `testudo config show --origin` says where each value comes from.

[scan]
# Files that are never looked at.
exclude = []

[gate]
# `testudo gate`, the hooks and CI fail from this severity on: critical, high, medium, low, info or never.
fail-on = \"high\"
";

const ATTRIBUTES: &str = ".gitattributes";
/// git joins both sides of these files, whose lines are independent of each other.
const MERGED: [&str; 2] = ["testudo.ignore merge=union", "testudo.baseline merge=union"];

/// Runs the command.
pub(crate) fn run(args: InitArgs) -> Result<ExitCode> {
    if !args.dir.is_dir() {
        bail!("{}: is not a directory", args.dir.display());
    }
    let written = args.dir.join(config::FILE_NAME);
    let accepted = args.baseline.then(|| args.dir.join(baseline::FILE_NAME));
    // All is asked before anything is written, so that a refusal leaves the project as it was.
    if !args.force {
        accepted.as_deref().map(refuse_existing).transpose()?;
    }
    if args.force || fs::symlink_metadata(&written).is_err() {
        files::write_shared(&written, CONFIG.as_bytes())?;
        say_written(&written)?;
    } else {
        terminal::note(&format!("{}: kept", walk::display(&written)));
    }
    write_key(&args.dir)?;
    write_attributes(&args.dir)?;
    let first = scanning::arguments(["--".as_ref(), args.dir.as_os_str()]).and_then(|words| scan::collect(&words));
    let before = match (first, &accepted) {
        (Ok(collected), _) => collected,
        (Err(error), Some(_)) => {
            return Err(error.context("no baseline was written, because the first scan did not end"));
        }
        (Err(error), None) => {
            terminal::warn(&format!("the first scan did not end: {error:#}"));
            return Ok(ExitCode::SUCCESS);
        }
    };
    tell_findings(&before)?;
    if let Some(path) = &accepted {
        baseline::write(&before, path)?;
    }
    terminal::stdout(&next(&before, accepted.as_deref()))?;
    Ok(ExitCode::SUCCESS)
}

fn refuse_existing(path: &Path) -> Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        bail!("{}: is there already; `testudo baseline create` writes it again", path.display());
    }
    Ok(())
}

fn say_written(path: &Path) -> Result<()> {
    terminal::stdout(&format!("{}: written\n", walk::display(path)))?;
    Ok(())
}

/// A key that is there stays: every fingerprint and suppression depends on it.
fn write_key(root: &Path) -> Result<()> {
    let (_, origin) = key::load(root, None)?;
    if let key::KeyOrigin::File(path) = origin {
        terminal::note(&format!("{}: kept", walk::display(&path)));
        return Ok(());
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gives no random bytes for a key: {error}"))?;
    say_written(&key::create(root, &key::Key::new(bytes))?)
}

fn write_attributes(root: &Path) -> Result<()> {
    let path = root.join(ATTRIBUTES);
    let before = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("{}: cannot be read", path.display())),
    };
    let after = with_attributes(&before);
    if after != before {
        files::write_shared(&path, after.as_bytes())?;
        say_written(&path)?;
    }
    Ok(())
}

/// The text with our lines at its end, those that it does not have yet.
fn with_attributes(before: &str) -> String {
    let mut after = before.to_owned();
    for wanted in MERGED {
        let same = |line: &str| line.split_whitespace().eq(wanted.split_whitespace());
        if !before.lines().any(same) {
            let gap = if after.is_empty() || after.ends_with('\n') { "" } else { "\n" };
            after.push_str(&format!("{gap}{wanted}\n"));
        }
    }
    after
}

fn tell_findings(collected: &Collected) -> Result<()> {
    let summary = &collected.report.summary;
    let by_severity: Vec<String> = testudo_model::Severity::ALL
        .iter()
        .rev()
        .filter_map(|s| Some(format!("{} {s}", summary.by_severity.get(s.as_str()).filter(|n| **n > 0)?)))
        .collect();
    let detail = if by_severity.is_empty() { String::new() } else { format!(" ({})", by_severity.join(", ")) };
    terminal::stdout(&format!("first scan, findings that count: {}{detail}\n", summary.findings))?;
    if !summary.complete {
        terminal::warn("not everything could be looked at: `testudo scan` says what");
    }
    Ok(())
}

/// What to do now.
fn next(collected: &Collected, accepted: Option<&Path>) -> String {
    let more = if accepted.is_some() { " testudo.baseline" } else { "" };
    let look = match (collected.report.summary.findings, accepted) {
        (0, _) | (_, Some(_)) => "",
        _ => {
            "  testudo scan                 see what was found, and how to fix it\n  testudo baseline create      or accept what is there today, and look at what is new\n"
        }
    };
    let gate = match accepted {
        Some(path) => format!(
            "  testudo scan --baseline {} --fail-on high\n                               in CI: fail on what is new\n",
            walk::display(path)
        ),
        None => String::new(),
    };
    format!(
        "next:\n{look}{gate}  testudo hook install         look at every commit before it is made\n  testudo status               where the product stands, and one step at a time\n  git add testudo.toml .testudo/key .gitattributes{more}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_configuration_is_valid_and_changes_nothing() {
        let config = config::Config::parse(CONFIG, Path::new("testudo.toml")).unwrap();
        assert_eq!(config, config::Config::default());
    }

    #[test]
    fn attributes_are_added_once_and_nothing_is_lost() {
        for (before, after) in [
            ("", "testudo.ignore merge=union\ntestudo.baseline merge=union\n"),
            ("* text=auto", "* text=auto\ntestudo.ignore merge=union\ntestudo.baseline merge=union\n"),
            ("testudo.ignore   merge=union\n", "testudo.ignore   merge=union\ntestudo.baseline merge=union\n"),
        ] {
            assert_eq!(with_attributes(before), after);
            assert_eq!(with_attributes(after), after);
        }
    }
}
