//! `sarif`: one run of SARIF 2.1.0 (OASIS standard, 27 March 2020), within what
//! GitHub's code scanning accepts.
//!
//! Section numbers in this folder are those of the standard. What a detector
//! knows beyond it goes to the property bag of a result, unchanged; only
//! `properties["flow"]` has a place of its own (`flow.rs`).

mod flow;
mod limit;
mod log;
mod notification;
mod place;
mod result;
mod rules;

use std::collections::BTreeMap;
use std::io::{self, Write};

use testudo_model::{CoverageState, NoticeLevel, ScanReport};

use crate::{json, wording};
use limit::{Cuts, MAX_RESULTS};
use log::{ArtifactLocation, Driver, Invocation, Log, Message, Run, Tool};
use rules::Rules;

/// Where the schema lives, for editors.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

pub(crate) fn write(report: &ScanReport, out: &mut dyn Write) -> io::Result<()> {
    let mut cuts = Cuts::default();
    let findings = limit::most_severe(&report.findings, MAX_RESULTS, &mut cuts);
    let rules = Rules::of(&findings, &report.rules, &mut cuts);
    let results = findings.iter().map(|finding| result::of(finding, &rules, &mut cuts)).collect();
    let run = Run {
        tool: Tool {
            driver: Driver {
                name: &report.tool.name,
                semantic_version: &report.tool.version,
                rules: rules.into_descriptors(),
            },
        },
        invocations: vec![invocation(report, &cuts)],
        original_uri_base_ids: BTreeMap::from([(
            place::BASE,
            ArtifactLocation {
                description: Some(Message::text("The directory that the scan was started in.")),
                ..ArtifactLocation::default()
            },
        )]),
        results,
        column_kind: "unicodeCodePoints",
    };
    json::write_pretty(&Log { schema: SCHEMA, version: "2.1.0", runs: [run] }, out)
}

fn invocation<'a>(report: &'a ScanReport, cuts: &Cuts) -> Invocation<'a> {
    let ran = report.coverage.iter().all(|coverage| coverage.state != CoverageState::NotRun);
    let unbroken = report.notices.iter().all(|notice| notice.level != NoticeLevel::Error);
    let notices = report.notices.iter().map(notification::of_notice);
    let gaps = wording::gaps(report).into_iter().map(notification::of_gap);
    Invocation {
        execution_successful: ran && unbroken && !report.coverage.is_empty(),
        start_time_utc: wording::start_second(report).map(|_| report.started.as_str()),
        tool_execution_notifications: notices.chain(gaps).chain(cuts.notification()).collect(),
    }
}

#[cfg(test)]
mod tests;
