//! Finding a plan and reading its files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use testudo_plan::{Plan, Problem, Reading, Source, check, file, wildcard};
use testudo_source::walk::{self, GitIgnore, Submodules, WalkOptions};

use crate::{NothingToRead, files};

/// Where a plan is, below the root of a project.
pub(super) const PLACE: [&str; 2] = ["security", "plan.toml"];

/// A plan with its texts.
pub(super) struct Loaded {
    /// The directory that the paths of the plan count from.
    pub(super) root: PathBuf,
    /// Names and texts, the main file first.
    files: Vec<(String, String)>,
    pub(super) plan: Plan,
    /// What is wrong with the text, whatever day it is.
    pub(super) problems: Vec<Problem>,
}

impl Loaded {
    pub(super) fn sources(&self) -> Vec<Source<'_>> {
        sources(&self.files)
    }

    /// Refuses to write over a file of the plan, or into the folder of the ledgers.
    pub(super) fn spare(&self, output: &Path) -> Result<()> {
        let folder = match output.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let written = [fs::canonicalize(output).ok(), fs::canonicalize(folder).ok()];
        let of_plan =
            |path: &PathBuf| self.files.iter().any(|(name, _)| fs::canonicalize(name).ok().as_ref() == Some(path));
        if written[0].as_ref().is_some_and(of_plan) {
            bail!("{}: is a file of the plan; write the report somewhere else", output.display());
        }
        if written.iter().flatten().any(|path| path.components().any(|part| part.as_os_str() == ".testudo")) {
            bail!("{}: is in the folder that testudo keeps; write the report somewhere else", output.display());
        }
        Ok(())
    }

    /// The main file.
    pub(super) fn name(&self) -> &str {
        &self.files[0].0
    }
}

fn sources(files: &[(String, String)]) -> Vec<Source<'_>> {
    files.iter().map(|(name, text)| Source { name, text }).collect()
}

/// Reads the plan of a project, or the plan that is named.
pub(super) fn load(target: &Path) -> Result<Loaded> {
    let path = find(target)?;
    plain(&path)?;
    let mut files = vec![(shown(&path), files::read_text(&path)?)];
    let first = file::read(&sources(&files));
    let mut wrong = Vec::new();
    let folder = path.parent().unwrap_or(Path::new("."));
    for glob in &first.include {
        match included(folder, &glob.text) {
            Ok(paths) => {
                for path in paths {
                    if files.len() <= file::MAX_FILES && !files.iter().any(|(name, _)| *name == shown(&path)) {
                        files.push((shown(&path), files::read_text(&path)?));
                    }
                }
            }
            Err(why) => wrong.push(file::useless_include(glob, why)),
        }
    }
    let Reading { plan, mut problems, .. } = if files.len() > 1 { file::read(&sources(&files)) } else { first };
    problems.extend(wrong);
    problems.extend(check::consistency(&plan, &sources(&files)));
    file::in_order(&mut problems);
    Ok(Loaded { root: root_of(&path), files, plan, problems })
}

/// A plan is a file of its own: what a link leads to would be shown with its errors, and a pipe has no end.
fn plain(path: &Path) -> Result<()> {
    let kind = path.symlink_metadata().with_context(|| format!("{}: cannot be read", path.display()))?;
    if !kind.is_file() {
        bail!("{}: is no plain file, and a plan is read from one", path.display());
    }
    Ok(())
}

/// A path as a reader would type it: from the working directory where the file is below it.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().and_then(fs::canonicalize).unwrap_or_default();
    walk::display(path.strip_prefix(&here).unwrap_or(path))
}

/// The main file of a plan.
fn find(target: &Path) -> Result<PathBuf> {
    let Ok(target) = fs::canonicalize(target) else {
        bail!("{}: there is no such file or directory", target.display());
    };
    if target.is_file() {
        return Ok(target);
    }
    for folder in target.ancestors() {
        let path = folder.join(PLACE[0]).join(PLACE[1]);
        if path.symlink_metadata().is_ok() {
            return Ok(path);
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    let text =
        format!("{}: there is no {}/{}; begin with `testudo plan init`", walk::display(&target), PLACE[0], PLACE[1]);
    Err(NothingToRead::from(anyhow::Error::msg(text)).into())
}

/// The directory that the paths of a plan count from: that of `security`, else the root of its repository, else its own.
fn root_of(plan: &Path) -> PathBuf {
    let folder = plan.parent().unwrap_or(Path::new("/"));
    let above = folder.file_name().filter(|name| *name == PLACE[0]).and_then(|_| folder.parent());
    let repository = || folder.ancestors().find(|folder| folder.join(".git").exists());
    above.or_else(repository).unwrap_or(folder).to_owned()
}

/// The files of a project that a scan would find, relative to its root, in order.
pub(super) fn walked(root: &Path) -> Result<Vec<String>> {
    let options = WalkOptions {
        include: Vec::new(),
        exclude: Vec::new(),
        git_ignore: GitIgnore::Obey,
        submodules: Submodules::Enter,
        threads: 0,
        index_file: files::git_index(),
    };
    let (found, _) = walk::files(root, &options)?;
    let mut paths: Vec<String> =
        found.iter().filter_map(|file| file.path.strip_prefix(root).ok()).map(walk::display).collect();
    paths.sort();
    Ok(paths)
}

/// The files of a glob whose last part may have stars, in order; links are passed over.
fn included(folder: &Path, glob: &str) -> Result<Vec<PathBuf>, &'static str> {
    let (parents, pattern) = glob.rsplit_once('/').unwrap_or(("", glob));
    let leads_out = glob.starts_with('/') || glob.contains(['\\', ':']) || parents.split('/').any(|part| part == "..");
    if leads_out {
        return Err("leads out of the folder of the plan");
    }
    if parents.contains('*') {
        return Err("has a star in the name of a folder");
    }
    let inside = fs::canonicalize(folder.join(parents)).ok().zip(fs::canonicalize(folder).ok());
    if inside.is_some_and(|(parents, folder)| !parents.starts_with(folder)) {
        return Err("leads out of the folder of the plan through a link");
    }
    let entries = fs::read_dir(folder.join(parents)).into_iter().flatten().flatten();
    let fits = |entry: &fs::DirEntry| {
        let plain = entry.file_type().is_ok_and(|kind| kind.is_file());
        plain && entry.file_name().to_str().is_some_and(|name| wildcard::matches(pattern, name))
    };
    let mut paths: Vec<PathBuf> = entries.filter(fits).map(|entry| entry.path()).collect();
    paths.sort();
    if paths.is_empty() { Err("matches no file") } else { Ok(paths) }
}
