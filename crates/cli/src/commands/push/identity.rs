//! Which product a push is of, and which branch: by what stays the same on every machine that has the project.

use std::{
    env, fs,
    path::{Component, Path},
};

use testudo_source::git::{ReadLimits, Repository};

use crate::gitleaks::remote_url;

/// A product, and why it is this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Product {
    pub(super) name: String,
    pub(super) why: &'static str,
}

/// A branch, and what the repository says is its default one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Branch {
    pub(super) name: Option<String>,
    pub(super) default: Option<String>,
}

/// The product of a project: as asked, as configured, by its remote, or by its folder. None where the folder has no name.
pub(super) fn product(asked: Option<&str>, configured: &str, home: &Path) -> Option<Product> {
    let named = |name: &str, why| Product { name: name.to_owned(), why };
    if let Some(name) = asked {
        return Some(named(name, "as --product says"));
    }
    if !configured.is_empty() {
        return Some(named(configured, "as `hub.product` says"));
    }
    let repository = Repository::discover(home, ReadLimits::default()).ok();
    let top = repository.as_ref().and_then(Repository::work_tree).unwrap_or(home);
    let below = folders(home.strip_prefix(top).unwrap_or(Path::new("")));
    let with_below = |name: String, why| {
        let parts = std::iter::once(name).chain(below.iter().cloned());
        named(&parts.collect::<Vec<_>>().join("/"), why)
    };
    let remote = repository.as_ref().and_then(|repository| {
        let config = fs::read_to_string(repository.common_dir().join("config")).ok()?;
        // Of no branch, so that the product is the same on each.
        normalised(&remote_url(&config, "")?)
    });
    if let Some(remote) = remote {
        return Some(with_below(remote, "by the remote of git"));
    }
    let folder = fitting(&top.file_name()?.to_string_lossy());
    let why = if repository.is_some() { "by the top folder of the work tree" } else { "by the folder of the project" };
    Some(with_below(folder, why))
}

fn folders(path: &Path) -> Vec<String> {
    let named = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(fitting(&name.to_string_lossy())),
        _ => None,
    });
    named.collect()
}

/// `host/path` of the address of a remote, the same however it is reached: no scheme, no user and no password, no port, no
/// `.git`. None where it is a folder of this machine.
fn normalised(url: &str) -> Option<String> {
    let (authority, path) = match url.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("file") => return None,
        Some((_, rest)) => rest.split_once('/')?,
        // As scp has it: `user@host:path`. A drive of one letter is a folder.
        None => url.split_once(':').filter(|(host, _)| host.len() > 1 && !host.contains(['/', '\\']))?,
    };
    let host = authority.rsplit('@').next()?.split(':').next()?.to_lowercase();
    let path = path.split(['?', '#']).next()?.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    (!host.is_empty() && !path.is_empty()).then(|| fitting(&format!("{host}/{path}")))
}

/// A text with nothing in it that the hub does not take in a name.
fn fitting(text: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '/');
    let name: String = text.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    name.trim_start_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

/// The branch: as asked, as the CI system says, or as checked out.
pub(super) fn branch(asked: Option<&str>, home: &Path) -> Branch {
    let repository = Repository::discover(home, ReadLimits::default()).ok();
    let symbolic = |path: &Path, prefix: &str| {
        let text = fs::read_to_string(path).ok()?;
        text.trim().strip_prefix("ref: ")?.strip_prefix(prefix).map(str::to_owned)
    };
    let checked_out = || symbolic(&repository.as_ref()?.git_dir().join("HEAD"), "refs/heads/");
    let default = repository.as_ref().and_then(|repository| {
        symbolic(&repository.common_dir().join("refs/remotes/origin/HEAD"), "refs/remotes/origin/")
    });
    let name = asked.map(str::to_owned).or_else(|| ci_branch(|name| env::var(name).ok())).or_else(checked_out);
    Branch { name, default }
}

/// The branch that a CI system builds. A request to merge is none, whatever its branch is called: a fork calls its own as it
/// likes.
fn ci_branch(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let of = |name| variable(name).filter(|text| !text.is_empty());
    for (request, kind) in [
        ("CI_MERGE_REQUEST_IID", "merge-request"),
        ("CHANGE_ID", "change"),
        ("BITBUCKET_PR_ID", "pull-request"),
        ("SYSTEM_PULLREQUEST_PULLREQUESTID", "pull-request"),
    ] {
        if let Some(number) = of(request) {
            return Some(format!("{kind}/{number}"));
        }
    }
    let names =
        ["GITHUB_REF", "CI_COMMIT_REF_NAME", "BUILD_SOURCEBRANCH", "BITBUCKET_BRANCH", "CIRCLE_BRANCH", "BRANCH_NAME"];
    let found = names.into_iter().find_map(of)?;
    Some(found.strip_prefix("refs/heads/").or_else(|| found.strip_prefix("refs/")).unwrap_or(&found).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_is_the_same_however_it_is_reached() {
        for url in [
            "https://git.example/org/shop.git",
            "https://ana:secret@git.example/org/shop",
            "HTTPS://Git.Example:8443/org/shop.git/",
            "ssh://git@git.example:7999/org/shop.git",
            "git@git.example:org/shop.git",
            "git.example:/org/shop",
            "https://git.example/org/shop?x=1#y",
        ] {
            assert_eq!(normalised(url).as_deref(), Some("git.example/org/shop"), "{url}");
        }
        for local in
            ["/srv/git/shop.git", "../shop", "file:///srv/shop", "C:\\git\\shop", "C:/git/shop", "https://git.example/"]
        {
            assert_eq!(normalised(local), None, "{local}");
        }
        assert_eq!(normalised("https://git.example/~ana/a b").as_deref(), Some("git.example/-ana/a-b"));
    }

    #[test]
    fn what_a_ci_system_builds_is_told_and_a_request_to_merge_is_no_branch() {
        let with = |pairs: &[(&str, &str)]| {
            let of = |name: &str| pairs.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
            ci_branch(of)
        };
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[("GITHUB_REF", "")]), None);
        assert_eq!(with(&[("GITHUB_REF", "refs/heads/work/x")]).as_deref(), Some("work/x"));
        assert_eq!(
            with(&[("GITHUB_REF", "refs/pull/7/merge"), ("GITHUB_HEAD_REF", "main")]).as_deref(),
            Some("pull/7/merge")
        );
        assert_eq!(with(&[("CI_COMMIT_REF_NAME", "main")]).as_deref(), Some("main"));
        assert_eq!(
            with(&[("CI_COMMIT_REF_NAME", "main"), ("CI_MERGE_REQUEST_IID", "4")]).as_deref(),
            Some("merge-request/4")
        );
        assert_eq!(with(&[("BUILD_SOURCEBRANCH", "refs/heads/main")]).as_deref(), Some("main"));
    }
}
