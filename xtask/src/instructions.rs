//! Instructions that whole commands take, on inputs made here: a figure that does not depend on what else the machine does.
//!
//! Figures of different machines, compilers or counters cannot be compared: libraries choose their code by the processor.
//! The committed table is for seeing what a change costs, and is written again on the machine at hand before one is made.

mod inputs;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;

use self::inputs::Inputs;

/// Relative change that is not worth speaking of: hash tables are seeded at random.
const TOLERANCE: f64 = 0.02;

/// What counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Counter {
    /// valgrind's cachegrind: needs no permission, takes some fifty times as long
    Valgrind,
    /// The processor's own, by `perf stat`: needs the permission of the system
    Perf,
}

/// What becomes of the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// They are compared with the committed ones.
    Compare,
    /// They are committed.
    Write,
}

/// A command that is counted: its name in the table, where it runs, its arguments, and the exit code it must have.
struct Case {
    name: &'static str,
    place: fn(&Inputs) -> &Path,
    arguments: &'static [&'static str],
    code: i32,
}

const CASES: &[Case] = &[
    Case { name: "one-file", place: Inputs::tree, arguments: &["scan", "-j", "1", "src/file_0.py"], code: 0 },
    Case { name: "tree", place: Inputs::tree, arguments: &["scan", "-j", "1", "."], code: 0 },
    Case { name: "history", place: Inputs::repository, arguments: &["scan", "-j", "1", "--history", "."], code: 0 },
    Case { name: "staged", place: Inputs::repository, arguments: &["scan", "-j", "1", "--staged", "."], code: 0 },
    Case { name: "gitleaks-dir", place: Inputs::tree, arguments: &["gitleaks", "dir", "."], code: 1 },
];

/// Counts every case, prints the table, and compares or writes it.
pub(crate) fn run(counter: Counter, then: Then) -> Result<()> {
    let binary = build()?;
    let inputs = Inputs::new()?;
    let mut counted = BTreeMap::new();
    for case in CASES {
        counted.insert(case.name.to_owned(), count(counter, &binary, case, &inputs)?);
    }
    let file = crate::root().join("conformance/instructions.tsv");
    if then == Then::Write {
        fs::write(&file, table(counter, &counted))?;
        println!("{} is written", file.display());
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    if !committed.contains(&heading(counter)) {
        bail!("conformance/instructions.tsv was counted otherwise; write it again with --write, then change the code");
    }
    report(&counted, &figures(&committed))
}

/// Builds the binary as it is released, and says where it is.
fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").context("run it as `cargo xtask`")?;
    let built = Command::new(&cargo)
        .args(["build", "--quiet", "--release", "--package", "testudo-cli"])
        .current_dir(crate::root())
        .status()?;
    if !built.success() {
        bail!("the binary cannot be built");
    }
    let output = Command::new(&cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(crate::root())
        .output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let target = metadata["target_directory"].as_str().context("cargo does not say where it builds")?;
    Ok(Path::new(target).join("release/testudo"))
}

fn count(counter: Counter, binary: &Path, case: &Case, inputs: &Inputs) -> Result<u64> {
    let mut command = match counter {
        Counter::Valgrind => {
            let mut command = Command::new("valgrind");
            command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
            command
        }
        Counter::Perf => {
            let mut command = Command::new("perf");
            command.args(["stat", "-x", ",", "-e", "instructions:u", "--"]);
            command
        }
    };
    let output = command
        .arg(binary)
        .args(case.arguments)
        .current_dir((case.place)(inputs))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", inputs.home())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .with_context(|| format!("{counter:?} cannot be run; install it, or choose another with --counter"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(case.code) {
        bail!("{}: exits with {:?}, not {}: {said}", case.name, output.status.code(), case.code);
    }
    read_count(counter, &said).with_context(|| format!("{}: no count in: {said}", case.name))
}

/// The figure in what a counter prints.
fn read_count(counter: Counter, said: &str) -> Option<u64> {
    let number = match counter {
        Counter::Valgrind => {
            // The width of the column differs between versions: `I refs:`, `I   refs:`.
            let line = said.lines().find(|line| line.contains("== I ") && line.contains("refs:"))?;
            line.rsplit(':').next()?
        }
        Counter::Perf => said.lines().find(|line| line.contains("instructions:u"))?.split(',').next()?,
    };
    number.trim().replace(',', "").parse().ok()
}

fn heading(counter: Counter) -> String {
    format!("# instructions of whole commands, counted by {}\n", format!("{counter:?}").to_lowercase())
}

fn table(counter: Counter, counted: &BTreeMap<String, u64>) -> String {
    let rows = counted.iter().map(|(name, figure)| format!("{name}\t{figure}\n"));
    heading(counter) + &rows.collect::<String>()
}

fn figures(table: &str) -> BTreeMap<String, u64> {
    let rows = table.lines().filter_map(|line| line.split_once('\t'));
    rows.filter_map(|(name, figure)| Some((name.to_owned(), figure.parse().ok()?))).collect()
}

/// Prints each figure beside the committed one. What costs more than the tolerance allows is an error.
fn report(counted: &BTreeMap<String, u64>, committed: &BTreeMap<String, u64>) -> Result<()> {
    let mut worse = Vec::new();
    println!("{:<14} {:>15} {:>15} {:>8}", "command", "instructions", "committed", "change");
    for (name, figure) in counted {
        let before = committed.get(name).with_context(|| format!("{name} is not in the table; use --write"))?;
        let change = *figure as f64 / *before as f64 - 1.0;
        println!("{name:<14} {figure:>15} {before:>15} {:>7.2}%", change * 100.0);
        if change > TOLERANCE {
            worse.push(name.as_str());
        }
    }
    if !worse.is_empty() {
        bail!("{} cost more than {} % more; if it is worth it, use --write", worse.join(", "), TOLERANCE * 100.0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_as_the_counters_print_them() {
        for valgrind in ["==1== \n==1== I refs:        1,234,567\n", "==1== I   refs:      1,234,567\n"] {
            assert_eq!(read_count(Counter::Valgrind, valgrind), Some(1_234_567));
        }
        let perf = "warning\n1234567,,instructions:u,100,100.00,,\n";
        assert_eq!(read_count(Counter::Perf, perf), Some(1_234_567));
        assert_eq!(read_count(Counter::Perf, "<not supported>,,instructions:u,0,100.00,,\n"), None);
    }

    #[test]
    fn tables_read_back_and_only_more_is_worse() {
        let counted = BTreeMap::from([("a".to_owned(), 100), ("b".to_owned(), 1000)]);
        let text = table(Counter::Valgrind, &counted);
        assert_eq!(figures(&text), counted);
        assert!(text.starts_with(&heading(Counter::Valgrind)) && !text.contains(&heading(Counter::Perf)));
        let other = |figure| BTreeMap::from([("a".to_owned(), 100), ("b".to_owned(), figure)]);
        assert!(report(&other(1019), &counted).is_ok() && report(&other(500), &counted).is_ok());
        assert!(report(&other(1021), &counted).is_err());
    }

    #[test]
    fn the_committed_table_has_every_case() {
        let text = fs::read_to_string(crate::root().join("conformance/instructions.tsv")).unwrap();
        let (known, mut cases) = (figures(&text), CASES.iter().map(|case| case.name).collect::<Vec<_>>());
        cases.sort_unstable();
        assert_eq!(known.keys().map(String::as_str).collect::<Vec<_>>(), cases);
    }
}
