//! Results (3.27).

use serde_json::Value;
use testudo_model::{Confidence, DetectorId, Severity};

use super::{Run, place};
use crate::{
    checkov,
    draft::{Draft, Identity},
    json::Fields as _,
    scale, secret,
};

/// What stands in place of a fingerprint where Semgrep tells it the logged in only.
const LOGIN: &str = "requires login";

/// Related locations that are looked at.
const MAX_RELATED: usize = 100;
/// Most characters of a template of a message, and of one argument of it.
const MAX_TEMPLATE: usize = 4_000;
const MAX_ARGUMENT: usize = 300;

/// What a result is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Finding,
    /// A check that found nothing wrong (3.27.9).
    Passed,
    /// It was there in an earlier run and is not any more (3.27.24).
    Gone,
}

pub(super) fn state(result: &Value) -> State {
    match (result.text("kind"), result.text("baselineState")) {
        (Some("pass" | "notApplicable"), _) => State::Passed,
        (_, Some("absent")) => State::Gone,
        _ => State::Finding,
    }
}

/// A result with its rule.
struct Parts<'a> {
    run: &'a Run<'a>,
    result: &'a Value,
    rule: &'a Value,
    id: &'a str,
    tags: Vec<String>,
}

pub(super) fn read<'a>(run: &'a Run<'a>, result: &'a Value) -> Result<Draft, &'static str> {
    let (id, rule) = run.rules.of_result(result).ok_or("it names no rule")?;
    let rule = rule.unwrap_or(&Value::Null);
    let of = |value: &Value| value.get("properties").map(|bag| bag.texts("tags")).unwrap_or_default();
    let tags = of(rule).into_iter().chain(of(result)).collect();
    Parts { run, result, rule, id, tags }.draft()
}

impl<'a> Parts<'a> {
    fn draft(&self) -> Result<Draft, &'static str> {
        let text = self.message().ok_or("it has no message")?;
        let locations = self.result.list("locations");
        let snippet = locations.first().and_then(place::snippet).filter(|text| *text != LOGIN);
        let title = self.title();
        let mut draft = Draft::new(self.detector(), self.id, &title);
        draft.cwe = scale::cwe(self.tags.iter().chain(&self.weaknesses()).map(String::as_str));
        draft.owasp = scale::owasp(self.tags.iter().map(String::as_str));
        let secretive = draft.detector == DetectorId::Secrets || secret::is_about(&[self.id, &title], &draft.cwe);
        let own = self.own_texts();
        let fixed: Vec<&str> = own.iter().map(String::as_str).chain([self.id, &title]).collect();
        draft.message = if secretive { secret::message(&text, &fixed) } else { text.clone() };
        draft.severity = self.severity();
        draft.confidence = self.confidence();
        draft.persona = self.by_tool("persona").and_then(scale::persona).unwrap_or_default();
        if let Some(location) = locations.first() {
            draft.place = place::of(self.run.run, location);
        }
        let related = self
            .result
            .list("relatedLocations")
            .iter()
            .take(MAX_RELATED)
            .map(|location| place::of(self.run.run, location));
        draft.related = related.filter(|place| place.path.is_some()).collect();
        draft.identity = self.identity(snippet, &text);
        draft.references = self.rule.texts("helpUri");
        draft.help = self.help();
        draft.suppressed = self.suppressed();
        if draft.cwe.is_empty() && draft.detector == DetectorId::Secrets {
            draft.cwe = vec![798];
        }
        Ok(draft)
    }

    /// The detector of the tool, but for tools of several kinds the one of the rule.
    fn detector(&self) -> DetectorId {
        let tagged = |word: &str| self.tags.iter().any(|tag| tag == word);
        match self.run.tool.as_str() {
            "checkov" => checkov::detector(self.id),
            "trivy" if tagged("secret") => DetectorId::Secrets,
            "trivy" if tagged("misconfiguration") => DetectorId::Iac,
            _ => self.run.detector,
        }
    }

    /// A property that a tool writes under its own name, such as `zizmor/severity`.
    fn by_tool(&self, name: &str) -> Option<&'a str> {
        // zizmor's own; of another tool nobody knows what it means by such a word.
        let own = self.run.tool == "zizmor";
        self.result.get("properties").filter(|_| own)?.text(&format!("zizmor/{name}"))
    }

    /// CWE numbers elsewhere than in tags: in properties, as Snyk writes them, and as taxa (3.27.8, 3.52).
    fn weaknesses(&self) -> Vec<String> {
        let bag = |value: &Value| value.get("properties").map(|bag| bag.texts("cwe")).unwrap_or_default();
        let of_cwe = |taxon: &&Value| {
            let component = taxon.get("toolComponent").and_then(|component| component.text("name"));
            component.is_some_and(|name| name.eq_ignore_ascii_case("CWE"))
        };
        let number = |taxon: &Value| taxon.text("id").map(|id| format!("CWE-{}", id.trim_start_matches("CWE-")));
        let targets = self.rule.list("relationships").iter().filter_map(|relation| relation.get("target"));
        let taxa = self.result.list("taxa").iter().chain(targets).filter(of_cwe).filter_map(number);
        bag(self.rule).into_iter().chain(bag(self.result)).chain(taxa).collect()
    }

    fn severity(&self) -> Severity {
        let bag = |value: &'a Value| value.get("properties")?.get("security-severity");
        let score = bag(self.result).or_else(|| bag(self.rule)).and_then(|score| match score {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        });
        let score = score.filter(|score: &f64| (0.0..=10.0).contains(score));
        let configured = self.rule.get("defaultConfiguration").and_then(|configuration| configuration.text("level"));
        let level = self.result.text("level").or(configured).unwrap_or("warning");
        score
            .map(scale::score)
            .or_else(|| self.by_tool("severity").and_then(scale::severity))
            .or_else(|| scale::level(level))
            .unwrap_or_default()
    }

    fn confidence(&self) -> Confidence {
        let precision = self.rule.get("properties").and_then(|bag| bag.text("precision"));
        self.by_tool("confidence").or(precision).and_then(scale::confidence).unwrap_or(Confidence::High)
    }

    /// The message (3.11), with its arguments in place where it is one of the rule's.
    fn message(&self) -> Option<String> {
        let message = self.result.get("message")?;
        if let Some(text) = message.text("text").or_else(|| message.text("markdown")) {
            return Some(text.to_owned());
        }
        let template = self.rule.get("messageStrings")?.get(message.text("id")?)?;
        let text = template.text("text").or_else(|| template.text("markdown"))?;
        Some(filled(text, &message.texts("arguments")))
    }

    fn title(&self) -> String {
        let of = |key: &str| self.rule.get(key).and_then(|message| message.text("text"));
        // Semgrep's short description is its name and the id.
        let short = of("shortDescription").filter(|text| !text.ends_with(self.id));
        let title = short.or_else(|| self.rule.text("name").filter(|name| *name != self.id));
        title.unwrap_or_else(|| self.id.rsplit('.').next().unwrap_or(self.id)).to_owned()
    }

    /// Texts of the rule, which hold nothing of the place.
    fn own_texts(&self) -> Vec<String> {
        let of = |key: &str| self.rule.get(key).and_then(|message| message.owned("text"));
        ["shortDescription", "fullDescription"].into_iter().filter_map(of).collect()
    }

    fn help(&self) -> String {
        let of = |key: &str| {
            let message = self.rule.get(key)?;
            message.owned("markdown").or_else(|| message.owned("text"))
        };
        // Checkov puts the resource of one result, and for secrets its digest, into the help of the rule.
        let help = of("help").filter(|_| self.run.tool != "checkov");
        help.or_else(|| of("fullDescription")).unwrap_or_default()
    }

    /// The tool's own fingerprints (3.27.16, 3.27.17), or else what the report shows of the place. gitleaks fills its
    /// fingerprints with the commit, which says nothing about the finding; of a tool that looks for secrets the text is it.
    fn identity(&self, snippet: Option<&str>, message: &str) -> Identity {
        let prints = ["fingerprints", "partialFingerprints"].into_iter().find_map(|key| {
            let prints = self.result.get(key)?.as_object()?;
            let known = prints.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
            let known = known.filter(|(_, value)| !value.is_empty() && *value != LOGIN);
            let parts: Vec<String> = known.map(|(name, value)| format!("{name}={value}")).collect();
            (!parts.is_empty()).then_some(parts)
        });
        match (self.run.tool.as_str(), snippet, prints) {
            ("gitleaks", Some(secret), _) if secret != "REDACTED" => Identity::Secret(secret.to_owned()),
            (_, _, Some(parts)) => Identity::Own(parts),
            (_, Some(text), None) => Identity::Text(text.to_owned()),
            (_, None, None) => Identity::Text(message.to_owned()),
        }
    }

    /// The reason of a suppression that counts (3.35): one that is neither under review nor rejected.
    fn suppressed(&self) -> Option<String> {
        let counts = |one: &&Value| one.text("status").is_none_or(|status| status == "accepted");
        let one = self.result.list("suppressions").iter().find(counts)?;
        let kind = if one.text("kind") == Some("inSource") { "in the source" } else { "outside of the source" };
        Some(
            one.text("justification").map_or_else(|| format!("suppressed by {}, {kind}", self.run.tool), str::to_owned),
        )
    }
}

/// A template with its arguments in place of `{0}`, `{1}` and so on (3.11.5), in one pass: what an argument holds is text.
fn filled(template: &str, arguments: &[String]) -> String {
    let template: String = template.chars().take(MAX_TEMPLATE).collect();
    let (mut out, mut rest) = (String::new(), template.as_str());
    while let Some((before, tail)) = rest.split_once('{') {
        out.push_str(before);
        let argument = tail.split_once('}').and_then(|(number, behind)| {
            let index: usize = number.parse().ok()?;
            Some((arguments.get(index)?, behind))
        });
        rest = match argument {
            Some((argument, behind)) => {
                out.extend(argument.chars().take(MAX_ARGUMENT));
                behind
            }
            None => {
                out.push('{');
                tail
            }
        };
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_fill_a_template_once() {
        let arguments = ["{1}".to_owned(), "b".to_owned()];
        for (template, expected) in [("{0} calls {1}", "{1} calls b"), ("{2} {x} {", "{2} {x} {"), ("none", "none")] {
            assert_eq!(filled(template, &arguments), expected);
        }
        assert!(filled(&"{0}".repeat(10_000), &["x".repeat(10_000)]).len() < 500_000);
    }
}
