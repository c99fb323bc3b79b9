//! The page: self-contained, readable without scripts, safe.

use serde_json::Value;

use super::{SCRIPT, STYLE};
use crate::sample::{self, written};
use crate::{Format, Options, Outcome, VerdictLine};

fn page() -> String {
    let verdict = Some(VerdictLine { outcome: Outcome::Incomplete, reasons: vec!["deps did not run".to_owned()] });
    written(&sample::report(), Format::Html, &Options { verdict, ..Options::default() })
}

#[test]
fn a_small_report() {
    let page = page();
    let body = &page[page.find("<body>").unwrap()..page.find("<script id").unwrap()];
    assert_eq!(
        body,
        r##"<body>
<a class="skip" href="#findings">Skip to the findings</a>
<main>
<h1>testudo</h1>
<p class="headline">2 findings in 2 incidents: 1 critical, 1 high</p>
<p class="verdict incomplete">Gate incomplete</p>
<ul>
<li>deps did not run</li>
</ul>
<dl>
<div><dt>targets</dt><dd>.</dd></div>
<div><dt>started</dt><dd>2026-01-31T12:00:00Z</dd></div>
<div><dt>program</dt><dd>testudo 0.1.0</dd></div>
<div><dt>suppressed</dt><dd>1 finding</dd></div>
<div><dt>below the view</dt><dd>4 findings</dd></div>
<div><dt>critical</dt><dd>1</dd></div>
<div><dt>high</dt><dd>1</dd></div>
<div><dt>medium</dt><dd>0</dd></div>
<div><dt>low</dt><dd>0</dd></div>
<div><dt>info</dt><dd>0</dd></div>
</dl>
<h2>What was looked at</h2>
<ul>
<li class="gap"><strong>Not covered:</strong> secrets is incomplete; skipped: 1 too-large</li>
<li class="gap"><strong>Not covered:</strong> deps did not run</li>
<li>secrets: 120 units, 240.0 KiB, 34 commits, 3 rules</li>
<li>code: 40 units, 80.0 KiB, 3 rules</li>
</ul>
<form id="filters" hidden aria-label="Filter the findings"></form>
<h2 id="findings" tabindex="-1">Findings</h2>
<p id="count" aria-live="polite"></p>
<table><caption>Findings by file and line</caption>
<thead><tr><th scope="col">Severity</th><th scope="col">Finding</th><th scope="col">Place</th><th scope="col">Owner</th></tr></thead>
<tbody id="rows">
<tr><td><span class="severity high">high</span></td>
<td><strong>SQL built from input</strong> <code>sql-injection</code>
<p>The query holds a value that came in with the request.</p>
<p><b>detector:</b> code, confidence medium, CWE-89</p>
<p><b>fingerprint:</b> 1:c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3</p>
</td><td class="place">src/app.py:12:5</td><td></td></tr>
<tr><td><span class="severity critical">critical</span></td>
<td><strong>Acme API key</strong> <code>acme-api-key</code>
<p>The key `acme_live_...9f3a (42)` gives access to the Acme account.</p>
<p><b>fix:</b> Revoke the key, then read it from the environment.</p>
<p><b>commit:</b> 1a2b3c4d5e, 2025-11-02, Ann Example: Add deployment settings (only in history)</p>
<p><b>also in:</b> deploy/1.env:1:5, deploy/2.env:2:5, deploy/3.env:3:5, deploy/4.env:4:5, deploy/5.env:5:5</p>
<p><b>detector:</b> secrets, confidence high, CWE-798</p>
<p><b>fingerprint:</b> 1:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1</p>
<pre tabindex="0">import os
key = &quot;<mark>acme_live_*****9f3a</mark>&quot;
client(key)</pre>
</td><td class="place">src/config.py:3:8</td><td>@acme/payments</td></tr>
<tr><td><span class="severity low">low</span></td>
<td><strong>SQL built from input</strong> <code>sql-injection</code>
<p>The query holds a value that came in with the request.</p>
<p><b>suppressed:</b> fixture of a test</p>
<p><b>detector:</b> code, confidence medium, CWE-89</p>
<p><b>fingerprint:</b> 1:d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4</p>
</td><td class="place">tests/data.py:12:5</td><td></td></tr>
</tbody></table>
<p><button id="more" type="button" hidden>Show more</button></p>
<h2>Notices</h2>
<table><caption>What the reader must know about this result</caption>
<thead><tr><th scope="col">Notice</th><th scope="col">Place</th><th scope="col">Message</th></tr></thead>
<tbody>
<tr><td>too-large</td><td class="place">data/dump.sql</td><td>is 900 MB, the limit is 256 MB; raise `max-file-size` to read it</td></tr>
</tbody></table>
</main>
"##
    );
}

#[test]
fn the_data_is_json_that_cannot_leave_its_element() {
    for (report, place) in [(sample::report(), "src/app.py:12:5"), (sample::hostile(), "=x\\u{1b}[2J")] {
        let page = written(&report, Format::Html, &Options::default());
        let (_, rest) = page.split_once("type=\"application/json\">").unwrap();
        let (data, _) = rest.split_once("</script>").unwrap();
        assert!(!data.contains(['<', '\u{2028}']));
        let rows: Value = serde_json::from_str(data).unwrap();
        assert_eq!(rows.as_array().unwrap().len(), 3);
        assert!(rows[0]["place"].as_str().unwrap().starts_with(place));
    }
}

#[test]
fn the_page_asks_for_nothing() {
    let page = page();
    for word in
        ["http:", "https:", "src=", "url(", "@import", "<link", "<iframe", "fetch(", "XMLHttp", "innerHTML", "eval("]
    {
        assert!(!page.contains(word), "{word}");
    }
    assert_eq!(page.matches("<script").count(), 2);
}

#[test]
fn the_policy_allows_exactly_the_two_inline_elements() {
    let page = page();
    let (_, rest) = page.split_once("Content-Security-Policy\" content=\"").unwrap();
    let (policy, _) = rest.split_once('"').unwrap();
    let expected = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        super::digest::source(STYLE),
        super::digest::source(SCRIPT)
    );
    assert_eq!(policy, expected);
    assert!(page.contains(&format!("<style>{STYLE}</style>")) && page.contains(&format!("<script>{SCRIPT}</script>")));
    // A browser reads a carriage return as a line feed, and the digest would not match.
    assert!(!STYLE.contains('\r') && !SCRIPT.contains('\r'));
}
