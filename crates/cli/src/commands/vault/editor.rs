//! A text in the user's editor, in a file that lies in memory where that can be.

use std::{
    env, fs,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use testudo_vault::{Format, limits, tree::Tree};
use zeroize::Zeroizing;

use super::{open, words};
use crate::terminal;

/// What the user makes of a text. One that cannot be read is not lost: they are asked whether to go on.
pub(super) fn compose(path: &Path, text: &str, format: Format) -> Result<Vec<Tree>> {
    let folder = Folder::new()?;
    let file = folder.0.join(path.file_name().with_context(|| format!("{}: is no name of a file", path.display()))?);
    let ended = Ended::watch()?;
    write(&file, text)?;
    loop {
        run(&file, &folder.0)?;
        ended.check()?;
        let place = match format.read(&read(&file)?) {
            Ok(documents) => return Ok(documents),
            Err(problem) => open::placed(path, &problem),
        };
        if !io::stdin().is_terminal() {
            bail!("{place}. Nothing is written");
        }
        terminal::error(&place);
        if !goes_on()? {
            bail!("{}: given up; nothing is written", path.display());
        }
    }
}

fn goes_on() -> Result<bool> {
    terminal::note("press Enter to go on editing, or write `q` and Enter to give up");
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line)?;
    Ok(read > 0 && line.trim() != "q")
}

fn run(file: &Path, folder: &Path) -> Result<()> {
    let set = |name: &'static str| env::var(name).ok().filter(|v| !v.trim().is_empty()).map(|value| (name, value));
    let (name, line) = set("SOPS_EDITOR").or_else(|| set("EDITOR")).unwrap_or_else(|| ("EDITOR", "vi".to_owned()));
    let words = words::split(&line, name)?;
    // Editors put copies beside the file or into the temporary folder: both are in memory then.
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(quieting(&words[0])).arg(file).env("TMPDIR", folder);
    let status = command.status().with_context(|| format!("{name}: `{}` cannot be started", words[0]))?;
    if status.success() { Ok(()) } else { bail!("{name}: `{}` failed ({status}); nothing is written", words[0]) }
}

/// What keeps an editor from writing what is edited, or pieces of it, into files of its own elsewhere. Vim keeps registers and
/// searches in viminfo, and changes in undo files, wherever its configuration says.
fn quieting(program: &str) -> &'static [&'static str] {
    const VIM: [&str; 4] = ["-i", "NONE", "-c", "silent! set noundofile nobackup nowritebackup"];
    let searched = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&searched).map(|folder| folder.join(program));
    // `vi` is Vim on many systems, by links.
    let found = places.find(|path| path.is_file()).and_then(|path| fs::canonicalize(path).ok());
    let name = found.as_deref().unwrap_or(Path::new(program)).file_name().unwrap_or_default().to_string_lossy();
    if ["vim", "nvim", "gvim"].iter().any(|vim| name.starts_with(vim)) { &VIM } else { &[] }
}

fn read(file: &Path) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let found = fs::File::open(file).context("the editor left no file")?;
    found.take(limits::SIZE as u64 + 1).read_to_string(&mut text).context("the text")?;
    Ok(text)
}

fn write(file: &Path, text: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(file).and_then(|mut found| found.write_all(text.as_bytes()));
    written.context("the file for the editor cannot be written")
}

/// A signal that would end the program and leave the text behind: it ends the editing instead.
struct Ended {
    #[cfg(unix)]
    told: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Ended {
    #[cfg(unix)]
    fn watch() -> Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
        let told = std::sync::Arc::default();
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            signal_hook::flag::register(signal, std::sync::Arc::clone(&told))?;
        }
        Ok(Self { told })
    }

    #[cfg(unix)]
    fn check(&self) -> Result<()> {
        if self.told.load(std::sync::atomic::Ordering::Relaxed) {
            bail!("a signal came while the text was edited; nothing is written");
        }
        Ok(())
    }

    #[cfg(not(unix))]
    fn watch() -> Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A folder of its own, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let in_memory =
            env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).into_iter().chain([PathBuf::from("/dev/shm")]);
        for base in in_memory.filter(|base| base.is_absolute() && base.is_dir() && is_in_memory(base)) {
            if let Ok(folder) = Self::below(&base) {
                return Ok(folder);
            }
        }
        let base = env::temp_dir();
        terminal::warn(&format!(
            "{}: the text lies here in the clear while it is edited, because there is no folder in memory",
            base.display()
        ));
        Self::below(&base)
    }

    fn below(base: &Path) -> Result<Self> {
        let mut name = [0; 16];
        getrandom::fill(&mut name).map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
        let path = base.join(format!("testudo-{}", testudo_model::hex(&name)));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).with_context(|| format!("{}: cannot be made", path.display()))?;
        Ok(Self(path))
    }
}

/// Whether a folder lies in memory, by the kind of its file system (statfs(2)).
#[cfg(target_os = "linux")]
fn is_in_memory(folder: &Path) -> bool {
    const TMPFS: rustix::fs::FsWord = 0x0102_1994;
    const RAMFS: rustix::fs::FsWord = 0x8584_58f6_u32 as rustix::fs::FsWord;
    rustix::fs::statfs(folder).is_ok_and(|found| [TMPFS, RAMFS].contains(&found.f_type))
}

/// Nobody can tell, so none does.
#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &Path) -> bool {
    false
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            terminal::warn(&format!(
                "{}: what was edited lies here in the clear; remove it ({error})",
                self.0.display()
            ));
        }
    }
}
