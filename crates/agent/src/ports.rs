//! Who listens: `/proc/net` says on which ports, the descriptors of processes say who. Each network namespace has tables of
//! its own, which are read through a process in it.
//!
//! UDP has no listeners: a socket that waits for an answer looks like a server. So those on ports that the system gives out
//! count only when they have been open for long, and once for each program.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The tables, the protocol, and the state in which a socket listens (`include/net/tcp_states.h` of Linux).
const TABLES: &[(&str, &str, &str)] =
    &[("tcp", "tcp", "0A"), ("tcp6", "tcp", "0A"), ("udp", "udp", "07"), ("udp6", "udp", "07")];
/// Network namespaces that are looked into, at most.
const MAX_NAMESPACES: usize = 256;
/// How often others than the agent's own are.
const ELSEWHERE: Duration = Duration::from_secs(60);
/// From which port on the system gives them out, where it does not say.
const EPHEMERAL: (u16, u16) = (32_768, 60_999);
/// How long a UDP socket on such a port is taken for one that waits for an answer.
const ANSWER: Duration = Duration::from_secs(600);
/// What stands for such ports in names.
const GIVEN_OUT: &str = "ephemeral";

/// Somebody who listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listener {
    pub(crate) protocol: &'static str,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) inode: u64,
    /// Number of the user whose socket it is.
    pub(crate) user: u32,
    /// Path of the program, where it may be known.
    pub(crate) program: Option<String>,
    pub(crate) pid: Option<u32>,
    /// Whether it is in the network namespace of the agent.
    pub(crate) is_here: bool,
    /// Whether the system chose the port of a UDP socket.
    is_given_out: bool,
}

/// What is known of a socket.
#[derive(Debug, Clone)]
struct Socket {
    program: Option<String>,
    pid: Option<u32>,
    since: Instant,
}

/// Sockets that were seen, by inode.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    known: BTreeMap<u64, Socket>,
    /// What was found in other namespaces, and when: the system goes through all of its sockets for each of them.
    elsewhere: Option<(Vec<Listener>, Instant)>,
    unread: Option<String>,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By key, one for each.
    pub(crate) listeners: Vec<Listener>,
    /// What was not looked at.
    pub(crate) unread: Option<String>,
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
        let name = if self.is_given_out { format!("{}/{GIVEN_OUT}", self.protocol) } else { self.name() };
        // Namespaces have no names: a container that begins again has another one.
        let place = if self.is_here { "" } else { " elsewhere" };
        format!("{name} {} {}{place}", self.scope(), self.program.as_deref().unwrap_or("-"))
    }
}

impl Sockets {
    /// Everybody who listens.
    pub(crate) fn listeners(&mut self, proc: &Path) -> Found {
        let given_out = given_out(proc);
        let mut found: Vec<Listener> = tables(&proc.join("net")).collect();
        if self.elsewhere.as_ref().is_none_or(|(_, when)| when.elapsed() >= ELSEWHERE) {
            let (folders, all) = namespaces(proc);
            let others = folders.iter().flat_map(|folder| tables(folder));
            let others = others.map(|listener| Listener { is_here: false, ..listener }).collect();
            self.elsewhere = Some((others, Instant::now()));
            self.unread = (all > folders.len()).then(|| {
                format!(
                    "of {all} other network namespaces {} are looked into; ports of the rest are not seen",
                    folders.len()
                )
            });
        }
        found.extend(self.elsewhere.iter().flat_map(|(others, _)| others).cloned());
        for listener in &mut found {
            listener.is_given_out = listener.protocol == "udp" && (given_out.0..=given_out.1).contains(&listener.port);
        }
        self.learn(proc, &mut found);
        let waits = |listener: &Listener| {
            listener.is_given_out
                && self.known.get(&listener.inode).is_none_or(|socket| socket.since.elapsed() < ANSWER)
        };
        found.retain(|listener| !waits(listener));
        found.sort_by_key(Listener::key);
        found.dedup_by_key(|listener| listener.key());
        Found { listeners: found, unread: self.unread.clone() }
    }

    /// Says whose the sockets are, and forgets those that are closed.
    fn learn(&mut self, proc: &Path, found: &mut [Listener]) {
        if found.iter().any(|listener| !self.known.contains_key(&listener.inode)) {
            let owners = owners(proc);
            for listener in found.iter() {
                let (program, pid) = owners.get(&listener.inode).cloned().unwrap_or_default();
                let new = Socket { program: None, pid: None, since: Instant::now() };
                let socket = self.known.entry(listener.inode).or_insert(new);
                (socket.program, socket.pid) = (program, pid);
            }
        }
        let inodes: std::collections::BTreeSet<u64> = found.iter().map(|listener| listener.inode).collect();
        self.known.retain(|inode, _| inodes.contains(inode));
        for listener in found {
            if let Some(socket) = self.known.get(&listener.inode) {
                (listener.program, listener.pid) = (socket.program.clone(), socket.pid);
            }
        }
    }
}

/// The listeners of the tables in a folder.
fn tables(folder: &Path) -> impl Iterator<Item = Listener> {
    TABLES.iter().flat_map(move |(table, protocol, state)| {
        let text = fs::read_to_string(folder.join(table)).unwrap_or_default();
        text.lines().skip(1).filter_map(|line| read(line, protocol, state)).collect::<Vec<_>>()
    })
}

/// Folders of the tables of each other network namespace, and how many there are.
fn namespaces(proc: &Path) -> (Vec<PathBuf>, usize) {
    let own = fs::read_link(proc.join("self/ns/net")).ok();
    let mut others = BTreeMap::new();
    for entry in fs::read_dir(proc).into_iter().flatten().flatten() {
        if !entry.file_name().as_encoded_bytes().first().is_some_and(u8::is_ascii_digit) {
            continue;
        }
        // Those of processes that may not be looked at are theirs alone; `doctor` says that.
        let namespace = fs::read_link(entry.path().join("ns/net")).ok().filter(|found| Some(found) != own.as_ref());
        if let Some(namespace) = namespace {
            others.entry(namespace).or_insert_with(|| entry.path().join("net"));
        }
    }
    let all = others.len();
    (others.into_values().take(MAX_NAMESPACES).collect(), all)
}

/// The ports that the system gives out.
fn given_out(proc: &Path) -> (u16, u16) {
    let text = fs::read_to_string(proc.join("sys/net/ipv4/ip_local_port_range")).unwrap_or_default();
    let mut words = text.split_whitespace().map(str::parse);
    match (words.next(), words.next()) {
        (Some(Ok(first)), Some(Ok(last))) => (first, last),
        _ => EPHEMERAL,
    }
}

/// One line of a table: `0: 0100007F:1F90 00000000:0000 0A … inode`.
fn read(line: &str, protocol: &'static str, listens: &str) -> Option<Listener> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (local, state, user, inode) = (words.get(1)?, words.get(3)?, words.get(7)?, words.get(9)?);
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
        user: user.parse().ok()?,
        program: None,
        pid: None,
        is_here: true,
        is_given_out: false,
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
        let found = Sockets::default().listeners(Path::new("/proc")).listeners;
        let own = found.iter().find(|listener| listener.port == port).unwrap();
        assert_eq!((own.scope(), own.pid), ("loopback", Some(std::process::id())));
        assert_eq!((own.user, own.is_here), (rustix::process::geteuid().as_raw(), true));
        assert!(own.program.as_ref().unwrap().contains("testudo"));
    }

    #[test]
    fn sockets_that_wait_for_answers_are_no_listeners_and_namespaces_have_their_own() {
        let proc = std::env::temp_dir().join(format!("testudo-ports-{}", std::process::id()));
        drop(fs::remove_dir_all(&proc));
        let head = "  sl local_address rem_address st tx_queue tr tm->when retrnsmt uid timeout inode\n";
        let line = |port: u16, state: &str, inode: u64| {
            format!(
                "0: 00000000:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 2\n"
            )
        };
        for (pid, namespace) in [("self", "net:[1]"), ("7", "net:[1]"), ("8", "net:[2]")] {
            fs::create_dir_all(proc.join(pid).join("ns")).unwrap();
            fs::create_dir_all(proc.join(pid).join("net")).unwrap();
            std::os::unix::fs::symlink(namespace, proc.join(pid).join("ns/net")).unwrap();
        }
        fs::create_dir_all(proc.join("net")).unwrap();
        fs::create_dir_all(proc.join("sys/net/ipv4")).unwrap();
        fs::write(proc.join("sys/net/ipv4/ip_local_port_range"), "40000\t50000\n").unwrap();
        fs::write(proc.join("net/udp"), head.to_owned() + &line(53, "07", 1) + &line(40_001, "07", 2)).unwrap();
        fs::write(proc.join("8/net/tcp"), head.to_owned() + &line(40_001, "0A", 3)).unwrap();
        let mut sockets = Sockets::default();
        let keys = |sockets: &mut Sockets| {
            let found = sockets.listeners(&proc).listeners;
            found.iter().map(Listener::key).collect::<Vec<_>>()
        };
        assert_eq!(keys(&mut sockets), ["tcp/40001 any - elsewhere", "udp/53 any -"]);
        for socket in sockets.known.values_mut() {
            socket.since = Instant::now().checked_sub(ANSWER).unwrap();
        }
        assert_eq!(keys(&mut sockets), ["tcp/40001 any - elsewhere", "udp/53 any -", "udp/ephemeral any -"]);
        // Another port of the same program is the same listener.
        let more = line(53, "07", 1) + &line(40_001, "07", 2) + &line(40_002, "07", 4);
        fs::write(proc.join("net/udp"), head.to_owned() + &more).unwrap();
        assert_eq!(keys(&mut sockets).len(), 3);
        fs::remove_dir_all(&proc).unwrap();
    }
}
