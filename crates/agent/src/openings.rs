//! Which ports are known, and which opening of one is told: what was open at the first start never, anything else when it is
//! opened, and again only when it was closed for long.

use crate::{ports::Listener, spool::Spool};

/// Under which names ports are known.
const PORT: &str = "port:";
/// That ports were looked at before, and when.
const BEGUN: &str = "ports";
/// Known from the first start on.
const BASE: &str = "base";
/// Open now.
const OPEN: &str = "";
/// For how many seconds a port may be closed and is still the one that was told.
const AGAIN: u64 = 3600;
/// Ports that are remembered, at most.
const MAX_KNOWN: usize = 10_000;

/// Takes who listens now, in seconds since 1970; gives those that are to be told.
pub(crate) fn opened(found: Vec<Listener>, now: u64, spool: &mut Spool) -> Vec<Listener> {
    let is_first = spool.value(BEGUN).is_none();
    if is_first {
        spool.set(BEGUN.to_owned(), Some(now.to_string()));
    }
    let keys: Vec<String> = found.iter().map(|listener| format!("{PORT}{}", listener.key())).collect();
    let known: Vec<(String, String)> =
        spool.values(PORT).map(|(key, value)| (format!("{PORT}{key}"), value.to_owned())).collect();
    for (key, value) in &known {
        // `found` is sorted by key.
        match value.parse::<u64>() {
            _ if value == BASE || keys.binary_search(key).is_ok() => {}
            Ok(closed) if now >= closed.saturating_add(AGAIN) => spool.set(key.clone(), None),
            Ok(_) => {}
            Err(_) => spool.set(key.clone(), Some(now.to_string())),
        }
    }
    let mut room = MAX_KNOWN.saturating_sub(known.len());
    let mut new = Vec::new();
    for (listener, key) in found.into_iter().zip(keys) {
        let value = spool.value(&key);
        let is_new = value.is_none_or(|value| value.parse().is_ok_and(|closed| now >= AGAIN.saturating_add(closed)));
        if value.is_some_and(|value| value == BASE || value == OPEN) {
            continue;
        }
        // Where too many are known more are told each time, rather than not.
        if value.is_some() || room > 0 {
            room = room.saturating_sub(1);
            spool.set(key, Some(if is_first { BASE } else { OPEN }.to_owned()));
        }
        if is_new && !is_first {
            new.push(listener);
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::ports::Sockets;

    fn found(proc: &Path, ports: &[u16]) -> Vec<Listener> {
        let line = |port: &u16| format!("0: 00000000:{port:04X} 0:0 0A 0:0 0:0 0 0 0 {port} 1\n");
        let text = ports.iter().map(line).collect::<String>();
        std::fs::write(proc.join("net/tcp"), format!("head\n{text}")).unwrap();
        Sockets::default().listeners(proc).listeners
    }

    #[test]
    fn what_is_told_of_ports() {
        let folder = std::env::temp_dir().join(format!("testudo-openings-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(folder.join("proc/net")).unwrap();
        let open = || Spool::open(&folder.join("spool"), "web-1", 1 << 20).unwrap().0;
        let mut spool = open();
        for (now, ports, told) in [
            (1000, vec![22, 80], vec![]),
            (1005, vec![22, 80, 4444], vec![4444]),
            (1010, vec![22, 80, 4444], vec![]),
            // It closes and opens again.
            (1015, vec![22, 80], vec![]),
            (1020, vec![22, 80, 4444], vec![]),
            (1025, vec![], vec![]),
            // What was there first may be closed for as long as it likes.
            (9000, vec![22, 80], vec![]),
            (9005, vec![22, 80, 4444], vec![4444]),
        ] {
            let new = opened(found(&folder.join("proc"), &ports), now, &mut spool);
            assert_eq!(new.iter().map(|listener| listener.port).collect::<Vec<_>>(), told, "{now}");
            // The process ends after each look.
            spool.commit().unwrap();
            drop(spool);
            spool = open();
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
