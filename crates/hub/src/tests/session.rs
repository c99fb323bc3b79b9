//! Links, sessions, forms of other sites.

use super::{Asker, Site, header, json_of, text};
use crate::{Encryption, Role, Secret};

#[test]
fn a_link_works_once_and_not_for_long() {
    let site = Site::new("link");
    let first = site.hub.first_link().unwrap().unwrap();
    // Looking does not use it up.
    assert_eq!(site.anybody().get(&first.path).status, 200);
    assert_eq!(site.anybody().form(&first.path, &[]).status, 303);
    assert_eq!(site.anybody().form(&first.path, &[]).status, 403);
    assert!(site.hub.first_link().unwrap().is_none(), "an administrator is there");
    let late = site.hub.link("admin", None).unwrap();
    site.pass(15 * 60);
    assert_eq!(site.anybody().form(&late.path, &[]).status, 403);
    let (older, newer) = (site.hub.link("admin", None).unwrap(), site.hub.link("admin", None).unwrap());
    assert_eq!(site.anybody().form(&older.path, &[]).status, 403, "a newer link ends the older one");
    assert_eq!(site.anybody().form(&newer.path, &[]).status, 303);
    assert!(site.hub.link("nobody", None).is_err());
}

#[test]
fn the_first_link_is_made_again_until_somebody_used_one() {
    let site = Site::new("first");
    let one = site.hub.first_link().unwrap().unwrap();
    let two = site.hub.first_link().unwrap().unwrap();
    assert_eq!(site.anybody().form(&one.path, &[]).status, 403);
    assert_eq!(site.anybody().form(&two.path, &[]).status, 303);
}

#[test]
fn a_session_ends_when_nobody_uses_it() {
    let site = Site::new("idle");
    let ana = site.person("ana", Role::Viewer);
    for _ in 0..3 {
        site.pass(11 * 3600);
        assert_eq!(ana.get("/").status, 200);
    }
    site.pass(12 * 3600);
    assert_eq!(ana.get("/").status, 401);
}

#[test]
fn a_session_ends_after_a_week_however_much_it_is_used() {
    let site = Site::new("absolute");
    let ana = site.person("ana", Role::Viewer);
    for _ in 0..15 {
        site.pass(11 * 3600);
        assert_eq!(ana.get("/").status, 200);
    }
    site.pass(3 * 3600 - 1);
    assert_eq!(ana.get("/").status, 200);
    site.pass(1);
    assert_eq!(ana.get("/").status, 401);
}

#[test]
fn people_see_their_sessions_and_end_them() {
    let site = Site::new("sessions");
    let (here, there, third, bo) = (
        site.person("ana", Role::Viewer),
        site.person("ana", Role::Viewer),
        site.person("ana", Role::Viewer),
        site.person("bo", Role::Admin),
    );
    let name = |asker: &Asker<'_>| {
        let own =
            json_of(&asker.get("/api/v1/sessions")).as_array().unwrap().iter().find(|row| row["own"] == true).cloned();
        own.unwrap()["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(text(&here.get("/sessions")).matches("Sign out there</button>").count(), 2);
    assert_eq!(
        here.form(&format!("/sessions/{}/end", name(&bo)), &[]).status,
        404,
        "nobody ends the sessions of others"
    );
    assert_eq!(here.form(&format!("/sessions/{}/end", name(&there)), &[]).status, 303);
    assert_eq!((there.get("/").status, third.get("/").status, here.get("/").status), (401, 200, 200));
    assert_eq!(here.form("/sessions/end", &[]).status, 303);
    assert_eq!((third.get("/").status, here.get("/").status, bo.get("/").status), (401, 200, 200));
    // What somebody may do has changed, so they sign in again, everywhere.
    let people = json_of(&bo.get("/api/v1/people"));
    let id = people.as_array().unwrap().iter().find(|row| row["name"] == "ana").unwrap()["id"].clone();
    assert_eq!(bo.form(&format!("/admin/people/{id}"), &[("role", "viewer"), ("handles", "@ana")]).status, 303);
    assert_eq!(here.get("/").status, 200, "names alone end nothing");
    assert_eq!(bo.form(&format!("/admin/people/{id}"), &[("role", "security")]).status, 303);
    assert_eq!(here.get("/").status, 401);
}

#[test]
fn the_command_line_gives_links_and_changes_no_role() {
    let site = Site::new("cli-link");
    let admin = site.person("admin", Role::Admin);
    let link = site.hub.link("admin", Some(Role::Viewer)).unwrap();
    assert_eq!(link.role, Role::Admin, "the last administrator stays one");
    assert_eq!(admin.get("/admin").status, 200);
    site.person("ana", Role::Viewer);
    assert_eq!(site.hub.link("ana", Some(Role::Admin)).unwrap().role, Role::Viewer);
    let people = json_of(&admin.get("/api/v1/people"));
    let id = people.as_array().unwrap().iter().find(|row| row["name"] == "ana").unwrap()["id"].clone();
    admin.form(&format!("/admin/people/{id}/active"), &[("active", "no")]);
    assert!(site.hub.link("ana", None).is_err(), "who is locked out gets no link");
    // Where nobody manages the hub, whoever has its machine sees to it that somebody does.
    let empty = Site::new("cli-empty");
    empty.person("bo", Role::Viewer);
    assert_eq!(empty.hub.link("bo", Some(Role::Admin)).unwrap().role, Role::Admin);
}

#[test]
fn signing_in_gives_a_session_that_nobody_knew_before() {
    let site = Site::new("fixation");
    let chosen = "ab".repeat(32);
    let victim = Asker { cookie: Some(format!("testudo-hub={chosen}")), ..site.anybody() };
    let link = site.hub.link("ana", Some(Role::Viewer)).unwrap();
    let entered = victim.form(&link.path, &[]);
    let cookie = header(&entered, "set-cookie").unwrap();
    assert!(!cookie.contains(&chosen), "{cookie}");
    for word in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert_eq!(victim.get("/").status, 401, "what somebody else chose is no session");
    // Two cookies of one name: which one counts is not known, so none does.
    let ana = site.person("ana", Role::Viewer);
    let two = Asker { cookie: ana.cookie.as_ref().map(|c| format!("{c}; testudo-hub={chosen}")), ..ana.clone() };
    assert_eq!(two.get("/").status, 401);
}

#[test]
fn over_tls_the_cookie_is_for_this_host_alone() {
    let site = Site::with("tls", Encryption::InFront);
    let link = site.hub.link("ana", Some(Role::Viewer)).unwrap();
    let entered = site.anybody().form(&link.path, &[]);
    let cookie = header(&entered, "set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-testudo-hub=") && cookie.contains("; Secure"), "{cookie}");
}

#[test]
fn signing_out_ends_the_session() {
    let site = Site::new("out");
    let ana = site.person("ana", Role::Viewer);
    assert_eq!(ana.form("/sign-out", &[]).status, 303);
    assert_eq!(ana.get("/").status, 401);
}

#[test]
fn who_is_locked_out_is_out_at_once() {
    let site = Site::new("locked");
    let (admin, ana) = (site.person("admin", Role::Admin), site.person("ana", Role::Security));
    let people = json_of(&admin.get("/api/v1/people"));
    let id = |name: &str| {
        let of = |row: &&serde_json::Value| row["name"] == name;
        people.as_array().unwrap().iter().find(of).unwrap()["id"].as_i64().unwrap()
    };
    assert_eq!(admin.form(&format!("/admin/people/{}/active", id("ana")), &[("active", "no")]).status, 303);
    assert_eq!(ana.get("/").status, 401);
    let last = admin.form(&format!("/admin/people/{}/active", id("admin")), &[("active", "no")]);
    assert_eq!(last.status, 400, "{}", text(&last));
    let fallen = admin.form(&format!("/admin/people/{}", id("admin")), &[("role", "viewer")]);
    assert_eq!(fallen.status, 400);
}

#[test]
fn what_another_site_sends_is_refused() {
    let site = Site::new("csrf");
    let ana = site.person("ana", Role::Admin);
    let fields = [("name", "eve"), ("role", "admin")];
    for origin in ["cross-site", "same-site", "none"] {
        let forged = Asker { origin: Some(origin), ..ana.clone() };
        assert_eq!(forged.form("/admin/people", &fields).status, 403, "{origin}");
    }
    assert_eq!(Asker { origin: None, ..ana.clone() }.form("/admin/people", &fields).status, 403, "neither header");
    let bo = site.person("bo", Role::Admin);
    for token in ["", "0", bo.form.as_str()] {
        let forged = Asker { form: token.to_owned(), ..ana.clone() };
        assert_eq!(forged.form("/admin/people", &fields).status, 403, "token {token}");
    }
    // JSON as a form: browsers send that without asking the hub first.
    let plain = ana.send("POST", "/api/v1/concerns", Some("text/plain"), b"{}".to_vec());
    assert_eq!(plain.status, 415);
    let without = Asker { form: String::new(), ..ana.clone() }.json("/api/v1/concerns", &serde_json::json!({}));
    assert_eq!(without.status, 403);
    assert_eq!(ana.form("/admin/people", &fields).status, 200);
    // Somebody else's site cannot sign a browser in either.
    let link = site.hub.link("eve", None).unwrap();
    assert_eq!(Asker { origin: Some("cross-site"), ..site.anybody() }.form(&link.path, &[]).status, 403);
}

#[test]
fn only_the_hub_s_own_names_are_answered() {
    let site = Site::new("host");
    for (host, own) in [
        ("127.0.0.1:7878", true),
        ("localhost:7878", true),
        ("[::1]:7878", true),
        ("127.0.0.1", false),
        ("127.0.0.1:80", false),
        ("evil.example:7878", false),
        ("", false),
    ] {
        assert_eq!(site.hub.is_own_host(Some(host)), own, "{host}");
    }
    assert!(!site.hub.is_own_host(None));
}

#[test]
fn every_answer_has_the_headers_that_protect() {
    let site = Site::new("headers");
    let ana = site.person("ana", Role::Admin);
    for path in ["/", "/findings", "/nothing", "/hub.js", "/api/v1/findings", "/findings?state=none"] {
        let answer = ana.get(path);
        let policy = header(&answer, "content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(header(&answer, "referrer-policy"), Some("no-referrer"), "{path}");
        assert!(matches!(header(&answer, "cache-control"), Some("no-store" | "no-cache")), "{path}");
    }
}

#[test]
fn nothing_that_opens_is_kept() {
    let site = Site::new("hashed");
    let ana = site.person("ana", Role::Viewer);
    let token = site.hub.create_token(crate::Scope::Push, "shop", None).unwrap();
    let link = site.hub.link("bo", Some(Role::Viewer)).unwrap();
    let cookie = ana.cookie.clone().unwrap();
    let secrets =
        [cookie.split_once('=').unwrap().1, token.strip_prefix(crate::TOKEN_PREFIX).unwrap(), &link.path[9..]];
    for file in std::fs::read_dir(&site.folder).unwrap().flatten().filter(|file| file.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap();
        for secret in secrets {
            assert!(Secret::parse(secret).is_some());
            assert!(!bytes.windows(64).any(|window| window == secret.as_bytes()), "{}", file.path().display());
        }
    }
}

#[test]
fn a_token_that_pushes_watches_nothing() {
    let site = Site::new("watches");
    let admin = site.person("admin", Role::Admin);
    let make = |scope: &str, watches: &str| {
        admin.form("/admin/tokens", &[("scope", scope), ("subject", "web-1"), ("watches", watches)]).status
    };
    assert_eq!((make("push", "shop"), make("push", ""), make("agent", "shop")), (400, 200, 200));
}
