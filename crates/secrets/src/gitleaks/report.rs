//! gitleaks' report formats but SARIF: the same fields in the same order.

use super::CompatFinding;

/// Masks the secret in a finding, by the percentage that gitleaks' `--redact` takes; more than 100 is all of it.
///
/// A finding without a secret, such as one by the name of a file, has an empty text replaced everywhere, as with gitleaks.
/// What required rules found is masked too, which gitleaks leaves as it is.
pub fn redact(finding: &mut CompatFinding, percent: u64) {
    let secret = masked(&finding.secret, percent);
    finding.line.mask(&finding.secret, &secret);
    finding.matched = finding.matched.replace(&finding.secret, &secret);
    finding.secret = secret;
    for required in &mut finding.required {
        required.secret = masked(&required.secret, percent);
    }
}

fn masked(secret: &str, percent: u64) -> String {
    if percent >= 100 {
        return "REDACTED".to_owned();
    }
    if secret.is_empty() {
        return String::new();
    }
    let keep = (secret.len() as f64 * (100 - percent) as f64 / 100.0).round_ties_even() as usize;
    String::from_utf8_lossy(&secret.as_bytes()[..keep.min(secret.len())]).into_owned() + "..."
}

/// A string as Go's JSON encoder writes it: HTML characters and line separators are escaped.
fn quoted(text: &str) -> String {
    escaped(&serde_json::to_string(text).unwrap_or_default())
}

/// Escapes in JSON what Go escapes beyond the rules of JSON. Such characters only stand in strings.
pub(super) fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// A 32-bit float as Go writes it in JSON.
fn float(value: f64) -> String {
    let text = (value as f32).to_string();
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// The JSON report: an array with one space of indentation.
#[must_use]
pub fn json(findings: &[CompatFinding]) -> String {
    if findings.is_empty() {
        return "[]\n".to_owned();
    }
    let items: Vec<String> = findings.iter().map(|f| format!(" {}", json_object(f, (" ", " ")))).collect();
    format!("[\n{}\n]\n", items.join(",\n"))
}

/// One finding. Its lines after the first begin with `outer`, and each level inside with one `step` more.
fn json_object(f: &CompatFinding, (outer, step): (&str, &str)) -> String {
    let tags = if f.tags.is_empty() {
        "[]".to_owned()
    } else {
        let tags: Vec<_> = f.tags.iter().map(|t| format!("{outer}{step}{step}{}", quoted(t))).collect();
        format!("[\n{}\n{outer}{step}]", tags.join(",\n"))
    };
    let mut fields = vec![
        ("RuleID", quoted(&f.rule)),
        ("Description", quoted(&f.description)),
        ("StartLine", f.start_line.to_string()),
        ("EndLine", f.end_line.to_string()),
        ("StartColumn", f.start_column.to_string()),
        ("EndColumn", f.end_column.to_string()),
        ("Match", quoted(&f.matched)),
        ("Secret", quoted(&f.secret)),
        ("File", quoted(&f.file)),
        ("SymlinkFile", quoted(&f.symlink)),
        ("Commit", quoted(&f.commit)),
        ("Entropy", float(f.entropy)),
        ("Author", quoted(&f.author)),
        ("Email", quoted(&f.email)),
        ("Date", quoted(&f.date)),
        ("Message", quoted(&f.message)),
        ("Tags", tags),
        ("Fingerprint", quoted(&f.fingerprint())),
    ];
    if !f.link.is_empty() {
        fields.insert(11, ("Link", quoted(&f.link)));
    }
    let lines: Vec<String> = fields.iter().map(|(name, value)| format!("{outer}{step}\"{name}\": {value}")).collect();
    format!("{{\n{}\n{outer}}}", lines.join(",\n"))
}

/// The CSV report; empty without findings, as gitleaks leaves it.
#[must_use]
pub fn csv(findings: &[CompatFinding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    const COLUMNS: &str = "RuleID,Commit,File,SymlinkFile,Secret,Match,StartLine,EndLine,StartColumn,EndColumn,Author,Message,Date,Email,Fingerprint,Tags";
    // The first finding decides whether there is a column of links.
    let links = findings.first().is_some_and(|f| !f.link.is_empty());
    let mut out = format!("{COLUMNS}{}\n", if links { ",Link" } else { "" });
    for f in findings {
        let numbers = [f.start_line, f.end_line, f.start_column, f.end_column].map(|n| n.to_string());
        let fingerprint = f.fingerprint();
        let tags = f.tags.join(" ");
        let mut cells = vec![f.rule.as_str(), &f.commit, &f.file, &f.symlink, &f.secret, &f.matched];
        cells.extend(numbers.iter().map(String::as_str));
        cells.extend([f.author.as_str(), &f.message, &f.date, &f.email, &fingerprint, &tags]);
        if links {
            cells.push(&f.link);
        }
        let cells: Vec<String> = cells.into_iter().map(csv_cell).collect();
        out.push_str(&cells.join(","));
        out.push('\n');
    }
    out
}

/// Quotes a cell where Go's CSV writer does.
fn csv_cell(cell: &str) -> String {
    let special = cell.contains([',', '"', '\n', '\r']) || cell.starts_with([' ', '\t']) || cell == "\\.";
    if special { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

fn xml(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The JUnit report.
#[must_use]
pub fn junit(findings: &[CompatFinding]) -> String {
    let n = findings.len();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n\t<testsuite failures=\"{n}\" name=\"gitleaks\" tests=\"{n}\" time=\"\">"
    );
    for f in findings {
        let place = format!("{} has detected a secret in file {}, line {}", f.rule, f.file, f.start_line);
        let message =
            if f.commit.is_empty() { format!("{place}.") } else { format!("{place}, at commit {}.", f.commit) };
        out.push_str(&format!(
            "\n\t\t<testcase classname=\"{}\" file=\"{}\" name=\"{}\" time=\"\">\n\t\t\t<failure message=\"{}\" type=\"{}\">{}</failure>\n\t\t</testcase>",
            xml(&f.description), xml(&f.file), xml(&message), xml(&message), xml(&f.description), xml(&json_object(f, ("", "\t")))
        ));
    }
    out + if n == 0 { "</testsuite>\n</testsuites>" } else { "\n\t</testsuite>\n</testsuites>" }
}
