//! Links to findings of a history, for the platforms that gitleaks knows.

use std::fs;

use anyhow::{Result, bail};
use testudo_secrets::gitleaks::CompatFinding;
use testudo_source::git::Repository;

use super::log::Log;

/// How a platform writes links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Platform {
    GitHub,
    GitLab,
    AzureDevOps,
    Gitea,
    Bitbucket,
}

/// What a user asked for.
enum Asked {
    /// Nothing: the host of the remote tells.
    ByHost,
    /// No links.
    Nothing,
    Named(Platform),
}

/// Where links lead.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    platform: Platform,
    url: String,
}

/// Hosts that are known, and their platforms.
const HOSTS: [(&str, Platform); 8] = [
    ("github.com", Platform::GitHub),
    ("gitlab.com", Platform::GitLab),
    ("dev.azure.com", Platform::AzureDevOps),
    ("visualstudio.com", Platform::AzureDevOps),
    ("gitea.com", Platform::Gitea),
    ("code.forgejo.org", Platform::Gitea),
    ("codeberg.org", Platform::Gitea),
    ("bitbucket.org", Platform::Bitbucket),
];

fn asked(platform: Option<&str>) -> Result<Asked> {
    let name = platform.unwrap_or_default().to_lowercase();
    Ok(Asked::Named(match name.as_str() {
        "" | "unknown" => return Ok(Asked::ByHost),
        "none" => return Ok(Asked::Nothing),
        "github" => Platform::GitHub,
        "gitlab" => Platform::GitLab,
        "azuredevops" => Platform::AzureDevOps,
        "gitea" => Platform::Gitea,
        "bitbucket" => Platform::Bitbucket,
        _ => bail!("invalid scm platform value: {name}"),
    }))
}

/// Whether a platform is known.
///
/// # Errors
/// It is not.
pub(super) fn check(platform: Option<&str>) -> Result<()> {
    asked(platform).map(|_| ())
}

impl Remote {
    /// Where links of a repository lead; none where it has no remote, or its host is not known.
    ///
    /// # Errors
    /// The platform that was asked for does not exist.
    pub(super) fn of(repository: &Repository, platform: Option<&str>, log: Log) -> Result<Option<Self>> {
        let asked = asked(platform)?;
        if matches!(asked, Asked::Nothing) {
            return Ok(None);
        }
        let config = fs::read_to_string(repository.common_dir().join("config")).unwrap_or_default();
        let branch = fs::read_to_string(repository.git_dir().join("HEAD")).unwrap_or_default();
        let branch = branch.trim().strip_prefix("ref: refs/heads/").unwrap_or_default().to_owned();
        let Some(url) = remote_url(&config, &branch).map(|url| web_address(&url)) else { return Ok(None) };
        let host = host(&url);
        let platform = match asked {
            Asked::Named(platform) => Some(platform),
            _ => HOSTS.iter().find(|(name, _)| *name == host).map(|(_, platform)| *platform),
        };
        if platform.is_none() {
            log.info(&format!("no links to findings: the host `{host}` is not known; --platform says what it is"));
        }
        Ok(platform.map(|platform| Self { platform, url }))
    }

    /// The link to a finding; empty where it is of no commit.
    pub(super) fn link(&self, f: &CompatFinding) -> String {
        if f.commit.is_empty() {
            return String::new();
        }
        let (path, inner) = f.file.split_once('!').map_or((f.file.as_str(), false), |(path, _)| (path, true));
        let path: String = path
            .chars()
            .map(|c| match c {
                ' ' => "%20".to_owned(),
                '%' => "%25".to_owned(),
                c => c.to_string(),
            })
            .collect();
        let (url, commit) = (&self.url, &f.commit);
        let page = match self.platform {
            Platform::GitHub | Platform::GitLab => format!("{url}/blob/{commit}/{path}"),
            Platform::AzureDevOps => format!("{url}/commit/{commit}?path=/{path}"),
            Platform::Gitea => format!("{url}/src/commit/{commit}/{path}"),
            Platform::Bitbucket => format!("{url}/src/{commit}/{path}"),
        };
        if inner { page } else { page + &self.lines(f, &path) }
    }

    fn lines(&self, f: &CompatFinding, path: &str) -> String {
        let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
        let rendered = name.ends_with(".ipynb") || name.ends_with(".md");
        let (plain, first, last, end) = match self.platform {
            Platform::GitHub => ("?plain=1", "#L", "-L", ""),
            Platform::GitLab => ("", "#L", "-", ""),
            Platform::AzureDevOps => {
                ("", "&line=", "&lineEnd=", "&lineStartColumn=1&lineEndColumn=10000000&type=2&lineStyle=plain&_a=files")
            }
            Platform::Gitea => ("?display=source", "#L", "-L", ""),
            Platform::Bitbucket => ("", "#lines-", ":", ""),
        };
        let mut out = if rendered { plain.to_owned() } else { String::new() };
        if f.start_line != 0 {
            out += &format!("{first}{}", f.start_line);
        }
        if f.end_line != f.start_line {
            out += &format!("{last}{}", f.end_line);
        }
        out + end
    }
}

/// The address that `git ls-remote --get-url` prints: of the branch's remote, of the only one, or of `origin`.
pub(crate) fn remote_url(config: &str, branch: &str) -> Option<String> {
    let mut section = String::new();
    let (mut urls, mut of_branch): (Vec<(String, String)>, Option<String>) = (Vec::new(), None);
    for line in config.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once('=') {
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim().trim_matches('"'));
            let named =
                |kind: &str| section.strip_prefix(kind)?.trim().strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
            if let (Some(remote), "url") = (named("remote"), key.as_str()) {
                if urls.iter().all(|(name, _)| *name != remote) {
                    urls.push((remote, value.to_owned()));
                }
            } else if key == "remote" && named("branch").is_some_and(|name| name == branch) {
                of_branch = Some(value.to_owned());
            }
        }
    }
    let wanted = of_branch.unwrap_or_else(|| match &urls[..] {
        [(only, _)] => only.clone(),
        _ => "origin".to_owned(),
    });
    urls.into_iter().find(|(name, _)| *name == wanted).map(|(_, url)| url)
}

/// The address of a remote as a browser takes it: no `git@host:`, no user, no `.git`.
fn web_address(url: &str) -> String {
    let ssh = url.strip_prefix("git@").and_then(|rest| rest.split_once(':'));
    let url = match ssh {
        Some((host, path)) => {
            let port = path
                .split_once('/')
                .filter(|(port, _)| (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit()));
            format!("https://{host}/{}", port.map_or(path, |(_, path)| path))
        }
        None => url.to_owned(),
    };
    let url = url.strip_suffix(".git").unwrap_or(&url);
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            format!("{scheme}://{}{path}", authority.rsplit('@').next().unwrap_or(authority))
        }
        None => url.to_owned(),
    }
}

fn host(url: &str) -> String {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    authority.split(':').next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_become_addresses() {
        for (url, address) in [
            ("git@github.com:a/b.git", "https://github.com/a/b"),
            ("git@git.example:7999/a/b.git", "https://git.example/a/b"),
            ("https://user:token@gitlab.com/a/b.git", "https://gitlab.com/a/b"),
            ("https://codeberg.org/a/b", "https://codeberg.org/a/b"),
            ("/srv/git/a.git", "/srv/git/a"),
        ] {
            assert_eq!(web_address(url), address);
        }
        let config = "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = A\n[remote \"up\"]\n\turl = B\n[branch \"dev\"]\n\tremote = up\n";
        assert_eq!(remote_url(config, "main").as_deref(), Some("A"));
        assert_eq!(remote_url(config, "dev").as_deref(), Some("B"));
        assert_eq!(remote_url("[remote \"x\"]\nurl = C", "main").as_deref(), Some("C"));
        assert_eq!(remote_url("", "main"), None);
    }
}
