//! What policies ask of this machine: files, folders, programs that run, and what commands write. Each is looked at once
//! for all checks of a run.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::{fs::OpenOptionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    rc::Rc,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use testudo_ledger::Running;

use super::{
    Answer,
    rule::{Name, Pattern, Question},
};

/// Largest file that is looked into, and most that is read of a command, in bytes.
const MAX_FILE: u64 = 16 << 20;
/// Most that is kept for the checks that follow, in bytes.
const MAX_KEPT: usize = 64 << 20;
/// Deepest folder below one that a policy names, and most files in all of them.
const MAX_DEPTH: usize = 32;
const MAX_FILES: usize = 200_000;
/// Most programs, each with its account, that are told.
const MAX_PROGRAMS: usize = 4096;
/// Where programs of the administrator are: services often run without these in their path.
const FOLDERS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Whether policies may run the commands that they name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commands {
    /// They may, each for so long.
    Run(Duration),
    /// They may not.
    Refused,
}

/// What is known of this machine.
pub(super) struct Host {
    commands: Commands,
    kept: RefCell<Kept>,
}

type Text = Result<Rc<[u8]>, String>;

#[derive(Default)]
struct Kept {
    files: HashMap<PathBuf, Text>,
    outputs: HashMap<String, Text>,
    bytes: usize,
    programs: Option<Rc<[String]>>,
}

impl Host {
    pub(super) fn new(commands: Commands) -> Self {
        Self { commands, kept: RefCell::default() }
    }

    /// The answer to what a rule asks, before its `not`.
    pub(super) fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Files { paths, pattern } => first(paths, |path| self.file(Path::new(path), pattern.as_ref())),
            Question::Folders { paths, name, pattern } => {
                first(paths, |path| self.folder(Path::new(path), name.as_ref(), pattern.as_ref()))
            }
            Question::Process(pattern) => self.process(pattern),
            Question::Command { pattern: None, .. } => Answer::Yes,
            Question::Command { line, pattern: Some(pattern) } => match self.output(line) {
                Ok(output) => lines(&output, pattern),
                Err(why) => Answer::Unknown(why),
            },
            Question::Registry => Answer::Unknown("this machine has no registry".to_owned()),
        }
    }

    fn file(&self, path: &Path, pattern: Option<&Pattern>) -> Answer {
        match (regular(path), pattern) {
            (Answer::Yes, Some(pattern)) => match self.content(path) {
                Ok(content) => lines(&content, pattern),
                Err(why) => Answer::Unknown(why),
            },
            // Nobody can say what a line of a file that is not there would be.
            (Answer::No, Some(_)) => Answer::Unknown(format!("there is no file {}", path.display())),
            (answer, _) => answer,
        }
    }

    fn content(&self, path: &Path) -> Text {
        if let Some(found) = self.kept.borrow().files.get(path) {
            return found.clone();
        }
        let content = read(path);
        let mut kept = self.kept.borrow_mut();
        let size = content.as_ref().map_or(0, |content| content.len());
        if kept.bytes + size <= MAX_KEPT {
            kept.bytes += size;
            kept.files.insert(path.to_owned(), content.clone());
        }
        content
    }

    fn folder(&self, path: &Path, name: Option<&Name>, pattern: Option<&Pattern>) -> Answer {
        let Some(name) = name else {
            return match fs::read_dir(path) {
                Ok(_) => Answer::Yes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => Answer::No,
                Err(error) => Answer::Unknown(format!("{}: {error}", path.display())),
            };
        };
        let mut left = MAX_FILES;
        self.below(path, (name, pattern), (0, &mut left))
    }

    fn below(&self, path: &Path, wanted: (&Name, Option<&Pattern>), (depth, left): (usize, &mut usize)) -> Answer {
        let told = |error: &io::Error| Answer::Unknown(format!("{}: {error}", path.display()));
        let entries = match fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) => return told(&error),
        };
        let mut all = Answer::No;
        for entry in entries {
            if depth == MAX_DEPTH || *left == 0 {
                return Answer::Unknown(format!("{}: there is more below it than is looked at", path.display()));
            }
            *left -= 1;
            let answer = match entry.file_type() {
                Err(error) => told(&error),
                Ok(kind) if kind.is_dir() => self.below(&entry.path(), wanted, (depth + 1, left)),
                Ok(_) if wanted.0.fits(entry.file_name().as_encoded_bytes()) => self.file(&entry.path(), wanted.1),
                Ok(_) => continue,
            };
            match answer {
                Answer::Yes => return Answer::Yes,
                Answer::No => {}
                unknown @ Answer::Unknown(_) => all = unknown,
            }
        }
        all
    }

    fn process(&self, pattern: &Pattern) -> Answer {
        let programs = Rc::clone(self.kept.borrow_mut().programs.get_or_insert_with(|| programs().into()));
        if programs.is_empty() {
            return Answer::Unknown("/proc does not tell which programs run".to_owned());
        }
        first(&programs, |program| pattern.on(program.as_bytes()))
    }

    fn output(&self, line: &str) -> Text {
        if let Some(found) = self.kept.borrow().outputs.get(line) {
            return found.clone();
        }
        let output = match self.commands {
            Commands::Refused => Err(format!("the command `{line}` was not run: commands are refused")),
            Commands::Run(limit) => run(line, limit),
        };
        self.kept.borrow_mut().outputs.insert(line.to_owned(), output.clone());
        output
    }
}

/// Yes where one says so, else what is not known, else no.
fn first<T>(items: &[T], answer: impl Fn(&T) -> Answer) -> Answer {
    let mut all = Answer::No;
    for item in items {
        match answer(item) {
            Answer::Yes => return Answer::Yes,
            Answer::No => {}
            unknown @ Answer::Unknown(_) => all = unknown,
        }
    }
    all
}

/// The answer for the first line that has one.
fn lines(content: &[u8], pattern: &Pattern) -> Answer {
    let mut lines: Vec<&[u8]> = content.split(|byte| *byte == b'\n').collect();
    // What ends with a line break has no empty line behind it.
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    for line in lines {
        match pattern.on(line.strip_suffix(b"\r").unwrap_or(line)) {
            Answer::No => {}
            answer => return answer,
        }
    }
    Answer::No
}

/// Whether a path leads to a file, as links have it. Pipes and devices are not opened.
fn regular(path: &Path) -> Answer {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Answer::Yes,
        Ok(_) => Answer::Unknown(format!("{} is no regular file", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Answer::No,
        Err(error) => Answer::Unknown(format!("{}: {error}", path.display())),
    }
}

fn read(path: &Path) -> Text {
    let told = |error: io::Error| format!("{}: {error}", path.display());
    let mut content = Vec::new();
    // Some files of the kernel, such as `/proc/kmsg`, wait for more to come.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(told)?;
    file.take(MAX_FILE + 1).read_to_end(&mut content).map_err(told)?;
    if content.len() as u64 > MAX_FILE {
        return Err(format!("{}: is larger than {MAX_FILE} bytes", path.display()));
    }
    Ok(content.into())
}

/// Numbers of processes, in order; none where `/proc` does not show those of others.
fn processes() -> Vec<u32> {
    if fs::metadata("/proc/1/status").is_err() {
        return Vec::new();
    }
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// A file of a process, as far as names need it.
fn of_process(number: u32, file: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(format!("/proc/{number}/{file}")).ok()?.take(4096).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The first word of a process's command line.
fn command_of(number: u32) -> Option<String> {
    let line = of_process(number, "cmdline")?;
    let first = line.split(|byte| *byte == 0).next().filter(|first| !first.is_empty())?;
    Some(String::from_utf8_lossy(first).into_owned())
}

/// Paths and names of the programs that run, each once.
fn programs() -> Vec<String> {
    let mut all = Vec::new();
    for number in processes() {
        let link = fs::read_link(format!("/proc/{number}/exe")).ok();
        all.extend(link.map(|path| path.to_string_lossy().into_owned()));
        all.extend(command_of(number));
        all.extend(of_process(number, "comm").map(|name| String::from_utf8_lossy(&name).trim_end().to_owned()));
    }
    all.sort();
    all.dedup();
    all
}

/// Which programs run under which accounts; none where that cannot be told in full.
pub(super) fn running() -> Option<Vec<Running>> {
    let mut all: BTreeMap<(String, u32), u32> = BTreeMap::new();
    for number in processes() {
        // A process may end between two looks.
        let Some(status) = of_process(number, "status") else { continue };
        let status = String::from_utf8_lossy(&status).into_owned();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let uid = field("Uid:").and_then(|uids| uids.split_whitespace().nth(1)?.parse().ok());
        let (Some(name), Some(uid)) = (field("Name:"), uid) else { continue };
        // The kernel keeps 15 characters of a name.
        let whole = command_of(number).and_then(|first| Some(Path::new(&first).file_name()?.to_str()?.to_owned()));
        let name = whole.filter(|whole| whole.starts_with(name)).unwrap_or_else(|| name.to_owned());
        *all.entry((name, uid)).or_default() += 1;
    }
    let told = !all.is_empty() && all.len() <= MAX_PROGRAMS;
    told.then(|| all.into_iter().map(|((program, uid), count)| Running { program, uid, count }).collect())
}

/// The words of a command: apart by spaces, together in quotes; `\` takes the next character as it is.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote): (Vec<String>, Option<String>, Option<char>) = (Vec::new(), None, None);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quote != Some('\'') => word.get_or_insert_default().extend(chars.next()),
            _ if quote == Some(c) => quote = None,
            '"' | '\'' if quote.is_none() => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && quote.is_none() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// What a command writes, to both of its outputs. Nothing stands between it and the system: no shell.
fn run(line: &str, limit: Duration) -> Text {
    let told = |error: &io::Error| format!("the command `{line}`: {error}");
    let words = words(line);
    let Some((program, arguments)) = words.split_first() else { return Err("the command is empty".to_owned()) };
    let (reader, writer) = io::pipe().map_err(|error| told(&error))?;
    let path = std::env::var("PATH").map_or_else(|_| FOLDERS.to_owned(), |path| format!("{path}:{FOLDERS}"));
    let other = writer.try_clone().map_err(|error| told(&error))?;
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", path).env("LC_ALL", "C").process_group(0);
    command.stdin(Stdio::null()).stdout(writer).stderr(other);
    let mut child = command.spawn().map_err(|error| told(&error))?;
    // Our own ends of the pipe would keep it open.
    drop(command);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut output = Vec::new();
        let read = reader.take(MAX_FILE + 1).read_to_end(&mut output).map(|_| output);
        // Nobody waits any more once the time is over.
        drop(sender.send(read));
    });
    let until = Instant::now() + limit;
    let output = receiver.recv_timeout(limit);
    let ended = output.is_ok() && ends(&mut child, until);
    end(&mut child);
    match output {
        Ok(Ok(output)) if output.len() as u64 > MAX_FILE => {
            Err(format!("the command `{line}` wrote more than {MAX_FILE} bytes"))
        }
        Ok(Ok(output)) if ended => Ok(output.into()),
        Ok(Err(error)) => Err(told(&error)),
        _ => Err(format!("the command `{line}` did not end within {} s", limit.as_secs())),
    }
}

/// Whether a child ends by itself in time, once it closed its outputs.
fn ends(child: &mut Child, until: Instant) -> bool {
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return true,
            Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(2)),
            _ => return false,
        }
    }
}

/// Ends a child and all that it started.
fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // They may all have ended.
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
    }
    drop(child.wait());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sca::rule::{Rule, Variables};

    fn asked(commands: Commands, rule: &str) -> Answer {
        let rule = Rule::new(rule, &Variables::new(), crate::log::Dialect::OsRegex).unwrap();
        Host::new(commands).answer(&rule.question)
    }

    fn unknown(answer: &Answer) -> bool {
        matches!(answer, Answer::Unknown(_))
    }

    #[test]
    fn files_and_folders() {
        let folder = std::env::temp_dir().join(format!("testudo-sca-host-{}", std::process::id()));
        let root = folder.display().to_string();
        fs::create_dir_all(folder.join("d/e")).unwrap();
        fs::write(folder.join("a.conf"), "one\r\ntwo\n").unwrap();
        fs::write(folder.join("d/e/b.conf"), "three\n").unwrap();
        for (rule, expected) in [
            (format!("f:{root}/a.conf"), Some(true)),
            (format!("f:{root}/none"), Some(false)),
            (format!("f:{root}/d"), None),
            (format!("f:{root}/a.conf -> one"), Some(true)),
            (format!("f:{root}/a.conf -> r:^$"), Some(false)),
            (format!("f:{root}/none -> one"), None),
            (format!("f:{root}/none,{root}/a.conf -> two"), Some(true)),
            (format!("f:{root}/none,{root}/a.conf -> three"), None),
            (format!("d:{root}/d"), Some(true)),
            (format!("d:{root}/x"), Some(false)),
            (format!("d:{root}/x -> r:conf"), None),
            (format!("d:{root} -> r:\\.conf$ -> three"), Some(true)),
            (format!("d:{root} -> r:\\.conf$ -> four"), Some(false)),
            (format!("d:{root} -> r:\\.conf$"), Some(true)),
            (format!("d:{root} -> r:\\.cfg$"), Some(false)),
        ] {
            let answer = asked(Commands::Refused, &rule);
            assert!(expected.map_or(unknown(&answer), |expected| answer == Answer::of(expected)), "{rule}: {answer:?}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn commands_run_without_a_shell_and_not_for_ever() {
        let most = Commands::Run(Duration::from_secs(20));
        assert_eq!(asked(most, "c:echo 'a  b' \"c;d\" -> a  b c;d"), Answer::Yes);
        assert_eq!(asked(most, "c:sh -c 'echo seen >&2; exit 3' -> seen"), Answer::Yes);
        assert_eq!(asked(most, "c:echo a -> b"), Answer::No);
        assert!(unknown(&asked(most, "c:no-such-program-here -> b")));
        assert!(unknown(&asked(Commands::Refused, "c:echo a -> a")));
        let soon = Commands::Run(Duration::from_millis(50));
        assert!(unknown(&asked(soon, "c:sleep 60 -> a")));
        // What was started by the command would hold the pipe.
        assert!(unknown(&asked(soon, "c:sh -c 'sleep 60 & echo a' -> a")));
    }

    #[test]
    fn what_runs_here() {
        let own = std::env::current_exe().unwrap();
        let (own, answer) = (own.display(), asked(Commands::Refused, &format!("p:{}", own.display())));
        assert_eq!(answer, Answer::Yes, "{own}");
        assert_eq!(asked(Commands::Refused, "p:no-such-program-here"), Answer::No);
        let uid = rustix::process::geteuid().as_raw();
        assert!(running().unwrap().iter().any(|own| own.uid == uid && own.count > 0));
    }
}
