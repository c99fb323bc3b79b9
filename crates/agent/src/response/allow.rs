//! Who is never blocked: what the configuration names, this machine, its gateway, the hub, and whoever is logged in over
//! SSH. It is asked each time, because sessions come and go.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs as _},
    path::Path,
};

use crate::config::Config;

/// Why an address is not blocked; none where it may be.
pub(crate) fn reason(address: IpAddr, config: &Config, proc: &Path) -> Option<String> {
    if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
        return Some("it is no address of another machine".to_owned());
    }
    if let Some(range) = config.response.allow.iter().find(|range| range.holds(address)) {
        return Some(format!("{range} is on the allow-list"));
    }
    let named: [(&str, Vec<IpAddr>); 4] = [
        ("it is an address of this machine", own(proc)),
        ("it is the gateway of this machine", gateways(proc)),
        ("it is the other end of an SSH session", sessions(proc)),
        ("it is the hub", hub(config)),
    ];
    named.into_iter().find(|(_, addresses)| addresses.contains(&address)).map(|(why, _)| why.to_owned())
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

/// Where `SSH_CONNECTION` of running shells says that they come from. Processes of others can only be asked by root.
fn sessions(proc: &Path) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for entry in fs::read_dir(proc).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let Ok(variables) = fs::read(entry.path().join("environ")) else { continue };
        let own = variables.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(b"SSH_CONNECTION="));
        let from: Option<IpAddr> = own.and_then(|value| String::from_utf8_lossy(value).split(' ').next()?.parse().ok());
        found.extend(from);
    }
    found
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
    use crate::log::Cidr;

    #[test]
    fn who_is_never_blocked() {
        let mut config = Config::standard();
        config.response.allow = vec![Cidr::parse("192.0.2.0/24").unwrap()];
        let folder = std::env::temp_dir().join(format!("testudo-allow-{}", std::process::id()));
        fs::create_dir_all(folder.join("net")).unwrap();
        fs::create_dir_all(folder.join("12")).unwrap();
        fs::write(
            folder.join("net/fib_trie"),
            "  |-- 198.51.100.7\n   /32 host LOCAL\n  |-- 198.51.100.8\n   /24 link UNICAST\n",
        )
        .unwrap();
        let gateway = u32::from_ne_bytes([198, 51, 100, 1]);
        fs::write(folder.join("net/route"), format!("head\neth0\t00000000\t{gateway:08X}\t0003\n")).unwrap();
        fs::write(folder.join("12/environ"), b"A=b\0SSH_CONNECTION=203.0.113.9 5 198.51.100.7 22\0").unwrap();
        for (address, why) in [
            ("127.0.0.1", Some("no address of another machine")),
            ("192.0.2.9", Some("allow-list")),
            ("198.51.100.7", Some("of this machine")),
            ("198.51.100.8", None),
            ("198.51.100.1", Some("gateway")),
            ("203.0.113.9", Some("SSH session")),
            ("203.0.113.10", None),
        ] {
            let found = reason(address.parse().unwrap(), &config, &folder);
            match why {
                Some(why) => assert!(found.unwrap().contains(why), "{address}"),
                None => assert_eq!(found, None, "{address}"),
            }
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
