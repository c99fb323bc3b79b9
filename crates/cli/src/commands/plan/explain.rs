//! `testudo plan explain`: the risk of each component with its arithmetic, and what follows from it.

use std::process::ExitCode;

use anyhow::{Result, bail};
use testudo_plan::risk::{Risk, risks};

use super::{ExplainArgs, sound};
use crate::terminal;

pub(super) fn run(args: &ExplainArgs) -> Result<ExitCode> {
    let Some(loaded) = sound(&args.which)? else { return Ok(ExitCode::from(2)) };
    let mut risks = risks(&loaded.plan);
    if let Some(wanted) = &args.component {
        risks.retain(|risk| risk.component == wanted);
        if risks.is_empty() {
            bail!("{}: there is no component `{wanted}`; `testudo plan explain` lists them", loaded.name());
        }
    }
    let text: Vec<String> = risks.iter().map(explained).collect();
    terminal::stdout(&testudo_report::visible_lines(&text.join("\n")))?;
    Ok(ExitCode::SUCCESS)
}

fn explained(risk: &Risk<'_>) -> String {
    let (level, sla) = (risk.level(), risk.level().sla());
    format!(
        "{}: risk {} = impact {} x exposure {}: {level}\n  impact    {}\n  exposure  {}\n  so        ASVS level {}, gate {}, \
         repair critical in {}, high in {}, medium in {}, low in {} days, review every {} days\n",
        risk.component,
        risk.number(),
        risk.impact.number,
        risk.exposure.number,
        risk.impact.because,
        risk.exposure.because,
        level.asvs(),
        level.gate(),
        sla.critical,
        sla.high,
        sla.medium,
        sla.low,
        level.review_days(),
    )
}
