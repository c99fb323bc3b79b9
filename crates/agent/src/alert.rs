//! What is told of a line, a file or a port: the alert before it has its number.

use std::{collections::BTreeMap, net::IpAddr};

use testudo_model::{Alert, DetectorId, Location, Severity};

use crate::{
    fim::{Change, ChangeKind, path_of, state::Kind, state::State},
    log::{Hit, Judged, severity, value},
    machine,
    mask::masked,
    ports::Listener,
};

/// Longest text that is told of a line, in characters.
const MAX_TEXT: usize = 2000;

/// Where programs of the system are.
const PROGRAMS: &[&str] = &[
    "/bin",
    "/boot",
    "/lib",
    "/lib64",
    "/sbin",
    "/usr/bin",
    "/usr/lib",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/sbin",
];
/// Files that decide who may do what, and what is started.
const POWERFUL: &[&str] = &[
    "/etc/cron",
    "/etc/group",
    "/etc/gshadow",
    "/etc/init.d",
    "/etc/pam.d",
    "/etc/passwd",
    "/etc/profile",
    "/etc/security",
    "/etc/shadow",
    "/etc/ssh",
    "/etc/sudoers",
    "/etc/systemd",
    "/etc/udev",
    "/var/spool/cron",
];
/// Bits that let whoever runs a program be somebody else.
const PRIVILEGED: u32 = 0o6000;

fn alert(rule: &str, title: &str, severity: Severity, message: &str) -> Alert {
    Alert {
        id: String::new(),
        rule: rule.to_owned(),
        title: title.to_owned(),
        severity,
        message: cut(&masked(message)),
        location: Location { host: Some(machine::host()), ..Location::default() },
        time: machine::now(),
        detector: DetectorId::Agent,
        source: None,
        release: None,
        fields: BTreeMap::new(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_TEXT {
        text.to_owned()
    } else {
        text.chars().take(MAX_TEXT).collect::<String>() + "…"
    }
}

/// The id under which a rule is known: its name, or else its number.
pub(crate) fn name_of(hit: &Hit) -> String {
    hit.info.as_deref().and_then(|info| value(info, "id")).map_or_else(|| hit.id.to_string(), str::to_owned)
}

/// What is told of a line.
pub(crate) fn of_line(hit: &Hit, judged: &Judged, line: &[u8], path: &str) -> Alert {
    let text = String::from_utf8_lossy(line);
    let message = format!("{}: {}", hit.description, text.trim());
    let mut alert = alert(&name_of(hit), &hit.title, severity(hit.level), &message);
    alert.location.path = Some(path.to_owned());
    let of = |name: &str| judged.fields.get(name).filter(|value| !value.is_empty());
    alert.source = of("srcip").or(of("srcuser")).or(of("dstuser")).map(|source| masked(source));
    alert.fields = judged.fields.iter().map(|(name, value)| (name.clone(), cut(&masked(value)))).collect();
    alert.fields.insert("rule.number".to_owned(), hit.id.to_string());
    alert.fields.insert("rule.level".to_owned(), hit.level.to_string());
    if judged.repeated > 1 {
        alert.fields.insert("repeated".to_owned(), judged.repeated.to_string());
    }
    if !hit.mitre.is_empty() {
        alert.fields.insert("mitre".to_owned(), hit.mitre.join(","));
    }
    alert
}

/// The address that an alert is about.
pub(crate) fn address(judged: &Judged) -> Option<IpAddr> {
    judged.fields.get("srcip")?.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// What is told of a file, and which release explains it: its content, never who may do what with it.
pub(crate) fn of_change(change: &Change, release: Option<&str>) -> Alert {
    let is_privileged = gains_privilege(change);
    let release = release.filter(|_| !is_privileged && change.is_of_content());
    let (rule, title, verb) = match change.kind {
        _ if is_privileged => {
            ("agent-file-privileged", "A file lets whoever runs it be somebody else", "has set-id bits")
        }
        ChangeKind::Created => ("agent-file-created", "A file came into being", "was created"),
        ChangeKind::Deleted => ("agent-file-deleted", "A file is gone", "was deleted"),
        ChangeKind::Renamed => ("agent-file-renamed", "A file has another name", "was renamed"),
        ChangeKind::Modified | ChangeKind::TypeChanged => ("agent-file-changed", "A file changed", "changed"),
    };
    let mut message = format!("{} {verb}", change.path);
    if let Some(from) = &change.from {
        message.push_str(&format!(", from {from}"));
    }
    if !change.attributes.is_empty() {
        message.push_str(&format!(": {}", change.attributes.join(", ")));
    }
    let severity = match release {
        Some(release) => {
            message.push_str(&format!("; release {release} explains it"));
            Severity::Info
        }
        None if is_privileged => Severity::Critical,
        None => weight(change),
    };
    let mut alert = alert(rule, title, severity, &message);
    alert.location.path = Some(change.path.clone());
    alert.release = release.map(str::to_owned);
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            alert.fields.insert(name.to_owned(), value);
        }
    };
    put("attributes", (!change.attributes.is_empty()).then(|| change.attributes.join(",")));
    put("from", change.from.clone());
    for (front, state) in [("old", &change.old), ("new", &change.new)] {
        put(&format!("{front}.sha256"), state.as_ref().and_then(|state| state.sha256.clone()));
        put(&format!("{front}.mode"), state.as_ref().map(|state| format!("{:04o}", state.mode)));
        put(&format!("{front}.owner"), state.as_ref().map(|state| format!("{}:{}", state.owner, state.group)));
    }
    alert
}

fn gains_privilege(change: &Change) -> bool {
    let Some(new) = change.new.as_ref().filter(|new| new.kind == Kind::File) else { return false };
    let bits = |state: Option<&State>| state.map_or(0, |state| state.mode & PRIVILEGED);
    let capability = |state: Option<&State>| state.and_then(|state| state.xattrs.get("security.capability").cloned());
    let gained = bits(Some(new)) & !bits(change.old.as_ref()) != 0;
    let able = capability(Some(new)).is_some_and(|own| capability(change.old.as_ref()).as_ref() != Some(&own));
    gained || able
}

/// How bad a change is that nothing explains.
fn weight(change: &Change) -> Severity {
    let path = path_of(&change.path);
    let is_powerful = POWERFUL.iter().any(|front| change.path.starts_with(front))
        || path.file_name().is_some_and(|name| name == "authorized_keys" || name == "ld.so.preload");
    let is_program = PROGRAMS.iter().any(|folder| path.starts_with(folder));
    let is_dull = !change.attributes.is_empty()
        && change.attributes.iter().all(|name| matches!(*name, "inode" | "mtime" | "nlink" | "size"));
    match (is_powerful || is_program, is_dull) {
        (_, true) => Severity::Low,
        (true, false) => Severity::High,
        (false, false) => Severity::Medium,
    }
}

/// What is told of files that are not watched any more.
pub(crate) fn of_unwatched(why: &str) -> Alert {
    alert("agent-files-unwatched", "Changes of files may have been missed for a while", Severity::Low, why)
}

/// What is told of what the agent itself wrote and cannot read again.
pub(crate) fn of_damage(why: &str) -> Alert {
    alert("agent-spool-damaged", "Events that were kept cannot be read", Severity::High, why)
}

/// What is told of a log that could not be read whole.
pub(crate) fn of_lost_lines(path: &str, why: &str) -> Alert {
    let mut alert = alert("agent-log-lost", "Lines of a log could not be read", Severity::Medium, why);
    alert.location.path = Some(path.to_owned());
    alert
}

/// What is told of a log that is written faster than it is read.
pub(crate) fn of_lag(path: &str, bytes: u64, seconds: u64) -> Alert {
    let message =
        format!("{path} is {bytes} bytes behind, and was not read to its end for {seconds} s: alerts come late");
    let mut alert = alert("agent-log-behind", "A log is written faster than it is read", Severity::Low, &message);
    alert.location.path = Some(path.to_owned());
    alert.fields.insert("bytes".to_owned(), bytes.to_string());
    alert
}

/// What is told when somebody emptied the firewall.
pub(crate) fn of_firewall(what: &str) -> Alert {
    alert("agent-firewall-emptied", "Blocks were taken out of the firewall", Severity::High, what)
}

/// What is told when events waited because they could not be written.
pub(crate) fn of_wait(count: usize) -> Alert {
    let message = format!("the spool could not be written for a while: {count} events waited, and are kept now");
    alert("agent-spool-waited", "Events waited because they could not be written", Severity::Low, &message)
}

/// What is told of a port.
pub(crate) fn of_listener(listener: &Listener) -> Alert {
    let severity = match listener.scope() {
        "loopback" => Severity::Low,
        "any" => Severity::High,
        _ => Severity::Medium,
    };
    let program = listener.program.as_deref().unwrap_or("a program that cannot be told");
    let place = if listener.is_here { "" } else { ", in another network namespace" };
    let message = format!("{program} listens on {} ({}{place})", listener.name(), listener.scope());
    let mut alert =
        alert("agent-port-opened", "A program listens on a port that was closed before", severity, &message);
    alert.source = listener.program.clone();
    for (name, value) in [("port", listener.name()), ("scope", listener.scope().to_owned())] {
        alert.fields.insert(name.to_owned(), value);
    }
    let user = machine::user(listener.user).unwrap_or_else(|| listener.user.to_string());
    alert.fields.insert("user".to_owned(), user);
    if !listener.is_here {
        alert.fields.insert("namespace".to_owned(), "another".to_owned());
    }
    if let Some(pid) = listener.pid {
        alert.fields.insert("pid".to_owned(), pid.to_string());
    }
    alert
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn state(mode: u32, kind: Kind) -> State {
        State {
            kind,
            mode,
            owner: 0,
            group: 0,
            size: 1,
            mtime: 1,
            ctime: 1,
            dev: 1,
            ino: 1,
            nlink: 1,
            xattrs: BTreeMap::new(),
            target: None,
            sha256: Some("aa".to_owned()),
            is_fresh: false,
        }
    }

    #[test]
    fn weights_of_changes() {
        for (path, old, new, expected) in [
            ("/etc/hosts", 0o644, 0o666, Severity::Medium),
            ("/etc/sudoers.d/x", 0o644, 0o666, Severity::High),
            ("/usr/bin/ls", 0o755, 0o777, Severity::High),
            ("/srv/x", 0o755, 0o4755, Severity::Critical),
            ("/home/b/.ssh/authorized_keys", 0o600, 0o644, Severity::High),
        ] {
            let change = Change::between(Path::new(path), Some(state(old, Kind::File)), Some(state(new, Kind::File)));
            let change = change.unwrap();
            assert_eq!(of_change(&change, None).severity, expected, "{path}");
            // Rights are explained by no release.
            let explained = of_change(&change, Some("prod-7"));
            assert_eq!((explained.severity, explained.release), (expected, None), "{path}");
        }
    }

    #[test]
    fn a_release_explains_content_and_nothing_else() {
        type Bend = fn(&mut State);
        let rows: [(Bend, bool); 8] = [
            (|state| state.sha256 = Some("bb".to_owned()), true),
            (|state| (state.size, state.mtime, state.ino) = (2, 2, 2), true),
            (|state| state.mode = 0o666, false),
            (|state| state.owner = 7, false),
            (|state| state.group = 7, false),
            (|state| drop(state.xattrs.insert("user.x".to_owned(), "1".to_owned())), false),
            (|state| drop(state.xattrs.insert("security.capability".to_owned(), "1".to_owned())), false),
            (|state| state.kind = Kind::Link, false),
        ];
        for (number, (bend, expected)) in rows.into_iter().enumerate() {
            let mut new = state(0o644, Kind::File);
            bend(&mut new);
            let change = Change::between(Path::new("/srv/x"), Some(state(0o644, Kind::File)), Some(new)).unwrap();
            let told = of_change(&change, Some("prod-7"));
            assert_eq!((told.severity == Severity::Info, told.release.is_some()), (expected, expected), "{number}");
        }
        let created = Change::between(Path::new("/srv/x"), None, Some(state(0o4755, Kind::File))).unwrap();
        assert_eq!(of_change(&created, Some("prod-7")).severity, Severity::Critical);
        let created = Change::between(Path::new("/srv/x"), None, Some(state(0o755, Kind::File))).unwrap();
        assert_eq!(of_change(&created, Some("prod-7")).severity, Severity::Info);
    }
}
