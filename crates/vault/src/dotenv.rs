//! Files of variables: `NAME=value` or `#comment` on each line, nothing quoted, `\n` for a line break. Metadata stand flat
//! between them: `sops_age__list_0__map_enc`.

use crate::{Scalar, VaultError, limits, tree::Tree};

const PREFIX: &str = "sops_";
const MAP: &str = "__map_";
const LIST: &str = "__list_";

/// Reads a text.
///
/// # Errors
/// A line is neither variable nor comment, a name stands twice, or a limit is exceeded.
pub fn read(text: &str) -> Result<Tree, VaultError> {
    limits::check_size(text)?;
    let (mut entries, mut names) = (Vec::new(), std::collections::BTreeSet::new());
    for (at, line) in text.split('\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let wrong = |why: &str| VaultError::Syntax { line: at + 1, column: 1, why: why.to_owned() };
        if let Some(comment) = line.strip_prefix('#') {
            entries.push((String::new(), Tree::Leaf(Scalar::Comment(comment.to_owned()))));
            continue;
        }
        let (name, value) = line.split_once('=').ok_or_else(|| wrong("neither NAME=value nor a #comment"))?;
        if !names.insert(name) {
            return Err(wrong(&format!("`{}` stands twice; remove one of the two", name.escape_debug())));
        }
        entries.push((name.to_owned(), Tree::Leaf(Scalar::Text(value.replace("\\n", "\n")))));
    }
    let tree = Tree::Map(entries);
    limits::check(&tree)?;
    Ok(tree)
}

/// Writes values.
///
/// # Errors
/// There is a list or a map among them, or a name that would not be read back.
pub fn write(tree: &Tree) -> Result<String, VaultError> {
    let Tree::Map(entries) = tree else { return Ok(String::new()) };
    let mut out = String::new();
    for (key, value) in entries {
        let unfit = |why| VaultError::Unfit { path: key.clone(), why };
        let value = match value {
            Tree::Leaf(Scalar::Comment(text)) => {
                out.push('#');
                out.push_str(&text.replace('\n', "\n#"));
                out.push('\n');
                continue;
            }
            Tree::Leaf(Scalar::Text(text)) => text.replace('\n', "\\n"),
            Tree::Leaf(scalar) => String::from_utf8(scalar.bytes()).map_err(|_| unfit("is no text"))?,
            Tree::Null => String::new(),
            Tree::Map(_) | Tree::List(_) => {
                return Err(unfit("lists and maps do not fit into dotenv; use yaml or json"));
            }
        };
        if key.is_empty() || key.starts_with('#') || key.contains(['=', '\n']) {
            return Err(unfit("is no name of a variable"));
        }
        out.push_str(key);
        out.push('=');
        out.push_str(&value);
        out.push('\n');
    }
    Ok(out)
}

/// Takes metadata out of the variables of a file; none where there are none.
pub(crate) fn take_metadata(entries: &mut Vec<(String, Tree)>) -> Result<Option<Tree>, VaultError> {
    let is_metadata = |(key, value): &mut (String, Tree)| key.starts_with(PREFIX) && !value.is_comment();
    let found: Vec<_> = entries.extract_if(.., is_metadata).collect();
    if found.is_empty() {
        return Ok(None);
    }
    let mut root = Tree::Map(Vec::new());
    let mut found: Vec<_> = found.iter().map(|(key, value)| (steps(&key[PREFIX.len()..]), key, value)).collect();
    // Items in their order: by name the tenth stands before the second.
    found.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    for (steps, key, value) in found {
        put(&mut root, &steps, value.clone())
            .ok_or_else(|| VaultError::Metadata(format!("`{}` does not fit to the others", key.escape_debug())))?;
    }
    Ok(Some(root))
}

/// One step into metadata.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Step<'k> {
    Key(&'k str),
    Item(usize),
}

fn steps(key: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for (at, part) in key.split(LIST).enumerate() {
        let (first, rest) = part.split_once(MAP).map_or((part, None), |(first, rest)| (first, Some(rest)));
        match first.parse() {
            Ok(number) if at > 0 => steps.push(Step::Item(number)),
            _ => steps.push(Step::Key(first)),
        }
        steps.extend(rest.into_iter().flat_map(|rest| rest.split(MAP)).map(Step::Key));
    }
    steps
}

/// Puts a value at the end of some steps. None where something else stands there, or an item before it is missing.
fn put(tree: &mut Tree, steps: &[Step<'_>], value: Tree) -> Option<()> {
    let Some((step, rest)) = steps.split_first() else {
        *tree = value;
        return Some(());
    };
    let empty = match rest.first() {
        Some(Step::Key(_)) => Tree::Map(Vec::new()),
        Some(Step::Item(_)) => Tree::List(Vec::new()),
        None => Tree::Null,
    };
    let next = match (step, tree) {
        (Step::Key(key), Tree::Map(entries)) => {
            let at = entries.iter().position(|(name, _)| name == key).unwrap_or(entries.len());
            if at == entries.len() {
                entries.push(((*key).to_owned(), empty));
            }
            &mut entries.get_mut(at)?.1
        }
        (Step::Item(at), Tree::List(items)) => {
            if *at == items.len() {
                items.push(empty);
            }
            items.get_mut(*at)?
        }
        _ => return None,
    };
    put(next, rest, value)
}

/// Metadata as variables, sorted by name.
pub(crate) fn metadata(tree: &Tree) -> Vec<(String, Tree)> {
    let mut out = Vec::new();
    if let Tree::Map(entries) = tree {
        for (key, value) in entries {
            flatten(&format!("{PREFIX}{key}"), value, &mut out);
        }
    }
    out.sort_by(|(a, _), (b, _)| a.cmp(b));
    out
}

fn flatten(name: &str, tree: &Tree, out: &mut Vec<(String, Tree)>) {
    match tree {
        Tree::Map(entries) => {
            for (key, value) in entries.iter().filter(|(_, value)| !value.is_comment()) {
                flatten(&format!("{name}{MAP}{key}"), value, out);
            }
        }
        Tree::List(items) => {
            for (at, item) in items.iter().filter(|item| !item.is_comment()).enumerate() {
                flatten(&format!("{name}{LIST}{at}"), item, out);
            }
        }
        Tree::Leaf(Scalar::Bool(value)) => {
            out.push((name.to_owned(), Tree::Leaf(Scalar::Text(value.to_string()))));
        }
        Tree::Leaf(_) => out.push((name.to_owned(), tree.clone())),
        Tree::Null => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_are_flat_and_come_back() {
        let text = |text: &str| Tree::Leaf(Scalar::Text(text.to_owned()));
        let entry = |n: usize| {
            Tree::Map(vec![("enc".to_owned(), text(&format!("a\n{n}"))), ("recipient".to_owned(), text("age1"))])
        };
        let tree = Tree::Map(vec![
            ("age".to_owned(), Tree::List((0..12).map(entry).collect())),
            ("mac".to_owned(), text("x")),
        ]);
        let flat = metadata(&tree);
        let sorted = ["sops_age__list_0__map_enc", "sops_age__list_0__map_recipient", "sops_age__list_10__map_enc"];
        assert!(flat.iter().map(|(key, _)| key.as_str()).take(3).eq(sorted));
        let text = write(&Tree::Map(flat)).unwrap();
        let Tree::Map(mut entries) = read(&text).unwrap() else { panic!("no map") };
        assert_eq!(take_metadata(&mut entries).unwrap(), Some(tree));
        assert!(entries.is_empty());
    }

    #[test]
    fn lines_that_are_no_variables_are_placed() {
        for (text, at) in [("A=1\n\nB", "3:1: neither"), ("A=1\nA=2", "2:1: `A` stands twice")] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(at), "{error}");
        }
    }
}
