//! The firewall: addresses from which no packet is let in, for a time that the system keeps.
//!
//! `nft` makes a table of our own, `inet testudo`, with one set for each family; elements have timeouts, so an address is let
//! in again even when the agent is gone. Nothing else of the system's rules is touched.

use std::{
    collections::BTreeMap,
    io::{Read, Write as _},
    net::IpAddr,
    process::{Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// Longest answer of `nft` that is told, in characters.
const MAX_ANSWER: usize = 300;

/// Most of an answer that is read, in bytes.
const MAX_OUTPUT: u64 = 64 << 20;
/// How long `nft` may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// How often is looked whether it ended.
const PAUSE: Duration = Duration::from_millis(5);

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
    fn run(arguments: &[&str], commands: &str) -> Result<String, String> {
        answer(Command::new("nft").args(arguments), commands, DEADLINE)
    }

    /// Whether it can be used, without any change.
    pub(crate) fn check() -> Result<(), String> {
        Self::run(&["-c", "-f", "-"], TABLE).map(drop)
    }

    fn set(address: IpAddr) -> &'static str {
        if address.is_ipv4() { "blocked4" } else { "blocked6" }
    }
}

/// Runs `nft` with some commands at its standard input; no shell is started. It is ended where it takes too long.
fn answer(program: &mut Command, commands: &str, deadline: Duration) -> Result<String, String> {
    let until = Instant::now() + deadline;
    let mut child = program
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("nft cannot be started: {error}; install the package nftables"))?;
    let (out, told) = (listen(child.stdout.take()), listen(child.stderr.take()));
    let (input, commands) = (child.stdin.take(), commands.to_owned());
    // A program that ended early says why below, and one that does not read is ended.
    thread::spawn(move || input.map(|mut input| input.write_all(commands.as_bytes())));
    let left = || until.saturating_duration_since(Instant::now());
    let texts = (out.recv_timeout(left()), told.recv_timeout(left()));
    let status = loop {
        match child.try_wait() {
            Ok(None) if left().is_zero() => break Ok(None),
            Ok(None) => thread::sleep(PAUSE),
            status => break status,
        }
    };
    let Some(status) = status.map_err(|error| format!("nft: {error}"))? else {
        drop(child.kill());
        drop(child.wait());
        return Err(format!("nft gave no answer within {} s, and was ended", deadline.as_secs_f32()));
    };
    let (out, told) = (texts.0.unwrap_or_default(), texts.1.unwrap_or_default());
    if status.success() {
        return Ok(String::from_utf8_lossy(&out).into_owned());
    }
    let answer: String = String::from_utf8_lossy(&told).split_whitespace().collect::<Vec<_>>().join(" ");
    Err(format!("nft refused it: {}", answer.chars().take(MAX_ANSWER).collect::<String>()))
}

/// All that comes from a program, once it closed its end.
fn listen<R: Read + Send + 'static>(from: Option<R>) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(from) = from {
            // What came before a failure is told.
            drop(from.take(MAX_OUTPUT).read_to_end(&mut bytes));
        }
        // Nobody listens any more where it took too long.
        send.send(bytes).unwrap_or_default();
    });
    receive
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let sleeps = answer(Command::new("sleep").arg("600"), &"x".repeat(1 << 20), Duration::from_millis(50));
        assert!(sleeps.unwrap_err().contains("no answer within"));
        assert_eq!(answer(&mut Command::new("cat"), "text", DEADLINE).as_deref(), Ok("text"));
        assert!(answer(&mut Command::new("false"), "", DEADLINE).unwrap_err().contains("refused"));
    }
}
