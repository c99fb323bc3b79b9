//! Our own policy on hosts as they should be, and as they should not: each of its checks has to tell them apart.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use testudo_ledger::CheckResult;

use super::{Limits, assess, policy};

const OWN: &str = include_str!("../../../../rules/agent/policies/testudo_linux.yml");

/// Files of a host that is as it should be: path, rights, content.
const GOOD: &[(&str, u32, &str)] = &[
    ("etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\ngames:x:5:0::/:/bin/false\n"),
    ("etc/group", 0o644, "root:x:0:\n"),
    ("etc/shadow", 0o640, "root:*:19000::::::\n"),
    ("etc/login.defs", 0o644, "ENCRYPT_METHOD YESCRYPT\n"),
    ("etc/sudoers", 0o440, "# NOPASSWD: ALL\n%sudo ALL=(ALL) ALL\n"),
    ("etc/sudoers.d/web", 0o440, "web ALL=(root) NOPASSWD: /usr/bin/systemctl reload nginx\n"),
    ("etc/ssh/ssh_host_ed25519_key", 0o600, ""),
    ("etc/crontab", 0o644, ""),
    ("etc/cron.d/a", 0o644, ""),
    ("etc/cron.daily/a", 0o755, ""),
    ("etc/cron.hourly/a", 0o755, ""),
    ("etc/cron.weekly/a", 0o755, ""),
    ("var/spool/cron/crontabs/web", 0o600, ""),
    ("run/docker.sock", 0o660, ""),
    ("usr/bin/env", 0o755, ""),
    ("root/.profile", 0o600, ""),
    (
        "sshd",
        0o644,
        "permitrootlogin without-password\npermitemptypasswords no\npasswordauthentication no\nkbdinteractiveauthentication no\nusepam yes\nmaxauthtries 6\n",
    ),
    ("proc/sys/kernel/ostype", 0o644, "Linux\n"),
    ("proc/sys/kernel/randomize_va_space", 0o644, "2\n"),
    ("proc/sys/kernel/kptr_restrict", 0o644, "1\n"),
    ("proc/sys/kernel/dmesg_restrict", 0o644, "1\n"),
    ("proc/sys/fs/protected_symlinks", 0o644, "1\n"),
    ("proc/sys/fs/protected_hardlinks", 0o644, "1\n"),
    ("proc/sys/fs/suid_dumpable", 0o644, "2\n"),
    ("proc/sys/net/ipv4/conf/all/accept_redirects", 0o644, "0\n"),
    ("proc/sys/net/ipv4/conf/eth0/accept_redirects", 0o644, "0\n"),
    ("proc/sys/net/ipv4/conf/lo/accept_redirects", 0o644, "1\n"),
    ("proc/sys/net/ipv4/conf/all/accept_source_route", 0o644, "0\n"),
    ("proc/sys/net/ipv4/tcp_syncookies", 0o644, "1\n"),
];

/// What breaks which check: the number, and the one file that is otherwise.
const BAD: &[(&str, &str, u32, &str)] = &[
    ("1001", "etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n"),
    ("1001", "etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\ntoor:x:00:0::/root:/bin/sh\n"),
    ("1001", "etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\nroot:x:1:0::/root:/bin/sh\n"),
    ("1002", "etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\nopen::1002:0::/root:/bin/sh\n"),
    ("1002", "etc/shadow", 0o640, "root:*:19000::::::\nguest::19000::::::\n"),
    ("1003", "etc/passwd", 0o644, "root:$1$ab$cd:0:0::/root:/bin/sh\n"),
    ("1003", "etc/passwd", 0o644, "root:abcdefghijklm:0:0::/root:/bin/sh\n"),
    ("1003", "etc/passwd", 0o644, "root:xbcdefghijklm:0:0::/root:/bin/sh\n"),
    ("1004", "etc/shadow", 0o644, "root:*:19000::::::\n"),
    ("1005", "etc/group", 0o664, "root:x:0:\n"),
    ("1006", "etc/login.defs", 0o644, "ENCRYPT_METHOD MD5\n"),
    ("1006", "etc/login.defs", 0o644, "ENCRYPT_METHOD\tDES\n"),
    ("1006", "etc/login.defs", 0o644, "UMASK 022\n"),
    ("1006", "etc/login.defs", 0o644, "ENCRYPT_METHOD SHA512\nMD5_CRYPT_ENAB yes\n"),
    ("1006", "etc/shadow", 0o640, "root:*:1::::::\nweb:$1$ab$cd:1::::::\n"),
    ("1006", "etc/shadow", 0o640, "root:*:1::::::\nweb:abcdefghijklm:1::::::\n"),
    ("1101", "etc/sudoers", 0o460, "%sudo ALL=(ALL) ALL\n"),
    ("1101", "etc/sudoers.d/web", 0o666, "web ALL=(root) /usr/bin/true\n"),
    ("1102", "etc/sudoers.d/web", 0o440, "web ALL=(ALL:ALL) NOPASSWD:ALL\n"),
    ("1102", "etc/sudoers.d/web", 0o440, "web ALL=(ALL) NOPASSWD: SETENV: ALL\n"),
    ("1102", "etc/sudoers.d/web", 0o440, "web ALL=(ALL) NOPASSWD:\tALL\n"),
    ("1102", "etc/sudoers.d/web", 0o440, "web ALL=(ALL) NOPASSWD : ALL\n"),
    ("1102", "etc/sudoers.d/web", 0o440, "web ALL=(ALL) NOPASSWD: /bin/a, ALL\n"),
    ("1102", "etc/sudoers.d/web", 0o440, "#1000 ALL=(ALL) NOPASSWD: ALL"),
    ("1102", "etc/sudoers", 0o440, "Defaults !authenticate\n"),
    ("1102", "etc/sudoers", 0o440, "Defaults:web env_reset, !authenticate\n"),
    (
        "1201",
        "sshd",
        0o644,
        "permitrootlogin yes\npermitemptypasswords no\npasswordauthentication no\nkbdinteractiveauthentication no\nusepam yes\nmaxauthtries 6\n",
    ),
    (
        "1202",
        "sshd",
        0o644,
        "permitrootlogin no\npermitemptypasswords yes\npasswordauthentication no\nkbdinteractiveauthentication no\nusepam yes\nmaxauthtries 6\n",
    ),
    (
        "1203",
        "sshd",
        0o644,
        "permitrootlogin no\npermitemptypasswords no\npasswordauthentication yes\nkbdinteractiveauthentication no\nusepam yes\nmaxauthtries 6\n",
    ),
    (
        "1203",
        "sshd",
        0o644,
        "permitrootlogin no\npermitemptypasswords no\npasswordauthentication no\nkbdinteractiveauthentication yes\nusepam yes\nmaxauthtries 6\n",
    ),
    (
        "1204",
        "sshd",
        0o644,
        "permitrootlogin no\npermitemptypasswords no\npasswordauthentication no\nkbdinteractiveauthentication no\nusepam yes\nmaxauthtries 10\n",
    ),
    ("1205", "etc/ssh/ssh_host_ed25519_key", 0o644, ""),
    ("1205", "etc/ssh/ssh_host_ed25519_key", 0o640, ""),
    ("1301", "proc/sys/kernel/randomize_va_space", 0o644, "1\n"),
    ("1302", "proc/sys/fs/protected_hardlinks", 0o644, "0\n"),
    ("1303", "proc/sys/kernel/kptr_restrict", 0o644, "0\n"),
    ("1304", "proc/sys/kernel/dmesg_restrict", 0o644, "0\n"),
    ("1305", "proc/sys/fs/suid_dumpable", 0o644, "1\n"),
    ("1401", "proc/sys/net/ipv4/conf/all/accept_redirects", 0o644, "1\n"),
    ("1401", "proc/sys/net/ipv4/conf/eth0/accept_redirects", 0o644, "1\n"),
    ("1402", "proc/sys/net/ipv4/conf/all/accept_source_route", 0o644, "1\n"),
    ("1403", "proc/sys/net/ipv4/tcp_syncookies", 0o644, "0\n"),
    ("1502", "run/docker.sock", 0o666, ""),
    ("1503", "etc/cron.daily/a", 0o777, ""),
    ("1503", "etc/cron.weekly/a", 0o775, ""),
    ("1503", "var/spool/cron/crontabs/web", 0o622, ""),
    ("1504", "usr/bin/env", 0o757, ""),
    ("1504", "usr/bin/env", 0o775, ""),
];

/// Folders that others write to.
const OPEN: &[(&str, &str)] =
    &[("1101", "etc/sudoers.d"), ("1503", "etc/cron.d"), ("1503", "var/spool/cron"), ("1504", "usr/bin")];
/// Checks that ask who owns a file.
const OWNED: &[&str] = &["1004", "1005", "1007", "1101", "1205", "1503", "1504"];

/// Checks that no file of a host decides: the home of root is a folder, and services are processes.
const ELSEWHERE: [&str; 2] = ["1007", "1501"];

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn put(root: &Path, (path, mode, content): (&str, u32, &str)) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    open(file.parent().unwrap(), 0o755);
    if file.exists() {
        fs::remove_file(&file).unwrap();
    }
    fs::write(&file, content).unwrap();
    open(&file, mode);
}

fn host(name: &str) -> PathBuf {
    let root = std::env::temp_dir().join(format!("testudo-sca-own-{name}-{}", std::process::id()));
    for file in GOOD {
        put(&root, *file);
    }
    open(&root.join("root"), 0o700);
    open(&root.join("var/spool/cron/crontabs"), 0o730);
    root
}

/// Who owns the files of a host, as the commands of the policy are told.
struct Owner {
    /// The number and the group.
    number: &'static str,
    group: &'static str,
    /// The one whom `find` takes for root.
    root: u32,
}

impl Owner {
    /// Whoever runs the test owns its files.
    fn root(group: &'static str) -> Self {
        Self { number: "0", group, root: rustix::process::geteuid().as_raw() }
    }
}

/// The policy for a host that lies in a folder. Nothing answers as `sshd`.
fn moved(root: &Path, owner: &Owner) -> policy::Policy {
    let root = root.display().to_string();
    let mut text = OWN.to_owned();
    for folder in ["/etc", "/proc/sys", "/root", "/run", "/var", "/usr", "/sbin/", "/bin/"] {
        for before in [" ", ":"] {
            text = text.replace(&format!("{before}{folder}"), &format!("{before}{root}{folder}"));
        }
    }
    let Owner { number, group, root: own } = owner;
    let sshd = "sshd -T -C user=root,host=x,addr=203.0.113.1";
    assert!(text.contains(sshd));
    text = text.replace(sshd, &format!("cat {root}/sshd"));
    text = text.replace("%u.%G", &format!("{number}.{group}")).replace("%u.%g", &format!("{number}.{number}"));
    text = text.replace("%u", number).replace("! -user root", &format!("! -user {own}"));
    policy::read(&text, Path::new("own.yml")).unwrap()
}

/// The results of the checks, by number.
fn results_of(root: &Path, owner: &Owner) -> Vec<(String, CheckResult)> {
    let all = assess("host", &[], &[moved(root, owner)], Limits::default());
    let checks = &all.policies[0].checks;
    checks.iter().map(|own| (own.check.id.clone(), own.check.result)).collect()
}

fn results(root: &Path) -> Vec<(String, CheckResult)> {
    results_of(root, &Owner::root("root"))
}

fn failed(results: Vec<(String, CheckResult)>) -> Vec<String> {
    results.into_iter().filter(|(_, result)| *result == CheckResult::Failed).map(|(id, _)| id).collect()
}

#[test]
fn a_good_host_passes_and_each_fault_fails_its_own_check() {
    let root = host("good");
    for (id, result) in results(&root) {
        assert_eq!(result, CheckResult::Passed, "{id}");
    }
    for (id, path, mode, content) in BAD {
        put(&root, (path, *mode, content));
        assert_eq!(failed(results(&root)), [*id], "{path} {content}");
        put(&root, *GOOD.iter().find(|(good, ..)| good == path).unwrap());
    }
    for (id, path) in OPEN {
        open(&root.join(path), 0o777);
        assert_eq!(failed(results(&root)), [*id], "{path}");
        open(&root.join(path), 0o755);
    }
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn owners_and_groups_count() {
    let root = host("owners");
    let own = rustix::process::geteuid().as_raw();
    assert_eq!(failed(results_of(&root, &Owner { number: "1000", group: "web", root: own + 1 })), OWNED);
    // The group reads the hashes.
    assert_eq!(failed(results_of(&root, &Owner::root("users"))), ["1004"]);
    assert!(failed(results_of(&root, &Owner::root("shadow"))).is_empty());
    put(&root, ("etc/shadow", 0o600, "root:*:19000::::::\n"));
    put(&root, ("etc/ssh/ssh_host_ed25519_key", 0o640, ""));
    assert!(failed(results_of(&root, &Owner::root("ssh_keys"))).is_empty());
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn what_many_hosts_do_not_have_hides_nothing() {
    let root = host("few");
    for folder in ["etc/sudoers.d", "etc/cron.hourly", "var/spool/cron"] {
        fs::remove_dir_all(root.join(folder)).unwrap();
    }
    put(&root, ("etc/sudoers", 0o440, "# x\nweb ALL=(ALL) NOPASSWD: ALL\n"));
    put(&root, ("etc/crontab", 0o666, ""));
    assert_eq!(failed(results(&root)), ["1102", "1503"]);
    put(&root, ("etc/sudoers", 0o440, "%sudo ALL=(ALL) ALL\n"));
    let passed = |id: &str| results(&root).iter().any(|own| *own == (id.to_owned(), CheckResult::Passed));
    assert!(passed("1101") && passed("1102"));
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn every_check_has_a_case() {
    for check in &policy::own().unwrap().checks {
        let known = BAD.iter().map(|(id, ..)| *id).chain(ELSEWHERE).any(|id| id == check.id);
        assert!(known, "{}", check.id);
    }
}

#[test]
fn what_cannot_be_looked_at_is_not_applicable() {
    let root = host("gone");
    for path in ["etc/sudoers", "sshd", "proc/sys/kernel/dmesg_restrict"] {
        fs::remove_file(root.join(path)).unwrap();
    }
    fs::remove_dir_all(root.join("etc/sudoers.d")).unwrap();
    let results = results(&root);
    let of = |id: &str| results.iter().find(|(own, _)| own == id).unwrap().1;
    for id in ["1101", "1102", "1201", "1202", "1203", "1204", "1304"] {
        assert_eq!(of(id), CheckResult::NotApplicable, "{id}");
    }
    fs::remove_dir_all(&root).unwrap();
}
