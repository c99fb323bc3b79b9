//! Locations: URIs that are valid for every file name, regions, archive members.

use testudo_model::{Location as Place, Snippet, Span};

use super::log::{ArtifactLocation, Content, Location, LogicalLocation, PhysicalLocation, Region};
use crate::escape;

/// What relative URIs are relative to (3.14.14): the working directory of the scan.
pub(super) const BASE: &str = "%SRCROOT%";

/// A place, with the lines around it where a snippet is given.
///
/// A region inside an archive member counts lines of the member; the member is
/// named by the logical location.
pub(super) fn of(place: &Place, snippet: Option<&Snippet>) -> Location {
    let artifact = match (&place.path, &place.url) {
        (Some(path), _) => Some(artifact(path)),
        (None, Some(url)) => Some(ArtifactLocation { uri: Some(escape::url(url)), ..ArtifactLocation::default() }),
        (None, None) => None,
    };
    Location {
        physical_location: artifact.map(|artifact_location| PhysicalLocation {
            artifact_location,
            region: place.span.map(|span| region(&span)),
            context_region: snippet.filter(|_| place.span.is_some()).map(context),
        }),
        logical_locations: logical(place),
        ..Location::default()
    }
}

/// A `/`-separated path as a URI: relative to [`BASE`], or of the `file` scheme.
pub(super) fn artifact(path: &str) -> ArtifactLocation {
    let bytes = path.as_bytes();
    let drive = bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1..3) == Some(b":/");
    let (uri, uri_base_id) = if drive {
        (format!("file:///{}:{}", &path[..1], escape::uri_path(&path[2..])), None)
    } else if path.starts_with('/') {
        (format!("file://{}", escape::uri_path(path)), None)
    } else {
        (escape::uri_path(path), Some(BASE))
    };
    ArtifactLocation { uri: Some(uri), uri_base_id, description: None }
}

/// A span as a region. The standard counts from 1, so a 0 is raised.
pub(super) fn region(span: &Span) -> Region {
    Region {
        start_line: span.start.line.max(1),
        start_column: Some(span.start.column.max(1)),
        end_line: span.end.line.max(span.start.line).max(1),
        end_column: Some(span.end.column.max(1)),
        snippet: None,
    }
}

fn context(snippet: &Snippet) -> Region {
    let breaks = u32::try_from(snippet.text.matches('\n').count()).unwrap_or(u32::MAX);
    let start_line = snippet.line.max(1);
    Region {
        start_line,
        start_column: None,
        end_line: start_line.saturating_add(breaks),
        end_column: None,
        snippet: Some(Content { text: snippet.text.clone() }),
    }
}

fn logical(place: &Place) -> Vec<LogicalLocation> {
    let mut names = Vec::new();
    if !place.members.is_empty() {
        names.push(LogicalLocation { fully_qualified_name: place.display_path(), kind: "member" });
    }
    if let Some(host) = &place.host {
        names.push(LogicalLocation { fully_qualified_name: host.clone(), kind: "resource" });
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_a_uri() {
        for (path, uri, base) in [
            ("src/a b.rs", "src/a%20b.rs", Some(BASE)),
            ("a:b", "a%3Ab", Some(BASE)),
            ("../up", "../up", Some(BASE)),
            ("/abs/ü", "file:///abs/%C3%BC", None),
            ("C:/x y", "file:///C:/x%20y", None),
            ("100%\n#?", "100%25%0A%23%3F", Some(BASE)),
        ] {
            let artifact = artifact(path);
            assert_eq!((artifact.uri.as_deref(), artifact.uri_base_id), (Some(uri), base), "{path}");
        }
    }

    #[test]
    fn members_are_named_below_their_archive() {
        let mut place = Place::file("app.jar");
        place.members = vec!["lib.zip".to_owned(), "a.env".to_owned()];
        let location = of(&place, None);
        assert_eq!(location.logical_locations[0].fully_qualified_name, "app.jar!lib.zip!a.env");
        assert!(location.physical_location.is_some_and(|physical| physical.region.is_none()));
    }

    #[test]
    fn hosts_and_urls_are_places_too() {
        let host = Place { host: Some("web-1".to_owned()), ..Place::default() };
        assert!(of(&host, None).physical_location.is_none());
        assert_eq!(of(&host, None).logical_locations[0].fully_qualified_name, "web-1");
        let url = Place { url: Some("https://app.example/a b".to_owned()), ..Place::default() };
        let physical = of(&url, None).physical_location.unwrap();
        assert_eq!(physical.artifact_location.uri.as_deref(), Some("https://app.example/a%20b"));
    }
}
