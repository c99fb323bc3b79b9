//! The firewall: addresses from which no packet is let in, for a time that the system keeps.
//!
//! `nft` makes a table of our own, `inet testudo`, with one set for each family; elements have timeouts, so an address is let
//! in again even when the agent is gone. Nothing else of the system's rules is touched.

use std::{
    collections::BTreeMap,
    io::Write as _,
    net::IpAddr,
    process::{Command, Stdio},
};

use serde_json::Value;

/// Longest answer of `nft` that is told, in characters.
const MAX_ANSWER: usize = 300;

/// The table with its sets and rules. What is there already stays as it is.
const TABLE: &str = "add table inet testudo
add set inet testudo blocked4 { type ipv4_addr; flags timeout; }
add set inet testudo blocked6 { type ipv6_addr; flags timeout; }
add chain inet testudo input { type filter hook input priority -150; policy accept; }
flush chain inet testudo input
add rule inet testudo input ip saddr @blocked4 counter drop
add rule inet testudo input ip6 saddr @blocked6 counter drop
";

/// What blocks addresses.
pub(crate) trait Firewall: std::fmt::Debug {
    /// Makes ready what blocking needs.
    ///
    /// # Errors
    /// Why nothing can be blocked.
    fn prepare(&mut self) -> Result<(), String>;

    /// Blocks an address for some seconds.
    ///
    /// # Errors
    /// Why it is not blocked.
    fn block(&mut self, address: IpAddr, seconds: u64) -> Result<(), String>;

    /// Lets an address in again; one that is not blocked is.
    ///
    /// # Errors
    /// Why it is still blocked.
    fn unblock(&mut self, address: IpAddr) -> Result<(), String>;

    /// Addresses that are blocked, and for how many seconds yet.
    ///
    /// # Errors
    /// Why nobody knows.
    fn blocked(&mut self) -> Result<BTreeMap<IpAddr, u64>, String>;
}

/// The firewall of Linux.
#[derive(Debug, Default)]
pub(crate) struct Nft;

impl Nft {
    /// Runs `nft` with some commands at its standard input; no shell is started.
    fn run(arguments: &[&str], commands: &str) -> Result<String, String> {
        let mut child = Command::new("nft")
            .args(arguments)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("nft cannot be started: {error}; install the package nftables"))?;
        if let Some(mut input) = child.stdin.take() {
            // A program that ended early says why below.
            drop(input.write_all(commands.as_bytes()));
        }
        let output = child.wait_with_output().map_err(|error| format!("nft: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let answer: String = String::from_utf8_lossy(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        Err(format!("nft refused it: {}", answer.chars().take(MAX_ANSWER).collect::<String>()))
    }

    /// Whether it can be used, without any change.
    pub(crate) fn check() -> Result<(), String> {
        Self::run(&["-c", "-f", "-"], TABLE).map(drop)
    }

    fn set(address: IpAddr) -> &'static str {
        if address.is_ipv4() { "blocked4" } else { "blocked6" }
    }
}

impl Firewall for Nft {
    fn prepare(&mut self) -> Result<(), String> {
        Self::run(&["-f", "-"], TABLE).map(drop)
    }

    fn block(&mut self, address: IpAddr, seconds: u64) -> Result<(), String> {
        let set = Self::set(address);
        // The time of an element that is there already cannot be changed, so it goes first; both happen at once.
        let commands = format!(
            "{TABLE}add element inet testudo {set} {{ {address} timeout 1s }}\ndelete element inet testudo {set} {{ {address} }}\nadd element inet testudo {set} {{ {address} timeout {seconds}s }}\n"
        );
        Self::run(&["-f", "-"], &commands).map(drop)
    }

    fn unblock(&mut self, address: IpAddr) -> Result<(), String> {
        let set = Self::set(address);
        let commands = format!(
            "{TABLE}add element inet testudo {set} {{ {address} timeout 1s }}\ndelete element inet testudo {set} {{ {address} }}\n"
        );
        Self::run(&["-f", "-"], &commands).map(drop)
    }

    fn blocked(&mut self) -> Result<BTreeMap<IpAddr, u64>, String> {
        let mut blocked = BTreeMap::new();
        for set in ["blocked4", "blocked6"] {
            let text = Self::run(&["-j", "list", "set", "inet", "testudo", set], "")?;
            let document: Value = serde_json::from_str(&text).map_err(|error| format!("nft: {error}"))?;
            let sets = document["nftables"].as_array().into_iter().flatten().filter_map(|part| part.get("set"));
            for element in sets.filter_map(|set| set["elem"].as_array()).flatten() {
                let element = element.get("elem").unwrap_or(element);
                let address = element["val"].as_str().or(element.as_str()).and_then(|text| text.parse().ok());
                if let Some(address) = address {
                    blocked.insert(address, element["expires"].as_u64().unwrap_or(0));
                }
            }
        }
        Ok(blocked)
    }
}
