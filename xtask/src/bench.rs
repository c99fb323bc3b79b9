//! Whole commands, timed from outside: CPU seconds of each run, and the ratio to a peer run in turn.

use std::{
    fs,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

/// CPU seconds (user and system) of finished children of this process, from `/proc/self/stat`.
fn children_cpu() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("benchmarks need a Linux /proc")?;
    let after = stat.rsplit(')').next().unwrap_or_default();
    // Fields 16 and 17 of the line, counted from 1; two stand before the closing parenthesis.
    let ticks: f64 = after.split_whitespace().skip(13).take(2).filter_map(|f| f.parse::<f64>().ok()).sum();
    Ok(ticks / 100.0)
}

fn timed(command: &[String]) -> Result<f64> {
    let before = children_cpu()?;
    let (program, arguments) = command.split_first().context("a command is needed")?;
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("{program} cannot be run"))?;
    Ok(children_cpu()? - before)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Runs and prints medians.
pub(crate) fn run(n: usize, peer: Option<&str>, command: &[String]) -> Result<()> {
    let peer: Option<Vec<String>> = peer.map(|p| p.split_whitespace().map(str::to_owned).collect());
    timed(command)?;
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n {
        let a = timed(command)?;
        ours.push(a);
        if let Some(peer) = &peer {
            let b = timed(peer)?;
            theirs.push(b);
            ratios.push(a / b.max(0.01));
        }
    }
    println!("ours   median {:.2} CPU s of {n}", median(&mut ours));
    if peer.is_some() {
        println!("peer   median {:.2} CPU s of {n}", median(&mut theirs));
        println!("ratio  median {:.3}", median(&mut ratios));
    }
    Ok(())
}
