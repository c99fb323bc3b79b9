//! `testudo hub` and `testudo push` as a user meets them.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use crate::{Project, key_line, key_of};

/// A hub that runs as long as the test.
struct Hub {
    child: Child,
    address: String,
    /// What it printed behind its address.
    link: String,
}

impl Drop for Hub {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn start(project: &Project) -> Hub {
    let words = ["hub", "--listen", "127.0.0.1:0", "--data", "../hub"];
    let mut command = project.command(env!("CARGO_BIN_EXE_testudo"), &words);
    command.current_dir(project.path("shop")).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.next().unwrap().unwrap().trim_end_matches('/').to_owned();
    let link = lines.next().unwrap().unwrap();
    Hub { child, address, link }
}

/// Runs a command in the folder of the product.
fn testudo(project: &Project, token: &str, words: &[&str]) -> crate::Ran {
    let mut command = project.command(env!("CARGO_BIN_EXE_testudo"), words);
    crate::Ran::of(command.current_dir(project.path("shop")).env("TESTUDO_HUB_TOKEN", token).output().unwrap())
}

#[test]
fn a_project_is_pushed_and_nobody_changes_its_past() {
    let project = Project::new("hub");
    project.write("shop/testudo.toml", "[hub]\nproduct = \"shop\"\nurl = \"https://hub.example\"\n");
    project.write("shop/CODEOWNERS", "* @ana\n");
    project.write("shop/a.py", &key_line('F'));
    let hub = start(&project);
    assert!(hub.link.contains("/welcome/") && hub.link.contains("signs admin in once"), "{}", hub.link);
    let made =
        project.testudo(&["hub", "token", "create", "--scope", "push", "--product", "shop", "--data", "hub"]).ok();
    let token = made.out.trim();
    testudo(&project, "", &["gate", "--record", "dev", "."]).says(&["FAILED"]);
    let words = ["push", "--hub", &hub.address, "--ledger", "dev"];
    let first = testudo(&project, token, &words).ok();
    let first = first.says(&["ledger dev: 2 new entries", "scan: 1 findings: 1 new, 0 gone"]);
    assert!(!first.err.contains(&key_of('F')) && !first.err.contains(token), "{first:?}");
    testudo(&project, token, &words).ok().says(&["ledger dev: 0 new entries"]);
    project.write("shop/a.py", "pass\n");
    testudo(&project, token, &words).ok().says(&["scan: 0 findings: 0 new, 1 gone"]);
    // An older copy of the ledger is put back.
    let (lines, head) =
        (project.read("shop/.testudo/ledger/dev.jsonl"), project.read("shop/.testudo/ledger/dev.head.json"));
    testudo(&project, "", &["scan", "--record", "dev", "."]).ok();
    testudo(&project, token, &words).ok().says(&["ledger dev: 1 new entries"]);
    project.write("shop/.testudo/ledger/dev.jsonl", &lines);
    project.write("shop/.testudo/ledger/dev.head.json", &head);
    testudo(&project, token, &words).fails(1).says(&["the hub refused", "its end was cut off"]);
    // A token of another product, one that was made up, and one that was taken back.
    let other = ["push", "--hub", &hub.address, "--product", "other", "--no-scan"];
    testudo(&project, token, &other).fails(1).says(&["this token is for `shop` alone"]);
    testudo(&project, "x", &words).fails(1).says(&["this token is not known"]);
    project.testudo(&["hub", "token", "revoke", "1", "--data", "hub"]).ok();
    testudo(&project, token, &words).fails(1).says(&["this token is not known"]);
    project.testudo(&["hub", "verify", "--data", "hub"]).ok().says(&["are whole"]);
    let link = project.testudo(&["hub", "link", "--user", "bo", "--role", "viewer", "--data", "hub"]).ok();
    assert!(link.out.starts_with("http://127.0.0.1:7878/welcome/"), "{link:?}");
    let again = project.testudo(&["hub", "link", "--user", "bo", "--role", "admin", "--data", "hub"]).ok();
    again.says(&["bo stays viewer: roles are changed on the page Admin"]);
    drop(hub);
    std::fs::remove_dir_all(project.path("hub/ledger")).unwrap();
    project.testudo(&["hub", "verify", "--data", "hub"]).fails(1).says(&["the hub's own ledger is gone"]);
    let made = project.testudo(&["hub", "token", "create", "--scope", "push", "--product", "x", "--data", "hub"]);
    made.fails(2).says(&["not of one time", "hub verify"]);
}

#[test]
fn a_token_goes_nowhere_unasked() {
    let project = Project::new("hub-token");
    project.write("shop/testudo.toml", "[hub]\nurl = \"https://evil.example\"\n");
    let push = |words: &[&str]| testudo(&project, "x", &[&["push"], words].concat());
    push(&[]).fails(2).says(&["does not decide who gets your token"]);
    push(&["--hub", "http://10.0.0.1"]).fails(2).says(&["would travel in clear text"]);
    push(&["--hub", "http://hub.example"]).fails(2).says(&["would travel in clear text"]);
    push(&["--hub", "https://hub.example/path"]).fails(2).says(&["without a path"]);
    testudo(&project, "", &["push", "--hub", "https://hub.example"]).fails(2).says(&["no token"]);
    project.write("shop/testudo.toml", "");
    push(&[]).fails(2).says(&["no hub is named"]);
}

#[test]
fn clear_text_is_for_this_machine_alone() {
    let project = Project::new("hub-clear");
    let words = ["hub", "--data", "hub", "--listen"];
    project.testudo(&[&words[..], &["0.0.0.0:0"]].concat()).fails(2).says(&["--behind-tls", "--certificate"]);
    project.write("no.pem", "x");
    let tls = ["127.0.0.1:0", "--certificate", "no.pem", "--certificate-key", "no.pem"];
    project.testudo(&[&words[..], &tls].concat()).fails(2).says(&["no.pem", "holds no certificate"]);
    let document = project.testudo(&["hub", "openapi"]).ok();
    let document: serde_json::Value = serde_json::from_str(&document.out).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn a_product_is_known_by_its_remote_and_other_branches_close_nothing() {
    let project = Project::new("hub-identity");
    let secret = "p4ss";
    project.write("shop/a.py", &key_line('F'));
    project.write("shop/.git/HEAD", "ref: refs/heads/main\n");
    project.write(
        "shop/.git/config",
        &format!("[remote \"origin\"]\n\turl = https://ana:{secret}@Git.example/org/shop.git\n"),
    );
    for folder in ["objects", "refs"] {
        project.write(&format!("shop/.git/{folder}/none"), "");
    }
    let hub = start(&project);
    let make = ["hub", "token", "create", "--scope", "push", "--product", "git.example/org/shop", "--data", "hub"];
    let made = project.testudo(&make).ok();
    let token = made.out.trim();
    let words = ["push", "--hub", &hub.address];
    let push = |more: &[&str]| {
        let words = [&words[..], more].concat();
        let mut command = project.command(env!("CARGO_BIN_EXE_testudo"), &words);
        for name in [
            "GITHUB_REF",
            "CI_COMMIT_REF_NAME",
            "BUILD_SOURCEBRANCH",
            "BITBUCKET_BRANCH",
            "CIRCLE_BRANCH",
            "BRANCH_NAME",
        ] {
            command.env_remove(name);
        }
        crate::Ran::of(command.current_dir(project.path("shop")).env("TESTUDO_HUB_TOKEN", token).output().unwrap())
    };
    let first = push(&[]).ok().says(&[
        "product `git.example/org/shop`, by the remote of git",
        "branch `main`",
        "1 new, 0 gone",
    ]);
    assert!(!first.err.contains(secret), "{}", first.err);
    project.write("shop/a.py", "pass\n");
    project.write("shop/.git/HEAD", "ref: refs/heads/work\n");
    push(&[]).ok().says(&[
        "branch `work`",
        "`main` is the default branch",
        "nothing was opened or closed",
        "facts: not kept",
    ]);
    push(&["--ref", "main"]).ok().says(&["0 new, 1 gone"]);
    push(&["--product", "other"])
        .fails(1)
        .says(&["product `other`, as --product says", "for `git.example/org/shop` alone"]);
    project.write("shop/testudo.toml", "[hub]\nproduct = \"own\"\n");
    push(&["--no-scan"]).fails(1).says(&["product `own`, as `hub.product` says"]);
    project.write("shop/testudo.toml", "");
    project.write("shop/.git/config", "[remote \"origin\"]\n\turl = /srv/git/shop.git\n");
    push(&["--no-scan"]).fails(1).says(&["product `shop`, by the top folder of the work tree"]);
}

#[test]
fn a_hub_that_has_too_much_to_do_is_asked_again() {
    use std::io::{Read as _, Write as _};
    let project = Project::new("hub-busy");
    project.write("shop/testudo.toml", "[hub]\nproduct = \"shop\"\n");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let kept = r#"{"roles":0,"controls":0,"kept":true}"#;
        let answers =
            [("503 Service Unavailable\r\nretry-after: 0", ""), ("200 OK\r\ncontent-type: application/json", kept)];
        for (head, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut part) = (String::new(), [0; 4096]);
            let whole = |request: &str| {
                let (head, body) = request.split_once("\r\n\r\n")?;
                let mut fields = head.lines().filter_map(|line| line.split_once(": "));
                let (_, length) = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
                Some(body.len() >= length.parse().ok()?)
            };
            while whole(&request) != Some(true) {
                let read = stream.read(&mut part).unwrap();
                request += std::str::from_utf8(&part[..read]).unwrap();
            }
            let length = body.len();
            let answer = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    testudo(&project, "x", &["push", "--hub", &address, "--no-scan"]).ok().says(&["facts: 0 roles, 0 controls"]);
    served.join().unwrap();
}
