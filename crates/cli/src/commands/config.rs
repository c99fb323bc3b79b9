//! `testudo config`: the settings that hold, where each comes from, and the schema of the file.

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use testudo_policy::{
    Effective,
    config::{self, Layers, Origin, Shown},
};

/// Show the configuration that holds, and where it comes from
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  testudo config show --origin
  TESTUDO_VIEW_PERSONA=auditor testudo config show --format json
  testudo config schema > testudo.schema.json
  testudo config path services/billing")]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print every key with its value
    Show(ShowArgs),
    /// Print the JSON Schema of testudo.toml
    Schema,
    /// Print the path of the configuration file that holds, nothing where there is none
    Path {
        /// Where the search begins, upward to the root of the repository
        #[arg(value_name = "TARGET", default_value = ".")]
        target: PathBuf,
    },
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Say where each value comes from: default, file and line, environment variable
    #[arg(long)]
    origin: bool,
    /// How it is printed; JSON always names the origin
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Form,
    /// Read this file; none is searched
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the search for testudo.toml begins, upward to the root of the repository
    #[arg(value_name = "TARGET", default_value = ".")]
    target: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    /// The lines of a testudo.toml that sets every key
    Text,
    /// `{"path", "settings": [{"key", "value", "origin"}]}`
    Json,
}

/// Runs the command.
pub(crate) fn run(args: ConfigArgs) -> Result<ExitCode> {
    match args.command {
        Command::Show(args) => show(&args)?,
        Command::Schema => crate::terminal::stdout(&format!(
            "{:#}\n",
            testudo_agent::config::configuration_schema(testudo_release::configuration_schema())
        ))?,
        Command::Path { target } => match config::discover(&target) {
            Some(path) => crate::terminal::stdout(&format!("{}\n", path.display()))?,
            None => crate::terminal::note(&format!(
                "no {} at or above {}: the defaults hold (`testudo init` writes one)",
                config::FILE_NAME,
                target.display()
            )),
        },
    }
    Ok(ExitCode::SUCCESS)
}

fn show(args: &ShowArgs) -> Result<()> {
    let path = args.config.clone().or_else(|| config::discover(&args.target));
    let effective = load(path.as_deref())?;
    let text = match args.format {
        Form::Text => text(&effective, if args.origin { Origins::Named } else { Origins::Left }),
        Form::Json => format!("{:#}\n", document(&effective, path.as_deref())?),
    };
    crate::terminal::stdout(&text)?;
    Ok(())
}

/// The settings of a file, if any, under those of the environment.
fn load(path: Option<&Path>) -> Result<Effective> {
    let text = match path {
        Some(path) => Some(crate::files::read_text(path)?),
        None => None,
    };
    // A name or value that is no text cannot be one of ours.
    let environment: Vec<(String, String)> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let file = text.as_deref().zip(path);
    Ok(Effective::resolve(Layers { file, environment: &environment, flags: &[] })?)
}

/// Whether each line says where its value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origins {
    Named,
    Left,
}

/// A testudo.toml that sets every key; with origins as comments in a column.
fn text(effective: &Effective, origins: Origins) -> String {
    let (shown, mut out, mut section) = (effective.origins(), String::new(), "");
    let lines: Vec<(&str, String, &Origin)> = shown.iter().map(line).collect();
    let longest = lines.iter().map(|(_, line, _)| line.chars().count()).max().unwrap_or(0);
    for (own, line, origin) in &lines {
        if *own != section {
            let gap = if section.is_empty() { "" } else { "\n" };
            out.push_str(&format!("{gap}[{own}]\n"));
            section = own;
        }
        match origins {
            Origins::Named => out.push_str(&format!("{line:<longest$}  # {origin}\n")),
            Origins::Left => out.push_str(&format!("{line}\n")),
        }
    }
    out
}

fn line(shown: &Shown) -> (&'static str, String, &Origin) {
    let (section, key) = shown.key.split_once('.').unwrap_or(("", shown.key));
    (section, format!("{key} = {}", shown.value), &shown.origin)
}

fn document(effective: &Effective, path: Option<&Path>) -> Result<Value> {
    let values = serde_json::to_value(&effective.config)?;
    let setting = |shown: &Shown| {
        let (section, key) = shown.key.split_once('.').unwrap_or(("", shown.key));
        json!({ "key": shown.key, "value": values[section][key], "origin": origin(&shown.origin) })
    };
    let settings: Vec<Value> = effective.origins().iter().map(setting).collect();
    Ok(json!({ "path": path.map(|p| p.display().to_string()), "settings": settings }))
}

fn origin(origin: &Origin) -> Value {
    match origin {
        Origin::Default => json!({ "kind": "default" }),
        Origin::File { path, line } => json!({ "kind": "file", "path": path, "line": line }),
        Origin::Environment(name) => json!({ "kind": "environment", "name": name }),
        Origin::Flag => json!({ "kind": "flag" }),
    }
}
