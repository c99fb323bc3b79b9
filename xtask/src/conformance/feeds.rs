//! The suite `agent-feeds`: log lines with the rule, the level and the decoder that Wazuh 4 gives them, as the tests of its
//! ruleset have them (`testing/tests/*.ini`). The folder is that of the ruleset, with `rules`, `decoders` and `lists` in it.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use testudo_agent::{
    config::LogFormat,
    log::{Counting, Engine, Line, Ruleset},
};

use super::suites::{Case, files};

/// One feed: lines of one session, and what the last of them has to bring, or must not.
#[derive(Debug, Default, PartialEq, Eq)]
struct Feed {
    id: String,
    lines: Vec<String>,
    passes: bool,
    /// Rule, level and decoder; empty texts where there is none.
    expected: [String; 3],
}

/// Every feed of the tests below the folder of a ruleset. Those that need a database of places are left out.
pub(super) fn cases(dir: &Path) -> Result<Vec<Case>> {
    let mut texts = Vec::new();
    for folder in ["decoders", "rules", "testing/ruleset"] {
        for file in xml(&dir.join(folder))? {
            let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
            texts.push((file.display().to_string(), as_json(&String::from_utf8_lossy(&bytes))));
        }
    }
    let loaded = Ruleset::of_texts(&texts, Some(&dir.join("lists")), Counting::Wazuh);
    println!("  {} rules, {} decoders", loaded.ruleset.rules(), loaded.ruleset.decoders());
    let mut engine = Engine::new(loaded.ruleset);
    let mut cases = Vec::new();
    for file in files(&dir.join("testing/tests"))? {
        let name = file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if file.extension().is_some_and(|end| end == "ini") && !name.contains("geoip") {
            let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
            let feeds = feeds(&name, &String::from_utf8_lossy(&bytes));
            cases.extend(feeds.into_iter().map(|feed| (feed.id.clone(), holds(&mut engine, &feed))));
        }
    }
    Ok(cases)
}

fn xml(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut found = files(folder)?;
    found.retain(|path| path.extension().is_some_and(|end| end == "xml") && !path.to_string_lossy().contains("geoip"));
    Ok(found)
}

/// The tests of Wazuh have events of Windows as JSON, and change the first rule about them in the same way.
fn as_json(text: &str) -> String {
    let windows = "<decoded_as>windows_eventchannel</decoded_as>";
    if !text.contains(windows) {
        return text.to_owned();
    }
    text.replace("<category>ossec</category>", "").replace(windows, "<decoded_as>json</decoded_as>")
}

fn holds(engine: &mut Engine, feed: &Feed) -> bool {
    engine.forget();
    let mut found = <[String; 3]>::default();
    for line in &feed.lines {
        let line = Line { text: line.as_bytes(), location: "stdin", arrival: 0, format: LogFormat::Syslog };
        let judged = engine.judge(line);
        let (id, level) = judged.rule.map(|rule| (rule.id.to_string(), rule.level.to_string())).unwrap_or_default();
        found = [id, level, judged.decoder.map(|(name, _)| name).unwrap_or_default()];
    }
    (found == feed.expected) == feed.passes
}

/// The feeds of a file: sections, in which lines under one key belong together.
fn feeds(name: &str, text: &str) -> Vec<Feed> {
    let (mut all, mut section): (Vec<Feed>, Vec<Feed>) = (Vec::new(), Vec::new());
    let mut title = String::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.trim_start().starts_with(';')) {
        if let Some(inner) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            all.append(&mut section);
            inner.clone_into(&mut title);
        } else if let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
            let expected = ["rule", "alert", "decoder"].iter().position(|own| *own == key);
            if let Some(at) = expected {
                section.iter_mut().for_each(|feed| value.clone_into(&mut feed.expected[at]));
            } else if key.starts_with("log") {
                let id = format!("{name}: {title}: {key}");
                match section.iter_mut().find(|feed| feed.id == id) {
                    Some(feed) => feed.lines.push(value.to_owned()),
                    None => {
                        let passes = key.contains("pass");
                        section.push(Feed { id, lines: vec![value.to_owned()], passes, ..Feed::default() });
                    }
                }
            }
        }
    }
    all.append(&mut section);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_feeds() {
        let text = "; a\n[one]\nlog 1 pass = x=1\nlog 1 pass = y\nlog 2 fail = z\nrule = 5\nalert = 3\ndecoder = d\n\n[two]\nlog 1 pass = q\nrule =\n";
        let found = feeds("f", text);
        let expected = |id: &str, lines: &[&str], passes, expected: [&str; 3]| Feed {
            id: id.to_owned(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            passes,
            expected: expected.map(str::to_owned),
        };
        assert_eq!(
            found,
            [
                expected("f: one: log 1 pass", &["x=1", "y"], true, ["5", "3", "d"]),
                expected("f: one: log 2 fail", &["z"], false, ["5", "3", "d"]),
                expected("f: two: log 1 pass", &["q"], true, ["", "", ""]),
            ]
        );
    }

    #[test]
    fn a_feed_holds_by_its_last_line() {
        let rules = "<decoder name='a'><program_name>^a</program_name></decoder>
            <group name='g,'><rule id='1' level='0'><category>syslog</category><description>x</description></rule>
            <rule id='2' level='4'><if_sid>1</if_sid><decoded_as>a</decoded_as><description>x</description></rule></group>";
        let mut engine = Engine::new(Ruleset::of_text("t", rules, Counting::Wazuh).ruleset);
        let feed = |passes, last: &str| Feed {
            id: String::new(),
            lines: vec!["first".to_owned(), last.to_owned()],
            passes,
            expected: ["2", "4", "a"].map(str::to_owned),
        };
        assert!(holds(&mut engine, &feed(true, "Oct 11 22:14:15 h a: x")));
        assert!(!holds(&mut engine, &feed(true, "other")));
        assert!(holds(&mut engine, &feed(false, "other")));
        assert_eq!(as_json("<decoded_as>windows_eventchannel</decoded_as>"), "<decoded_as>json</decoded_as>");
    }
}
