//! Turns `rules/secrets/*.toml` with their documentation into a static table, plans included, so that a scan of one file
//! neither parses TOML nor syntax trees.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

#[expect(dead_code, unreachable_pub, reason = "the build needs the planning part of the engine only")]
#[path = "src/engine"]
mod engine {
    pub mod groups;
    pub mod pattern;
    pub mod plan;
    pub mod prepare;
}

#[path = "src/native/forms.rs"]
mod forms;

use engine::{
    plan::{Plan, Prefix},
    prepare::{Prepared, Spec},
};

fn main() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/secrets");
    println!("cargo::rerun-if-changed={}", dir.display());
    println!("cargo::rerun-if-changed=src/engine");
    println!("cargo::rerun-if-changed=src/native/forms.rs");
    let mut files: Vec<PathBuf> =
        fs::read_dir(&dir).expect("rules/secrets is part of the repository").flatten().map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    files.sort();
    let mut out = String::from("pub(super) static RULES: &[EmbeddedRule] = &[\n");
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        rule(file, &mut out).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    }
    out.push_str("];\npub(super) static FORMS: &[PlannedRegex] = &[\n");
    for (_, regex) in forms::FORMS {
        let keywords = forms::KEYWORDS.iter().map(|k| (*k).to_owned()).collect();
        let planned = planned(Spec { regex: (*regex).to_owned(), keywords });
        out.push_str(&planned.unwrap_or_else(|why| panic!("{regex}: {why}")));
        out.push_str(",\n");
    }
    out.push_str("];\n");
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("embedded_rules.rs");
    fs::write(target, out).expect("OUT_DIR is writable");
}

fn rule(file: &Path, out: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let document: toml::Table = fs::read_to_string(file)?.parse()?;
    let rules = document.get("rules").and_then(toml::Value::as_array).ok_or("no [[rules]]")?;
    let [toml::Value::Table(rule)] = rules.as_slice() else { return Err("one [[rules]] a file".into()) };
    let own = rule.get("testudo").and_then(toml::Value::as_table).ok_or("no [rules.testudo]")?;
    let text =
        |table: &toml::Table, key: &str| table.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    let list = |table: &toml::Table, key: &str| -> Vec<String> {
        let items = table.get(key).and_then(toml::Value::as_array);
        items.into_iter().flatten().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect()
    };
    let known = ["id", "description", "regex", "keywords", "secretGroup", "entropy", "testudo"];
    if let Some(key) = rule.keys().find(|k| !known.contains(&k.as_str())) {
        return Err(format!("key `{key}` is not used in rules of ours").into());
    }
    let planned = planned(Spec { regex: text(rule, "regex"), keywords: list(rule, "keywords") })?;
    let number = |key: &str| {
        rule.get(key).and_then(|v| v.as_float().or_else(|| v.as_integer().map(|i| i as f64))).unwrap_or(0.0)
    };
    writeln!(out, "EmbeddedRule {{")?;
    for (key, value) in [("id", text(rule, "id")), ("title", text(rule, "description")), ("regex", text(rule, "regex"))]
    {
        writeln!(out, "{key}: {value:?},")?;
    }
    for key in ["vendor", "category", "severity", "confidence", "persona"] {
        writeln!(out, "{key}: {:?},", text(own, key))?;
    }
    writeln!(out, "keywords: &{:?},", list(rule, "keywords"))?;
    for key in ["references", "aliases", "validate"] {
        writeln!(out, "{key}: &{:?},", list(own, key))?;
    }
    writeln!(out, "cwe: &[{}],", list(own, "cwe").join(","))?;
    writeln!(out, "secret_group: {}, entropy: {:?},", number("secretGroup") as usize, number("entropy"))?;
    writeln!(out, "help: include_str!({:?}),", fs::canonicalize(file.with_extension("md"))?)?;
    writeln!(out, "plan: {planned},")?;
    writeln!(out, "verify: {},", verify(own)?)?;
    writeln!(out, "}},")?;
    Ok(())
}

fn planned(spec: Spec) -> Result<String, Box<dyn std::error::Error>> {
    let prepared = Prepared::new(spec)?;
    if matches!(prepared.plan, Plan::Whole) {
        return Err("the expression gives nothing to hold on to and would run over every file".into());
    }
    let Prepared { plan: found, two_alphabets, gated_by_plan, .. } = prepared;
    Ok(format!(
        "PlannedRegex {{ plan: {}, two_alphabets: {two_alphabets}, gated_by_plan: {gated_by_plan} }}",
        plan(&found)
    ))
}

fn plan(plan: &Plan) -> String {
    let bytes = |literals: &[Vec<u8>]| {
        format!("&[{}]", literals.iter().map(|l| format!("&{l:?}")).collect::<Vec<_>>().join(","))
    };
    match plan {
        Plan::Anchored { literals, prefix } => {
            let prefix = prefix
                .as_ref()
                .map_or("None".to_owned(), |Prefix { class, max }| format!("Some(({:?}, {max}))", class.0));
            format!("EmbeddedPlan::Anchored {{ literals: {}, prefix: {prefix} }}", bytes(literals))
        }
        Plan::Windowed { literals, reach } => {
            format!(
                "EmbeddedPlan::Windowed {{ literals: {}, bounded: {}, free: {:?} }}",
                bytes(literals),
                reach.bounded,
                reach.free.0
            )
        }
        Plan::Whole => unreachable!("refused above"),
    }
}

fn verify(own: &toml::Table) -> Result<String, Box<dyn std::error::Error>> {
    let Some(table) = own.get("verify").and_then(toml::Value::as_table) else { return Ok("None".to_owned()) };
    let text = |key: &str| table.get(key).and_then(toml::Value::as_str);
    let codes = |key: &str| {
        let items = table.get(key).and_then(toml::Value::as_array);
        items
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_integer)
            .map(|c| c.to_string())
            .collect::<Vec<_>>()
            .join(",")
    };
    let headers = table.get("headers").and_then(toml::Value::as_table);
    let headers: Vec<(&str, &str)> =
        headers.into_iter().flatten().filter_map(|(k, v)| Some((k.as_str(), v.as_str()?))).collect();
    Ok(format!(
        "Some(EmbeddedRequest {{ method: {:?}, url: {:?}, headers: &{headers:?}, basic: {:?}, body: {:?}, active: &[{}], inactive: &[{}] }})",
        text("method").unwrap_or("GET"),
        text("url").ok_or("verify needs a url")?,
        text("basic"),
        text("body"),
        codes("active"),
        codes("inactive"),
    ))
}
