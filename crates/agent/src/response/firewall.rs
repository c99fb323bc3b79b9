//! The firewall: addresses from which no packet is let in, for a time that the system keeps.
//!
//! `nft` makes a table of our own, `inet testudo`, with sets of addresses and of networks; elements have timeouts, so an
//! address is let in again even when the agent is gone. Dropped is what comes to this machine and what it hands on, to
//! containers for example. Nothing else of the system's rules is touched.

use std::{
    collections::BTreeSet,
    io::{Read, Write as _},
    process::{Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::log::Cidr;

/// Longest answer of `nft` that is told, in characters.
const MAX_ANSWER: usize = 300;

/// Most of an answer that is read, in bytes.
const MAX_OUTPUT: u64 = 64 << 20;
/// How long `nft` may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// How often is looked whether it ended.
const PAUSE: Duration = Duration::from_millis(5);

/// The sets.
const SETS: &[&str] = &["blocked4", "blocked6", "networks6"];
/// The chains, which are also the names of their hooks.
const CHAINS: &[&str] = &["input", "forward"];
/// The table with its sets and rules. What is there already stays as it is.
const TABLE: &str = "add table inet testudo
add set inet testudo blocked4 { type ipv4_addr; flags timeout; }
add set inet testudo blocked6 { type ipv6_addr; flags timeout; }
add set inet testudo networks6 { type ipv6_addr; flags interval, timeout; }
add chain inet testudo input { type filter hook input priority -150; policy accept; }
add chain inet testudo forward { type filter hook forward priority -150; policy accept; }
flush chain inet testudo input
flush chain inet testudo forward
add rule inet testudo input ip saddr @blocked4 counter drop
add rule inet testudo input ip6 saddr @blocked6 counter drop
add rule inet testudo input ip6 saddr @networks6 counter drop
add rule inet testudo forward ip saddr @blocked4 counter drop
add rule inet testudo forward ip6 saddr @blocked6 counter drop
add rule inet testudo forward ip6 saddr @networks6 counter drop
";

/// What stands in the firewall.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Who is blocked.
    pub(crate) blocked: BTreeSet<Cidr>,
    /// Whether all that blocking needs is there.
    pub(crate) is_whole: bool,
}

/// What blocks addresses.
pub(crate) trait Firewall: std::fmt::Debug {
    /// Blocks an address or a network for some seconds.
    ///
    /// # Errors
    /// Why it is not blocked.
    fn block(&mut self, range: Cidr, seconds: u64) -> Result<(), String>;

    /// Lets an address or a network in again; one that is not blocked is.
    ///
    /// # Errors
    /// Why it is still blocked.
    fn unblock(&mut self, range: Cidr) -> Result<(), String>;

    /// What is there.
    ///
    /// # Errors
    /// Why nobody knows.
    fn standing(&mut self) -> Result<Standing, String>;
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

    fn set(range: Cidr) -> &'static str {
        match (range.address().is_ipv4(), range.is_one()) {
            (true, _) => "blocked4",
            (false, true) => "blocked6",
            (false, false) => "networks6",
        }
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
    fn block(&mut self, range: Cidr, seconds: u64) -> Result<(), String> {
        let (set, who) = (Self::set(range), range.text());
        // The time of an element that is there already cannot be changed, so it goes first; all happens at once.
        let commands = format!("{}add element inet testudo {set} {{ {who} timeout {seconds}s }}\n", freed(set, &who));
        Self::run(&["-f", "-"], &commands).map(drop)
    }

    fn unblock(&mut self, range: Cidr) -> Result<(), String> {
        Self::run(&["-f", "-"], &freed(Self::set(range), &range.text())).map(drop)
    }

    fn standing(&mut self) -> Result<Standing, String> {
        let text = match Self::run(&["-j", "list", "table", "inet", "testudo"], "") {
            Err(why) if why.contains("No such file") => return Ok(Standing::default()),
            text => text?,
        };
        let document: Value = serde_json::from_str(&text).map_err(|error| format!("nft: {error}"))?;
        Ok(read(&document))
    }
}

/// The table, without an element.
fn freed(set: &str, who: &str) -> String {
    format!(
        "{TABLE}add element inet testudo {set} {{ {who} timeout 1s }}\ndelete element inet testudo {set} {{ {who} }}\n"
    )
}

/// What the table is, in the JSON of `nft` (libnftables-json(5)).
fn read(document: &Value) -> Standing {
    let parts: Vec<&Value> = document["nftables"].as_array().into_iter().flatten().collect();
    let elements = parts.iter().filter_map(|part| part["set"]["elem"].as_array()).flatten();
    let range = |element: &Value| {
        let value = &element.get("elem").unwrap_or(element);
        let value = value.get("val").unwrap_or(value);
        match value.get("prefix") {
            Some(prefix) => Cidr::parse(&format!("{}/{}", prefix["addr"].as_str()?, prefix["len"])),
            None => Cidr::parse(value.as_str()?),
        }
    };
    let drops = |chain: &str, set: &str| {
        parts.iter().filter(|part| part["rule"]["chain"] == chain).any(|part| {
            let expression = || part["rule"]["expr"].as_array().into_iter().flatten();
            let wanted = format!("@{set}");
            expression().any(|part| part["match"]["right"] == wanted.as_str())
                && expression().any(|part| part.get("drop").is_some())
        })
    };
    let hooks = |chain: &str| parts.iter().any(|part| part["chain"]["name"] == chain && part["chain"]["hook"] == chain);
    Standing {
        blocked: elements.filter_map(range).collect(),
        is_whole: CHAINS.iter().all(|chain| hooks(chain) && SETS.iter().all(|set| drops(chain, set))),
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
