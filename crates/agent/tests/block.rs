//! A brute force from one network namespace against another: the source is shut out, let in again when its time is over or
//! somebody takes the block back, and an address of the allow-list never is. Needs root, `ip` and `nft`; says `skipped` where
//! it cannot run.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{
    fs,
    io::Write as _,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);
const HOST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const ATTACKER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const FRIEND: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 3);

fn runs(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Two namespaces with a cable between them.
struct Net {
    host: String,
    other: String,
}

impl Net {
    /// One test after another has them.
    fn new() -> Option<Self> {
        let id = std::process::id();
        let net = Self { host: format!("tsth{id}"), other: format!("tsto{id}") };
        let (a, b) = (format!("va{id}"), format!("vb{id}"));
        let (host, other) = (net.host.clone(), net.other.clone());
        let ready = runs("ip", &["netns", "add", &host])
            && runs("ip", &["netns", "add", &other])
            && runs("ip", &["link", "add", &a, "netns", &host, "type", "veth", "peer", "name", &b, "netns", &other])
            && net.inside(&["ip", "addr", "add", "192.0.2.1/24", "dev", &a])
            && net.inside(&["ip", "link", "set", &a, "up"])
            && net.inside(&["ip", "link", "set", "lo", "up"])
            && runs("ip", &["-n", &other, "addr", "add", "192.0.2.2/24", "dev", &b])
            && runs("ip", &["-n", &other, "addr", "add", "192.0.2.3/24", "dev", &b])
            && runs("ip", &["-n", &other, "link", "set", &b, "up"])
            && net.inside(&["nft", "list", "tables"]);
        ready.then_some(net)
    }

    fn inside(&self, command: &[&str]) -> bool {
        runs("ip", &[&["netns", "exec", &self.host], command].concat())
    }

    /// Whether a connection from an address is answered: refused by the host is an answer, too.
    fn reaches(&self, from: Ipv4Addr) -> bool {
        self.connects(from.into(), HOST.into())
    }

    fn connects(&self, from: IpAddr, to: IpAddr) -> bool {
        let script = format!(
            "import socket\ns=socket.socket({})\ns.settimeout(1)\ns.bind(('{from}',0))\ntry:\n s.connect(('{to}',9))\nexcept ConnectionRefusedError: pass",
            if from.is_ipv6() { "socket.AF_INET6" } else { "socket.AF_INET" }
        );
        runs("ip", &["netns", "exec", &self.other, "python3", "-c", &script])
    }

    fn agent(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.host, env!("CARGO_BIN_EXE_testudo-agent")]).args(arguments);
        command.current_dir(folder).stdin(Stdio::null()).stderr(Stdio::null());
        command
    }
}

impl Net {
    /// A third namespace behind the host, as a container is; and a network of IPv6 behind the other one.
    fn extend(&self) -> bool {
        let (host, other, id) = (&self.host, &self.other, std::process::id());
        let (inner, a, b) = (format!("tstc{id}"), format!("va{id}"), format!("vb{id}"));
        let script = format!(
            "set -e; ip netns add {inner}
             ip link add vc{id} netns {host} type veth peer name vd{id} netns {inner}
             ip -n {host} addr add 198.51.100.1/24 dev vc{id}; ip -n {host} link set vc{id} up
             ip -n {inner} addr add 198.51.100.2/24 dev vd{id}; ip -n {inner} link set vd{id} up
             ip -n {inner} route add default via 198.51.100.1
             ip -n {other} route add 198.51.100.0/24 via {HOST}
             ip netns exec {host} sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
             ip -n {host} addr add 2001:db8:0:1::1/64 dev {a} nodad
             ip -n {other} addr add 2001:db8:0:1::2/64 dev {b} nodad
             ip -n {other} link set lo up
             ip -n {other} addr add 2001:db8:0:2::5/128 dev lo; ip -n {other} addr add 2001:db8:0:2::6/128 dev lo
             ip -n {host} route add 2001:db8:0:2::/64 via 2001:db8:0:1::2"
        );
        runs("sh", &["-c", &script])
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        let inner = format!("tstc{}", std::process::id());
        for name in [&self.host, &self.other, &inner] {
            runs("ip", &["netns", "del", name]);
        }
    }
}

struct Host {
    net: Net,
    folder: PathBuf,
    agent: Option<Child>,
}

impl Host {
    fn start(&mut self) {
        self.agent = Some(self.net.agent(&self.folder, &["run"]).stdout(Stdio::null()).spawn().unwrap());
    }

    fn kill(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            agent.kill().unwrap();
            agent.wait().unwrap();
        }
    }

    fn attack(&self, from: impl Into<IpAddr>) {
        let from = from.into();
        let mut log = fs::OpenOptions::new().append(true).open(self.folder.join("auth.log")).unwrap();
        // A line that is long past blocks nobody.
        let now = Command::new("date").arg("+%b %e %T").output().unwrap();
        let now = String::from_utf8(now.stdout).unwrap();
        let now = now.trim();
        for port in 1..=8 {
            writeln!(log, "{now} h sshd[1]: Failed password for root from {from} port {port} ssh2").unwrap();
        }
    }

    fn responses(&self) -> Vec<Value> {
        let output = self.net.agent(&self.folder, &["response", "list", "--format", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn id(&self, target: impl std::fmt::Display, state: &str) -> Option<String> {
        let found = self.responses().into_iter().find(|r| r["target"] == target.to_string() && r["state"] == state);
        found.and_then(|response| response["id"].as_str().map(str::to_owned))
    }

    fn wait(&self, what: &str, mut test: impl FnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !test(self) {
            assert!(begun.elapsed() < PATIENCE, "{what}: {:?}", self.responses());
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            drop(agent.kill());
        }
        drop(fs::remove_dir_all(&self.folder));
    }
}

#[test]
fn a_brute_force_is_shut_out_for_a_time() {
    let Some(net) = Net::new() else {
        // Nothing of this machine is changed where it cannot be undone.
        return writeln!(std::io::stderr(), "skipped: needs root, ip and nft").unwrap();
    };
    let folder = std::env::temp_dir().join(format!("testudo-agent-block-{}", std::process::id()));
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("auth.log"), "").unwrap();
    let config = "[agent]\nname = \"h\"\nstate-dir = \"state\"\n[[agent.logs]]\npath = \"auth.log\"\n[agent.fim]\ntrees = []\n[agent.ports]\nwatch = false\n[agent.response]\nmode = \"enforce\"\nttl = \"20s\"\nallow = [\"192.0.2.3\"]\n";
    fs::write(folder.join("testudo.toml"), config).unwrap();
    let mut host = Host { net, folder, agent: None };
    assert!(host.net.reaches(ATTACKER) && host.net.reaches(FRIEND));
    host.start();
    host.wait("started", |host| host.folder.join("state/alerts.jsonl").exists());

    host.attack(FRIEND);
    host.attack(ATTACKER);
    host.wait("blocked", |host| host.id(ATTACKER, "active").is_some());
    assert!(!host.net.reaches(ATTACKER), "the attacker is shut out");
    assert!(host.id(FRIEND, "refused").is_some() && host.net.reaches(FRIEND), "a friend is not");

    // The block outlives the agent, and a firewall that was emptied meanwhile is filled again.
    host.kill();
    assert!(!host.net.reaches(ATTACKER));
    assert!(host.net.inside(&["nft", "delete", "table", "inet", "testudo"]));
    assert!(host.net.reaches(ATTACKER));
    host.start();
    host.wait("put back", |host| !host.net.reaches(ATTACKER));
    // Its time counts from the first block.
    host.wait("expired", |host| host.id(ATTACKER, "expired").is_some());
    host.wait("let in again", |host| host.net.reaches(ATTACKER));

    host.attack(ATTACKER);
    host.wait("blocked again", |host| host.id(ATTACKER, "active").is_some());
    assert!(!host.net.reaches(ATTACKER));
    let id = host.id(ATTACKER, "active").unwrap();
    let undo = ["response", "undo", &id, "--reason", "it is ours"];
    assert!(host.net.agent(&host.folder, &undo).stdout(Stdio::null()).status().unwrap().success());
    assert!(host.net.reaches(ATTACKER), "what was taken back is open");
    let undone = host.responses().into_iter().find(|response| response["id"] == id.as_str()).unwrap();
    assert_eq!(
        (&undone["reason"], &undone["rule"]),
        (&"taken back: it is ours".into(), &"agent-sshd-brute-force".into())
    );
    assert!(undone["actor"].as_str().unwrap().contains("(uid 0)") && undone["since"].is_string(), "{undone}");

    // A network of IPv6 is one source, and what the host hands on is dropped, too.
    if !host.net.extend() {
        return writeln!(std::io::stderr(), "skipped: networks behind the host cannot be made").unwrap();
    }
    let (container, six): (IpAddr, IpAddr) = ("198.51.100.2".parse().unwrap(), "2001:db8:0:1::1".parse().unwrap());
    let [five, next]: [IpAddr; 2] = ["2001:db8:0:2::5", "2001:db8:0:2::6"].map(|address| address.parse().unwrap());
    assert!(host.net.connects(ATTACKER.into(), container) && host.net.connects(five, six));
    host.attack(ATTACKER);
    host.attack(five);
    host.wait("blocked", |host| {
        host.id(ATTACKER, "active").is_some() && host.id("2001:db8:0:2::/64", "active").is_some()
    });
    assert!(!host.net.connects(ATTACKER.into(), container), "the container is out of reach");
    assert!(host.net.connects(FRIEND.into(), container) && !host.net.connects(next, six));

    // Somebody empties the firewall while the agent runs.
    assert!(host.net.inside(&["nft", "flush", "ruleset"]));
    assert!(host.net.reaches(ATTACKER));
    host.wait("put back", |host| !host.net.reaches(ATTACKER));
    assert!(!host.net.connects(next, six));
    let told = |host: &Host| fs::read_to_string(host.folder.join("state/alerts.jsonl")).unwrap();
    host.wait("told", |host| told(host).contains("agent-firewall-emptied"));
    host.kill();
}
