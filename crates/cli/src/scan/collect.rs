//! From arguments to a report: configuration, sources, detector, policy.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use testudo_ledger::Extent;
use testudo_model::{
    Coverage, DetectorId, Finding, Fingerprint, Location, Notice, NoticeCode, RuleInfo, ScanReport, Summary, ToolInfo,
};
use testudo_policy::{
    Applied, IgnoreFile, Owners, PathBase, Policy, Run, Scope, apply,
    config::{self, Config, Effective, Layers},
    key, mark_known, summarise,
};
use testudo_scan::{Detector as _, Outcome, Progress};
use testudo_secrets::native::{Display, FingerprintKey, Options, Own, SecretsDetector};
use testudo_source::{
    choice::PathChoice,
    git::{ReadLimits, Repository},
    walk::{self, GitIgnore, Submodules, WalkOptions},
};

use super::{
    args::ScanArgs,
    files::{Files, Limits, Stdin, single},
    history::{self, Reach},
    imports::{self, Imports},
    memory::MemoryFile,
    repository::{self, Look},
    verify::{Chosen, LiveCheck},
};
use crate::{clock, progress};

/// Everything a command needs of a scan.
pub(crate) struct Collected {
    /// The report, suppressed findings included.
    pub(crate) report: ScanReport,
    /// What the view does not show.
    pub(crate) hidden: Vec<Finding>,
    /// The configuration that held.
    pub(crate) effective: Effective,
    /// The directory that configuration, key and owners belong to.
    pub(crate) root: PathBuf,
    /// How much of the project below it was looked at.
    pub(crate) extent: Extent,
}

/// Scans.
pub(crate) fn collect(args: &ScanArgs) -> Result<Collected> {
    let targets = if args.targets.is_empty() { vec![PathBuf::from(".")] } else { args.targets.clone() };
    let (effective, root) = configuration(args, &targets)?;
    let chosen = if args.config.is_some() { Chosen::Named } else { Chosen::Found };
    let (live, told) = LiveCheck::of(&effective, chosen)?;
    let setup = Setup { args, config: &effective.config, root: &root, targets: &targets, live };
    let detector = setup.detector()?;
    let mut found = setup.outcome(&detector)?;
    found.outcome.sort();
    let mut notices = std::mem::take(&mut found.outcome.notices);
    notices.extend(setup.foreign_config());
    notices.extend(told);
    notices.extend(detector.unapplied().iter().map(crate::rules::notice));
    notices.iter_mut().for_each(|notice| detector.mask_place(notice));
    found.outcome.notices = notices;
    let imports = setup.imports(&detector)?;
    let (report, hidden) = setup.report(found, Some(&detector), imports)?;
    let extent = setup.extent();
    Ok(Collected { report, hidden, effective: effective.clone(), root: root.clone(), extent })
}

/// Reads the reports of `--with`, and scans nothing.
pub(crate) fn import(args: &ScanArgs) -> Result<Collected> {
    let (effective, root) = configuration(args, &[PathBuf::from(".")])?;
    let reports: Vec<PathBuf> = args.what.with.iter().map(PathBuf::from).collect();
    let setup = Setup { args, config: &effective.config, root: &root, targets: &reports, live: None };
    let nothing = Found { outcome: Outcome::default(), known: BTreeSet::new(), scope: Scope::Part };
    let imports = setup.imports(&setup.silent_detector()?)?;
    let (report, hidden) = setup.report(nothing, None, imports)?;
    // A report does not say how much of the project its tool looked at.
    let extent = Extent::default();
    Ok(Collected { report, hidden, effective: effective.clone(), root: root.clone(), extent })
}

/// Probes, and treats what was found as a scan's findings are treated. Secrets that our rules know are masked in it: an
/// application may show them to whoever asks.
pub(crate) fn probed(args: &ScanArgs, target: &str, probe: impl FnOnce() -> Result<Imports>) -> Result<Collected> {
    let here = [PathBuf::from(".")];
    let (effective, root) = configuration(args, &here)?;
    let setup = Setup { args, config: &effective.config, root: &root, targets: &here, live: None };
    let detector = setup.silent_detector()?;
    let mut probed = probe()?;
    probed.mask(&detector);
    let nothing = Found { outcome: Outcome::default(), known: BTreeSet::new(), scope: Scope::Part };
    let (report, hidden) = setup.report(nothing, None, probed)?;
    let report = ScanReport { targets: vec![target.to_owned()], ..report };
    // An application is no part of the files of a project.
    Ok(Collected { report, hidden, effective: effective.clone(), root: root.clone(), extent: Extent::default() })
}

/// The rules that a scan with these arguments would use: their digest, and what is known about each.
pub(crate) fn rules(args: &ScanArgs) -> Result<(String, Vec<RuleInfo>)> {
    let targets = if args.targets.is_empty() { vec![PathBuf::from(".")] } else { args.targets.clone() };
    let (effective, root) = configuration(args, &targets)?;
    let detector = Setup { args, config: &effective.config, root: &root, targets: &targets, live: None }.detector()?;
    Ok((detector.rules().digest, detector.infos().to_vec()))
}

/// Loads the configuration and finds the directory it belongs to.
pub(crate) fn configuration(args: &ScanArgs, targets: &[PathBuf]) -> Result<(Effective, PathBuf)> {
    let start = targets.first().filter(|t| t.as_os_str() != "-").cloned().unwrap_or_else(|| PathBuf::from("."));
    let file = args.config.clone().or_else(|| config::discover(&start));
    let text = file.as_deref().map(crate::files::read_text).transpose()?;
    // Variables that are not UTF-8 are nobody's settings.
    let environment =
        env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment: Vec<(String, String)> = environment.filter(|(name, _)| name.starts_with("TESTUDO_")).collect();
    let flags = args.overrides();
    let layers = Layers { file: text.as_deref().zip(file.as_deref()), environment: &environment, flags: &flags };
    let effective = Effective::resolve(layers)?;
    let root = match &file {
        Some(path) => path.parent().map(Path::to_owned).filter(|p| !p.as_os_str().is_empty()),
        None => None,
    };
    let root =
        root.or_else(|| work_tree(&start)).unwrap_or_else(|| if start.is_dir() { start } else { PathBuf::from(".") });
    Ok((effective, root))
}

fn work_tree(start: &Path) -> Option<PathBuf> {
    let start = fs::canonicalize(start).ok()?;
    start.ancestors().find(|dir| dir.join(".git").exists()).map(Path::to_owned)
}

/// What a source gave, before policy.
struct Found {
    outcome: Outcome,
    /// Findings that an earlier revision has.
    known: BTreeSet<Fingerprint>,
    scope: Scope,
}

struct Setup<'a> {
    args: &'a ScanArgs,
    config: &'a Config,
    root: &'a Path,
    targets: &'a [PathBuf],
    /// The live check, where one was asked for.
    live: Option<LiveCheck>,
}

impl Setup<'_> {
    fn limits(&self) -> Limits {
        let depth = if self.config.scan.archives.is_on() { self.config.scan.archive_depth } else { 0 };
        Limits { file: self.config.scan.max_file_size.0, archive_depth: depth }
    }

    fn threads(&self) -> usize {
        self.config.scan.jobs as usize
    }

    fn detector(&self) -> Result<SecretsDetector> {
        let detector = self.silent_detector()?;
        Ok(if self.live.is_some() { detector.keeping_values() } else { detector })
    }

    fn key(&self) -> Result<FingerprintKey> {
        let environment = env::var(key::ENVIRONMENT_NAME).ok();
        let (key, _) = key::load(self.root, environment.as_deref())?;
        Ok(FingerprintKey(*key.bytes()))
    }

    /// What the reports of other tools say. The detector masks the secrets that it knows in their texts.
    fn imports(&self, detector: &SecretsDetector) -> Result<Imports> {
        let target = imports::Target { root: self.root, limits: self.limits(), key: self.key()?, detector };
        imports::read(&self.args.what.with, &target)
    }

    /// The detector, which keeps no value.
    fn silent_detector(&self) -> Result<SecretsDetector> {
        if let Some(other) = self.config.scan.only.iter().find(|d| **d != DetectorId::Secrets) {
            bail!("detector `{other}` is not part of this version; `secrets` is");
        }
        let show = self.args.view.show_secrets;
        // What the gate may look at is followed through history, not only what is shown.
        let least = self.config.view.confidence;
        let options = Options {
            key: self.key()?,
            decode_depth: self.config.scan.decode_depth as usize,
            display: if show { Display::Clear } else { Display::Masked },
            disabled: self.config.secrets.disable.clone(),
            least,
        };
        if self.config.scan.rules.is_empty() {
            return Ok(SecretsDetector::own(options));
        }
        let (mut sets, mut own) = (Vec::new(), Own::Replace);
        for name in &self.config.scan.rules {
            if name == "default" {
                own = Own::Add;
            } else {
                sets.extend(crate::rules::load_path(Path::new(name))?);
            }
        }
        if own == Own::Replace && sets.iter().all(|set| set.rules.is_empty()) {
            bail!("--rules {}: no rule in it, so nothing would be looked for", self.config.scan.rules.join(", "));
        }
        SecretsDetector::with_rules(sets, own, options).map_err(anyhow::Error::msg)
    }

    fn outcome(&self, detector: &SecretsDetector) -> Result<Found> {
        let what = &self.args.what;
        if what.staged || what.range.is_some() || what.history {
            return self.repository_part(detector);
        }
        let (mut outcome, mut known) = (Outcome::default(), BTreeSet::new());
        let mut files = Vec::new();
        for target in self.targets {
            if target.as_os_str() == "-" {
                let stdin = Stdin::read(self.limits()).context("standard input cannot be read")?;
                outcome.absorb(testudo_scan::run(&stdin, &[detector], 1, &Progress::default()));
                continue;
            }
            let (found, notices) = self.files(target)?;
            files.extend(found);
            outcome.notices.extend(notices);
        }
        files.sort();
        files.dedup();
        let files = Files { files, limits: self.limits() };
        let progress = progress::Watch::new(progress::Doing::Files(files.files.len()));
        outcome.absorb(testudo_scan::run(&files, &[detector], self.threads(), progress.shared()));
        drop(progress);
        if let Some(revision) = &self.args.verdict.diff {
            known = self.known_at(revision, detector, &outcome)?;
        }
        Ok(Found { outcome, known, scope: if self.is_whole() { Scope::Whole } else { Scope::Part } })
    }

    /// Whether the scan covers all that suppressions can be about.
    fn is_whole(&self) -> bool {
        let all = |t: &PathBuf| fs::canonicalize(t).ok() == fs::canonicalize(self.root).ok();
        self.targets.iter().any(all) && self.config.scan.include.is_empty() && self.config.scan.exclude.is_empty()
    }

    /// How much of the project the files of a walk are.
    fn extent(&self) -> Extent {
        let (what, scan) = (&self.args.what, &self.config.scan);
        let known = self.args.verdict.diff.is_some() || self.args.verdict.baseline.is_some();
        let changes = what.staged || what.range.is_some() || what.history || known;
        let globs = [&scan.include, &scan.exclude, &self.config.secrets.allow_paths];
        let whole = !changes && globs.iter().all(|globs| globs.is_empty());
        let root = fs::canonicalize(self.root).ok();
        let place = |target: &PathBuf| {
            let target = fs::canonicalize(target).ok()?;
            let inside = walk::display(target.strip_prefix(root.as_deref()?).ok()?);
            Some(if inside.is_empty() { ".".to_owned() } else { inside })
        };
        let off = self.config.secrets.disable.clone();
        match self.base() {
            // Paths of findings begin above the project.
            PathBase::Outside(_) => Extent { whole: Vec::new(), base: ".".to_owned(), off, narrowed: self.narrowed() },
            base => {
                let base = if let PathBase::Inside(folder) = base { folder } else { ".".to_owned() };
                let whole = self.targets.iter().filter(|_| whole).filter_map(place).collect();
                Extent { whole, base, off, narrowed: self.narrowed() }
            }
        }
    }

    /// Settings by which a scan looks at less than it does without them.
    fn narrowed(&self) -> Vec<String> {
        let (scan, usual) = (&self.config.scan, testudo_policy::config::Scan::default());
        let submodules = !scan.submodules.is_on() && self.root.join(".gitmodules").exists();
        [
            (submodules, "scan.submodules = off".to_owned()),
            (!scan.archives.is_on(), "scan.archives = off".to_owned()),
            (scan.archive_depth < usual.archive_depth, format!("scan.archive-depth = {}", scan.archive_depth)),
            (scan.decode_depth < usual.decode_depth, format!("scan.decode-depth = {}", scan.decode_depth)),
        ]
        .into_iter()
        .filter_map(|(less, said)| less.then_some(said))
        .collect()
    }

    fn files(&self, target: &Path) -> Result<(Vec<walk::FoundFile>, Vec<Notice>)> {
        let metadata = fs::metadata(target).with_context(|| format!("{}: cannot be scanned", target.display()));
        if metadata.map_err(crate::NothingToRead::from)?.is_file() {
            return Ok((vec![single(target.to_owned())], Vec::new()));
        }
        let (mut files, mut notices) = walk::files(target, &self.walk_options())?;
        // A report that is read as one is not scanned besides: it quotes what it found.
        let reports: Vec<PathBuf> = self.args.what.with.iter().filter_map(|name| imports::file(name)).collect();
        files.retain(|file| {
            reports.is_empty() || fs::canonicalize(&file.path).map_or(true, |real| !reports.contains(&real))
        });
        if self.config.scan.submodules.is_on() {
            notices.extend(missing_submodules(target));
        }
        Ok((files, notices))
    }

    fn walk_options(&self) -> WalkOptions {
        WalkOptions {
            include: self.config.scan.include.clone(),
            exclude: self.config.scan.exclude.iter().chain(&self.config.secrets.allow_paths).cloned().collect(),
            git_ignore: if self.config.scan.gitignore.is_on() { GitIgnore::Obey } else { GitIgnore::ReadAnyway },
            submodules: if self.config.scan.submodules.is_on() { Submodules::Enter } else { Submodules::LeaveOut },
            threads: self.threads(),
            index_file: crate::files::git_index(),
        }
    }

    fn repository_part(&self, detector: &SecretsDetector) -> Result<Found> {
        let target = self.targets.first().map_or(Path::new("."), PathBuf::as_path);
        let repository = Repository::discover(target, ReadLimits { object: self.config.scan.max_file_size.0 })
            .map_err(crate::NothingToRead::from)?;
        let what = &self.args.what;
        let top = repository.work_tree().unwrap_or(repository.git_dir());
        let choice = RefCell::new(PathChoice::new(top, &self.walk_options())?);
        let look = Look {
            repository: &repository,
            detector,
            wants: &|path| choice.borrow_mut().wants(Path::new(path)),
            limits: self.limits(),
            threads: self.threads(),
        };
        let part = if what.staged {
            repository::staged(&look)?
        } else if let Some(range) = &what.range {
            repository::range(&look, range)?
        } else {
            let reach = if what.unreachable { Reach::Everything } else { Reach::References };
            let progress = progress::Watch::new(progress::Doing::History);
            let memory = if what.no_cache { MemoryFile::none() } else { MemoryFile::of(&repository, detector) };
            let outcome = history::scan(&look, reach, &memory)?;
            drop(progress);
            repository::Part { outcome, known: BTreeSet::new() }
        };
        Ok(Found { outcome: part.outcome, known: part.known, scope: Scope::Part })
    }

    /// Fingerprints that a revision has already, among the files that have findings now.
    fn known_at(&self, revision: &str, detector: &SecretsDetector, outcome: &Outcome) -> Result<BTreeSet<Fingerprint>> {
        let repository = Repository::discover(self.root, ReadLimits::default())?;
        let commit = testudo_source::git::revision::commit(&repository, revision)
            .with_context(|| format!("--diff {revision}"))?;
        let tree = repository::tree_files(&repository, commit)?;
        let top = repository.work_tree().map(Path::to_owned).unwrap_or_default();
        let shown: BTreeSet<&str> = outcome.findings.iter().filter_map(|f| f.location.path.as_deref()).collect();
        let jobs = shown.into_iter().filter_map(|path| {
            let absolute = fs::canonicalize(path).ok()?;
            let inside = walk::display(absolute.strip_prefix(&top).ok()?);
            Some(repository::BlobJob { path: path.to_owned(), oid: *tree.get(&inside)?, commit: None })
        });
        let blobs = repository::Blobs { repository: &repository, jobs: jobs.collect(), limits: self.limits() };
        let before = testudo_scan::run(&blobs, &[detector], self.threads(), &Progress::default());
        Ok(before.findings.into_iter().map(|f| f.fingerprint).collect())
    }

    /// A configuration of another tool in the target is told, not used.
    fn foreign_config(&self) -> Vec<Notice> {
        let own = |name: &str| self.config.scan.rules.iter().any(|r| r.ends_with(name));
        [".gitleaks.toml", ".betterleaks.toml", ".secrets.baseline", ".gitleaksignore"]
            .iter()
            .filter(|name| self.root.join(name).is_file() && !own(name))
            .map(|name| {
                let advice = if name.ends_with(".toml") {
                    format!("use it with --rules {name}")
                } else {
                    format!("convert it with `testudo baseline import {name}`")
                };
                Notice::new(NoticeCode::ForeignConfig, Location::file(*name), format!("found and not used; {advice}"))
            })
            .collect()
    }

    fn scope_text(&self) -> Vec<String> {
        let what = &self.args.what;
        let mode = if what.staged {
            Some("staged changes".to_owned())
        } else if let Some(range) = &what.range {
            Some(format!("commits {range}"))
        } else {
            what.history.then(|| {
                if what.unreachable {
                    "whole history and unreachable objects".to_owned()
                } else {
                    "whole history".to_owned()
                }
            })
        };
        let names = self.targets.iter().map(|t| walk::display(t));
        names.map(|name| mode.as_ref().map_or(name.clone(), |mode| format!("{name} ({mode})"))).collect()
    }

    /// The report of what our detector found, where it ran, and of what other tools say.
    fn report(
        &self,
        found: Found,
        detector: Option<&SecretsDetector>,
        imports: Imports,
    ) -> Result<(ScanReport, Vec<Finding>)> {
        let scope_text = self.scope_text();
        let mut coverage: Vec<Coverage> =
            detector.iter().map(|detector| found.outcome.coverage(*detector, &scope_text)).collect();
        let infos = detector.map_or(&[][..], SecretsDetector::infos);
        let Outcome { findings, notices, .. } = found.outcome;
        let (policy, mut policy_notices) = self.policy()?;
        let run = Run {
            today: clock::today().context("the clock of this machine is not set")?,
            scope: found.scope,
            ran: coverage.iter().map(|c| c.detector).collect(),
            rules: infos.iter().map(|i| (i.id.clone(), i.domain)).collect::<BTreeMap<_, _>>(),
        };
        let mut findings = findings;
        mark_known(&mut findings, &found.known);
        let asked = self.live.as_ref().zip(detector).map(|(live, detector)| {
            let counting = counting(&findings, &policy, &run);
            live.run(detector, &mut findings, &counting)
        });
        findings.extend(imports.findings);
        findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        let Applied { mut findings, hidden, notices: applied } = apply(findings, &policy, &run);
        number(&mut findings);
        policy_notices.extend(applied);
        policy_notices.extend(asked.iter().flat_map(|asked| asked.notices.clone()));
        let mut notices: Vec<Notice> = notices.into_iter().chain(imports.notices).chain(policy_notices).collect();
        if coverage.iter().any(|own| own.units == 0) {
            notices.push(Notice::new(
                NoticeCode::EmptyScope,
                Location::default(),
                "nothing was in scope, so nothing was scanned; check the targets, --include and --exclude",
            ));
        }
        coverage.extend(imports.coverage);
        let summary = Summary {
            verification: asked.map(|asked| asked.summary),
            ..summarise(&findings, hidden.len(), &coverage, &notices)
        };
        let used: BTreeSet<&str> = findings.iter().map(|f| f.rule.as_str()).collect();
        let known = infos.iter().cloned().chain(imports.rules);
        let rules: Vec<RuleInfo> = known.filter(|i| used.contains(i.id.as_str())).collect();
        let report = ScanReport {
            schema: ScanReport::SCHEMA.to_owned(),
            tool: ToolInfo { name: "testudo".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            started: clock::now(),
            targets: scope_text,
            findings,
            coverage,
            notices,
            summary,
            rules,
        };
        Ok((report, hidden))
    }

    fn policy(&self) -> Result<(Policy, Vec<Notice>)> {
        let mut notices = Vec::new();
        let mut load = |path: PathBuf| -> Result<Option<IgnoreFile>> {
            let shown = walk::display(&path);
            Ok(IgnoreFile::load(&path, &shown)?.map(|(file, told)| {
                notices.extend(told);
                file
            }))
        };
        let ignore = load(self.root.join(&self.config.suppress.ignore_file))?;
        let baseline = match &self.args.verdict.baseline {
            Some(path) => Some(load(path.clone())?.with_context(|| {
                format!("{}: there is no such baseline; make one with `testudo baseline create`", path.display())
            })?)
            .map(|file| refuse_damaged(path, file))
            .transpose()?,
            None => None,
        };
        let owners = match self.config.ownership.codeowners.as_str() {
            "" => Owners::discover(self.root),
            path => Some(self.root.join(path)),
        };
        let owners = match owners {
            Some(path) => Owners::load(&path, &walk::display(&path))?.map(|(owners, told)| {
                notices.extend(told);
                owners.with_base(self.base())
            }),
            None => None,
        };
        let policy = Policy {
            view: self.config.view,
            suppress: self.config.suppress.clone(),
            ignore,
            baseline,
            owners,
            default_owners: self.config.ownership.default.clone(),
        };
        Ok((policy, notices))
    }

    /// How paths of findings relate to the root that CODEOWNERS counts from.
    fn base(&self) -> PathBase {
        let here = env::current_dir().and_then(fs::canonicalize);
        let root = fs::canonicalize(self.root);
        match (here, root) {
            (Ok(here), Ok(root)) if here == root => PathBase::Root,
            (Ok(here), Ok(root)) => match (here.strip_prefix(&root), root.strip_prefix(&here)) {
                (Ok(inside), _) => PathBase::Inside(walk::display(inside)),
                (_, Ok(outside)) => PathBase::Outside(walk::display(outside)),
                _ => PathBase::Outside(walk::display(self.root)),
            },
            _ => PathBase::Root,
        }
    }
}

/// A baseline without any entry accepts nothing, which is right where it has nothing else either.
fn refuse_damaged(path: &Path, file: IgnoreFile) -> Result<IgnoreFile> {
    let other = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    if file.entries().is_empty() && crate::files::read_text(path)?.lines().any(other) {
        bail!("{}: no line of it is an entry of a baseline; make one with `testudo baseline create`", path.display());
    }
    Ok(file)
}

/// What nobody has accepted: only that is asked about. The view does not matter, because an answer can change it.
fn counting(findings: &[Finding], policy: &Policy, run: &Run) -> BTreeSet<Fingerprint> {
    let Applied { findings, hidden, .. } = apply(findings.to_vec(), policy, run);
    let counting = findings.into_iter().chain(hidden).filter(|finding| finding.suppressed.is_none());
    counting.map(|finding| finding.fingerprint).collect()
}

/// Gives each finding a handle: the first characters of its fingerprint, longer where two share them.
fn number(findings: &mut [Finding]) {
    let hex = |f: &Finding| f.fingerprint.as_str().rsplit(':').next().unwrap_or_default().to_owned();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for finding in findings {
        let full = hex(finding);
        let short = full.get(..10).unwrap_or(&full).to_owned();
        let count = seen.entry(short.clone()).or_default();
        *count += 1;
        finding.id = if *count == 1 { short } else { format!("{short}-{count}") };
    }
}

/// Submodules that `.gitmodules` names and that are not checked out.
fn missing_submodules(target: &Path) -> Vec<Notice> {
    let text = fs::read_to_string(target.join(".gitmodules")).unwrap_or_default();
    let paths =
        text.lines().filter_map(|l| l.trim().strip_prefix("path")?.trim_start().strip_prefix('=').map(str::trim));
    paths
        .filter(|path| fs::read_dir(target.join(path)).map_or(true, |mut entries| entries.next().is_none()))
        .map(|path| {
            let message = "submodule, not checked out and not scanned; run `git submodule update --init`";
            Notice::new(NoticeCode::SubmoduleMissing, Location::file(walk::display(&target.join(path))), message)
        })
        .collect()
}
