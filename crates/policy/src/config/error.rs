//! Why a configuration is not used: what is wrong with its file, a variable or a flag.

use annotate_snippets::Level;

use crate::problem::{self, FileProblem, Paint};

/// Why a configuration is not used. One wrong key refuses the whole file: a setting that is silently left out is worse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is wrong; every problem that was found, in the order of their places, never empty.
    #[error("{}", lines(.0))]
    File(Vec<FileProblem>),
    /// An environment variable is wrong.
    #[error("environment variable {name}: {message}")]
    Environment {
        /// Name of the variable.
        name: String,
        /// Cause and next step.
        message: String,
    },
    /// A command-line flag is wrong.
    #[error("flag for `{key}`: {message}")]
    Flag {
        /// Key that the flag sets, such as `view.persona`.
        key: String,
        /// Cause and next step.
        message: String,
    },
}

impl ConfigError {
    /// The error for a terminal, with the source line and a caret where it is in a file. Ends without a line break.
    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        let (title, help) = match self {
            Self::File(problems) => return problem::render(problems, paint),
            Self::Environment { name, message } => (
                format!("environment variable {name}: {message}"),
                format!("correct {name}, or unset it to use the configuration file"),
            ),
            Self::Flag { key, message } => {
                (format!("flag for `{key}`: {message}"), "correct the flag and run again".to_owned())
            }
        };
        paint.renderer().render(&[Level::ERROR.primary_title(title).element(Level::HELP.message(help))])
    }
}

fn lines(problems: &[FileProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
