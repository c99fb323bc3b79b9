//! `baseline import`: places that another tool accepted become values that we accept, by looking at what stands there.
//!
//! A place that nothing is found at any more, or more than one thing that could be meant, is not guessed: it is listed.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::{Args, ValueHint};
use testudo_model::{Finding, Location};
use testudo_policy::{Entry, IgnoreFile, baseline};

use super::{
    FILE_NAME,
    foreign::{self, Accepted, Foreign, Role},
};
use crate::{
    commands::scanning,
    files, record,
    scan::{self, Collected},
    terminal,
};

const IGNORE_HEADER: [&str; 2] = [
    "testudo: findings that were accepted, one a line, keyed by value and not by place.",
    "In .gitattributes, `merge=union` for this file makes merges free of conflicts.",
];

/// Take over accepted findings
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo baseline import .gitleaksignore
  testudo baseline import --history gitleaks-report.json
  testudo baseline import --target services/billing services/billing/.secrets.baseline

Ignore files become entries of testudo.ignore, reports and baselines entries of testudo.baseline.")]
pub(super) struct ImportArgs {
    /// Files of the other tools
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Write all entries to this file
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// The folder that the paths in the files count from
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    target: PathBuf,
    /// Look at the history too, for entries that name a commit
    #[arg(long)]
    history: bool,
}

/// Reads the files, scans once, and writes what could be resolved.
pub(super) fn run(args: ImportArgs) -> Result<ExitCode> {
    let read = args.files.iter().map(|path| {
        let text = files::read_text(path)?;
        Ok((path.as_path(), foreign::parse(&path.display().to_string(), &text)?))
    });
    let sources: Vec<(&Path, Foreign)> = read.collect::<Result<_>>()?;
    let tree = collect(&args.target, &[])?;
    let mut places = Places::default();
    places.add(&tree, &args.target);
    if args.history {
        places.add(&collect(&args.target, &["--history"])?, &args.target);
    }
    let mut open = Vec::new();
    for role in [Role::Ignore, Role::Baseline] {
        let mut entries = Vec::new();
        let of_role: Vec<_> = sources.iter().filter(|(_, source)| source.role == role).collect();
        for (path, source) in &of_role {
            open.extend(source.unread.iter().cloned());
            for accepted in &source.accepted {
                match places.resolve(accepted) {
                    Ok(found) => entries.extend(found.into_iter().flat_map(|f| entry(f, role, path))),
                    Err(why) => open.push(sentence(accepted, why)),
                }
            }
        }
        if !of_role.is_empty() {
            let output = args.output.clone().unwrap_or_else(|| default_output(&tree, role));
            save(&tree, &output, role, entries)?;
        }
    }
    for line in &open {
        terminal::warn(&format!("not imported: {line}"));
    }
    if !open.is_empty() && !args.history {
        terminal::note("entries that name a commit may be found with --history");
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything that can be found, whatever the view shows.
fn collect(target: &Path, more: &[&str]) -> Result<Collected> {
    let all = ["--severity=info", "--confidence=low", "--persona=auditor"];
    let mut words: Vec<OsString> = all.iter().chain(more).map(OsString::from).collect();
    words.extend(["--".into(), target.into()]);
    scan::collect(&scanning::arguments(words)?)
}

fn default_output(tree: &Collected, role: Role) -> PathBuf {
    tree.root.join(match role {
        Role::Ignore => tree.effective.config.suppress.ignore_file.as_str(),
        Role::Baseline => FILE_NAME,
    })
}

/// Findings by path, counted from the target, and line.
#[derive(Default)]
struct Places(BTreeMap<(String, u32), Vec<Finding>>);

impl Places {
    fn add(&mut self, collected: &Collected, target: &Path) {
        let base = testudo_source::walk::display(target);
        for finding in collected.report.findings.iter().chain(&collected.hidden) {
            for location in std::iter::once(&finding.location).chain(&finding.related) {
                let key = (below(&base, location), location.line());
                self.0.entry(key).or_default().push(Finding { location: location.clone(), ..finding.clone() });
            }
        }
    }

    /// The findings that an accepted place means.
    fn resolve(&self, accepted: &Accepted) -> Result<Vec<&Finding>, &'static str> {
        let key = (accepted.file.clone(), accepted.line);
        let at_place = self.0.get(&key).into_iter().flatten();
        let mut found: Vec<&Finding> = at_place.filter(|f| fits_commit(f, accepted)).collect();
        if found.is_empty() {
            return Err("nothing is found there now");
        }
        let by_rule = |f: &&Finding| accepted.rule.as_ref().is_some_and(|r| f.rule == *r || f.aliases.contains(r));
        if found.iter().any(by_rule) {
            found.retain(by_rule);
            return Ok(found);
        }
        let values: BTreeSet<String> = found.iter().filter_map(|f| Some(key_of(f)?.key.to_string())).collect();
        if values.len() > 1 {
            return Err("several secrets stand there, and which one is meant cannot be told");
        }
        found.truncate(1);
        Ok(found)
    }
}

/// A finding of the tree fits every entry; one of the history only an entry of its own commit.
fn fits_commit(finding: &Finding, accepted: &Accepted) -> bool {
    match (&finding.location.commit, &accepted.commit) {
        (Some(commit), Some(wanted)) => commit.id.starts_with(wanted.as_str()),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

/// The path of a place counted from the target.
fn below(base: &str, location: &Location) -> String {
    let path = location.display_path();
    match path.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) => rest.to_owned(),
        None => path,
    }
}

/// The entry that a baseline would hold for a finding.
fn key_of(finding: &Finding) -> Option<Entry> {
    let open = Finding { suppressed: None, ..finding.clone() };
    baseline::create(&[open]).entries().first().cloned()
}

fn entry(finding: &Finding, role: Role, source: &Path) -> Option<Entry> {
    let entry = key_of(finding)?;
    let name = source.file_name().unwrap_or(source.as_os_str()).to_string_lossy();
    Some(match role {
        Role::Ignore => Entry { reason: format!("imported from {name}"), ..entry },
        Role::Baseline => entry,
    })
}

/// Adds the entries that say something new.
fn save(tree: &Collected, path: &Path, role: Role, mut entries: Vec<Entry>) -> Result<()> {
    let shown = path.display().to_string();
    let fresh = || match role {
        Role::Ignore => IgnoreFile::with_comments(&IGNORE_HEADER),
        Role::Baseline => baseline::create(&[]),
    };
    let mut file = IgnoreFile::load(path, &shown)?.map_or_else(fresh, |(file, _)| file);
    let known =
        |entry: &Entry| file.entries().iter().any(|e| e.key == entry.key && (e.rule.is_none() || e.rule == entry.rule));
    entries.retain(|entry| !known(entry));
    let before = file.clone();
    file.extend(entries);
    let added = file.entries().len() - before.entries().len();
    if added > 0 {
        let ledger = &tree.effective.config.ledger;
        record::triage(&tree.root, ledger, ("baseline import", path), (&before, &file))?;
        file.save(path)?;
    }
    terminal::stdout(&format!("{shown}: {added} added, {} in all\n", file.entries().len()))?;
    Ok(())
}

fn sentence(accepted: &Accepted, why: &str) -> String {
    let rule = accepted.rule.as_deref().map(|rule| format!(" ({rule})")).unwrap_or_default();
    let commit = accepted.commit.as_deref().map(|id| format!(" in commit {id}")).unwrap_or_default();
    format!("{}: {}:{}{rule}{commit}: {why}", accepted.origin, accepted.file, accepted.line)
}
