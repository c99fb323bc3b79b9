//! Who listens: `/proc/net` says on which ports, the descriptors of processes say who.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

/// The tables, the protocol, and the state in which a socket listens (`include/net/tcp_states.h` of Linux).
const TABLES: &[(&str, &str, &str)] =
    &[("tcp", "tcp", "0A"), ("tcp6", "tcp", "0A"), ("udp", "udp", "07"), ("udp6", "udp", "07")];
/// Lines of a table that are read, at most.
const MAX_LINES: usize = 100_000;
/// Ports from which on UDP sockets belong to requests that wait for an answer (`ip_local_port_range`).
const EPHEMERAL: u16 = 32_768;

/// Somebody who listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) protocol: &'static str,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) inode: u64,
    /// Path of the program, where it may be known.
    pub(crate) program: Option<String>,
    pub(crate) pid: Option<u32>,
}

impl Listener {
    /// From where it can be reached: `loopback`, `any` or `address`.
    pub(crate) fn scope(&self) -> &'static str {
        match self.address {
            address if address.is_loopback() => "loopback",
            address if address.is_unspecified() => "any",
            _ => "address",
        }
    }

    /// `tcp/443`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.protocol, self.port)
    }

    /// What makes it one that was seen before.
    pub(crate) fn key(&self) -> String {
        format!("{} {} {}", self.name(), self.scope(), self.program.as_deref().unwrap_or("-"))
    }
}

/// Everybody who listens, by key; `known` sockets are those whose program is known already, by inode.
pub(crate) fn listeners(proc: &Path, known: &mut BTreeMap<u64, (Option<String>, Option<u32>)>) -> Vec<Listener> {
    let mut found = Vec::new();
    for (table, protocol, state) in TABLES {
        let text = fs::read_to_string(proc.join("net").join(table)).unwrap_or_default();
        found.extend(text.lines().skip(1).take(MAX_LINES).filter_map(|line| read(line, protocol, state)));
    }
    found.retain(|listener| listener.protocol == "tcp" || listener.port < EPHEMERAL);
    if found.iter().any(|listener| !known.contains_key(&listener.inode)) {
        let owners = owners(proc);
        for listener in &found {
            known.insert(listener.inode, owners.get(&listener.inode).cloned().unwrap_or_default());
        }
    }
    let inodes: Vec<u64> = found.iter().map(|listener| listener.inode).collect();
    known.retain(|inode, _| inodes.contains(inode));
    for listener in &mut found {
        if let Some((program, pid)) = known.get(&listener.inode) {
            (listener.program, listener.pid) = (program.clone(), *pid);
        }
    }
    found.sort_by_key(Listener::key);
    found.dedup_by_key(|listener| listener.key());
    found
}

/// One line of a table: `0: 0100007F:1F90 00000000:0000 0A … inode`.
fn read(line: &str, protocol: &'static str, listens: &str) -> Option<Listener> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (local, state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?);
    let (address, port) = local.split_once(':')?;
    if *state != listens {
        return None;
    }
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(Listener {
        protocol,
        address: self::address(address)?,
        port,
        inode: inode.parse().ok()?,
        program: None,
        pid: None,
    })
}

/// Words of four bytes, each in the order of the machine.
fn address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    match text.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
            let octets: [u8; 16] = words.try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(octets)).to_canonical())
        }
        _ => None,
    }
}

/// The program and process of each socket, as far as this process may know.
fn owners(proc: &Path) -> BTreeMap<u64, (Option<String>, Option<u32>)> {
    let mut owners = BTreeMap::new();
    for entry in fs::read_dir(proc).into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        for descriptor in fs::read_dir(entry.path().join("fd")).into_iter().flatten().flatten() {
            let Ok(target) = fs::read_link(descriptor.path()) else { continue };
            let target = target.to_string_lossy();
            let inode = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
            if let Some(inode) = inode.and_then(|inode| inode.parse().ok()) {
                let program = fs::read_link(entry.path().join("exe")).ok();
                let program = program.map(|path| path.to_string_lossy().into_owned());
                owners.entry(inode).or_insert((program, Some(pid)));
            }
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_tables() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1";
        let found = read(line, "tcp", "0A").unwrap();
        assert_eq!((found.name().as_str(), found.scope(), found.inode), ("tcp/8080", "loopback", 4711));
        assert_eq!(read(line, "tcp", "01"), None);
        let six =
            "1: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 12 1";
        assert_eq!(read(six, "tcp", "0A").unwrap().key(), "tcp/22 any -");
        for wrong in ["", "x", "0: 01:1 x 0A", "0: 0100007G:1F90 0 0A 0 0 0 0 0 1"] {
            assert_eq!(read(wrong, "tcp", "0A"), None);
        }
    }

    #[test]
    fn a_socket_of_this_process_is_seen() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let found = listeners(Path::new("/proc"), &mut BTreeMap::new());
        let own = found.iter().find(|listener| listener.port == port).unwrap();
        assert_eq!((own.scope(), own.pid), ("loopback", Some(std::process::id())));
        assert!(own.program.as_ref().unwrap().contains("testudo"));
    }
}
