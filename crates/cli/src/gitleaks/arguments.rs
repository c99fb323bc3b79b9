//! gitleaks' command line, as its own reader of flags takes it: a switch may have a value (`--verbose=false`), and of a
//! flag that is given twice the last one counts.

use std::path::PathBuf;

use clap::{
    ArgAction, Args, Subcommand,
    builder::{OsStringValueParser, TypedValueParser},
};

/// Flags and command.
#[derive(Debug, Args)]
#[command(args_override_self = true, arg_required_else_help = true, version = super::VERSION, display_name = "gitleaks version")]
pub(crate) struct GitleaksArgs {
    #[command(flatten)]
    pub(super) flags: Flags,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// A switch as Go's flag packages read its value.
fn switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// A path that may be empty, which counts as none.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
pub(super) struct Flags {
    /// Config file path (else GITLEAKS_CONFIG, GITLEAKS_CONFIG_TOML, or TARGET/.gitleaks.toml)
    #[arg(short, long, global = true, value_name = "FILE", value_parser = path())]
    pub(super) config: Option<PathBuf>,
    /// Exit code when leaks have been found
    #[arg(long, global = true, default_value_t = 1, value_name = "CODE", allow_negative_numbers = true)]
    pub(super) exit_code: i64,
    /// Report file, `-` for standard output
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(super) report_path: Option<String>,
    /// Report format: json, csv, junit, sarif, template
    #[arg(short = 'f', long, global = true, value_name = "FORMAT")]
    pub(super) report_format: Option<String>,
    /// Template of the report, with `--report-format template`
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) report_template: Option<String>,
    /// Baseline report: findings in it are not reported
    #[arg(short, long, global = true, value_name = "FILE", value_parser = path())]
    pub(super) baseline_path: Option<PathBuf>,
    /// Log level: trace, debug, info, warn, error, fatal
    #[arg(short, long, global = true, default_value = "info", value_name = "LEVEL")]
    pub(super) log_level: String,
    /// Print each finding
    #[arg(short, long, global = true, action = ArgAction::Set, value_parser = switch, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub(super) verbose: bool,
    /// No colour
    #[arg(long, global = true, action = ArgAction::Set, value_parser = switch, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub(super) no_color: bool,
    /// Skip files larger than this many megabytes
    #[arg(long, global = true, default_value_t = 0, value_name = "N", allow_negative_numbers = true)]
    pub(super) max_target_megabytes: i64,
    /// Ignore `gitleaks:allow` comments
    #[arg(long, global = true, action = ArgAction::Set, value_parser = switch, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub(super) ignore_gitleaks_allow: bool,
    /// Redact secrets, wholly or by a percentage
    #[arg(long, global = true, num_args = 0..=1, default_value_t = 0, default_missing_value = "100", require_equals = true, hide_default_value = true, value_name = "PERCENT")]
    pub(super) redact: u64,
    /// No banner (none is printed anyway)
    #[arg(long, global = true, action = ArgAction::Set, value_parser = switch, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub(super) no_banner: bool,
    /// Only these rules
    #[arg(long, global = true, value_delimiter = ',', value_name = "ID")]
    pub(super) enable_rule: Vec<String>,
    /// A .gitleaksignore file or the folder that holds one
    #[arg(short = 'i', long, global = true, default_value = ".", value_name = "PATH", value_parser = path())]
    pub(super) gitleaks_ignore_path: PathBuf,
    /// Decoding passes
    #[arg(long, global = true, default_value_t = 5, value_name = "N", allow_negative_numbers = true)]
    pub(super) max_decode_depth: i64,
    /// Depth of nested archives to look into
    #[arg(long, global = true, default_value_t = 0, value_name = "N", allow_negative_numbers = true)]
    pub(super) max_archive_depth: i64,
    /// Seconds after which the scan ends
    #[arg(long, global = true, default_value_t = 0, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(super) timeout: i64,
    /// Profiles of gitleaks itself; accepted, without effect
    #[arg(long, global = true, value_name = "KINDS")]
    pub(super) diagnostics: Option<String>,
    /// Where profiles go; accepted, without effect
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(super) diagnostics_dir: Option<String>,
}

/// What to scan.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Scan directories or files
    #[command(visible_aliases = ["directory", "file"], args_override_self = true)]
    Dir {
        /// What to scan
        paths: Vec<PathBuf>,
        /// Scan files that are symbolic links to other files
        #[arg(long, action = ArgAction::Set, value_parser = switch, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
        follow_symlinks: bool,
    },
    /// Scan a repository's history
    #[command(args_override_self = true)]
    Git {
        /// The repository
        #[arg(default_value = ".")]
        path: PathBuf,
        /// Scan staged changes
        #[arg(long, action = ArgAction::Set, value_parser = switch, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
        staged: bool,
        /// Scan changes of the work tree
        #[arg(long, action = ArgAction::Set, value_parser = switch, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
        pre_commit: bool,
        /// Options of `git log`: revisions, dates, counts, people, paths
        #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
        log_opts: Option<String>,
        /// Platform of links: github, gitlab, azuredevops, gitea, bitbucket, none; else told from the remote's host
        #[arg(long, value_name = "NAME")]
        platform: Option<String>,
    },
    /// Scan standard input
    #[command(args_override_self = true)]
    Stdin {
        #[arg(hide = true)]
        ignored: Vec<String>,
    },
    /// The older verb for `git`, `dir` (--no-git) and `stdin` (--pipe)
    #[command(hide = true, args_override_self = true)]
    Detect {
        #[arg(hide = true)]
        ignored: Vec<String>,
        /// The repository or directory
        #[arg(short, long, default_value = ".", value_name = "PATH")]
        source: PathBuf,
        /// Scan the files, not the history
        #[arg(long, action = ArgAction::Set, value_parser = switch, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
        no_git: bool,
        /// Scan standard input
        #[arg(long, action = ArgAction::Set, value_parser = switch, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
        pipe: bool,
        /// Scan files that are symbolic links to other files
        #[arg(long, action = ArgAction::Set, value_parser = switch, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
        follow_symlinks: bool,
        /// As with `git`
        #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
        log_opts: Option<String>,
        /// As with `git`
        #[arg(long, value_name = "NAME")]
        platform: Option<String>,
    },
    /// The older verb for `git --pre-commit`
    #[command(hide = true, args_override_self = true)]
    Protect {
        #[arg(hide = true)]
        ignored: Vec<String>,
        /// The repository
        #[arg(short, long, default_value = ".", value_name = "PATH")]
        source: PathBuf,
        /// Scan staged changes
        #[arg(long, action = ArgAction::Set, value_parser = switch, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
        staged: bool,
        /// Accepted, without effect, as with gitleaks
        #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
        log_opts: Option<String>,
    },
    /// Print the version of gitleaks that is reproduced
    Version {
        #[arg(hide = true)]
        ignored: Vec<String>,
    },
}

/// Whether files behind symbolic links are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// No.
    Skip,
    /// Yes; folders never.
    Follow,
}

/// What a command asks for, whichever generation of verbs it is of.
#[derive(Debug, Clone)]
pub(super) enum Task {
    /// The files below a path.
    Files(PathBuf, Links),
    /// The history of a repository.
    History { path: PathBuf, log_opts: Option<String>, platform: Option<String> },
    /// The index against `HEAD`.
    Staged(PathBuf),
    /// The work tree against the index.
    Unstaged(PathBuf),
    /// Standard input.
    Stdin,
}

impl Command {
    /// What is to be done; none where only the version is asked for.
    pub(super) fn task(self) -> Option<Task> {
        let links = |follow| if follow { Links::Follow } else { Links::Skip };
        let here = |path: PathBuf| if path.as_os_str().is_empty() { PathBuf::from(".") } else { path };
        Some(match self {
            Self::Dir { mut paths, follow_symlinks } => {
                // gitleaks looks at the current directory unless it is given exactly one path.
                let path = if paths.len() == 1 { paths.remove(0) } else { PathBuf::from(".") };
                Task::Files(here(path), links(follow_symlinks))
            }
            Self::Git { path, staged: true, .. } => Task::Staged(here(path)),
            Self::Git { path, pre_commit: true, .. } => Task::Unstaged(here(path)),
            Self::Git { path, log_opts, platform, .. } => Task::History { path: here(path), log_opts, platform },
            Self::Stdin { .. } => Task::Stdin,
            Self::Detect { source, no_git: true, follow_symlinks, .. } => Task::Files(source, links(follow_symlinks)),
            Self::Detect { pipe: true, .. } => Task::Stdin,
            Self::Detect { source, log_opts, platform, .. } => Task::History { path: source, log_opts, platform },
            Self::Protect { source, staged: true, .. } => Task::Staged(source),
            Self::Protect { source, .. } => Task::Unstaged(source),
            Self::Version { .. } => return None,
        })
    }
}

impl Task {
    /// The target's path.
    pub(super) fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Files(path, _) | Self::History { path, .. } | Self::Staged(path) | Self::Unstaged(path) => Some(path),
            Self::Stdin => None,
        }
    }
}
