//! `hook install` and `hook uninstall`: small scripts in the folder where git looks for them.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail};

use super::Hook;
use crate::{files, terminal};

/// The second line of every script of ours: how it is known again.
const MARK: &str = "# written by `testudo hook install`; `testudo hook uninstall` removes it";

/// Added to the name of a hook that was there before.
const KEPT: &str = "before-testudo";

/// What becomes of an older kept hook where a newer one needs its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Nothing is changed.
    Refuse,
    /// The newer one takes its place.
    Replace,
}

/// Writes hooks; none named means the usual ones.
pub(super) fn install(repository: &Path, hooks: &[Hook], kept: Kept) -> Result<ExitCode> {
    let home = Home::find(repository)?;
    let hooks = match (hooks, home.work_tree) {
        ([], true) => &[Hook::PreCommit, Hook::PrePush],
        ([], false) => [Hook::PreReceive].as_slice(),
        (named, _) => named,
    };
    fs::create_dir_all(&home.hooks).with_context(|| format!("{}: cannot be created", home.hooks.display()))?;
    for hook in hooks {
        home.write(*hook, kept)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes hooks of ours; none named means all.
pub(super) fn uninstall(repository: &Path, hooks: &[Hook]) -> Result<ExitCode> {
    let home = Home::find(repository)?;
    let hooks = if hooks.is_empty() { &Hook::ALL } else { hooks };
    let mut removed = 0;
    for hook in hooks {
        removed += usize::from(home.remove(*hook)?);
    }
    if removed == 0 {
        terminal::note(&format!("{}: no hook of testudo is there", home.hooks.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a repository has no hook of ours that looks at commits, and could have one.
pub(crate) fn is_missing(repository: &Path) -> bool {
    let calls = |path: PathBuf| {
        let ours = is_ours(&path).unwrap_or(false);
        let called = || {
            let text = fs::read_to_string(&path).unwrap_or_default();
            text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains("testudo hook run"))
        };
        is_executable(&path) && (ours || called())
    };
    // Where there is no repository, git says so.
    Home::find(repository).is_ok_and(|home| {
        home.work_tree && ![Hook::PreCommit, Hook::PrePush].iter().any(|hook| calls(home.hooks.join(hook.name())))
    })
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// Where a repository's hooks are.
struct Home {
    hooks: PathBuf,
    work_tree: bool,
}

impl Home {
    /// Asks git, because `core.hooksPath` may stand in any of its configuration files.
    fn find(repository: &Path) -> Result<Self> {
        let bare = git(repository, &["--is-bare-repository"])? == "true";
        let top = if bare { "--absolute-git-dir" } else { "--show-toplevel" };
        let top = PathBuf::from(git(repository, &[top])?);
        let shared = top.join(git(&top, &["--git-common-dir"])?);
        let hooks = top.join(git(&top, &["--git-path", "hooks"])?);
        if !lies_in(&hooks, &top) && !lies_in(&hooks, &shared) {
            bail!(
                "{}: core.hooksPath names a folder outside this repository, which other repositories may share. Call `testudo hook run pre-commit` from the hook there, or give this repository its own: git config --local core.hooksPath .githooks",
                hooks.display()
            );
        }
        Ok(Self { hooks, work_tree: !bare })
    }

    fn write(&self, hook: Hook, kept: Kept) -> Result<()> {
        let path = self.hooks.join(hook.name());
        if exists(&path) && !is_ours(&path)? {
            let before = self.kept(hook);
            if exists(&before) && kept == Kept::Refuse {
                bail!(
                    "{}: an older hook is kept there already, and {} is not ours. Join the two by hand, or drop the older one with --force",
                    before.display(),
                    path.display()
                );
            }
            fs::rename(&path, &before).with_context(|| format!("{}: cannot be moved", path.display()))?;
            terminal::note(&format!("{}: kept, and run first", before.display()));
        }
        files::write_program(&path, script(hook).as_bytes())?;
        terminal::stdout(&format!("{}: installed\n", path.display()))?;
        Ok(())
    }

    /// Whether there was one to remove.
    fn remove(&self, hook: Hook) -> Result<bool> {
        let path = self.hooks.join(hook.name());
        if !exists(&path) || !is_ours(&path)? {
            return Ok(false);
        }
        let before = self.kept(hook);
        if exists(&before) {
            fs::rename(&before, &path).with_context(|| format!("{}: cannot be put back", before.display()))?;
            terminal::stdout(&format!("{}: removed, the hook from before is back\n", path.display()))?;
        } else {
            fs::remove_file(&path).with_context(|| format!("{}: cannot be removed", path.display()))?;
            terminal::stdout(&format!("{}: removed\n", path.display()))?;
        }
        Ok(true)
    }

    fn kept(&self, hook: Hook) -> PathBuf {
        self.hooks.join(format!("{}.{KEPT}", hook.name()))
    }
}

/// What `git rev-parse` answers, without its line break.
fn git(place: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    // Inside a hook these name another repository than the one that was asked for.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(variable);
    }
    let output = command.arg("-C").arg(place).arg("rev-parse").args(arguments).output();
    let output = output.context("git cannot be started, and hooks are its matter: install it, or correct PATH")?;
    if !output.status.success() {
        bail!("{}: {}", place.display(), String::from_utf8_lossy(&output.stderr).trim());
    }
    let text = String::from_utf8(output.stdout).context("git named a path that is no text")?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// Whether a path, its existing part resolved, is below a folder. What is not there yet cannot lead out of it, unless
/// it climbs.
fn lies_in(path: &Path, folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    let there =
        path.ancestors().find(|p| exists(p)).and_then(|p| Some((p.canonicalize().ok()?, path.strip_prefix(p).ok()?)));
    there.is_some_and(|(real, rest)| {
        real.starts_with(&folder) && rest.components().all(|c| matches!(c, Component::Normal(_)))
    })
}

/// Whether anything is there, a link that leads nowhere included.
fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn is_ours(path: &Path) -> Result<bool> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).lines().nth(1) == Some(MARK)),
        // A link that leads nowhere is somebody else's.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("{}: cannot be read", path.display())),
    }
}

/// The script: first the hook from before, then testudo. What git says on standard input goes to both.
fn script(hook: Hook) -> String {
    let name = hook.name();
    let (before, after) = match hook {
        Hook::PreCommit => ("\"$before\" \"$@\" || exit $?".to_owned(), format!("exec testudo hook run {name} \"$@\"")),
        Hook::PrePush | Hook::PreReceive => (
            "printf '%s' \"$input\" | \"$before\" \"$@\" || exit $?".to_owned(),
            format!("printf '%s' \"$input\" | testudo hook run {name} \"$@\""),
        ),
    };
    let input = match hook {
        Hook::PreCommit => "",
        // The word at the end keeps the line breaks that a substitution would cut off.
        Hook::PrePush | Hook::PreReceive => "input=$(cat; echo .)\ninput=${input%.}\n",
    };
    format!(
        "#!/bin/sh\n{MARK}\n{input}before=$0.{KEPT}\nif [ -x \"$before\" ]; then\n  {before}\nfi\nif ! command -v testudo >/dev/null 2>&1; then\n  echo 'error: {name}: testudo is not in PATH, so nothing was checked; install it, or remove this hook' >&2\n  exit 1\nfi\n{after}\n"
    )
}
