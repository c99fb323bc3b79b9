//! Who is never blocked: what the configuration names, this machine, its gateway, the hub, and whoever is logged in over
//! SSH. It is asked each time, because sessions come and go.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs as _},
    path::Path,
};

use crate::{config::Config, log::Cidr};

/// Names of the programs that serve sessions: OpenSSH before and since 9.8.
const SERVERS: &[&str] = &["sshd", "sshd-session"];
/// How many ancestors of a process are looked at.
const MAX_ANCESTORS: usize = 64;

/// Why a range is not blocked: somebody in it may not be. None where it may be.
pub(crate) fn reason(range: Cidr, config: &Config, proc: &Path) -> Option<String> {
    let address = range.address();
    if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
        return Some("it is no address of another machine".to_owned());
    }
    if let Some(allowed) = config.response.allow.iter().find(|allowed| allowed.meets(&range)) {
        return Some(format!("{allowed} is on the allow-list"));
    }
    let named: [(&str, Vec<IpAddr>); 4] = [
        ("it is an address of this machine", own(proc)),
        ("it is the gateway of this machine", gateways(proc)),
        ("it is the other end of an SSH session", sessions(proc)),
        ("it is the hub", hub(config)),
    ];
    let is_in = |addresses: &Vec<IpAddr>| addresses.iter().any(|address| range.holds(*address));
    named.into_iter().find(|(_, addresses)| is_in(addresses)).map(|(why, _)| why.to_owned())
}

/// What is blocked where an address attacks: its network, or the address alone where somebody in that network is never
/// blocked; and why that is not blocked, either.
pub(crate) fn target(address: IpAddr, config: &Config, proc: &Path) -> (Cidr, Option<String>) {
    let one = Cidr::one(address);
    let whole = if one.address().is_ipv6() { Cidr::around(address, config.response.prefix6) } else { one };
    match reason(whole, config, proc) {
        Some(_) if whole != one => (one, reason(one, config, proc)),
        why => (whole, why),
    }
}

/// Addresses of this machine: `LOCAL` hosts of the routing tables.
fn own(proc: &Path) -> Vec<IpAddr> {
    let trie = fs::read_to_string(proc.join("net/fib_trie")).unwrap_or_default();
    let mut found = Vec::new();
    let mut last: Option<Ipv4Addr> = None;
    for line in trie.lines() {
        if let Some((_, address)) = line.split_once("|-- ") {
            last = address.trim().parse().ok();
        } else if line.contains("/32 host LOCAL") {
            found.extend(last.map(IpAddr::V4));
        }
    }
    let six = fs::read_to_string(proc.join("net/if_inet6")).unwrap_or_default();
    found.extend(six.lines().filter_map(|line| hex6(line.split_whitespace().next()?)).map(IpAddr::V6));
    found
}

fn hex6(text: &str) -> Option<Ipv6Addr> {
    (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok().map(Ipv6Addr::from)).flatten()
}

/// Routes without a destination.
fn gateways(proc: &Path) -> Vec<IpAddr> {
    let four = fs::read_to_string(proc.join("net/route")).unwrap_or_default();
    let mut found: Vec<IpAddr> = Vec::new();
    for line in four.lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let (Some(&"00000000"), Some(gateway)) = (words.get(1), words.get(2))
            && let Ok(gateway) = u32::from_str_radix(gateway, 16)
        {
            found.push(IpAddr::V4(Ipv4Addr::from(gateway.to_ne_bytes())));
        }
    }
    let six = fs::read_to_string(proc.join("net/ipv6_route")).unwrap_or_default();
    for line in six.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.get(1) == Some(&"00") {
            found.extend(words.get(4).and_then(|gateway| hex6(gateway)).map(IpAddr::V6));
        }
    }
    found.retain(|address| !address.is_unspecified());
    found
}

/// Where `SSH_CONNECTION` of running shells says that they come from. Processes of others can only be asked by root. A
/// variable is what anybody makes of it, so it counts only below a server of SSH that root runs.
fn sessions(proc: &Path) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for entry in fs::read_dir(proc).into_iter().flatten().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(variables) = fs::read(entry.path().join("environ")) else { continue };
        let own = variables.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(b"SSH_CONNECTION="));
        let from: Option<IpAddr> = own.and_then(|value| String::from_utf8_lossy(value).split(' ').next()?.parse().ok());
        found.extend(from.filter(|_| is_of_server(proc, pid)).map(|from| from.to_canonical()));
    }
    found
}

/// Whether a process has an ancestor that is the server of SSH, run by root.
fn is_of_server(proc: &Path, pid: u32) -> bool {
    let mut pid = pid;
    for _ in 0..MAX_ANCESTORS {
        let Some(parent) = parent(&proc.join(pid.to_string())).filter(|parent| *parent > 1) else { return false };
        let folder = proc.join(parent.to_string());
        let program = fs::read_link(folder.join("exe")).unwrap_or_default();
        let name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // After an update the old program goes on under its old name.
        let name = name.strip_suffix(" (deleted)").unwrap_or(&name);
        if SERVERS.contains(&name) && is_of_root(&folder) {
            return true;
        }
        pid = parent;
    }
    false
}

/// The parent of a process: the second word behind its name, which may hold anything.
fn parent(folder: &Path) -> Option<u32> {
    let stat = fs::read(folder.join("stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat).into_owned();
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn is_of_root(folder: &Path) -> bool {
    let status = fs::read_to_string(folder.join("status")).unwrap_or_default();
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    users.is_some_and(|users| users.split_whitespace().all(|user| user == "0"))
}

fn hub(config: &Config) -> Vec<IpAddr> {
    let Some(url) = config.hub.as_ref().and_then(|hub| testudo_net::Url::parse(&hub.url).ok()) else {
        return Vec::new();
    };
    match url.host() {
        testudo_net::Host::Address(address) => vec![*address],
        testudo_net::Host::Name(name) => {
            // No connection is made here: crate `net` looks again, and checks what it finds.
            (name.as_str(), url.port()).to_socket_addrs().into_iter().flatten().map(|found| found.ip()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_never_blocked() {
        let mut config = Config::standard();
        config.response.allow = vec![Cidr::parse("192.0.2.0/24").unwrap()];
        let folder = std::env::temp_dir().join(format!("testudo-allow-{}", std::process::id()));
        fs::create_dir_all(folder.join("net")).unwrap();
        fs::write(
            folder.join("net/fib_trie"),
            "  |-- 198.51.100.7\n   /32 host LOCAL\n  |-- 198.51.100.8\n   /24 link UNICAST\n",
        )
        .unwrap();
        let gateway = u32::from_ne_bytes([198, 51, 100, 1]);
        fs::write(folder.join("net/route"), format!("head\neth0\t00000000\t{gateway:08X}\t0003\n")).unwrap();
        // A server of root with a session below it; a process that only says so; and a server of somebody else with one.
        for (pid, parent, user, program, from) in [
            (9, 1, 0, "/usr/sbin/sshd", None),
            (11, 9, 7, "/usr/sbin/sshd", None),
            (12, 11, 7, "/bin/bash", Some("203.0.113.9")),
            (13, 1, 7, "/bin/bash", Some("203.0.113.11")),
            (14, 1, 7, "/home/eve/sshd", None),
            (15, 14, 7, "/bin/bash", Some("203.0.113.12")),
        ] {
            let process = folder.join(pid.to_string());
            fs::create_dir_all(&process).unwrap();
            fs::write(process.join("stat"), format!("{pid} (a) S 9 (b) S {parent} 1 1")).unwrap();
            fs::write(process.join("status"), format!("Name:\ta\nUid:\t{user}\t{user}\t{user}\t{user}\n")).unwrap();
            drop(fs::remove_file(process.join("exe")));
            std::os::unix::fs::symlink(program, process.join("exe")).unwrap();
            let variables = from.map(|from| format!("A=b\0SSH_CONNECTION={from} 5 198.51.100.7 22\0"));
            fs::write(process.join("environ"), variables.unwrap_or_default()).unwrap();
        }
        for (address, why) in [
            ("127.0.0.1", Some("no address of another machine")),
            ("192.0.2.9", Some("allow-list")),
            ("198.51.100.7", Some("of this machine")),
            ("198.51.100.8", None),
            ("198.51.100.1", Some("gateway")),
            ("203.0.113.9", Some("SSH session")),
            ("203.0.113.10", None),
            ("203.0.113.11", None),
            ("203.0.113.12", None),
        ] {
            let found = reason(Cidr::one(address.parse().unwrap()), &config, &folder);
            match why {
                Some(why) => assert!(found.unwrap().contains(why), "{address}"),
                None => assert_eq!(found, None, "{address}"),
            }
        }
        config.response.allow.push(Cidr::parse("2001:db8:0:7::9").unwrap());
        for (address, target, may) in [
            ("203.0.113.10", "203.0.113.10", true),
            ("2001:db8::5", "2001:db8::/64", true),
            // Somebody in its network is never blocked.
            ("2001:db8:0:7::5", "2001:db8:0:7::5", true),
            ("2001:db8:0:7::9", "2001:db8:0:7::9", false),
            ("::ffff:203.0.113.10", "203.0.113.10", true),
            ("::ffff:192.0.2.9", "192.0.2.9", false),
        ] {
            let (range, why) = super::target(address.parse().unwrap(), &config, &folder);
            assert_eq!((range.text().as_str(), why.is_none()), (target, may), "{address}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
