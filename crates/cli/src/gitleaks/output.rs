//! What the front leaves out, and how it reports the rest.

use std::{collections::BTreeSet, path::Path, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use testudo_secrets::gitleaks::{CompatFinding, csv, json, junit, redact, sarif};

use super::arguments::Flags;

/// Drops what `.gitleaksignore` files and the baseline name.
pub(super) fn filter(findings: &mut Vec<CompatFinding>, flags: &Flags, source: &Path) -> Result<()> {
    let mut ignored = BTreeSet::new();
    for path in [
        flags.gitleaks_ignore_path.clone(),
        flags.gitleaks_ignore_path.join(".gitleaksignore"),
        source.join(".gitleaksignore"),
    ] {
        if path.is_file() {
            let text = crate::files::read_text(&path)?;
            ignored.extend(
                text.lines()
                    .map(str::trim)
                    .filter(|l| !l.is_empty() && !l.starts_with('#'))
                    .map(|l| l.replace('\\', "/")),
            );
        }
    }
    let place = |f: &CompatFinding| format!("{}:{}:{}", f.file, f.rule, f.start_line);
    findings.retain(|f| !ignored.contains(&place(f)) && !ignored.contains(&f.fingerprint()));
    if let Some(path) = &flags.baseline_path {
        let text = crate::files::read_text(path)?;
        let known: Vec<serde_json::Value> = serde_json::from_str(&text)
            .with_context(|| format!("{}: a baseline must be a gitleaks report in its JSON format", path.display()))?;
        findings.retain(|f| !known.iter().any(|k| same(f, k, flags.redact.is_some())));
    }
    Ok(())
}

/// The fields that gitleaks compares.
fn same(f: &CompatFinding, known: &serde_json::Value, redacted: bool) -> bool {
    let text = |name: &str, value: &str| known[name].as_str().unwrap_or_default() == value;
    let number = |name: &str, value: usize| known[name].as_u64() == Some(value as u64);
    let texts = [
        ("RuleID", &f.rule),
        ("Description", &f.description),
        ("File", &f.file),
        ("Commit", &f.commit),
        ("Author", &f.author),
        ("Email", &f.email),
        ("Date", &f.date),
        ("Message", &f.message),
    ];
    texts.iter().all(|(name, value)| text(name, value))
        && number("StartLine", f.start_line)
        && number("EndLine", f.end_line)
        && number("StartColumn", f.start_column)
        && number("EndColumn", f.end_column)
        && (redacted || text("Match", &f.matched) && text("Secret", &f.secret))
        && known["Entropy"].as_f64().is_some_and(|e| (e as f32 - f.entropy as f32).abs() < 1e-5)
}

/// Writes the report and says how it went.
pub(super) fn finish(mut findings: Vec<CompatFinding>, flags: &Flags, rules: &[(String, String)]) -> Result<ExitCode> {
    if let Some(percent) = flags.redact {
        findings.iter_mut().for_each(|f| redact(f, percent));
    }
    if flags.verbose {
        findings.iter().for_each(print);
    }
    if let Some(path) = &flags.report_path {
        let text = render(&findings, flags, path, rules)?;
        if path == "-" {
            crate::terminal::stdout(&text)?;
        } else {
            crate::files::write_private(Path::new(path), text.as_bytes())?;
        }
    }
    let leaks = findings.len();
    if leaks == 0 {
        crate::terminal::note("no leaks found");
        return Ok(ExitCode::SUCCESS);
    }
    crate::terminal::warn(&format!("leaks found: {leaks}"));
    // The system keeps the low eight bits of what a program exits with.
    Ok(ExitCode::from(flags.exit_code.rem_euclid(256) as u8))
}

fn render(findings: &[CompatFinding], flags: &Flags, path: &str, rules: &[(String, String)]) -> Result<String> {
    let extension = Path::new(path).extension().map(|e| e.to_string_lossy().to_lowercase());
    let format = flags.report_format.clone().or(extension).unwrap_or_default();
    Ok(match format.trim().to_lowercase().as_str() {
        "json" => json(findings),
        "csv" => csv(findings),
        "junit" => junit(findings),
        "sarif" => sarif(findings, rules),
        other => bail!("unknown report format `{other}` (expected json, csv, junit or sarif)"),
    })
}

fn print(f: &CompatFinding) {
    let mut lines = vec![
        ("Finding:", f.matched.trim().to_owned()),
        ("Secret:", f.secret.trim().to_owned()),
        ("RuleID:", f.rule.clone()),
        ("Entropy:", format!("{:.6}", f.entropy)),
    ];
    if !f.tags.is_empty() {
        lines.push(("Tags:", format!("[{}]", f.tags.join(" "))));
    }
    lines.extend([("File:", f.file.clone()), ("Line:", f.start_line.to_string())]);
    if !f.commit.is_empty() {
        lines.extend([
            ("Commit:", f.commit.clone()),
            ("Author:", f.author.clone()),
            ("Email:", f.email.clone()),
            ("Date:", f.date.clone()),
        ]);
    }
    lines.push(("Fingerprint:", f.fingerprint()));
    let text: String = lines.iter().map(|(name, value)| format!("{name:<12} {value}\n")).collect();
    // A closed pipe ends the listing, not the scan.
    drop(crate::terminal::stdout(&(text + "\n")));
}
