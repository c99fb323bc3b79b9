//! The one place of this crate that asks the machine: what time it is, what it is called, and for random numbers.

use std::{
    fs, io,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use testudo_model::hex;

use crate::AgentError;

/// Longest name of a machine that is used, in characters.
const MAX_NAME: usize = 128;

/// Seconds since 1970; 0 where the clock stands before that.
pub(crate) fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Seconds since 1970 as RFC 3339 in UTC.
pub(crate) fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Now, RFC 3339 in UTC.
pub(crate) fn now() -> String {
    rfc3339(seconds())
}

/// How many seconds the time of the world may be ahead of the clock on the wall here: none where that is UTC.
pub(crate) fn ahead() -> i64 {
    const FARTHEST: i64 = 12 * 3600;
    let is_utc = match std::env::var("TZ") {
        Ok(zone) => matches!(zone.trim_start_matches(':'), "" | "UTC" | "UTC0" | "Etc/UTC"),
        Err(_) => match fs::read_link("/etc/localtime") {
            Ok(zone) => zone.ends_with("UTC"),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        },
    };
    if is_utc { 0 } else { FARTHEST }
}

/// The name of this machine.
pub(crate) fn host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let plain: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).take(MAX_NAME).collect();
    if plain.is_empty() { "host".to_owned() } else { plain }
}

/// The name of a user, where the file of users has one.
pub(crate) fn user(uid: u32) -> Option<String> {
    let (users, uid) = (fs::read_to_string("/etc/passwd").ok()?, uid.to_string());
    let mut fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields.find(|fields| fields.get(2) == Some(&uid.as_str())).map(|fields| fields[0].to_owned())
}

/// Random bytes in hexadecimal.
pub(crate) fn random<const N: usize>() -> Result<String, AgentError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| AgentError::System { what: "random numbers", source: io::Error::other(error.to_string()) })?;
    Ok(hex(&bytes))
}

/// Writes a file of ours, which only we may read: whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), AgentError> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let new = path.with_file_name(format!(".{name}.new"));
    let write = || {
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&new, path)
    };
    write().map_err(|source| AgentError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_798_761_600, "2027-01-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds), expected);
        }
    }
}
