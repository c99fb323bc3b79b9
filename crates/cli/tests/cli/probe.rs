//! `testudo probe` as a user meets it: what it prints, what it exits with, what it records.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    thread,
};

use crate::Project;

/// An application that gives back what it is asked for, in a page.
fn application() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 8192];
            let read = stream.read(&mut buffer).unwrap_or(0);
            let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
            let target = request.split(' ').nth(1).unwrap_or_default();
            let body = match target.split_once("?q=") {
                Some((_, input)) => format!("<p>{}</p>", testudo_probe::link::decode(input)),
                None => "<a href='/?q=1'>x</a>".to_owned(),
            };
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Content-Type-Options: nosniff";
            drop(stream.write_all(format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()));
        }
    });
    address
}

#[test]
fn a_probe_is_shown_judged_and_recorded_like_a_scan() {
    let project = Project::new("probe");
    project.write("testudo.toml", "");
    let url = format!("http://{}/", application());
    let found = project.testudo(&[
        "probe",
        &url,
        "--rate",
        "1000",
        "--fail-on",
        "high",
        "--record",
        "ci",
        "--output",
        "json=out.json",
    ]);
    assert_eq!(found.code, 1, "{}", found.err);
    assert!(found.out.contains("[probe-xss-reflected]") && found.out.contains("curl -i --path-as-is"), "{}", found.out);
    let report: serde_json::Value = serde_json::from_str(&project.read("out.json")).unwrap();
    assert_eq!(report["coverage"][0]["detector"], "probe");
    assert_eq!(report["targets"][0], url.as_str());
    assert!(report["coverage"][0]["counts"]["requests_malicious"].as_u64().unwrap() > 5);
    let ledger = project.testudo(&["ledger", "show"]);
    assert!(ledger.out.contains("probe") || ledger.out.contains("scan"), "{}{}", ledger.out, ledger.err);

    let fingerprint = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["rule"] == "probe-xss-reflected")
        .unwrap()["fingerprint"]
        .clone();
    project.write(
        "testudo.ignore",
        &format!("fp:{} rule=probe-xss-reflected reason=\"known\"\n", fingerprint.as_str().unwrap()),
    );
    let again = project.testudo(&["probe", &url, "--rate", "1000", "--fail-on", "high"]);
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
}

#[test]
fn what_cannot_be_probed_is_told() {
    let project = Project::new("probe-refused");
    for (arguments, code, told) in [
        (&["probe", "http://169.254.169.254/"][..], 2, "is never probed"),
        (&["probe", "shop.example"], 2, "must start with https://"),
        (&["probe", "http://127.0.0.1:1/"], 3, "gives no answer"),
        (&["probe", "http://127.0.0.1:1/", "--openapi", "https://evil.example/api"], 2, "lies outside of"),
        (&["probe", "http://127.0.0.1:1/", "--openapi", "none.yaml"], 2, "none.yaml"),
        (&["probe", "http://127.0.0.1:1/", "--header", "Host: evil.example"], 2, "cannot be sent"),
        (&["probe", "http://127.0.0.1:1/a/", "--include", "/b"], 2, "outside of the scope"),
        (&["probe", "http://127.0.0.1:1/", "--profile", "deep"], 2, "safe, full"),
        (&["probe", "http://127.0.0.1:1/", "--diff", "main"], 2, "--diff"),
    ] {
        let ran = project.testudo(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{arguments:?}: {}", ran.err);
    }
    let planned = project.testudo(&["probe", "http://127.0.0.1:1/", "--dry-run"]);
    assert_eq!(planned.code, 0);
    assert!(planned.out.contains("look       GET     http://127.0.0.1:1/.git/HEAD"), "{}", planned.out);
}
