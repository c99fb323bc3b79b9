//! Which paths are wanted: `--include`, `--exclude` and `.testudoignore`, asked about one path at a time. A walk of a
//! directory asks the same by itself; this is for paths that come from git.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
    overrides::Override,
};

use crate::walk::{GlobError, IGNORE_FILE, WalkOptions, overrides};

/// The wanted paths below a directory.
#[derive(Debug)]
pub struct PathChoice {
    root: PathBuf,
    globs: Override,
    /// Ignore files by directory, read when first needed.
    files: HashMap<PathBuf, Gitignore>,
}

impl PathChoice {
    /// The choice of `options` for paths relative to `root`.
    ///
    /// # Errors
    /// A glob is malformed.
    pub fn new(root: &Path, options: &WalkOptions) -> Result<Self, GlobError> {
        Ok(Self { root: root.to_owned(), globs: overrides(root, options)?, files: HashMap::new() })
    }

    /// Whether a file is wanted, by its path relative to the root.
    pub fn wants(&mut self, path: &Path) -> bool {
        let place = self.root.join(path);
        if self.globs.matched(&place, false).is_ignore() || self.is_below_excluded(path) {
            return false;
        }
        for directory in path.ancestors().skip(1) {
            let rules = self.rules(&self.root.join(directory));
            match rules.matched_path_or_any_parents(&place, false) {
                Match::Ignore(_) => return false,
                Match::Whitelist(_) => return true,
                Match::None => {}
            }
        }
        true
    }

    /// Whether a directory above the file is excluded; globs to include say nothing about directories.
    fn is_below_excluded(&self, path: &Path) -> bool {
        let above = path.ancestors().skip(1).filter(|dir| !dir.as_os_str().is_empty());
        above.into_iter().any(|dir| self.globs.matched(self.root.join(dir), true).is_ignore())
    }

    fn rules(&mut self, directory: &Path) -> &Gitignore {
        self.files.entry(directory.to_owned()).or_insert_with(|| {
            let mut builder = GitignoreBuilder::new(directory);
            let file = directory.join(IGNORE_FILE);
            // Only a plain file: a link in a hostile tree may lead to something without an end.
            if file.symlink_metadata().is_ok_and(|m| m.is_file()) {
                builder.add(file);
            }
            builder.build().unwrap_or_else(|_| Gitignore::empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn globs_and_ignore_files_decide() {
        let root = std::env::temp_dir().join(format!("testudo-choice-{}", std::process::id()));
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(root.join(".testudoignore"), "*.log\n/made/\n").unwrap();
        fs::write(root.join("sub/.testudoignore"), "!kept.log\n").unwrap();
        let options =
            WalkOptions { exclude: vec!["vendor/**".to_owned(), "docs".to_owned()], ..WalkOptions::default() };
        let mut choice = PathChoice::new(&root, &options).unwrap();
        for (path, wanted) in [
            ("a.txt", true),
            ("a.log", false),
            ("sub/b.log", false),
            ("sub/kept.log", true),
            ("made/c.txt", false),
            ("sub/made/c.txt", true),
            ("vendor/d.txt", false),
            ("docs/e.txt", false),
        ] {
            assert_eq!(choice.wants(Path::new(path)), wanted, "{path}");
        }
        let options = WalkOptions { include: vec!["*.rs".to_owned()], ..WalkOptions::default() };
        let mut choice = PathChoice::new(&root, &options).unwrap();
        assert!(choice.wants(Path::new("sub/deep/a.rs")) && !choice.wants(Path::new("a.txt")));
        fs::remove_dir_all(root).unwrap();
    }
}
