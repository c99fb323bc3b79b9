//! `testudo plan init`: a first plan from the files of the project and a few answers. It never asks and never overwrites.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueHint};
use testudo_plan::{
    Source, check,
    discover::{self, Discovery, ProjectFile, discover},
    draft::{Answers, draft},
    file,
    nouns::{Class, Reach},
};
use testudo_policy::Date;
use testudo_source::walk;

use super::load::{self, PLACE};
use crate::{clock, files, record, terminal};

/// Files that are looked into at most; the smallest paths first.
const MAX_FILES: usize = 2000;

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Name of the product [default: the name of the directory]
    #[arg(long, value_name = "NAME")]
    product: Option<String>,
    /// Id of the role that answers for everything at first
    #[arg(long, value_name = "ROLE", default_value = "security")]
    owner: String,
    /// Who has that role; repeatable [default: you]
    #[arg(long, value_name = "NAME")]
    person: Vec<String>,
    /// Where that role is reached
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<String>,
    /// A kind of data that the product handles, with its class: public, internal, confidential or restricted; repeatable
    /// [default: product-data=confidential]
    #[arg(long, value_name = "ID=CLASS", value_parser = data)]
    data: Vec<(String, Class)>,
    /// The root of the project
    #[arg(value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    dir: PathBuf,
}

fn data(text: &str) -> Result<(String, Class), String> {
    let (id, class) = text.split_once('=').filter(|(id, _)| !id.trim().is_empty()).ok_or("write ID=CLASS")?;
    let found = Class::ALL.iter().find(|(word, _)| *word == class);
    let classes: Vec<&str> = Class::ALL.iter().map(|(word, _)| *word).collect();
    let (_, class) = found.ok_or_else(|| format!("the class is one of: {}", classes.join(", ")))?;
    Ok((id.trim().to_owned(), *class))
}

pub(super) fn run(args: &InitArgs) -> Result<ExitCode> {
    let root = fs::canonicalize(&args.dir).with_context(|| format!("{}: cannot be read", args.dir.display()))?;
    if !root.is_dir() {
        bail!("{}: is not a directory", args.dir.display());
    }
    let path = args.dir.join(PLACE[0]).join(PLACE[1]);
    if path.symlink_metadata().is_ok() {
        bail!("{}: is there already, and is not written again", walk::display(&path));
    }
    let answers = answers(args, &root)?;
    let found = look(&root, &answers.product)?;
    let text = draft(&found, &answers);
    sound(&text)?;
    let folder = args.dir.join(PLACE[0]);
    fs::create_dir_all(&folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    if !fs::canonicalize(&folder).is_ok_and(|real| real.starts_with(&root)) {
        bail!("{}: leads out of the project", folder.display());
    }
    files::write_shared(&path, text.as_bytes())?;
    tell(args, &found, &walk::display(&path))?;
    Ok(ExitCode::SUCCESS)
}

fn answers(args: &InitArgs, root: &Path) -> Result<Answers> {
    let named = || root.file_name().map_or_else(|| "product".to_owned(), |name| name.to_string_lossy().into_owned());
    let today = clock::today().context("the clock of this machine is not set")?;
    let texts = [args.product.as_deref(), args.channel.as_deref(), Some(args.owner.as_str())];
    if texts.into_iter().flatten().chain(args.person.iter().map(String::as_str)).any(|text| text.trim().is_empty()) {
        bail!("an answer is empty; leave the flag out instead");
    }
    Ok(Answers {
        product: args.product.clone().unwrap_or_else(named),
        owner: args.owner.clone(),
        people: if args.person.is_empty() { vec![record::actor()] } else { args.person.clone() },
        channel: args.channel.clone().unwrap_or_else(|| format!("#{}", args.owner)),
        data: match args.data.as_slice() {
            [] => vec![("product-data".to_owned(), Class::Confidential)],
            data => data.to_vec(),
        },
        review_by: in_half_a_year(today)?,
    })
}

/// The same day of the month, or the last one that every month has.
fn in_half_a_year(today: Date) -> Result<Date> {
    let text = today.to_string();
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u16>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else {
        bail!("the clock of this machine is not set")
    };
    let months = month + 6;
    let (year, month) = if months > 12 { (year + 1, months - 12) } else { (year, months) };
    let day = Date::new(year, u8::try_from(month)?, u8::try_from(day.min(28))?);
    day.context("the clock of this machine stands at the end of the calendar")
}

/// Looks through the files that build and run the product.
fn look(root: &Path, product: &str) -> Result<Discovery> {
    let mut paths = load::walked(root)?;
    paths.retain(|name| discover::wants(name));
    let left = paths.len().saturating_sub(MAX_FILES);
    paths.truncate(MAX_FILES);
    let (mut texts, mut notes) = (Vec::new(), Vec::new());
    for name in paths {
        let path = root.join(&name);
        if fs::metadata(&path).is_ok_and(|found| found.len() > discover::MAX_BYTES) {
            notes.push(format!("{name}: is too large and was not read"));
            continue;
        }
        match files::read_text(&path) {
            Ok(text) => texts.push((name, text)),
            Err(error) => notes.push(format!("{error:#}")),
        }
    }
    if left > 0 {
        notes.push(format!("{left} more files were not read"));
    }
    let files: Vec<ProjectFile<'_>> = texts.iter().map(|(path, text)| ProjectFile { path, text }).collect();
    let mut found = discover(product, &files);
    found.notes.extend(notes);
    Ok(found)
}

/// A draft that is wrong would be a fault of this program, or of an answer that cannot stand in a plan.
fn sound(text: &str) -> Result<()> {
    let sources = [Source { name: "the draft", text }];
    let reading = file::read(&sources);
    let mut problems = reading.problems;
    problems.extend(check::consistency(&reading.plan, &sources));
    if let Some(first) = file::located(&problems, &sources).first() {
        bail!("no plan was written, because it would be wrong: {first}");
    }
    Ok(())
}

fn tell(args: &InitArgs, found: &Discovery, path: &str) -> Result<()> {
    for note in &found.notes {
        terminal::warn(note);
    }
    let count = |kinds: &[&str]| found.parts.values().filter(|part| kinds.contains(&part.kind)).count();
    let stores = ["datastore", "storage", "queue", "cache"];
    let internet = found.ways.values().filter(|way| way.reach == Reach::Internet).count();
    let mut text = format!(
        "{path}: written: {} components ({} web or API, {} stores), {} entries ({internet} on the internet), {} flows\n",
        found.parts.len(),
        count(&["web", "api"]),
        count(&stores),
        found.ways.len(),
        found.flows.len(),
    );
    let absent = [
        (count(&["web", "api"]), "no web component and no API", "a component with kind = \"web\""),
        (internet, "no entry on the internet", "an entry with internet = true"),
        (count(&stores), "no store of data", "a component with kind = \"datastore\""),
    ];
    for (number, what, add) in absent {
        if number == 0 {
            text += &format!("not found: {what}; add {add} where there is one\n");
        }
    }
    if args.person.is_empty() {
        text += &format!("assumed: {} has role `{}`; say who with --person\n", record::actor(), args.owner);
    }
    if args.channel.is_none() {
        text += &format!(
            "assumed: role `{0}` is reached at #{0}; say where with --channel, or correct it in the plan\n",
            args.owner
        );
    }
    if args.data.is_empty() {
        text += "assumed: the product handles confidential data; say which with --data ID=CLASS, or correct it in the plan\n";
    }
    text += "next: correct the lines that end in `assumed`, then run `testudo plan check` and `testudo plan explain`\n";
    terminal::stdout(&testudo_report::visible_lines(&text))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_year_ends_on_a_day_that_exists() {
        for (today, then) in [
            ("2026-01-15", "2026-07-15"),
            ("2026-08-31", "2027-02-28"),
            ("2026-06-01", "2026-12-01"),
            ("2026-07-01", "2027-01-01"),
        ] {
            let found = in_half_a_year(today.parse().unwrap()).unwrap();
            assert_eq!(found.to_string(), then, "{today}");
        }
    }

    #[test]
    fn data_has_a_class() {
        assert_eq!(data("records=restricted"), Ok(("records".to_owned(), Class::Restricted)));
        assert!(data("records").is_err() && data("=public").is_err() && data("a=secret").is_err());
    }
}
