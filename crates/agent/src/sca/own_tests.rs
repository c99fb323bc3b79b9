//! Our own policy on hosts as they should be, and as they should not: each of its checks has to tell them apart.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use testudo_ledger::CheckResult;

use super::{Commands, assess, policy};

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
    ("run/docker.sock", 0o660, ""),
    ("usr/bin/env", 0o755, ""),
    ("root/.profile", 0o600, ""),
    (
        "sshd",
        0o644,
        "permitrootlogin without-password\npermitemptypasswords no\npasswordauthentication no\nmaxauthtries 6\n",
    ),
    ("proc/sys/kernel/ostype", 0o644, "Linux\n"),
    ("proc/sys/kernel/randomize_va_space", 0o644, "2\n"),
    ("proc/sys/kernel/kptr_restrict", 0o644, "1\n"),
    ("proc/sys/kernel/dmesg_restrict", 0o644, "1\n"),
    ("proc/sys/fs/protected_symlinks", 0o644, "1\n"),
    ("proc/sys/fs/protected_hardlinks", 0o644, "1\n"),
    ("proc/sys/fs/suid_dumpable", 0o644, "2\n"),
    ("proc/sys/net/ipv4/conf/all/accept_redirects", 0o644, "0\n"),
    ("proc/sys/net/ipv4/conf/all/accept_source_route", 0o644, "0\n"),
    ("proc/sys/net/ipv4/tcp_syncookies", 0o644, "1\n"),
];

/// What breaks which check: the number, and the one file that is otherwise.
const BAD: &[(&str, &str, u32, &str)] = &[
    ("1001", "etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n"),
    ("1002", "etc/shadow", 0o640, "root:*:19000::::::\nguest::19000::::::\n"),
    ("1003", "etc/passwd", 0o644, "root:$1$ab$cd:0:0::/root:/bin/sh\n"),
    ("1004", "etc/shadow", 0o644, "root:*:19000::::::\n"),
    ("1005", "etc/group", 0o664, "root:x:0:\n"),
    ("1006", "etc/login.defs", 0o644, "ENCRYPT_METHOD MD5\n"),
    ("1101", "etc/sudoers", 0o444, "%sudo ALL=(ALL) ALL\n"),
    ("1102", "etc/sudoers.d/web", 0o440, "web ALL=(ALL:ALL) NOPASSWD:ALL\n"),
    (
        "1201",
        "sshd",
        0o644,
        "permitrootlogin yes\npermitemptypasswords no\npasswordauthentication no\nmaxauthtries 6\n",
    ),
    (
        "1202",
        "sshd",
        0o644,
        "permitrootlogin no\npermitemptypasswords yes\npasswordauthentication no\nmaxauthtries 6\n",
    ),
    (
        "1203",
        "sshd",
        0o644,
        "permitrootlogin no\npermitemptypasswords no\npasswordauthentication yes\nmaxauthtries 6\n",
    ),
    (
        "1204",
        "sshd",
        0o644,
        "permitrootlogin no\npermitemptypasswords no\npasswordauthentication no\nmaxauthtries 10\n",
    ),
    ("1205", "etc/ssh/ssh_host_ed25519_key", 0o644, ""),
    ("1301", "proc/sys/kernel/randomize_va_space", 0o644, "1\n"),
    ("1302", "proc/sys/fs/protected_hardlinks", 0o644, "0\n"),
    ("1303", "proc/sys/kernel/kptr_restrict", 0o644, "0\n"),
    ("1304", "proc/sys/kernel/dmesg_restrict", 0o644, "0\n"),
    ("1305", "proc/sys/fs/suid_dumpable", 0o644, "1\n"),
    ("1401", "proc/sys/net/ipv4/conf/all/accept_redirects", 0o644, "1\n"),
    ("1402", "proc/sys/net/ipv4/conf/all/accept_source_route", 0o644, "1\n"),
    ("1403", "proc/sys/net/ipv4/tcp_syncookies", 0o644, "0\n"),
    ("1502", "run/docker.sock", 0o666, ""),
    ("1503", "etc/cron.daily/a", 0o777, ""),
    ("1504", "usr/bin/env", 0o757, ""),
];

/// Checks that no file of a host decides: the home of root is a folder, and services are processes.
const ELSEWHERE: [&str; 2] = ["1007", "1501"];

fn put(root: &Path, (path, mode, content): (&str, u32, &str)) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    if file.exists() {
        fs::remove_file(&file).unwrap();
    }
    fs::write(&file, content).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
}

fn host(name: &str) -> PathBuf {
    let root = std::env::temp_dir().join(format!("testudo-sca-own-{name}-{}", std::process::id()));
    for file in GOOD {
        put(&root, *file);
    }
    fs::set_permissions(root.join("root"), fs::Permissions::from_mode(0o700)).unwrap();
    root
}

/// The policy for a host that lies in a folder. Whoever runs the test owns its files, and nothing answers as `sshd`.
fn moved(root: &Path) -> policy::Policy {
    let root = root.display().to_string();
    let uid = rustix::process::geteuid().as_raw();
    let mut text = OWN.to_owned();
    for folder in ["/etc", "/proc/sys", "/root", "/run", "/var/run", "/usr/bin"] {
        for before in [" ", ":"] {
            text = text.replace(&format!("{before}{folder}"), &format!("{before}{root}{folder}"));
        }
    }
    text = text.replace("r:^/etc", &format!("r:^{root}/etc")).replace("|^/run", &format!("|^{root}/run"));
    text = text.replace("sshd -T", &format!("cat {root}/sshd")).replace("%u.%g", "0.0").replace("%u", "0");
    text = text.replace("! -user root", &format!("! -user {uid}"));
    policy::read(&text, Path::new("own.yml")).unwrap()
}

/// The results of the checks, by number.
fn results(root: &Path) -> Vec<(String, CheckResult)> {
    let commands = Commands::Run(Duration::from_secs(60));
    let all = assess("host", &[], &[moved(root)], commands);
    let checks = &all.policies[0].checks;
    checks.iter().map(|own| (own.check.id.clone(), own.check.result)).collect()
}

#[test]
fn a_good_host_passes_and_each_fault_fails_its_own_check() {
    let root = host("good");
    for (id, result) in results(&root) {
        assert_eq!(result, CheckResult::Passed, "{id}");
    }
    for (id, path, mode, content) in BAD {
        put(&root, (path, *mode, content));
        let failed: Vec<String> =
            results(&root).into_iter().filter(|(_, result)| *result == CheckResult::Failed).map(|(id, _)| id).collect();
        assert_eq!(failed, [*id], "{path}");
        put(&root, *GOOD.iter().find(|(good, ..)| good == path).unwrap());
    }
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
    for id in ["1101", "1102", "1304"] {
        assert_eq!(of(id), CheckResult::NotApplicable, "{id}");
    }
    fs::remove_dir_all(&root).unwrap();
}
