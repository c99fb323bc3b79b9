//! Plans, and what is said about them.

use super::*;
use crate::check;

const SAMPLE: &str = include_str!("../sample.toml");

/// Every problem of a plan as `CODE line:column message; help`.
fn problems(text: &str) -> Vec<String> {
    let sources = [Source { name: "plan.toml", text }];
    let reading = read(&sources);
    let mut found = reading.problems.clone();
    found.extend(check::consistency(&reading.plan, &sources));
    let line = |problem: &FileProblem| {
        let code = problem.code.unwrap_or_default();
        let help = problem.help.as_ref().map_or_else(String::new, |help| format!("; {help}"));
        format!("{code} {}:{} {}{help}", problem.line, problem.column, problem.message)
    };
    located(&found, &sources).iter().map(line).collect()
}

/// The sample with one text replaced, which has to occur.
fn with(from: &str, to: &str) -> String {
    assert!(SAMPLE.contains(from), "{from}");
    SAMPLE.replacen(from, to, 1)
}

#[test]
fn the_sample_is_right_and_all_of_it_is_read() {
    assert_eq!(problems(SAMPLE), Vec::<String>::new());
    let plan = read(&[Source { name: "plan.toml", text: SAMPLE }]).plan;
    let counts = [
        plan.roles.len(),
        plan.data.len(),
        plan.zones.len(),
        plan.components.len(),
        plan.entries.len(),
        plan.flows.len(),
        plan.use_cases.len(),
        plan.backdoors.len(),
        plan.controls.len(),
        plan.accepts.len(),
        plan.checks.len(),
    ];
    assert_eq!(counts, [2, 2, 2, 2, 1, 1, 1, 1, 4, 1, 1]);
    assert_eq!(plan.controls[0].proof.max_age, Some(30));
    assert!(
        matches!(&plan.controls[0].proof.evidence[0].kind, Kind::Test { name } if name == "auth::session_expires_after_15m")
    );
    assert_eq!(plan.entries[0].reach, Reach::Internet);
}

#[test]
fn each_problem_has_its_code_its_place_and_a_next_step() {
    for (from, to, expected) in [
        (
            "review-by",
            "reveiw-by",
            &[
                "PLAN-MISSING 3:1 [plan] needs `review-by`; add `review-by = ...`",
                "PLAN-KEY 7:1 `reveiw-by` is not a key of [plan]; did you mean `review-by`?",
            ][..],
        ),
        (
            "[[zone]]\nid = \"inner\"",
            "[[zoen]]\nid = \"inner\"",
            &[
                "PLAN-KEY 37:3 `zoen` is no table of a plan; did you mean `zone`?",
                "PLAN-DANGLING 53:8 `inner` is no zone of the plan; declare it: [[zone]] with id = \"inner\"",
            ],
        ),
        (
            "version = 1",
            "version = 2",
            &["PLAN-VERSION 4:11 version 2 of the plan is not known here; write version = 1, or use a newer testudo"],
        ),
        (
            "owner = \"role:appsec\"\nreview",
            "owner = \"role:apsec\"\nreview",
            &["PLAN-OWNER 6:9 owner `role:apsec` is no role of the plan; did you mean `role:appsec`?"],
        ),
        (
            "owner = \"role:web\"\nprocesses",
            "owner = \"web\"\nprocesses",
            &["PLAN-OWNER 46:9 owner `web` is no role of the plan; name a role of the plan: owner = \"role:ID\""],
        ),
        (
            "channel = \"#web\"\n",
            "",
            &["PLAN-NO-CHANNEL 18:1 role `web` has no channel; add where they are reached: channel = \"#security\""],
        ),
        (
            "class = \"restricted\"",
            "class = \"restrictd\"",
            &["PLAN-VALUE 25:9 `restrictd` is no `class`; did you mean `restricted`?"],
        ),
        ("trust = 3", "trust = 4", &["PLAN-VALUE 39:9 4 is no `trust`; 0 is the internet, 3 the most trusted"]),
        (
            "id = \"news\"",
            "id = \"records\"",
            &[
                "PLAN-DUPLICATE 30:6 data `records` is declared twice; the first one is at plan.toml:24:6; rename one of them",
                "PLAN-DANGLING 47:25 `news` is no data of the plan; declare it: [[data]] with id = \"news\"",
            ],
        ),
        (
            "component = \"portal\"\nwho",
            "component = \"portl\"\nwho",
            &["PLAN-DANGLING 59:13 `portl` is no component of the plan; did you mean `portal`?"],
        ),
        (
            "expires = 2099-11-30\ncontrols",
            "expires = \"2099-11-30\"\ncontrols",
            &["PLAN-TYPE 85:11 `expires` is a day; write it without quotes: expires = 2030-01-31"],
        ),
        (
            "require = \"all\"\nmax-age = \"30d\"",
            "require = \"all\"\nmax-age = \"a month\"",
            &["PLAN-VALUE 106:11 `a month` is no `max-age`; write days from 1d to 3660d, such as \"30d\""],
        ),
        (
            "evidence = [{ rule = \"secrets:*\", scope = \"apps/portal\" }]\n",
            "",
            &[
                "PLAN-NO-EVIDENCE 100:1 there is no evidence for this; say how it is shown with `evidence = [...]`, or why not with `not-applicable`",
            ],
        ),
        (
            "rule = \"secrets:*\"",
            "rule = \"secret:*\"",
            &[
                "PLAN-VALUE 107:22 `secret:*` names no detector, so nobody can say whether it ran; did you mean `secrets:*`?",
            ],
        ),
        (
            "proc:portal:uid!=0",
            "proc:portal:user=root",
            &[
                "PLAN-VALUE 135:24 `proc:portal:user=root` asks nothing of a host; write `sca:POLICY:CHECK` with the id or title of a check, or `proc:PROGRAM:uid!=0`",
            ],
        ),
        (
            "{ cwe = [613], scope = \"apps/portal\" }",
            "{ cwe = [613], scope = \"../portal\" }",
            &[
                "PLAN-VALUE 96:26 `../portal` leads out of the project; write a path of the project with `/`, such as `apps/portal`",
            ],
        ),
        (
            "{ cwe = [613], ",
            "{ cwes = [613], ",
            &[
                "PLAN-VALUE 96:3 this evidence is of no kind; write one of these keys: rule, cwe, test, config, dast, ledger, attest",
            ],
        ),
        (
            "sha256 = \"0000",
            "sha256 = \"000",
            &["PLAN-VALUE 116:89 this is no SHA-256; write the 64 hexadecimal digits that `sha256sum FILE` prints"],
        ),
        (
            "by = \"ana\", on",
            "by = \"anna\", on",
            &["PLAN-DANGLING 116:34 `anna` has no role in the plan; did you mean `ana`?"],
        ),
        (
            "on = 2026-01-10",
            "on = 2099-12-10",
            &["PLAN-ORDER 116:68 this ends on 2099-11-30, before it begins on 2099-12-10"],
        ),
        (
            "\"asvs:5.0.0\"",
            "\"asvs:5.0\"",
            &["PLAN-FRAMEWORK 8:35 `asvs:5.0` is no known framework; did you mean `asvs:5.0.0`?"],
        ),
        (
            "\"owasp:A07\"",
            "\"owasp:A11\"",
            &["PLAN-FRAMEWORK 90:24 `A11` is no row of the Top Ten; the rows are A01 to A10"],
        ),
        (
            "\"owasp-top10:2021\", ",
            "",
            &[
                "PLAN-FRAMEWORK 90:24 `owasp:A07` does not say which edition; write owasp:A07:2021 or owasp:A07:2025, or name one `owasp-top10` in `frameworks`",
            ],
        ),
        (
            "missing-mfa@portal.public",
            "missing-mfa@portal.publik",
            &[
                "PLAN-DANGLING 126:10 `portal.publik` is no component and no entry of the plan; did you mean `portal.public`?",
            ],
        ),
        (
            "threat = \"missing-mfa@portal.public\"\n",
            "",
            &[
                "PLAN-MISSING 125:1 [[accept]] accepts one threat or one control; write `threat = \"RULE@COMPONENT\"` or `control = \"ID\"`",
            ],
        ),
        (
            "product = \"clinic-portal\"",
            "product = ",
            &["PLAN-SYNTAX 5:11 not valid TOML: string values must be quoted, expected literal string"],
        ),
        (
            "controls = [\"door-audit\"]",
            "controls = []",
            &["PLAN-MISSING 86:12 `controls` is empty; name at least one control"],
        ),
    ] {
        assert_eq!(problems(&with(from, to)), expected, "{from} -> {to}");
    }
    assert_eq!(
        problems(""),
        [
            "PLAN-MISSING 1:1 the plan has no table `[plan]`; begin with [plan], version = 1, product, owner and review-by"
        ]
    );
}

#[test]
fn all_problems_are_told_at_once() {
    let text = with("version = 1", "version = 1\ncolour = 3")
        .replace("role:web", "role:wbe")
        .replace("trust = 1", "trust = \"1\"");
    let codes: Vec<String> = problems(&text).iter().map(|p| p.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(codes[..2], ["PLAN-KEY", "PLAN-TYPE"]);
    assert_eq!(codes.iter().filter(|code| *code == "PLAN-OWNER").count(), 6);
}

#[test]
fn included_files_are_one_plan() {
    let (main, rest) = SAMPLE.split_once("[[control]]").unwrap();
    let main = format!("include = [\"plan.d/*.toml\"]\n{main}");
    let rest = format!("[[control]]{rest}");
    let sources = [Source { name: "plan.toml", text: &main }, Source { name: "plan.d/a.toml", text: &rest }];
    let reading = read(&sources);
    assert!(reading.problems.is_empty() && check::consistency(&reading.plan, &sources).is_empty());
    assert_eq!(reading.include.len(), 1);
    // The same id in both files, and what only the first file may have.
    let rest = format!("include = []\n{rest}\n[plan]\nversion = 1\n[[zone]]\nid = \"dmz\"\ntrust = 1\n");
    let sources = [sources[0], Source { name: "plan.d/a.toml", text: &rest }];
    let reading = read(&sources);
    let told = |problems: &[Problem]| located(problems, &sources).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        told(&reading.problems),
        [
            "plan.d/a.toml:1:11: PLAN-INCLUDE: a file that is included includes others; include all files from the first one",
            "plan.d/a.toml:51:2: PLAN-DUPLICATE: `[plan]` is declared twice; only the first file of a plan has `[plan]`",
        ]
    );
    assert_eq!(
        told(&check::consistency(&reading.plan, &sources)),
        [
            "plan.d/a.toml:54:6: PLAN-DUPLICATE: zone `dmz` is declared twice; the first one is at plan.toml:35:6; rename one of them"
        ]
    );
}

/// Cuts, copies and swaps pieces of the sample: whatever comes of it is read without a panic, and problems lie inside.
#[test]
fn no_change_of_a_plan_makes_reading_panic() {
    let mut random = Random(7);
    for _ in 0..1000 {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for _ in 0..=random.below(6) {
            let (at, len) = (random.below(bytes.len()), random.below(40));
            let end = (at + len).min(bytes.len());
            match random.below(4) {
                0 => drop(bytes.drain(at..end)),
                1 => bytes[at] = [b'"', b'[', b'=', b'\n', b'{', 0xc3][random.below(6)],
                2 => {
                    let piece = bytes[at..end].to_vec();
                    let to = random.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
                _ => bytes[at..end].reverse(),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let sources = [Source { name: "plan.toml", text: &text }];
        let reading = read(&sources);
        let mut problems = reading.problems.clone();
        problems.extend(check::consistency(&reading.plan, &sources));
        problems.extend(check::due(&reading.plan, "2026-01-01".parse().unwrap()));
        assert!(problems.iter().all(|problem| problem.fault.code.is_some_and(|code| codes::code(code).is_some())));
        for problem in located(&problems, &sources) {
            assert!(problem.line as usize <= text.matches('\n').count() + 1);
        }
    }
}

/// A linear congruential generator (Knuth's MMIX constants), so that the test repeats exactly.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}
