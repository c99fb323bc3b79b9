//! Days that pass.

use super::*;
use crate::file;

fn due_on(day: &str) -> Vec<String> {
    let sources = [Source { name: "plan.toml", text: include_str!("../sample.toml") }];
    let problems = due(&file::read(&sources).plan, day.parse().unwrap());
    file::located(&problems, &sources).iter().map(|p| format!("{}:{} {}", p.code.unwrap(), p.line, p.message)).collect()
}

#[test]
fn a_day_counts_to_its_end() {
    assert_eq!(due_on("2099-11-30"), Vec::<String>::new());
    assert_eq!(
        due_on("2099-12-01"),
        [
            "PLAN-EXPIRED-BACKDOOR:85 backdoor `support-shell` ended on 2099-11-30",
            "PLAN-EXPIRED-ATTESTATION:116 attestation `doc/door.md` ended on 2099-11-30",
            "PLAN-EXPIRED-WAIVER:129 what was accepted about `missing-mfa@portal.public` ended on 2099-11-30",
        ]
    );
    let all = due_on("2100-01-01");
    assert_eq!(all[0], "PLAN-REVIEW-DUE:7 the time in which this plan holds ended on 2099-12-31");
    assert_eq!(all.len(), 4);
}
