//! Files of secrets: made, changed, handed over, and never in the clear where they should not be.

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use crate::{Project, Ran};

const PASSWORD: &str = "correct \"horse\"/bättery";

/// A new key where sops looks for a user's keys. Gives its recipient.
pub(crate) fn own_key(project: &Project) -> String {
    let key = testudo_vault::keys::new_identity();
    let mut identities = testudo_vault::keys::Identities::default();
    identities.add(&key, "key").unwrap();
    let folder = project.0.with_extension("config").join("sops/age");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("keys.txt"), format!("# made for a test\n{}\n", key.as_str())).unwrap();
    identities.recipients().remove(0)
}

/// A project with a key and files for it.
fn project(name: &str) -> (Project, String) {
    let project = Project::new(name);
    let recipient = own_key(&project);
    project.write(
        "plain.yaml",
        &format!("# of the database\ndb:\n    password: '{PASSWORD}'\n    port: 5432\nlist: [a, b]\n"),
    );
    project.write(
        "plain.env",
        &format!("PASSWORD={PASSWORD}\nPIN=1234\nCERT=first line\\nsecond line\nMODE_unencrypted=prod\n"),
    );
    for (file, plain) in [("a.yaml", "plain.yaml"), ("a.env", "plain.env")] {
        project.testudo(&["vault", "create", file, "--from", plain, "--age", &recipient]).ok();
        assert!(!project.read(file).contains(PASSWORD));
    }
    (project, recipient)
}

impl Project {
    fn with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(env!("CARGO_BIN_EXE_testudo"), arguments);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::of(child.wait_with_output().unwrap())
    }

    fn with_editor(&self, editor: &str, arguments: &[&str]) -> Ran {
        let mut command = self.command(env!("CARGO_BIN_EXE_testudo"), arguments);
        Ran::of(command.env("EDITOR", editor).env("XDG_RUNTIME_DIR", self.path("runtime")).output().unwrap())
    }
}

#[test]
fn a_file_is_neither_made_unreadable_nor_put_back() {
    let (project, _) = project("vault-kept");
    for (file, path) in [("a.yaml", "sops.x"), ("a.env", "sops_mac")] {
        let before = project.read(file);
        project.with_input(&["vault", "set", file, path, "--stdin"], "v\n").fails(2).says(&["nothing is written"]);
        assert_eq!(project.read(file), before);
    }
    // Somebody else changes the file while it is edited.
    let binary = env!("CARGO_BIN_EXE_testudo");
    let editor = project.path("editor.sh");
    let meanwhile = format!("echo hot | {binary} vault set {} PIN --stdin", project.path("a.env").display());
    fs::write(&editor, format!("#!/bin/sh\n{meanwhile}\necho NEW=1 >> \"$1\"\n")).unwrap();
    let editor = format!("sh {}", editor.display());
    project.with_editor(&editor, &["vault", "edit", "a.env"]).fails(2).says(&["somebody else changed it"]);
    assert_eq!(project.testudo(&["vault", "show", "a.env", "-k", "PIN"]).ok().out, "hot");
}

#[test]
fn values_are_set_shown_and_taken_out() {
    let (project, _) = project("vault-set");
    let before = project.read("a.yaml");
    assert_eq!(project.testudo(&["vault", "show", "a.yaml", "-k", "db.password"]).ok().out, PASSWORD);
    assert_eq!(project.testudo(&["vault", "show", "a.yaml", "-k", "[\"list\"][1]"]).ok().out, "b");
    project.testudo(&["vault", "show", "a.yaml", "-k", "db.host"]).fails(2).says(&["db.host is not there"]);
    project.with_input(&["vault", "set", "a.yaml", "db.host", "--stdin"], "h.example\n").ok();
    // One line more, and of the others only the time and the sum are new.
    let after = project.read("a.yaml");
    let new: Vec<&str> = after.lines().filter(|line| !before.lines().any(|old| old == *line)).map(str::trim).collect();
    assert!(
        new.iter().all(|line| ["host: ", "lastmodified: ", "mac: "].iter().any(|key| line.starts_with(key))),
        "{new:?}"
    );
    project.testudo(&["vault", "set", "a.yaml", "db.port", "5433", "--json"]).ok().says(&["history of your shell"]);
    project
        .with_input(&["vault", "set", "a.yaml", "db.port", "--stdin", "--json"], "5433")
        .ok()
        .says(&["nothing is written"]);
    project.testudo(&["vault", "unset", "a.yaml", "list"]).ok();
    project.testudo(&["vault", "unset", "a.yaml", "list"]).fails(2).says(&["list: is not there"]);
    let shown = project.testudo(&["vault", "show", "a.yaml"]).ok().out;
    assert_eq!(
        shown,
        format!("# of the database\ndb:\n    password: {PASSWORD}\n    port: 5433\n    host: h.example\n")
    );
    let json = project.testudo(&["vault", "show", "a.yaml", "--format", "json"]).ok().out;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["db"]["port"], 5433);
    let keys = project.testudo(&["vault", "keys", "a.yaml"]).ok().out;
    assert!(keys.starts_with("db.password: str\ndb.port: int\ndb.host: str\ncan be opened by age age1"), "{keys}");
    let left: Vec<_> = fs::read_dir(&project.0).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains(".tmp")), "{left:?}");
}

#[test]
fn new_files_are_encrypted_as_the_configuration_says() {
    let (project, recipient) = project("vault-create");
    let rules =
        format!("creation_rules:\n  - path_regex: ^prod/\n    age: {recipient}\n    encrypted_regex: password\n");
    project.write(".sops.yaml", &rules);
    project.write("prod/x", "");
    project.testudo(&["vault", "create", "prod/a.yaml", "--from", "plain.yaml"]).ok();
    let text = project.read("prod/a.yaml");
    assert!(
        text.contains("port: 5432\n") && text.contains("password: ENC[") && text.contains("encrypted_regex: password")
    );
    project.testudo(&["vault", "create", "dev.yaml", "--from", "plain.yaml"]).fails(2).says(&["no rule fits dev.yaml"]);
    project.testudo(&["vault", "create", "prod/a.yaml", "--from", "plain.yaml"]).fails(2).says(&["is there already"]);
    project.testudo(&["vault", "create", "b.ini", "--from", "plain.env"]).fails(2).says(&["format ini are not read"]);
    project.testudo(&["vault", "create", "plain.yaml", "--from", "plain.yaml", "--age", &recipient]).ok();
    project.testudo(&["vault", "create", "plain.yaml", "--from", "plain.yaml", "--age", &recipient]).fails(2);
    assert_eq!(project.testudo(&["vault", "show", "plain.yaml", "-k", "list.0"]).ok().out, "a");
}

#[test]
fn a_file_that_was_changed_shows_nothing() {
    let (project, _) = project("vault-tamper");
    let text = project.read("a.yaml");
    let line = |start: &str| text.lines().find(|line| line.trim_start().starts_with(start)).unwrap().to_owned();
    let value = |line: &str| line.split_once(": ").unwrap().1.to_owned();
    let (password, port) = (value(&line("password")), value(&line("port")));
    let items: Vec<String> = text.lines().filter(|line| line.starts_with("    - ENC")).map(str::to_owned).collect();
    let modified = line("lastmodified");
    for (how, changed) in [
        ("swapped", text.replace(&password, "@").replace(&port, &password).replace('@', &port)),
        ("reordered", text.replace(&items[0], "@").replace(&items[1], &items[0]).replace('@', &items[1])),
        ("renamed", text.replace("password:", "passwort:")),
        ("modified", text.replace(&modified, "    lastmodified: \"2020-01-01T00:00:00Z\"")),
        ("truncated", text.replace(&(items[1].clone() + "\n"), "")),
        ("cut off", text[..text.len() / 2].to_owned()),
        ("typed", text.replace(&password, &password.replace("type:str", "type:int"))),
        ("a comment", text.replace(&password, &password.replace("type:str", "type:comment"))),
        ("in the clear", text.replace(&port, "5432")),
        ("empty", text.replace(&password, "\"\"")),
        ("without a sum", text.replace(line("mac").as_str(), "    mac: \"\"")),
    ] {
        assert_ne!(changed, text, "{how}");
        project.write("b.yaml", &changed);
        for arguments in [["show", "b.yaml", "--format", "yaml"], ["exec", "b.yaml", "--", "env"]] {
            let ran = project.testudo(&[&["vault"], &arguments[..]].concat()).fails(3);
            assert!(ran.out.is_empty() && !ran.err.contains("horse") && ran.err.contains("b.yaml"), "{how}: {ran:?}");
        }
    }
}

#[test]
fn files_that_others_opened_stay_closed() {
    let (project, _) = project("vault-no-key");
    let mut command = project.command(env!("CARGO_BIN_EXE_testudo"), &["vault", "show", "a.env"]);
    let ran = Ran::of(command.env("XDG_CONFIG_HOME", project.path("none")).output().unwrap()).fails(3);
    ran.says(&["a.env: no key opens this file; it is encrypted for age1"]);
    let pgp = "sops:\n    pgp:\n        - fp: AB\n          enc: x\n    mac: x\na: ENC[x]\n";
    project.write("pgp.yaml", pgp);
    project.testudo(&["vault", "show", "pgp.yaml"]).fails(3).says(&["it has pgp; age is the kind"]);
    project.write("groups.yaml", "sops:\n    key_groups:\n        - age: []\na: ENC[x]\n");
    project.testudo(&["vault", "show", "groups.yaml"]).fails(3).says(&["several groups"]);
    // Keys of other kinds stay in a file that is written.
    let kms = "    kms:\n        - arn: arn:example\n          enc: AQ\n          aws_profile: \"\"\n";
    project.write("b.yaml", &project.read("a.yaml").replace("    lastmodified", &format!("{kms}    lastmodified")));
    project.with_input(&["vault", "set", "b.yaml", "new", "--stdin"], "x").ok();
    assert!(project.read("b.yaml").contains(kms));
}

#[test]
fn a_text_is_edited_in_memory_and_nothing_stays() {
    let (project, recipient) = project("vault-edit");
    fs::create_dir_all(project.path("runtime")).unwrap();
    project.with_editor("sed -i s/prod/test/", &["vault", "edit", "a.env"]).ok();
    assert_eq!(project.testudo(&["vault", "show", "a.env", "-k", "MODE_unencrypted"]).ok().out, "test");
    let text = project.read("a.env");
    project.with_editor("true", &["vault", "edit", "a.env"]).ok().says(&["nothing was changed"]);
    project.with_editor("sed -i s/=/:/", &["vault", "edit", "a.env"]).fails(2).says(&["a.env:1:1: neither NAME=value"]);
    project.with_editor("false", &["vault", "edit", "a.env"]).fails(2).says(&["`false` failed"]);
    project.with_editor("ls -la", &["vault", "edit", "a.env"]).ok().says(&["-rw-------"]);
    assert_eq!(project.read("a.env"), text);
    project.with_editor("true", &["vault", "create", "b.env", "--age", &recipient]).fails(2).says(&["is empty"]);
    project.with_editor("sh -c 'echo A=one >> $1' sh", &["vault", "create", "b.env", "--age", &recipient]).ok();
    assert_eq!(project.testudo(&["vault", "show", "b.env"]).ok().out, "A=one\n");
    // A file without values can be opened again.
    project.with_editor("sh -c ': > $1' sh", &["vault", "edit", "a.yaml"]).ok();
    assert_eq!(project.testudo(&["vault", "show", "a.yaml"]).ok().out, "{}\n");
    assert_eq!(fs::read_dir(project.path("runtime")).unwrap().count(), 0);
}

/// A folder that only says that it is in memory is not taken for one.
#[cfg(target_os = "linux")]
#[test]
fn the_text_lies_in_memory_or_that_is_told() {
    let (project, _) = project("vault-memory");
    fs::create_dir_all(project.path("runtime")).unwrap();
    let kind = Command::new("stat").args(["-f", "-c", "%T", &project.path("runtime").display().to_string()]).output();
    if String::from_utf8_lossy(&kind.unwrap().stdout).trim() == "tmpfs" {
        eprintln!("skipped: vault-memory: temporary files lie in memory here");
        return;
    }
    let ran = project.with_editor("dirname", &["vault", "edit", "a.env"]).ok();
    assert!(!ran.out.contains("/runtime/"), "{ran:?}");
    assert!(ran.out.starts_with("/dev/shm/") || ran.err.contains("in the clear while it is edited"), "{ran:?}");
}

/// Vim is told to keep nothing, by whatever name it is called.
#[cfg(unix)]
#[test]
fn vim_keeps_nothing() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let (project, _) = project("vault-vim");
    project.write("bin/vim.basic", "#!/bin/sh\necho \"$@\"\n");
    fs::set_permissions(project.path("bin/vim.basic"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("vim.basic", project.path("bin/vi")).unwrap();
    let mut command = project.command(env!("CARGO_BIN_EXE_testudo"), &["vault", "edit", "a.env"]);
    let path = format!("{}:/usr/bin:/bin", project.path("bin").display());
    let ran = Ran::of(command.env("PATH", path).env("EDITOR", "vi").output().unwrap()).ok();
    assert!(ran.out.starts_with("-i NONE -c silent! set noundofile"), "{ran:?}");
    let ran = project.with_editor("echo", &["vault", "edit", "a.env"]).ok();
    assert!(ran.out.starts_with('/'), "{ran:?}");
}

#[cfg(unix)]
mod running {
    use super::*;

    #[test]
    fn nothing_of_a_value_leaks_in_what_a_program_prints() {
        let (project, _) = project("vault-exec");
        // Raw, in base64 at three alignments, hexadecimal, percent-encoded, as JSON, and in pieces.
        let script = r#"
            import base64, json, os, sys, time, urllib.parse
            value = os.environ["PASSWORD"]
            raw = value.encode()
            forms = [value, raw.hex(), raw.hex().upper(), urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value),
                     json.dumps(value, ensure_ascii=False)]
            forms += [base64.b64encode(b"x" * n + raw + b"y").decode() for n in range(3)]
            for out in (sys.stdout, sys.stderr):
                for form in forms:
                    out.write("<" + form + ">\n")
                for letter in value:
                    out.buffer.flush() if out is sys.stdout else None
                    out.write(letter)
                    out.flush()
                out.write("\n" + os.environ["CERT"].replace("\n", "|") + " " + os.environ["PIN"] + "\n")
                out.write(os.environ["MODE_unencrypted"] + "\n")
                out.flush()
        "#;
        let lines: Vec<&str> = script.lines().map(|line| line.strip_prefix("            ").unwrap_or(line)).collect();
        if Command::new("python3").arg("--version").output().is_err() {
            eprintln!("skipped: vault-exec: python3 is not installed");
            return;
        }
        let ran = project.testudo(&["vault", "exec", "a.env", "--", "python3", "-c", &lines.join("\n")]).ok();
        for text in [&ran.out, &ran.err] {
            assert_eq!(text.lines().filter(|line| line.contains("***")).count(), 11, "{ran:?}");
            assert!(text.ends_with("***|*** ***\nprod\n"), "{ran:?}");
            for part in ["horse", "686f727365", "686F727365", "line", "1234", "aG9yc2", "b3JzZ", "Ocn"] {
                assert!(!text.contains(part), "{part}: {ran:?}");
            }
        }
        let ran = project.testudo(&["vault", "exec", "a.env", "--no-mask", "--", "printenv", "PASSWORD"]).ok();
        assert_eq!(ran.out, format!("{PASSWORD}\n"));
    }

    #[test]
    fn a_program_gets_what_it_may_have_and_nothing_else() {
        let (project, recipient) = project("vault-allow");
        let run = |arguments: &[&str]| project.testudo(&[&["vault", "exec"], arguments].concat());
        let ran =
            run(&["a.env", "--allow", "MODE_unencrypted=MODE", "--pristine", "--no-mask", "--", "/usr/bin/env"]).ok();
        assert_eq!(ran.out, "MODE=prod\n");
        let ran = run(&["a.yaml", "--allow", "db.password=P", "--pristine", "--no-mask", "--", "/usr/bin/env"]).ok();
        assert_eq!(ran.out, format!("P={PASSWORD}\n"));
        run(&["a.yaml", "--", "true"]).fails(2).says(&["db: lists and maps are no variables"]);
        run(&["a.yaml", "--allow", "db.password", "--", "true"]).fails(2).says(&["say the name of the variable"]);
        run(&["a.env", "--allow", "NOPE", "--", "true"]).fails(2).says(&["NOPE: is in none of the files"]);
        run(&["a.env", "--allow", "PIN", "--require", "PASSWORD", "--", "true"])
            .fails(2)
            .says(&["missing or empty: PASSWORD"]);
        // What makes programs load other code is handed over only where somebody says so.
        project.write("b.plain.env", "LD_PRELOAD=/x.so\nA=1\n");
        project.testudo(&["vault", "create", "b.env", "--from", "b.plain.env", "--age", &recipient]).ok();
        run(&["b.env", "--", "true"]).fails(2).says(&["LD_PRELOAD: this variable makes programs load"]);
        let asked = ["b.env", "--allow", "LD_PRELOAD=LATER", "--no-mask", "--", "printenv", "LATER"];
        assert_eq!(run(&asked).ok().out, "/x.so\n");
        // No shell reads the arguments, and no key is handed on.
        let ran = run(&["a.env", "--allow", "PIN", "--", "printf", "%s", "$PIN;`id`"]).ok();
        assert_eq!(ran.out, "$PIN;`id`");
        let mut command = project.command(env!("CARGO_BIN_EXE_testudo"), &["vault", "exec", "a.env", "--", "env"]);
        let ran =
            Ran::of(command.env("SOPS_AGE_KEY", testudo_vault::keys::new_identity().as_str()).output().unwrap()).ok();
        assert!(!ran.out.contains("SOPS_AGE_KEY="), "{ran:?}");
    }

    #[test]
    fn exit_codes_and_signals_come_through() {
        let (project, _) = project("vault-signals");
        let run = |command: &[&str]| project.testudo(&[&["vault", "exec", "a.env", "--"], command].concat());
        run(&["sh", "-c", "exit 7"]).fails(7);
        run(&["sh", "-c", "kill -KILL $$"]).fails(137);
        run(&["/no/such/program"]).fails(127).says(&["/no/such/program: cannot be started"]);
        run(&["./plain.env"]).fails(126);
        assert_eq!(run(&["sh", "-c", "ulimit -c"]).ok().out, "0\n");
        // A signal to us reaches the program, and every one that it started.
        let script = "trap 'echo got it; exit 9' TERM; echo ready; while :; do sleep 0.05; done";
        let mut command =
            project.command(env!("CARGO_BIN_EXE_testudo"), &["vault", "exec", "a.env", "--", "sh", "-c", script]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        assert_eq!(line, "ready\n");
        assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        assert_eq!((line.as_str(), child.wait().unwrap().code()), ("ready\ngot it\n", Some(9)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn files_are_in_memory_and_no_disk_is_written() {
        let (project, _) = project("vault-memory");
        let script = "cat \"$KEY\"; cat \"$KEY\" | wc -l; readlink /proc/self/fd/3; (echo x > \"$KEY\") 2>/dev/null || echo sealed";
        let exec =
            ["vault", "exec", "a.env", "--no-mask", "--allow", "PIN", "--file", "CERT=KEY", "--", "sh", "-c", script];
        let ran = project.testudo(&exec).ok();
        assert_eq!(ran.out, "first line\nsecond line1\n/memfd:secret (deleted)\nsealed\n");
        if Command::new("strace").arg("-V").output().is_err() {
            eprintln!("skipped: vault-memory: strace is not installed");
            return;
        }
        let binary = env!("CARGO_BIN_EXE_testudo");
        let trace =
            [&["-f", "-qq", "-e", "trace=open,openat,creat,mkdir,mkdirat", "-o", "trace", binary], &exec[..]].concat();
        let ran = Ran::of(project.command("strace", &trace).output().unwrap());
        if ran.code != 0 && !project.path("trace").exists() {
            eprintln!("skipped: vault-memory: strace may not trace: {}", ran.err);
            return;
        }
        assert!(ran.out.contains("second line"), "{ran:?}");
        let trace = project.read("trace");
        let made: Vec<&str> = trace
            .lines()
            .filter(|line| {
                (line.contains("O_CREAT") || line.contains("creat(") || line.contains("mkdir"))
                    && !line.contains("/proc/self/fd/3")
                    && !line.contains("/dev/null")
            })
            .collect();
        assert!(trace.contains("a.env") && made.is_empty(), "{made:?}");
    }
}

#[test]
fn uses_are_recorded_without_values() {
    let (project, _) = project("vault-ledger");
    project.write("testudo.toml", "[ledger]\nrecord = \"dev\"\n");
    project.testudo(&["vault", "show", "a.yaml", "-k", "db.password"]).ok();
    project.with_input(&["vault", "set", "a.yaml", "db.host", "--stdin"], "h.example").ok();
    project.testudo(&["vault", "unset", "a.yaml", "db.host"]).ok();
    project.testudo(&["vault", "exec", "a.env", "--allow", "PIN", "--", "printf", "argument"]).ok();
    project.with_editor("sed -i s/prod/test/", &["vault", "edit", "a.env"]).ok();
    let shown = project.testudo(&["ledger", "show"]).ok().out;
    for line in [
        "vault show of a.yaml: db.password\n",
        "vault set of a.yaml: db.host\n",
        "vault unset of a.yaml: db.host\n",
        "vault exec of a.env: PIN for printf\n",
        "vault edit of a.env: MODE_unencrypted\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    let all = project.testudo(&["ledger", "export", "--format", "statements"]).ok().out;
    for hidden in ["horse", "h.example", "1234", "argument"] {
        assert!(!all.contains(hidden), "{hidden}: {all}");
    }
    let set: serde_json::Value = serde_json::from_str(all.lines().nth(2).unwrap()).unwrap();
    let file = &set["predicate"]["files"][0];
    assert!(file["before"].is_string() && file["after"] != file["before"], "{set}");
    project.testudo(&["ledger", "verify"]).ok();
    // Where it cannot be recorded, nothing is shown.
    fs::write(project.path(".testudo/ledger/dev.jsonl"), "x\n").unwrap();
    let ran = project.testudo(&["vault", "show", "a.yaml"]);
    assert!(ran.code != 0 && ran.out.is_empty(), "{ran:?}");
}
