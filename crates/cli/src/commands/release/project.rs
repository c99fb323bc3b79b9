//! The project of a release: its pipeline, its ledger, and what happened so far.

use std::{
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use testudo_ledger::{Depth, Heads, Journal, LedgerError, Next, ReleaseEvent, Verified, predicate};
use testudo_policy::{Effective, config};
use testudo_redact::stream::Masker;
use testudo_release::{History, Lock, Pipeline, ReleaseError, Shell, Work, read};
use testudo_source::git::{ReadLimits, Repository};

use super::{GRACE, Which, state_folder, world::Here};
use crate::{
    commands::{plan, scanning},
    files,
    record::{self, Recorder},
    scan, terminal,
};

/// A project with a pipeline.
pub(super) struct Project {
    /// The directory that configuration, ledger and commands belong to.
    pub(super) root: PathBuf,
    pub(super) effective: Effective,
    /// The configuration file.
    pub(super) config: PathBuf,
    pub(super) pipeline: Pipeline,
    /// What is of this machine only.
    pub(super) state: PathBuf,
}

impl Project {
    pub(super) fn load(which: &Which) -> Result<Self> {
        let Some(config) = which.config.clone().or_else(|| config::discover(Path::new("."))) else {
            bail!("there is no testudo.toml here or above; a release needs one with [release.{}]", which.environment);
        };
        let words: [OsString; 2] = ["--config".into(), (&config).into()];
        let (effective, root) = scan::configuration(&scanning::arguments(words)?, &[PathBuf::from(".")])?;
        let enter = || format!("{}: cannot be entered", root.display());
        let (config, root) = (fs::canonicalize(&config)?, fs::canonicalize(&root).with_context(enter)?);
        // What is recorded names files as the project does, wherever the command was typed.
        env::set_current_dir(&root).with_context(enter)?;
        let name = config.strip_prefix(&root).unwrap_or(&config).to_owned();
        let reading = read(&files::read_text(&config)?, &name, &which.environment);
        if !reading.problems.is_empty() {
            terminal::problems(&reading.problems);
            bail!("{}: the stages of {} cannot be run as they are", name.display(), which.environment);
        }
        let Some(pipeline) = reading.pipeline else {
            let others = match reading.environments.as_slice() {
                [] => "it has none; add the stages of one".to_owned(),
                names => format!("it has {}", names.join(", ")),
            };
            bail!("{}: there is no [release.{}]: {others}", name.display(), which.environment);
        };
        let state = state_folder(&root);
        // Files are named after it.
        Journal::new(&record::folder(&root), &which.environment)?;
        Ok(Self { root, effective, config: name, pipeline, state })
    }

    /// The right to work on the environment.
    pub(super) fn lock(&self, patience: Duration) -> Result<Lock, ReleaseError> {
        Lock::take(&self.state, &self.pipeline.environment, patience)
    }

    /// What happened so far, and the world that goes on from there.
    pub(super) fn begin<'a>(&'a self, lock: &'a Lock, quiet: bool) -> Result<(History, Here<'a>)> {
        let key = self.pipeline.key.as_ref().map(|name| self.root.join(name));
        let config = &self.effective.config.ledger;
        let recorder = Recorder::for_release((&self.root, config), &self.pipeline.environment, key.as_deref())?;
        recorder.journal().mend(&recorder.keys())?;
        refuse_damaged(&recorder)?;
        let history = history(recorder.journal())?;
        let shell = Shell {
            guard: vec![own_program()?, "release".into(), "guard".into()],
            folder: self.root.clone(),
            lock: lock.command_path(),
            grace: GRACE,
            masker: self.masker()?,
        };
        Here::new(self, recorder, shell, lock, quiet).map(|here| (history, here))
    }

    /// What happened so far, of a ledger that is not held against anything.
    pub(super) fn history(&self) -> Result<History> {
        history(&Journal::new(&record::folder(&self.root), &self.pipeline.environment)?)
    }

    /// Why the ledger is no evidence; none where it is whole and signed with keys that count, and where there is none yet.
    pub(super) fn doubt(&self) -> Result<Option<String>> {
        let environment = &self.pipeline.environment;
        let journal = Journal::new(&record::folder(&self.root), environment)?;
        if !journal.path().exists() && !journal.head_path().exists() {
            return Ok(None);
        }
        let config = &self.effective.config.ledger;
        let mut keys = plan::keys(&self.root, config, &[])?;
        keys.extend(self.pipeline.key.iter().filter_map(|name| record::release_key(&self.root, name)));
        let (_, refused) = plan::recorded(&self.root, std::slice::from_ref(environment), &keys)?;
        Ok(refused.into_iter().next())
    }

    /// A pipeline may be as small as it likes, and says what it therefore does not show.
    pub(super) fn tell_what_shows_nothing(&self) {
        let stages = &self.pipeline.stages;
        for stage in stages.iter().filter(|stage| stage.id.contains("test") && matches!(stage.work, Work::Run(_))) {
            terminal::warn(&format!("stage `{}` has no `junit`: nothing shows that a test ran", stage.id));
        }
        for (missing, why) in [
            (
                !stages.iter().any(|stage| matches!(stage.work, Work::Gate)),
                "no gate: nothing is refused for what is found in it",
            ),
            (self.pipeline.checks().next().is_none(), "no final check: what was deployed is promoted as it is"),
        ] {
            if missing {
                terminal::warn(&format!("{} has {why}", self.pipeline.environment));
            }
        }
    }

    /// The commit that is checked out.
    pub(super) fn commit(&self) -> Option<String> {
        let repository = Repository::discover(&self.root, ReadLimits::default()).ok()?;
        repository.head().map(|oid| oid.to_string())
    }

    fn masker(&self) -> Result<Masker> {
        let mut names: Vec<&str> = self.pipeline.secret_env.iter().map(String::as_str).collect();
        names.push("TESTUDO_SIGNING_KEY");
        let held = |name: &&str| env::var_os(name).map(|value| (name.to_string(), value.into_encoded_bytes()));
        let (names, values): (Vec<String>, Vec<Vec<u8>>) = names.iter().filter_map(held).unzip();
        for name in self.pipeline.secret_env.iter().filter(|name| !names.contains(name)) {
            terminal::warn(&format!("{name}: secret-env names it, and it is not set"));
        }
        let made = Masker::of(&values)?;
        for number in made.too_short {
            let name = names.get(number).map_or("", String::as_str);
            terminal::warn(&format!("{name}: its value is too short to be masked in what commands print"));
        }
        Ok(made.masker)
    }
}

/// The known good version comes out of the ledger, so what is not whole decides nothing.
fn refuse_damaged(recorder: &Recorder) -> Result<()> {
    let journal = recorder.journal();
    let seen = record::seen(journal);
    let empty = fs::metadata(journal.path()).map_or(true, |found| found.len() == 0);
    if empty && seen.is_none() && journal.head_bytes()?.is_none() {
        return Ok(());
    }
    let heads = Heads { seen, ..Heads::default() };
    let Verified { faults, .. } = journal.verify(&recorder.keys(), heads, Depth::EverySignature)?;
    let Some(fault) = faults.first() else { return Ok(()) };
    bail!(
        "{}:{}: this line {}; nothing is released over a ledger that is not whole (`testudo ledger verify --env {}` shows all that is wrong)",
        journal.path().display(),
        fault.line,
        fault.kind,
        journal.environment()
    )
}

pub(super) fn history(journal: &Journal) -> Result<History> {
    let (mut history, mut unknown) = (History::default(), None);
    let read = journal.entries(&mut |entry| {
        if entry.statement.predicate_type == predicate::RELEASE {
            let place = &entry.statement.testudo;
            match serde_json::from_value::<ReleaseEvent>(entry.statement.predicate) {
                Ok(event) => history.apply((place.seq, &place.time), &event),
                Err(error) => unknown = Some((place.seq, error)),
            }
        }
        if unknown.is_none() { Next::Entry } else { Next::Stop }
    });
    match read {
        Err(LedgerError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        read => read?,
    }
    if let Some((seq, error)) = unknown {
        bail!("{}: entry {seq} is of a newer version of testudo: {error}", journal.path().display());
    }
    Ok(history)
}

/// This very program, also where its file was replaced in the meantime.
fn own_program() -> Result<OsString> {
    let running = Path::new("/proc/self/exe");
    if running.exists() {
        return Ok(running.into());
    }
    Ok(env::current_exe().context("the path of this program is not known")?.into())
}
