//! Which frameworks a plan may name, and how a reference to one of their requirements is read. Ids only, no sentences.

use testudo_policy::{nearest, problem::quoted};

use testudo_policy::table::Problem;

use crate::{
    codes,
    matrix::{EDITIONS, Edition},
    nouns::{Plan, Word},
};

/// Frameworks with their editions or parts.
const FRAMEWORKS: [(&str, &[&str]); 4] = [
    ("owasp-top10", &["2021", "2025"]),
    ("asvs", &["5.0.0"]),
    ("hipaa", &["164.308", "164.310", "164.312"]),
    ("osps", &["2025-02", "2025-10", "2026-02"]),
];

/// A row of the Top Ten that a control answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The edition.
    pub edition: Edition,
    /// 1 to 10.
    pub number: usize,
}

/// What is wrong with the frameworks and the references of a plan.
pub(crate) fn check(plan: &Plan) -> Vec<Problem> {
    let frameworks = plan.frameworks.iter().filter_map(framework);
    let references = plan.controls.iter().flat_map(|control| &control.refs);
    frameworks.chain(references.filter_map(|word| reference(plan, word).err())).collect()
}

fn framework(word: &Word) -> Option<Problem> {
    let (name, edition) = word.text.split_once(':').unwrap_or((&word.text, ""));
    let found = FRAMEWORKS.iter().find(|(known, _)| *known == name);
    if found.is_some_and(|(_, editions)| editions.contains(&edition)) {
        return None;
    }
    let all = || FRAMEWORKS.iter().flat_map(|(name, editions)| editions.iter().map(move |one| format!("{name}:{one}")));
    let all: Vec<String> = all().collect();
    let help = match nearest(&word.text, all.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are: {}", all.join(", ")),
    };
    Some(Problem::new(
        codes::FRAMEWORK,
        &word.place,
        format!("{} is no known framework", quoted(&word.text)),
        Some(help),
    ))
}

/// A requirement of another framework: the framework is known, and the id has its form.
fn other(word: &Word, framework: &str, id: &str) -> Result<(), Problem> {
    let wrong = |message: String, help: String| Err(Problem::new(codes::FRAMEWORK, &word.place, message, Some(help)));
    let known = ["owasp", "asvs", "hipaa", "osps"];
    if !known.contains(&framework) {
        let help = match nearest(&framework.to_lowercase(), known) {
            Some(near) => format!("did you mean `{near}:{id}`?"),
            None => format!("known are: {}", known.join(", ")),
        };
        return wrong(format!("{} is no known framework", quoted(framework)), help);
    }
    let number = |text: &str| !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
    let (fits, form) = match framework {
        "asvs" => {
            let parts: Vec<&str> = id.strip_prefix('V').unwrap_or_default().split('.').collect();
            ((1..=3).contains(&parts.len()) && parts.iter().all(|part| number(part)), "V7.3.1")
        }
        "hipaa" => {
            let (section, rest) = id.split_once('(').unwrap_or((id, ""));
            let section = section.strip_prefix("164.").is_some_and(|n| n.len() == 3 && number(n));
            let paragraph = |p: &str| (1..=4).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric());
            let paragraphs = rest.is_empty() || rest.strip_suffix(')').is_some_and(|r| r.split(")(").all(paragraph));
            (section && paragraphs, "164.312(a)(1)")
        }
        _ => {
            let (family, numbers) = id.strip_prefix("OSPS-").and_then(|rest| rest.split_once('-')).unwrap_or_default();
            let letters = family.len() == 2 && family.bytes().all(|b| b.is_ascii_uppercase());
            (letters && numbers.split('.').count() <= 2 && numbers.split('.').all(number), "OSPS-AC-01.01")
        }
    };
    if fits {
        Ok(())
    } else {
        wrong(format!("{} is no requirement of {framework}", quoted(id)), format!("they look like {framework}:{form}"))
    }
}

/// The row of the Top Ten that a reference names; none for a reference to something else.
///
/// `owasp:A07` counts for the one edition that the plan names, `owasp:A07:2025` for that edition.
///
/// # Errors
/// It is no `FRAMEWORK:ID`, the row does not exist, or the edition is not said.
pub(crate) fn reference(plan: &Plan, word: &Word) -> Result<Option<Row>, Problem> {
    let wrong =
        |message: String, help: &str| Err(Problem::new(codes::FRAMEWORK, &word.place, message, Some(help.to_owned())));
    let Some((framework, id)) = word.text.split_once(':').filter(|(name, id)| !name.is_empty() && !id.is_empty())
    else {
        return wrong(format!("{} names no requirement", quoted(&word.text)), "write FRAMEWORK:ID, as in asvs:V7.3.1");
    };
    if framework != "owasp" {
        return other(word, framework, id).map(|()| None);
    }
    let (row, edition) = id.split_once(':').unwrap_or((id, ""));
    let number = row.strip_prefix('A').filter(|digits| digits.len() == 2).and_then(|digits| digits.parse().ok());
    let Some(number) = number.filter(|number| (1..=10).contains(number)) else {
        return wrong(format!("{} is no row of the Top Ten", quoted(id)), "the rows are A01 to A10");
    };
    let named = |edition: &Edition| plan.frameworks.iter().any(|f| f.text == format!("owasp-top10:{}", edition.year()));
    let editions: Vec<Edition> = match edition {
        "" => EDITIONS.into_iter().filter(named).collect(),
        year => EDITIONS.into_iter().filter(|edition| edition.year() == year).collect(),
    };
    match editions.as_slice() {
        [edition] => Ok(Some(Row { edition: *edition, number })),
        _ => wrong(
            format!("{} does not say which edition", quoted(&word.text)),
            "write owasp:A07:2021 or owasp:A07:2025, or name one `owasp-top10` in `frameworks`",
        ),
    }
}
