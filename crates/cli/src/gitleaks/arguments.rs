//! gitleaks' command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Flags and command.
#[derive(Debug, Args)]
pub(crate) struct GitleaksArgs {
    #[command(flatten)]
    pub(super) flags: Flags,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// Config file path (else GITLEAKS_CONFIG, GITLEAKS_CONFIG_TOML, or TARGET/.gitleaks.toml)
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Exit code when leaks have been found
    #[arg(long, global = true, default_value_t = 1, value_name = "CODE", allow_negative_numbers = true)]
    pub(super) exit_code: i64,
    /// Report file, `-` for standard output
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(super) report_path: Option<String>,
    /// Report format: json, csv, junit, sarif
    #[arg(short = 'f', long, global = true, value_name = "FORMAT")]
    pub(super) report_format: Option<String>,
    /// Baseline report: findings in it are not reported
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(super) baseline_path: Option<PathBuf>,
    /// Log level: trace, debug, info, warn, error, fatal
    #[arg(short, long, global = true, default_value = "info", value_name = "LEVEL")]
    pub(super) log_level: String,
    /// Print each finding
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    /// No colour
    #[arg(long, global = true)]
    pub(super) no_color: bool,
    /// Skip files larger than this many megabytes
    #[arg(long, global = true, default_value_t = 0, value_name = "N")]
    pub(super) max_target_megabytes: usize,
    /// Ignore `gitleaks:allow` comments
    #[arg(long, global = true)]
    pub(super) ignore_gitleaks_allow: bool,
    /// Redact secrets, wholly or by a percentage
    #[arg(long, global = true, num_args = 0..=1, default_missing_value = "100", require_equals = true, value_name = "PERCENT")]
    pub(super) redact: Option<u32>,
    /// No banner (none is printed anyway)
    #[arg(long, global = true)]
    pub(super) no_banner: bool,
    /// Only these rules
    #[arg(long, global = true, value_delimiter = ',', value_name = "ID")]
    pub(super) enable_rule: Vec<String>,
    /// A .gitleaksignore file or the folder that holds one
    #[arg(short = 'i', long, global = true, default_value = ".", value_name = "PATH")]
    pub(super) gitleaks_ignore_path: PathBuf,
    /// Decoding passes
    #[arg(long, global = true, default_value_t = 5, value_name = "N")]
    pub(super) max_decode_depth: usize,
    /// Depth of nested archives to look into
    #[arg(long, global = true, default_value_t = 0, value_name = "N")]
    pub(super) max_archive_depth: usize,
    /// Follow symbolic links to files
    #[arg(long, global = true)]
    pub(super) follow_symlinks: bool,
    /// Seconds after which the scan ends
    #[arg(long, global = true, default_value_t = 0, value_name = "SECONDS")]
    pub(super) timeout: u64,
}

/// What to scan.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Scan directories or files
    #[command(visible_aliases = ["directory", "file"])]
    Dir {
        /// What to scan
        #[arg(default_value = ".")]
        path: PathBuf,
    },
    /// Scan a repository's history
    Git {
        /// The repository
        #[arg(default_value = ".")]
        path: PathBuf,
        /// Scan staged changes
        #[arg(long)]
        staged: bool,
        /// Scan changes of the work tree
        #[arg(long)]
        pre_commit: bool,
        /// A revision range, `--all`, or `--since`-like options that name commits
        #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
        log_opts: Option<String>,
        /// Platform for links; accepted
        #[arg(long, value_name = "NAME")]
        platform: Option<String>,
    },
    /// Scan standard input
    Stdin,
    /// The older verb for `git`, `dir` (--no-git) and `stdin` (--pipe)
    #[command(hide = true)]
    Detect {
        /// The repository or directory
        #[arg(short, long, default_value = ".", value_name = "PATH")]
        source: PathBuf,
        /// Scan the files, not the history
        #[arg(long)]
        no_git: bool,
        /// Scan standard input
        #[arg(long)]
        pipe: bool,
        /// As with `git`
        #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
        log_opts: Option<String>,
    },
    /// The older verb for `git --pre-commit`
    #[command(hide = true)]
    Protect {
        /// The repository
        #[arg(short, long, default_value = ".", value_name = "PATH")]
        source: PathBuf,
        /// Scan staged changes
        #[arg(long)]
        staged: bool,
    },
    /// Print the version of gitleaks that is reproduced
    Version,
}

impl Command {
    /// The command that an older verb stands for.
    pub(super) fn modern(self) -> Self {
        let git = |path, staged, pre_commit, log_opts| Self::Git { path, staged, pre_commit, log_opts, platform: None };
        match self {
            Self::Detect { pipe: true, .. } => Self::Stdin,
            Self::Detect { source, no_git: true, .. } => Self::Dir { path: source },
            Self::Detect { source, log_opts, .. } => git(source, false, false, log_opts),
            Self::Protect { source, staged } => git(source, staged, true, None),
            other => other,
        }
    }

    /// The target's path.
    pub(super) fn source(&self) -> PathBuf {
        match self {
            Self::Dir { path } | Self::Git { path, .. } => path.clone(),
            Self::Detect { source, .. } | Self::Protect { source, .. } => source.clone(),
            Self::Stdin | Self::Version => PathBuf::from("."),
        }
    }
}
