//! Reports of other tools: read, turned into findings, and given the inline suppressions of the files that they name.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use testudo_import::{Digests, Format, Imported, MAX_BYTES, Project, Report};
use testudo_model::{Coverage, Finding, Fingerprint, Notice, RuleInfo};
use testudo_scan::{markers, suppress};
use testudo_secrets::native::{FingerprintKey, SecretsDetector};
use testudo_source::{Origin, Unit, walk};

use super::files::Limits;

/// Properties that stand for a secret already.
const DIGESTS: &[&str] = &["incident", "masked", "secret_hmac"];

/// The project that reports are about.
pub(super) struct Target<'a> {
    pub(super) root: &'a Path,
    pub(super) limits: Limits,
    pub(super) key: FingerprintKey,
    /// Masks what it knows in texts of reports.
    pub(super) detector: &'a SecretsDetector,
}

/// What all reports say, in the order in which they were named.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    pub(crate) findings: Vec<Finding>,
    pub(crate) coverage: Vec<Coverage>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) rules: Vec<RuleInfo>,
}

/// Digests under the key of the project.
struct Keyed<'a>(&'a FingerprintKey);

impl Digests for Keyed<'_> {
    fn identity(&self, parts: &[&str]) -> [u8; 16] {
        // With their lengths: texts of a report can hold what stands between parts.
        let parts: Vec<String> = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
        self.0.digest(&parts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn secret(&self, value: &str) -> String {
        self.0.secret(value)
    }
}

/// Reads reports, each `FILE` or `FORMAT=FILE`. One that is named twice is read once.
pub(super) fn read(names: &[String], target: &Target<'_>) -> Result<Imports> {
    let mut all = Imports::default();
    let mut seen = BTreeSet::new();
    if names.is_empty() {
        return Ok(all);
    }
    let digests = Keyed(&target.key);
    let project = project(target.root, &digests)?;
    for name in names {
        let (said, file) = split(name);
        if !seen.insert(file) {
            continue;
        }
        let bytes = content(file).map_err(crate::NothingToRead::from)?;
        let shown = walk::display(Path::new(file));
        let report = Report { file: &shown, bytes: &bytes, said };
        let read = testudo_import::read(&report, &project)
            .map_err(|error| crate::NothingToRead::from(anyhow::Error::new(error)))?;
        read.into_iter().for_each(|imported| all.add(imported));
    }
    // Two reports of one tool name the same rules.
    all.rules.sort_by(|a, b| (a.domain, &a.id).cmp(&(b.domain, &b.id)));
    all.rules.dedup_by(|a, b| (a.domain, &a.id) == (b.domain, &b.id));
    all.number(&digests);
    all.mask(target.detector);
    inline(&mut all.findings, target);
    Ok(all)
}

impl Imports {
    fn add(&mut self, imported: Imported) {
        self.findings.extend(imported.findings);
        self.coverage.extend(imported.coverage);
        self.notices.extend(imported.notices);
        self.rules.extend(imported.rules);
    }

    /// Tells equal findings of several reports and runs apart, in the order of their places: who accepts one does not accept
    /// the others.
    fn number(&mut self, digests: &Keyed<'_>) {
        let mut order: Vec<&mut Finding> = self.findings.iter_mut().collect();
        order.sort_by(|a, b| a.location.cmp(&b.location));
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for finding in order {
            let own = finding.fingerprint.to_string();
            let count = counts.entry(own.clone()).or_default();
            if *count > 0 {
                finding.fingerprint = Fingerprint::from_digest(digests.identity(&[&own, &count.to_string()]));
            }
            *count += 1;
        }
    }

    /// Masks secrets that our own detector knows in what reports say: a message of any rule may quote a line.
    pub(super) fn mask(&mut self, detector: &SecretsDetector) {
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        let mut mask = |text: &mut String| {
            let masked = known.entry(text.clone()).or_insert_with(|| detector.masked(text));
            text.clone_from(masked);
        };
        for finding in &mut self.findings {
            mask(&mut finding.title);
            mask(&mut finding.message);
            mask(&mut finding.rule);
            finding.aliases.iter_mut().for_each(&mut mask);
            for place in std::iter::once(&mut finding.location).chain(&mut finding.related) {
                place.path.iter_mut().chain(&mut place.url).for_each(&mut mask);
            }
            finding.fix.iter_mut().for_each(|fix| mask(&mut fix.description));
            finding.suppressed.iter_mut().for_each(|suppression| mask(&mut suppression.reason));
            for (name, value) in &mut finding.properties {
                if !DIGESTS.contains(&name.as_str()) {
                    texts(value, &mut mask);
                }
            }
        }
        for notice in &mut self.notices {
            mask(&mut notice.message);
            notice.location.path.iter_mut().chain(&mut notice.location.url).for_each(&mut mask);
        }
        for rule in &mut self.rules {
            mask(&mut rule.id);
            rule.aliases.iter_mut().for_each(&mut mask);
            rule.references.iter_mut().for_each(|reference| mask(&mut reference.0));
            mask(&mut rule.title);
            mask(&mut rule.help);
        }
    }
}

/// `FORMAT=FILE`, where the word in front is a format; a file may have `=` in its name.
fn split(name: &str) -> (Option<&'static Format>, &str) {
    match name.split_once('=') {
        Some((format, file)) if Format::named(format).is_some() => (Format::named(format), file),
        _ => (None, name),
    }
}

/// The file of a report as it is on the disk; none for standard input and for what is not there.
pub(crate) fn file(name: &str) -> Option<PathBuf> {
    fs::canonicalize(split(name).1).ok()
}

fn project<'a>(root: &Path, digests: &'a dyn Digests) -> Result<Project<'a>> {
    let working = env::current_dir().and_then(fs::canonicalize).context("the working directory cannot be read")?;
    let real = fs::canonicalize(root).with_context(|| format!("{}: cannot be read", root.display()))?;
    let mut roots = vec![walk::display(&real)];
    // Tools write the path that they were given, which may lead through links.
    roots.extend(std::path::absolute(root).ok().map(|path| walk::display(&path)));
    if let Some(logical) = env::var_os("PWD").map(std::path::PathBuf::from).filter(|path| path.is_absolute())
        && fs::canonicalize(&logical).is_ok_and(|path| path == real)
    {
        roots.push(walk::display(&logical));
    }
    roots.dedup();
    Ok(Project { roots, working: walk::display(&working), digests })
}

/// The bytes of a report as UTF-8: PowerShell writes what is redirected in UTF-16.
fn content(file: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than the limit shows that there is more.
    let limit = MAX_BYTES as u64 + 1;
    if file == "-" {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).context("standard input cannot be read")?;
    } else {
        let open = fs::File::open(file).with_context(|| format!("{file}: cannot be read"))?;
        if open.metadata().is_ok_and(|found| found.is_dir()) {
            bail!("{file}: is a directory, where a report is expected; to scan it use `testudo scan`");
        }
        open.take(limit).read_to_end(&mut bytes).with_context(|| format!("{file}: cannot be read"))?;
    }
    Ok(Unit::new(file, bytes, Origin::File).bytes)
}

/// Applies the comments of the files that findings are in. Findings in an earlier commit are left alone: their lines are
/// not those of the file of today.
fn inline(findings: &mut [Finding], target: &Target<'_>) {
    let mut by_path: BTreeMap<String, Vec<&mut Finding>> = BTreeMap::new();
    for finding in findings {
        let open = finding.suppressed.is_none() && finding.location.line() > 0;
        let path = finding.location.path.clone().filter(|_| open && !finding.properties.contains_key("commit_id"));
        if let Some(path) = path {
            by_path.entry(path).or_default().push(finding);
        }
    }
    let Ok(root) = fs::canonicalize(target.root) else { return };
    for (path, findings) in by_path {
        let Some(bytes) = inside(&root, &path, target.limits.file) else { continue };
        let unit = Unit::new(path, bytes, Origin::File);
        let comments = markers(&unit.bytes);
        findings.into_iter().for_each(|finding| suppress(finding, &comments));
    }
}

/// The content of a file below the root. What a report names elsewhere, also behind a link, is never opened.
fn inside(root: &Path, path: &str, limit: u64) -> Option<Vec<u8>> {
    let real = fs::canonicalize(path).ok()?;
    let plain =
        real.starts_with(root) && fs::metadata(&real).is_ok_and(|found| found.is_file() && found.len() <= limit);
    if plain { fs::read(real).ok() } else { None }
}

/// Every text within a value.
fn texts(value: &mut serde_json::Value, change: &mut impl FnMut(&mut String)) {
    match value {
        serde_json::Value::String(text) => change(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| texts(item, change)),
        serde_json::Value::Object(members) => members.iter_mut().for_each(|(_, member)| texts(member, change)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_named_in_front_of_a_file() {
        for (name, format, file) in [
            ("gitleaks=a.json", Some("gitleaks"), "a.json"),
            ("a=b.json", None, "a=b.json"),
            ("sarif=a=b", Some("sarif"), "a=b"),
            ("-", None, "-"),
            ("junit=-", Some("junit"), "-"),
        ] {
            let (said, found) = split(name);
            assert_eq!((said.map(|format| format.name), found), (format, file), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn files_outside_of_the_root_are_not_opened() {
        let dir = env::temp_dir().join(format!("testudo-imports-{}", std::process::id()));
        let root = dir.join("root");
        fs::create_dir_all(&root).unwrap();
        fs::write(dir.join("out"), "x").unwrap();
        fs::write(root.join("in"), "x").unwrap();
        std::os::unix::fs::symlink("../out", root.join("link")).unwrap();
        let root = fs::canonicalize(root).unwrap();
        let opened = |name: &str, limit| inside(&root, root.join(name).to_str().unwrap(), limit).is_some();
        let found = (opened("in", 1), opened("in", 0), opened("link", 1), opened("../out", 1), opened(".", 9));
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(found, (true, false, false, false, false));
    }
}
