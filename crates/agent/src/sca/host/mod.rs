//! What policies ask of this machine: files, folders, programs that run, and what commands write. Files and commands are
//! looked at once for all checks of a run, as far as they can be kept; each question has limits of time and size.

mod command;
mod files;
mod programs;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io,
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};

pub(super) use command::words;
pub(super) use files::read_regular;
pub(super) use programs::running;

use super::{
    Answer, Limits,
    rule::{Ending, Pattern, Question},
};
use command::Output;

/// Most that is kept for the checks that follow, of files and of commands together, in bytes.
const MAX_KEPT: usize = 64 << 20;
/// What each thing that is kept needs besides its bytes.
const OVERHEAD: usize = 256;
/// Longest line that is looked at.
const MAX_LINE: usize = 64 << 10;
/// Most entries of folders that are looked at for one rule, and most bytes of files.
const MAX_FILES: usize = 200_000;
const MAX_READ: u64 = 256 << 20;

/// What is known of this machine.
pub(super) struct Host {
    limits: Limits,
    ends: Instant,
    check_ends: Cell<Instant>,
    note: RefCell<Option<String>>,
    kept: RefCell<Kept>,
}

type Text = Result<Rc<[u8]>, String>;

#[derive(Default)]
struct Kept {
    files: HashMap<PathBuf, Text>,
    outputs: HashMap<String, Result<Output, String>>,
    bytes: usize,
    programs: Option<Result<Rc<[String]>, String>>,
}

impl Kept {
    /// Whether there is room for so many bytes more, which then are taken.
    fn takes(&mut self, bytes: usize) -> bool {
        let fits = self.bytes + bytes + OVERHEAD <= MAX_KEPT;
        self.bytes += if fits { bytes + OVERHEAD } else { 0 };
        fits
    }
}

/// What one rule may still look at.
struct Left {
    entries: usize,
    bytes: u64,
}

impl Host {
    pub(super) fn new(limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            ends: now + limits.run,
            check_ends: Cell::new(now + limits.check),
            limits,
            note: RefCell::default(),
            kept: RefCell::default(),
        }
    }

    /// Begins a check: its time counts from here.
    pub(super) fn begin(&self) {
        self.check_ends.set(Instant::now() + self.limits.check);
        self.note.take();
    }

    /// What there is to know about a check that failed: a command that ended badly, and wrote nothing that was looked for.
    pub(super) fn note(&self) -> Option<String> {
        self.note.take()
    }

    /// The answer to what a rule asks, before its `not`.
    pub(super) fn answer(&self, question: &Question) -> Answer {
        let mut left = Left { entries: MAX_FILES, bytes: MAX_READ };
        match question {
            Question::Files { paths, pattern } => first(paths, |path| self.file(path, pattern.as_ref(), &mut left)),
            Question::Folders { paths, name, pattern } => {
                first(paths, |path| self.folder(path, (name.as_ref(), pattern.as_ref()), &mut left))
            }
            Question::Process(pattern) => self.process(pattern),
            Question::Command { line, pattern, ending } => self.command(line, pattern, *ending),
            Question::Refused(line) => {
                Answer::Unknown(format!("the command `{line}` was not run: commands are refused"))
            }
            Question::Registry => Answer::Unknown("this machine has no registry".to_owned()),
        }
    }

    fn process(&self, pattern: &Pattern) -> Answer {
        let told = |error: io::Error| format!("/proc does not tell which programs run: {error}");
        let look = || programs::paths().map(Into::into).map_err(told);
        match self.kept.borrow_mut().programs.get_or_insert_with(look) {
            Ok(programs) => first(programs, |program| self.late().unwrap_or_else(|| pattern.on(program.as_bytes()))),
            Err(why) => Answer::Unknown(why.clone()),
        }
    }

    fn command(&self, line: &str, pattern: &Pattern, ending: Ending) -> Answer {
        let output = match self.output(line) {
            Ok(output) => output,
            Err(why) => return Answer::Unknown(why),
        };
        if let (Ending::Success, Some(status)) = (ending, &output.failure) {
            let said = String::from_utf8_lossy(&output.text);
            let said = said.lines().next().unwrap_or_default();
            return Answer::Unknown(format!("the command `{line}` ended with {status}: {said}"));
        }
        // A command that writes nothing writes one empty line, as Wazuh has it.
        let text: &[u8] = if output.text.is_empty() { b"\n" } else { &output.text };
        let answer = self.lines(text, pattern);
        if let (Answer::No, Some(status)) = (&answer, &output.failure) {
            self.note.replace(Some(format!("the command `{line}` ended with {status}")));
        }
        answer
    }

    fn output(&self, line: &str) -> Result<Output, String> {
        if let Some(found) = self.kept.borrow().outputs.get(line) {
            return found.clone();
        }
        let left = self.left();
        if left.is_zero() {
            return Err(self.over());
        }
        let output = command::run(line, left.min(self.limits.command));
        let mut kept = self.kept.borrow_mut();
        let size = output.as_ref().map_or(0, |output| output.text.len());
        // What ended because a check had little time left says nothing to the next one.
        if (output.is_ok() || left >= self.limits.command) && kept.takes(size + line.len()) {
            kept.outputs.insert(line.to_owned(), output.clone());
        }
        output
    }

    /// Yes where a line is so, else what is not known, else no.
    fn lines(&self, content: &[u8], pattern: &Pattern) -> Answer {
        let mut rest = content;
        let mut all = Answer::No;
        while !rest.is_empty() {
            if let Some(late) = self.late() {
                return late;
            }
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            // What ends with a line break has no empty line behind it.
            rest = rest.get(end + 1..).unwrap_or_default();
            let answer = match line.len() > MAX_LINE {
                true => Answer::Unknown(format!("a line has more than {MAX_LINE} bytes")),
                false => pattern.on(line.strip_suffix(b"\r").unwrap_or(line)),
            };
            match answer {
                Answer::Yes => return Answer::Yes,
                Answer::No => {}
                unknown @ Answer::Unknown(_) => all = all.or(unknown),
            }
        }
        all
    }

    /// How much time this check has.
    fn left(&self) -> Duration {
        self.ends.min(self.check_ends.get()).saturating_duration_since(Instant::now())
    }

    /// Says so once there is no time left.
    fn late(&self) -> Option<Answer> {
        self.left().is_zero().then(|| Answer::Unknown(self.over()))
    }

    fn over(&self) -> String {
        match self.ends <= self.check_ends.get() {
            true => format!("the {} s of this run are over; --time-limit gives it more", self.limits.run.as_secs()),
            false => format!("it takes longer than the {} s that a check has", self.limits.check.as_secs()),
        }
    }
}

/// Yes where one says so, else what is not known, else no.
fn first<T>(items: &[T], mut answer: impl FnMut(&T) -> Answer) -> Answer {
    let mut all = Answer::No;
    for item in items {
        match answer(item) {
            Answer::Yes => return Answer::Yes,
            Answer::No => {}
            unknown @ Answer::Unknown(_) => all = all.or(unknown),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sca::{
        TIMEOUT,
        rule::{Language, Rule, Variables},
    };

    fn host(command: Duration) -> Host {
        Host::new(Limits { command, ..Limits::default() })
    }

    fn rule(rule: &str, ending: Ending) -> Question {
        let variables = Variables::new();
        let language = Language { variables: &variables, dialect: crate::log::Dialect::OsRegex, ending };
        Rule::new(rule, language).unwrap().question
    }

    fn asked(host: &Host, text: &str) -> Answer {
        host.answer(&rule(text, Ending::Any))
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
        fs::write(folder.join("odd"), "many secrets\n5\n").unwrap();
        fs::write(folder.join("long"), format!("{}\nlast\n", "x".repeat(MAX_LINE + 1))).unwrap();
        let host = host(TIMEOUT);
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
            // A line that nobody can judge does not hide the one behind it, nor is it passed over.
            (format!("f:{root}/odd -> n:(\\w+) compare == 5"), Some(true)),
            (format!("f:{root}/odd -> n:(\\w+) compare == 6"), None),
            (format!("f:{root}/long -> last"), Some(true)),
            (format!("f:{root}/long -> r:^y"), None),
        ] {
            let answer = asked(&host, &rule);
            assert!(expected.map_or(unknown(&answer), |expected| answer == Answer::of(expected)), "{rule}: {answer:?}");
        }
        let Answer::Unknown(why) = asked(&host, &format!("f:{root}/odd -> n:(\\w+) compare == 6")) else { panic!() };
        assert!(!why.contains("many"), "{why}");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_rule_reads_so_much_and_a_run_keeps_so_much() {
        let path = std::env::temp_dir().join(format!("testudo-sca-much-{}", std::process::id()));
        fs::write(&path, "line\n").unwrap();
        let host = host(TIMEOUT);
        let question = rule("f:/a -> other", Ending::Any);
        let Question::Files { pattern, .. } = &question else { panic!() };
        let mut left = Left { entries: 1, bytes: 6 };
        for expected in [Answer::No, Answer::No] {
            assert_eq!(host.file(&path, pattern.as_ref(), &mut left), expected);
        }
        assert!(unknown(&host.file(&path, pattern.as_ref(), &mut left)), "10 bytes were read of 6");
        let mut kept = Kept::default();
        assert!(!kept.takes(MAX_KEPT) && kept.takes(MAX_KEPT / 2) && !kept.takes(MAX_KEPT / 2) && kept.takes(1));
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn commands_run_without_a_shell_and_not_for_ever() {
        let host_of = host;
        let host = host_of(Duration::from_secs(20));
        assert_eq!(asked(&host, "c:echo 'a  b' \"c;d\" -> a  b c;d"), Answer::Yes);
        assert_eq!(asked(&host, "c:sh -c 'echo seen >&2; exit 3' -> seen"), Answer::Yes);
        assert_eq!(asked(&host, "c:echo a -> b"), Answer::No);
        assert_eq!(asked(&host, "c:true -> r:^$"), Answer::Yes, "no output is one empty line");
        assert_eq!(asked(&host, "c:pwd -> /"), Answer::Yes);
        assert_eq!(asked(&host, &format!("c:printenv PATH -> {}", command::FOLDERS)), Answer::Yes);
        assert!(unknown(&asked(&host, "c:no-such-program-here -> b")));
        let soon = host_of(Duration::from_millis(50));
        assert!(unknown(&asked(&soon, "c:sleep 60 -> a")));
        // What was started by the command holds the pipe; what came until then counts.
        assert_eq!(asked(&host, "c:sh -c 'sleep 60 & echo a' -> a"), Answer::Yes);
    }

    #[test]
    fn how_a_command_ends_is_told() {
        let host = host(TIMEOUT);
        let line = "c:sh -c 'echo broken >&2; exit 3' -> fine";
        assert_eq!(asked(&host, line), Answer::No);
        assert!(host.note().unwrap().ends_with("ended with exit status: 3"));
        assert_eq!(asked(&host, "c:sh -c 'echo fine; exit 3' -> fine"), Answer::Yes);
        assert_eq!(host.note(), None);
        let Answer::Unknown(why) = host.answer(&rule(line, Ending::Success)) else { panic!() };
        assert!(why.ends_with("exit status: 3: broken"), "{why}");
        assert_eq!(host.answer(&rule("c:echo fine -> fine", Ending::Success)), Answer::Yes);
    }

    #[test]
    fn nothing_is_looked_at_once_the_time_is_over() {
        for limits in
            [Limits { run: Duration::ZERO, ..Limits::default() }, Limits { check: Duration::ZERO, ..Limits::default() }]
        {
            let host = Host::new(limits);
            for rule in [
                "c:echo a -> a",
                "f:/proc/self/status",
                "f:/proc/self/status -> r:Name",
                "d:/proc",
                "d:/proc/self -> status",
                "p:r:a",
            ] {
                assert!(unknown(&asked(&host, rule)), "{rule}");
            }
        }
    }

    #[test]
    fn what_runs_here() {
        let own = std::env::current_exe().unwrap();
        let host = host(TIMEOUT);
        assert_eq!(asked(&host, &format!("p:{}", own.display())), Answer::Yes, "{}", own.display());
        assert_eq!(asked(&host, "p:no-such-program-here"), Answer::No);
    }
}
