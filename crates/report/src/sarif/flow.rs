//! `properties["flow"]`: the way of a value from its source to its sink.
//!
//! A list of steps in order, each `{"location": Location, "message": text}` with
//! the location as the model serialises it; the message may be missing.

use serde::Deserialize;
use serde_json::Value;
use testudo_model::{Finding, Location as Place};

use super::limit::{self, Cuts, MAX_STEPS};
use super::log::{CodeFlow, Message, ThreadFlow, ThreadFlowLocation};
use super::place;

/// The key of the property.
pub(super) const KEY: &str = "flow";

#[derive(Deserialize)]
struct Step {
    location: Place,
    #[serde(default)]
    message: String,
}

/// The finding's flow; none where it has none or where it has another shape (it
/// then stays among the properties, so nothing is lost).
pub(super) fn of(finding: &Finding, cuts: &mut Cuts) -> Option<CodeFlow> {
    let steps = finding.properties.get(KEY)?.as_array()?;
    let mut steps: Vec<Step> = steps.iter().map(step).collect::<Option<_>>()?;
    if steps.is_empty() {
        return None;
    }
    cuts.steps += limit::cut_to(&mut steps, MAX_STEPS);
    let locations = steps.into_iter().map(location).collect();
    Some(CodeFlow { thread_flows: [ThreadFlow { locations }] })
}

fn step(value: &Value) -> Option<Step> {
    Step::deserialize(value).ok()
}

fn location(step: Step) -> ThreadFlowLocation {
    let mut location = place::of(&step.location, None);
    location.message = (!step.message.is_empty()).then(|| Message::text(step.message));
    ThreadFlowLocation { location }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sample;

    #[test]
    fn another_shape_is_no_flow() {
        let mut finding = sample::finding("a", 1);
        for (value, flows) in [
            (json!("x"), false),
            (json!([]), false),
            (json!([{"line": 1}]), false),
            (json!([{"location": {"path": "a"}}]), true),
        ] {
            finding.properties.insert(KEY.to_owned(), value);
            assert_eq!(of(&finding, &mut Cuts::default()).is_some(), flows);
        }
    }
}
