//! Paths of reports in the form of our own findings. Nothing here looks at a disk.

use crate::Project;

/// A path with `/` between its parts and without the scheme of a `file:` URI and `./` in front.
///
/// `%41` and the like are only turned back where the report says that it is a URI; the readers do that.
pub(crate) fn clean(path: &str) -> String {
    let path = path.trim().replace('\\', "/");
    let path = path.strip_prefix("file://localhost").or_else(|| path.strip_prefix("file://")).unwrap_or(&path);
    // `file:///C:/x`
    let path = path.strip_prefix('/').filter(|rest| has_drive(rest)).unwrap_or(path);
    let mut path = path;
    while let Some(rest) = path.strip_prefix("./") {
        path = rest.trim_start_matches('/');
    }
    path.to_owned()
}

fn has_drive(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1) == Some(&b':') && bytes.get(2) == Some(&b'/')
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || has_drive(path)
}

/// A URI reference (RFC 3986) as a path; anything but a file has none.
pub(crate) fn of_uri(uri: &str) -> Option<String> {
    let scheme = uri.split_once("://").map(|(scheme, _)| scheme);
    if scheme.is_some_and(|scheme| !scheme.eq_ignore_ascii_case("file")) {
        return None;
    }
    let bytes = uri.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let pair =
            bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    Some(String::from_utf8_lossy(&out).into_owned()).filter(|path| !path.is_empty())
}

/// The path as our own findings would name it: counted from the working directory where it is absolute and below the root
/// of the project, or else as it is.
pub(crate) fn settle(project: &Project<'_>, path: &str, inside: Option<&str>) -> String {
    let path = clean(path);
    if !is_absolute(&path) {
        return path;
    }
    let below = project.roots.iter().find_map(|root| {
        let rest = path.strip_prefix(root.trim_end_matches('/'))?.strip_prefix('/')?;
        normal(rest)
    });
    let root = project.roots.first().map(|root| root.trim_end_matches('/'));
    match (below, root) {
        (Some(names), Some(root)) => relative(&project.working, root, &names),
        _ => inside.map_or(path, |inside| clean(inside.trim_start_matches('/'))),
    }
}

/// The names of a path without `.` and `..`; none where it leaves its start.
fn normal(path: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    Some(names)
}

fn relative(working: &str, root: &str, names: &[&str]) -> String {
    let parts = |path: &str| path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (from, mut to) = (parts(working), parts(root));
    to.extend(names.iter().map(|name| (*name).to_owned()));
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - same);
    up.chain(to.split_off(same)).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::NoDigests;

    #[test]
    fn paths_below_the_root_become_relative() {
        let project = |working: &str| Project {
            roots: vec!["/srv/app".to_owned(), "/link/app/".to_owned()],
            working: working.to_owned(),
            digests: &NoDigests,
        };
        for (working, path, inside, expected) in [
            ("/srv/app", "/srv/app/src/a.rs", None, "src/a.rs"),
            ("/srv/app", "file:///srv/app/a%20b", None, "a%20b"),
            ("/srv/app", "/link/app/src/a.rs", None, "src/a.rs"),
            ("/srv/app/api", "/srv/app/src/a.rs", None, "../src/a.rs"),
            ("/srv", "/srv/app/src/a.rs", None, "app/src/a.rs"),
            ("/srv/app", "./src\\a.rs", None, "src/a.rs"),
            ("/srv/app", "/srv/application/a", None, "/srv/application/a"),
            ("/srv/app", "/srv/app/../../etc/passwd", None, "/srv/app/../../etc/passwd"),
            ("/srv/app", "../x", None, "../x"),
            ("/srv/app", "/tf/main.tf", Some("/main.tf"), "main.tf"),
            ("/srv/app", "C:\\x\\y", None, "C:/x/y"),
        ] {
            assert_eq!(settle(&project(working), path, inside), expected, "{path}");
        }
    }

    #[test]
    fn uris_are_decoded_and_only_files_are_paths() {
        assert_eq!(of_uri("src/a%20b%zz.rs").as_deref(), Some("src/a b%zz.rs"));
        assert_eq!(of_uri("https://host.example/a"), None);
        assert_eq!(of_uri("file:///a").as_deref(), Some("file:///a"));
        assert_eq!(of_uri(""), None);
    }
}
