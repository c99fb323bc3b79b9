//! Dockerfiles: what the last stage exposes, and the account it runs under.

use super::{Discovery, Part, ProjectFile, Way, folder};
use crate::nouns::Reach;

pub(super) fn is_one(name: &str) -> bool {
    name == "dockerfile" || name == "containerfile" || name.starts_with("dockerfile.") || name.ends_with(".dockerfile")
}

pub(super) fn read(file: &ProjectFile<'_>, found: &mut Discovery) {
    let (mut user, mut exposes, mut stages) = (None, false, 0);
    for line in file.text.lines() {
        let Some((instruction, rest)) = line.trim().split_once(char::is_whitespace) else { continue };
        match instruction.to_ascii_uppercase().as_str() {
            // Only the last stage is run.
            "FROM" => (user, exposes, stages) = (None, false, stages + 1),
            "USER" => user = rest.split_whitespace().next().map(str::to_owned),
            "EXPOSE" => exposes = true,
            _ => {}
        }
    }
    if stages == 0 {
        found.notes.push(format!("{}: has no stage and was left out", file.path));
        return;
    }
    let source = folder(file.path).to_owned();
    let name =
        if source == "." { found.product.clone() } else { source.rsplit('/').next().unwrap_or(&source).to_owned() };
    let kind = if exposes { "web" } else { "worker" };
    // A variable of the build is no account.
    let runs_as = user.filter(|user| !user.contains('$'));
    let seen_in = file.path.to_owned();
    let id = found.part(&name, Part { kind, source: Some(source), runs_as, seen_in: seen_in.clone() });
    if exposes {
        // What is exposed can be published anywhere: the file does not say where.
        let way = Way { component: id.clone(), reach: Reach::Internet, auth: None, upload: false, spec: None, seen_in };
        found.way(format!("{id}.http"), way);
    }
}
