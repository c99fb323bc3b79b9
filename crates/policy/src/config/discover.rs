//! Finding `testudo.toml` from a target.

use std::path::{Path, PathBuf};

/// Name of the configuration file.
pub const FILE_NAME: &str = "testudo.toml";

/// The nearest `testudo.toml` in the folder of `start` or above it.
///
/// The search ends with the folder that holds `.git`: what lies above a repository does not configure it.
/// A relative `start` counts from the working directory.
#[must_use]
pub fn discover(start: &Path) -> Option<PathBuf> {
    let start = std::path::absolute(start).ok()?;
    // `..` has to be gone before the parents mean anything; a target that is not there is used as written.
    let start = start.canonicalize().unwrap_or(start);
    for folder in start.ancestors() {
        let candidate = folder.join(FILE_NAME);
        // Whatever has the name was meant: what is no readable file is an error of whoever reads it, and not passed over.
        if candidate.symlink_metadata().is_ok() {
            return Some(candidate);
        }
        // A worktree and a submodule have a file `.git`.
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_file_inside_the_repository_counts() {
        let root = std::env::temp_dir().join(format!("testudo-discover-{}", std::process::id()));
        let deep = root.join("outer/repo/a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir_all(root.join("outer/repo/.git")).unwrap();
        let root = root.canonicalize().unwrap();
        fs::write(root.join("outer").join(FILE_NAME), "").unwrap();
        assert_eq!(discover(&deep), None, "the repository ends the search");
        let own = root.join("outer/repo").join(FILE_NAME);
        fs::write(&own, "").unwrap();
        fs::write(deep.join("x.rs"), "").unwrap();
        assert_eq!(discover(&deep), Some(own.clone()));
        assert_eq!(discover(&deep.join("x.rs")), Some(own.clone()), "a file as target");
        assert_eq!(discover(&deep.join("../../a")), Some(own));
        fs::remove_dir_all(&root).unwrap();
    }
}
