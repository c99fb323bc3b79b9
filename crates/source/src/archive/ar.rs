//! Unix ar files: Debian packages, static libraries. GNU and BSD forms of long names.

use std::io::{self, Read};

use super::{
    expansion::Expansion,
    readers::{Exact, read_up_to},
};

const MAGIC: &[u8] = b"!<arch>\n";
const HEADER: usize = 60;

/// Bytes of names that are kept; a table of long names that is longer is cut.
const NAMES_MAX: u64 = 4 << 20;

/// Gives the members of an ar file.
pub(super) fn expand(run: &mut Expansion<'_>, input: &mut dyn Read) {
    let (magic, error) = read_up_to(input, MAGIC.len() as u64);
    if magic != MAGIC {
        return match error {
            Some(error) => run.read_error(&error),
            None => run.damaged("no ar signature"),
        };
    }
    let mut long_names = Vec::new();
    while !run.is_over() {
        let (header, error) = read_up_to(input, HEADER as u64);
        match error {
            Some(error) => return run.read_error(&error),
            None if header.iter().all(|b| *b == b'\n') => return,
            None => {}
        }
        let Some((name, size)) = parse(&header) else { return run.damaged("malformed ar member header") };
        let mut content = Exact::new(input, size);
        let result = match name {
            "//" => read_names(&mut content, &mut long_names),
            "/" | "/SYM64/" => Ok(()),
            _ => member(run, name, &long_names, &mut content),
        };
        if content.failed() && result.is_ok() {
            return;
        }
        if let Err(error) = result.and_then(|()| content.skip()).and_then(|()| skip_padding(input, size)) {
            return run.read_error(&error);
        }
    }
}

/// Name field and size of a header.
fn parse(header: &[u8]) -> Option<(&str, u64)> {
    let text = |range: std::ops::Range<usize>| std::str::from_utf8(header.get(range)?).ok().map(str::trim_end);
    (header.get(58..60)? == b"`\n").then_some(())?;
    Some((text(0..16)?, text(48..58)?.parse().ok()?))
}

fn read_names(content: &mut Exact<'_>, names: &mut Vec<u8>) -> io::Result<()> {
    let (bytes, error) = read_up_to(content, NAMES_MAX);
    *names = bytes;
    error.map_or(Ok(()), Err)
}

fn skip_padding(input: &mut dyn Read, size: u64) -> io::Result<()> {
    if size % 2 == 1 { read_up_to(input, 1).1.map_or(Ok(()), Err) } else { Ok(()) }
}

fn member(run: &mut Expansion<'_>, field: &str, long_names: &[u8], content: &mut Exact<'_>) -> io::Result<()> {
    let name = if let Some(length) = field.strip_prefix("#1/").and_then(|n| n.parse::<u64>().ok()) {
        let (bytes, error) = read_up_to(content, length.min(NAMES_MAX));
        error.map_or(Ok(()), Err)?;
        String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()
    } else if let Some(offset) = field.strip_prefix('/').and_then(|n| n.parse::<usize>().ok()) {
        let rest = long_names.get(offset..).unwrap_or_default();
        let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        String::from_utf8_lossy(&rest[..end]).trim_end_matches('/').to_owned()
    } else {
        field.trim_end_matches('/').to_owned()
    };
    if name.starts_with("__.SYMDEF") {
        return Ok(());
    }
    let length = content.left();
    run.member(&name, content, Some(length));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::archive::samples::{ar, pairs, tar, texts, xz};

    #[test]
    fn gnu_and_bsd_names() {
        let names = b"a-rather-long-name.o/\nanother-long-name.o/\n";
        let bsd = [b"bsd name.o\0\0".as_slice(), b"four"].concat();
        let file = ar(&[
            ("/", b"index"),
            ("//", names),
            ("/0", b"one"),
            ("/22", b"two"),
            ("short.o/", b"three"),
            ("#1/12", &bsd),
            ("__.SYMDEF SORTED", b"index"),
        ]);
        let expected = [
            ("a-rather-long-name.o", "one"),
            ("another-long-name.o", "two"),
            ("short.o", "three"),
            ("bsd name.o", "four"),
        ];
        assert_eq!(texts("lib.a", &file), pairs(&expected));
    }

    #[test]
    fn debian_packages() {
        let data = xz(&tar(&[("./etc/app.conf", b"key=1")]));
        let file = ar(&[("debian-binary", b"2.0\n"), ("data.tar.xz", &data)]);
        assert_eq!(texts("a.deb", &file), pairs(&[("debian-binary", "2.0\n"), ("data.tar.xz!etc/app.conf", "key=1")]));
    }
}
