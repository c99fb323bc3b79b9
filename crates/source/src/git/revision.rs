//! Names of commits, as far as a scanner needs them: branches, tags, object ids, `HEAD~2`, `main^`, `A..B`.

use super::{
    CommitObject, GitError, Oid, Reader, Repository, TagObject,
    marks::{FastMap, FastSet},
    pack::Kind,
};

/// A range of commits: those reachable from `to` and not from `from`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Range {
    /// Commits to leave out with all their ancestors; none leaves out nothing.
    pub from: Vec<Oid>,
    /// Where to begin.
    pub to: Vec<Oid>,
}

/// Resolves words of `git rev-list`: `A..B`, `A..` (B is HEAD), `..B`, `A...B` (what only one of them reaches), a single
/// revision (with everything before it), or `^A` (without everything before it). What one word leaves out is left out of
/// all.
///
/// # Errors
/// A name is unknown.
pub fn range(repository: &Repository, text: &str) -> Result<Range, GitError> {
    let or_head = |name: &str| commit(repository, if name.is_empty() { "HEAD" } else { name });
    let mut range = Range::default();
    for word in text.split_whitespace() {
        match (word.strip_prefix('^'), word.split_once("..")) {
            (Some(name), _) => range.from.push(commit(repository, name)?),
            (None, Some(_)) if word.contains("...") => {
                let (left, right) = word.split_once("...").unwrap_or_default();
                let ends = [or_head(left)?, or_head(right)?];
                range.from.extend(merge_bases(repository, ends));
                range.to.extend(ends);
            }
            (None, Some((from, to))) => {
                if !from.is_empty() {
                    range.from.push(commit(repository, from)?);
                }
                range.to.push(or_head(to)?);
            }
            (None, None) => range.to.push(or_head(word)?),
        }
    }
    if range.to.is_empty() {
        return Err(GitError::UnknownRevision(text.to_owned()));
    }
    Ok(range)
}

/// Resolves one revision to a commit.
///
/// # Errors
/// The name is unknown, ambiguous, or does not lead to a commit.
pub fn commit(repository: &Repository, name: &str) -> Result<Oid, GitError> {
    let unknown = || GitError::UnknownRevision(name.to_owned());
    let base_end = name.find(['~', '^']).unwrap_or(name.len());
    let (base, mut steps) = name.split_at(base_end);
    let mut oid = tag_target(
        &mut repository.objects().reader(),
        resolve(repository, if base == "@" { "HEAD" } else { base }).ok_or_else(unknown)?,
    )
    .ok_or_else(unknown)?;
    while let Some(kind) = steps.chars().next() {
        // A tag was followed to its commit already, so that these say nothing more.
        if let Some(rest) = ["^{}", "^{commit}"].into_iter().find_map(|peel| steps.strip_prefix(peel)) {
            steps = rest;
            continue;
        }
        let after = &steps[kind.len_utf8()..];
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let count: usize = if digits == 0 { 1 } else { after[..digits].parse().map_err(|_| unknown())? };
        steps = &after[digits..];
        match kind {
            '~' => {
                for _ in 0..count {
                    oid = parent(repository, oid, 1).ok_or_else(unknown)?;
                }
            }
            '^' if count == 0 => {}
            '^' => oid = parent(repository, oid, count).ok_or_else(unknown)?,
            _ => return Err(unknown()),
        }
    }
    Ok(oid)
}

fn resolve(repository: &Repository, name: &str) -> Option<Oid> {
    let candidates = [
        name.to_owned(),
        format!("refs/{name}"),
        format!("refs/tags/{name}"),
        format!("refs/heads/{name}"),
        format!("refs/remotes/{name}"),
        format!("refs/remotes/{name}/HEAD"),
    ];
    let full = Oid::from_hex(name.as_bytes());
    full.or_else(|| candidates.iter().find_map(|c| repository.resolve(c))).or_else(|| {
        let short = name.len() >= 4 && name.bytes().all(|b| b.is_ascii_hexdigit());
        let found = if short { repository.objects().by_prefix(&name.to_ascii_lowercase()) } else { Vec::new() };
        (found.len() == 1).then(|| found[0])
    })
}

/// The newest commits that both ends reach: everything that both reach is reached by these.
fn merge_bases(repository: &Repository, ends: [Oid; 2]) -> Vec<Oid> {
    let [left, right] = ends.map(|end| ancestors(repository, end));
    let mut inner = FastSet::default();
    for (_, parents) in left.iter().filter(|(oid, _)| right.contains_key(*oid)) {
        inner.extend(parents.iter().copied());
    }
    let mut bases: Vec<Oid> = left.into_keys().filter(|oid| right.contains_key(oid) && !inner.contains(oid)).collect();
    bases.sort_unstable();
    bases
}

/// A commit and all before it, with their parents.
fn ancestors(repository: &Repository, tip: Oid) -> FastMap<Oid, Vec<Oid>> {
    let (mut reader, mut found, mut stack) = (repository.objects().reader(), FastMap::default(), vec![tip]);
    while let Some(oid) = stack.pop() {
        if found.contains_key(&oid) {
            continue;
        }
        let commit = reader.read(&oid).ok().and_then(|object| CommitObject::parse(&object.bytes));
        let parents = commit.map(|commit| commit.parents).unwrap_or_default();
        stack.extend(&parents);
        found.insert(oid, parents);
    }
    found
}

/// Follows annotated tags to a commit.
pub(super) fn tag_target(reader: &mut Reader<'_>, mut oid: Oid) -> Option<Oid> {
    for _ in 0..16 {
        let object = reader.read(&oid).ok()?;
        match object.kind {
            Kind::Commit => return Some(oid),
            Kind::Tag => oid = TagObject::parse(&object.bytes)?.target,
            Kind::Tree | Kind::Blob => return None,
        }
    }
    None
}

fn parent(repository: &Repository, oid: Oid, number: usize) -> Option<Oid> {
    let object = repository.objects().reader().read(&oid).ok()?;
    CommitObject::parse(&object.bytes)?.parents.get(number - 1).copied()
}
