//! Programs that run, by their files and names, and the accounts that they run under.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
};

use rustix::io::Errno;
use testudo_ledger::Running;

/// Most programs, each with its accounts, that are told.
const MAX_PROGRAMS: usize = 4096;
/// Longest name that is told, in characters. A process can give itself any.
const MAX_NAME: usize = 255;
/// Most that is read of a file of a process, in bytes.
const MAX_READ: u64 = 4096;
/// What the kernel adds to the path of a program whose file is gone.
const DELETED: &str = " (deleted)";

/// Numbers of processes, in order; none where `/proc` does not show those of others.
fn processes() -> io::Result<Vec<u32>> {
    fs::metadata("/proc/1/status")?;
    let mut numbers = Vec::new();
    for entry in fs::read_dir("/proc")? {
        numbers.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// A file of a process, as far as names need it; none where the process is gone.
fn of_process(number: u32, file: &str) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let read =
        File::open(format!("/proc/{number}/{file}")).and_then(|open| open.take(MAX_READ).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::SRCH.raw_os_error())
}

/// The file of a process's program, where that may be asked.
fn program_of(number: u32) -> Option<String> {
    let path = fs::read_link(format!("/proc/{number}/exe")).ok()?.to_string_lossy().into_owned();
    Some(path.strip_suffix(DELETED).unwrap_or(&path).to_owned())
}

/// The first word of a command line.
fn begun_as(line: &str) -> Option<&str> {
    line.split('\0').next().filter(|first| !first.is_empty())
}

/// Paths and names of the programs that run, each once.
///
/// # Errors
/// They cannot be told in full.
pub(super) fn paths() -> io::Result<Vec<String>> {
    let mut all = Vec::new();
    for number in processes()? {
        all.extend(program_of(number));
        let line = of_process(number, "cmdline")?;
        all.extend(line.as_deref().and_then(begun_as).map(str::to_owned));
        all.extend(of_process(number, "comm")?.map(|name| name.trim_end().to_owned()));
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// Which programs run under which accounts; none where that cannot be told in full.
pub(crate) fn running() -> Option<Vec<Running>> {
    let mut all: BTreeMap<(Vec<String>, [u32; 4]), u32> = BTreeMap::new();
    for number in processes().ok()? {
        // A process may end between two looks.
        let Some(own) = process(number).ok()? else { continue };
        *all.entry(own).or_default() += 1;
        if all.len() > MAX_PROGRAMS {
            return None;
        }
    }
    Some(all.into_iter().map(|((names, uids), count)| Running { names, uids, count }).collect())
}

/// Names and accounts of a process; none where it is gone.
fn process(number: u32) -> io::Result<Option<(Vec<String>, [u32; 4])>> {
    let Some(status) = of_process(number, "status")? else { return Ok(None) };
    // What has ended and was not waited for runs no more.
    if field(&status, "State:").is_some_and(|state| state.starts_with(['Z', 'X'])) {
        return Ok(None);
    }
    let uids = uids(&status).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its status has no accounts"))?;
    let (Some(name), Some(line)) = (of_process(number, "comm")?, of_process(number, "cmdline")?) else {
        return Ok(None);
    };
    Ok(Some((names(&name, &line, program_of(number).as_deref()), uids)))
}

fn field<'s>(status: &'s str, name: &str) -> Option<&'s str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// The accounts of a process: real, effective, saved, and that of the file system.
fn uids(status: &str) -> Option<[u32; 4]> {
    let uids: Option<Vec<u32>> = field(status, "Uid:")?.split_whitespace().map(|uid| uid.parse().ok()).collect();
    uids?.try_into().ok()
}

/// What a process is called by the kernel, was begun as, and is by its file. Services write what they do behind their name, as
/// `nginx: worker process`.
fn names(name: &str, line: &str, program: Option<&str>) -> Vec<String> {
    let begun = begun_as(line).and_then(|first| first.split([':', ' ']).next());
    let own = |name: &str| name.rsplit('/').next().unwrap_or_default().chars().take(MAX_NAME).collect::<String>();
    let kernel = name.trim_end_matches('\n').chars().take(MAX_NAME).collect();
    let mut names = vec![kernel];
    names.extend(begun.into_iter().chain(program).map(own));
    names.retain(|name| !name.is_empty());
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_of_a_process_are_told() {
        for (name, line, program, expected) in [
            ("node\n", "/opt/shop/portal\0--x\0", Some("/usr/bin/node"), &["node", "portal"][..]),
            ("nginx\n", "nginx: worker process\0", Some("/usr/sbin/nginx"), &["nginx"]),
            ("postgres\n", "/usr/lib/postgres: writer /a/b", None, &["postgres"]),
            (
                "a-program-with-a\n",
                "/a/a-program-with-a-long-name\0",
                None,
                &["a-program-with-a", "a-program-with-a-long-name"],
            ),
            ("kworker/0:1\n", "", None, &["kworker/0:1"]),
        ] {
            assert_eq!(names(name, line, program), expected, "{name}");
        }
        assert_eq!(names("a\n", &"x".repeat(4000), None)[1].len(), MAX_NAME);
    }

    #[test]
    fn all_accounts_of_a_process_are_told() {
        assert_eq!(uids("Name:\ta\nUid:\t1\t2\t3\t4\nGid:\t0\t0\t0\t0\n"), Some([1, 2, 3, 4]));
        for status in ["Name:\ta\n", "Uid:\t1\t2\t3\n", "Uid:\t1\t2\tx\t4\n"] {
            assert_eq!(uids(status), None, "{status}");
        }
        let uid = rustix::process::geteuid().as_raw();
        assert!(running().unwrap().iter().any(|own| own.uids.contains(&uid) && own.count > 0));
    }

    #[test]
    fn a_process_that_is_gone_is_passed_over() {
        // No process has the largest number.
        assert_eq!(of_process(u32::MAX, "status").unwrap(), None);
        assert!(is_gone(&io::Error::from(Errno::SRCH)) && !is_gone(&io::Error::from(Errno::ACCESS)));
    }
}
