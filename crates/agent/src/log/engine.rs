//! One line after another through decoders and rules.

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

use super::Cidr;
use super::{
    decoder::Decoded,
    expression::Haystack,
    header::{self, Header, Repeat},
    memory::{Kept, Memory, Seen, short},
    rule::{Condition, Correlation, Rule, Subject},
    ruleset::{Counting, Ruleset},
};
use crate::{
    config::{LogFormat, PREFIX6},
    mask::masked,
};

/// Longest part of a line that is looked at, in bytes.
pub const MAX_LINE: usize = 64 << 10;
/// Fields that hold addresses.
const ADDRESSES: &[&str] = &["srcip", "dstip"];
/// The id that stands for values that were seen first; no rule has it.
const FIRST_SEEN: u32 = u32::MAX;
/// How often a line is counted that stands for several, at most.
const MAX_REPEATS: u64 = 1000;
/// How deep the tree of rules is followed.
const MAX_DEPTH: usize = 32;

/// A line as it comes in.
#[derive(Debug, Clone, Copy)]
pub struct Line<'l> {
    /// The line, without its end.
    pub text: &'l [u8],
    /// The file it stands in.
    pub location: &'l str,
    /// When it came in, in seconds since 1970. Where a line names its time and its zone, that counts.
    pub arrival: u64,
    /// How it begins.
    pub format: LogFormat,
}

/// The rule that a line fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its id.
    pub id: u32,
    /// Its level, 0 to 16.
    pub level: u8,
    /// Its description, with the names of fields in it: the same for every event.
    pub title: String,
    /// Its description, with the values of fields in it.
    pub description: String,
    /// Its groups.
    pub groups: Vec<String>,
    /// Techniques of MITRE ATT&CK.
    pub mitre: Vec<String>,
    /// What its `<info>` says.
    pub info: Option<String>,
    /// Whether it is told to nobody.
    pub is_silent: bool,
}

/// What became of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// The decoder that read it, and the root decoder above that one.
    pub decoder: Option<(String, String)>,
    /// The rule that it fits.
    pub rule: Option<Hit>,
    /// What was read.
    pub fields: BTreeMap<String, String>,
    /// The machine that the line names.
    pub host: Option<String>,
    /// The program that the line names.
    pub program: Option<String>,
    /// The window of the rule, in seconds; 0 where it counts nothing.
    pub window: u64,
    /// How many messages the line stands for.
    pub repeated: u64,
}

/// Rules, decoders, and what they remember of earlier lines.
#[derive(Debug, Clone)]
pub struct Engine {
    ruleset: Ruleset,
    memory: Memory,
    prefix6: u8,
    /// The log and the line that came last.
    last: (String, Vec<u8>),
}

impl<'l> Line<'l> {
    /// The part of it that is looked at.
    fn text(&self) -> &'l [u8] {
        &self.text[..self.text.len().min(MAX_LINE)]
    }

    fn header(&self) -> Header<'l> {
        match self.format {
            LogFormat::Syslog => header::read(self.text()),
            LogFormat::Plain => Header { message: self.text(), ..Header::default() },
        }
    }
}

/// A line while it is looked at.
struct Event<'l> {
    header: Header<'l>,
    haystack: Haystack<'l>,
    location: &'l str,
    decoded: Decoded,
    time: u64,
    /// The clock on the wall where the line was written, in seconds since 1970.
    wall: i64,
    /// Whether what the decoder calls new was never seen.
    is_first: bool,
}

impl Engine {
    /// An engine that remembers nothing.
    #[must_use]
    pub fn new(ruleset: Ruleset) -> Self {
        Self { ruleset, memory: Memory::default(), prefix6: PREFIX6, last: Default::default() }
    }

    /// The same, where so many leading bits of IPv6 addresses are one source.
    #[must_use]
    pub fn with_prefix6(self, prefix6: u8) -> Self {
        Self { prefix6, ..self }
    }

    /// Forgets every earlier line.
    pub fn forget(&mut self) {
        self.memory = Memory::default();
        self.last = Default::default();
    }

    pub(crate) fn changes(&mut self) -> Vec<Kept> {
        self.memory.changes()
    }

    pub(crate) fn restore(&mut self, kept: Kept) {
        self.memory.restore(kept);
    }

    /// Judges a line, unless that would tell nothing and remember nothing.
    pub(crate) fn judge_wanted(&mut self, line: Line<'_>) -> Option<Judged> {
        if self.is_dull(line) {
            self.note_last(line);
            return None;
        }
        Some(self.judge(line))
    }

    fn is_dull(&self, line: Line<'_>) -> bool {
        // Lines of a system log may name a time before they came.
        let time = if line.format == LogFormat::Plain { line.arrival } else { 0 };
        self.ruleset.dull.is(line.text(), time, &self.memory)
    }

    /// Keeps a line, in case the next one only says that it came again.
    fn note_last(&mut self, line: Line<'_>) {
        if line.format == LogFormat::Syslog {
            if self.last.0 != line.location {
                line.location.clone_into(&mut self.last.0);
            }
            self.last.1.clear();
            self.last.1.extend_from_slice(line.text());
        }
    }

    /// Judges a line. One that stands for several is counted so often, and told as what it was told as at most.
    pub fn judge(&mut self, line: Line<'_>) -> Judged {
        let header = line.header();
        let repeat = if line.format == LogFormat::Syslog { header::repeat(header.message) } else { None };
        let time = header.time;
        let (header, count) = match repeat {
            None => {
                self.note_last(line);
                return self.judge_once(header, line);
            }
            Some(Repeat::This(message, count)) => (Header { message, ..header }, count),
            Some(Repeat::Last(_)) if self.last.0 != line.location => return self.judge_once(header, line),
            Some(Repeat::Last(count)) => {
                let last = std::mem::take(&mut self.last);
                let text = Line { text: &last.1, ..line };
                let judged = self.judge_often(Header { time, ..text.header() }, text, count);
                self.last = last;
                return judged;
            }
        };
        self.judge_often(header, line, count)
    }

    fn judge_often(&mut self, header: Header<'_>, line: Line<'_>, count: u64) -> Judged {
        let level = |judged: &Judged| judged.rule.as_ref().map_or(0, |hit| hit.level);
        let mut most = self.judge_once(header, line);
        for _ in 1..count.min(MAX_REPEATS) {
            let judged = self.judge_once(header, line);
            if level(&judged) > level(&most) {
                most = judged;
            }
        }
        Judged { repeated: count.max(1), ..most }
    }

    fn judge_once(&mut self, header: Header<'_>, line: Line<'_>) -> Judged {
        let lower = header.message.to_ascii_lowercase();
        let haystack = Haystack { text: header.message, lower: &lower };
        let decoded = self.ruleset.decoders.decode(&header, haystack);
        let time = header.time.filter(|time| *time <= line.arrival).unwrap_or(line.arrival);
        let wall =
            || header::wall(line.text(), line.arrival).unwrap_or(i64::try_from(line.arrival).unwrap_or(i64::MAX));
        let (wall, is_first) = (if self.ruleset.has_hours { wall() } else { 0 }, self.is_first(&decoded, time));
        let event = Event { header, haystack, location: line.location, decoded, time, wall, is_first };
        let found = self.find(&event);
        let counted = found.and_then(|number| self.ruleset.rules[number].correlation.as_ref());
        let window = counted.map_or(0, |correlation| correlation.timeframe);
        let rule = found.map(|number| self.hit(number, &event));
        let lossy = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        Judged {
            host: lossy(event.header.host),
            program: lossy(event.header.program),
            decoder: event.decoded.names,
            fields: event.decoded.fields,
            rule,
            window,
            repeated: 1,
        }
    }

    /// Whether the values that the decoder calls new come for the first time; then that is remembered.
    fn is_first(&mut self, decoded: &Decoded, time: u64) -> bool {
        let Some(values) = &decoded.first else { return false };
        let is_first = self.memory.count(FIRST_SEEN, values, 0, &[]) == 0;
        if is_first {
            self.memory.see(FIRST_SEEN, values.clone(), Seen { time, different: Vec::new() }, 1);
        }
        is_first
    }

    /// The rule that an event fits, after it was remembered.
    fn find(&mut self, event: &Event<'_>) -> Option<usize> {
        let first: Vec<usize> = self.ruleset.first_of(event.decoded.category).collect();
        let path = first.into_iter().find_map(|number| {
            let mut path = Vec::new();
            self.descend(number, event, &mut path).then_some(path)
        })?;
        let mut found = *path.last()?;
        let rule = &self.ruleset.rules[found];
        if rule.level == 0 {
            return Some(found);
        }
        if let Some(seconds) = rule.ignore
            && self.memory.is_ignored(rule.id, seconds, event.time)
        {
            // What led to it is told instead.
            found = path.iter().rev().nth(1).copied()?;
        }
        self.remember(found, event);
        Some(found)
    }

    /// Follows the tree from a rule that may match. Says whether it or a rule below it does; then `path` leads there.
    fn descend(&mut self, number: usize, event: &Event<'_>, path: &mut Vec<usize>) -> bool {
        if path.len() >= MAX_DEPTH || path.contains(&number) || !self.holds(number, event) {
            return false;
        }
        path.push(number);
        for at in 0..self.ruleset.children[number].len() {
            let child = self.ruleset.children[number][at];
            if self.descend(child, event, path) {
                return true;
            }
        }
        if self.ruleset.rules[number].is_passage {
            path.pop();
            return false;
        }
        true
    }

    fn holds(&mut self, number: usize, event: &Event<'_>) -> bool {
        let rule = &self.ruleset.rules[number];
        if rule.category != event.decoded.category && self.ruleset.first.contains(&number) {
            return false;
        }
        rule.conditions.iter().all(|condition| event.fits(condition)) && self.fires(number, event)
    }

    /// Whether enough events came before this one. What was counted for it is then forgotten.
    fn fires(&mut self, number: usize, event: &Event<'_>) -> bool {
        let rule = &self.ruleset.rules[number];
        let Some(correlation) = &rule.correlation else { return true };
        let Some((same, different)) = event.keys(correlation, self.prefix6) else { return false };
        let since = event.time.saturating_sub(correlation.timeframe);
        let count = self.memory.count(rule.id, &same, since, &different);
        if count < needed(self.ruleset.counting, correlation) {
            return false;
        }
        let level = rule.level;
        let watched = correlation.watched.clone();
        // Rules of the same or a lower level that count the same events begin again, so that one attack is told once.
        let others = self.ruleset.rules.iter().filter(|other| other.level <= level);
        for other in others {
            let Some(own) = other.correlation.as_ref().filter(|own| own.watched == watched) else { continue };
            if let Some((same, _)) = event.keys(own, self.prefix6) {
                self.memory.clear(other.id, &same);
            }
        }
        true
    }

    fn remember(&mut self, number: usize, event: &Event<'_>) {
        for &watcher in &self.ruleset.watchers[number] {
            let rule = &self.ruleset.rules[watcher];
            let Some(correlation) = &rule.correlation else { continue };
            let Some((same, different)) = event.keys(correlation, self.prefix6) else { continue };
            // Events that do not differ from the next one do not count for it, so some more are kept.
            let spare = if different.is_empty() { 1 } else { 8 };
            let most = needed(self.ruleset.counting, correlation).saturating_mul(spare);
            self.memory.see(rule.id, same, Seen { time: event.time, different }, most);
        }
    }

    fn hit(&self, number: usize, event: &Event<'_>) -> Hit {
        let rule: &Rule = &self.ruleset.rules[number];
        Hit {
            id: rule.id,
            level: rule.level,
            title: without_fields(&rule.description),
            description: expanded(&rule.description, &|name| event.field(name)),
            groups: rule.groups.clone(),
            mitre: rule.mitre.clone(),
            info: rule.info.clone(),
            is_silent: rule.is_silent || rule.level == 0,
        }
    }
}

/// How many events have to come before the one that fires.
fn needed(counting: Counting, correlation: &Correlation) -> usize {
    let frequency = correlation.frequency as usize;
    match counting {
        Counting::Wazuh => frequency - 1,
        Counting::Ossec => frequency + 1,
    }
}

impl Event<'_> {
    fn fits(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Matches(Subject::Log, expression) => expression.holds(self.haystack),
            Condition::Matches(subject, expression) => {
                let Some(text) = self.subject(subject) else { return false };
                let lower = text.to_ascii_lowercase();
                expression.holds(Haystack { text: text.as_bytes(), lower: lower.as_bytes() })
            }
            Condition::DecodedAs(name) => {
                self.decoded.names.as_ref().is_some_and(|(own, root)| own == name || root == name)
            }
            Condition::Within { field, ranges, negated } => {
                let address: Option<IpAddr> = self.field(field).and_then(|text| text.parse().ok());
                address.is_some_and(|address| ranges.iter().any(|range| range.holds(address)) != *negated)
            }
            Condition::AtLeast(size) => self.haystack.text.len() >= *size,
            Condition::Listed { field, lookup, list, check } => {
                self.field(field).is_some_and(|value| lookup.holds(value, list, check.as_ref()))
            }
            Condition::At(hours) => hours.holds(self.wall),
            Condition::First => self.is_first,
        }
    }

    fn subject(&self, subject: &Subject) -> Option<Cow<'_, str>> {
        match subject {
            Subject::Log => Some(String::from_utf8_lossy(self.haystack.text)),
            Subject::Field(name) => self.field(name).map(Cow::Borrowed),
            Subject::Program => self.header.program.map(String::from_utf8_lossy),
            Subject::Host => self.header.host.map(String::from_utf8_lossy),
            Subject::Location => Some(Cow::Borrowed(self.location)),
        }
    }

    /// A field. A user is who was acted on, or else who acted.
    fn field(&self, name: &str) -> Option<&str> {
        // Names of fields differ in case between programs and the rules for them.
        let other = |name: &str| {
            let mut fields = self.decoded.fields.iter();
            fields.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        let of = |name: &str| self.decoded.fields.get(name).or_else(|| other(name)).map(String::as_str);
        match name {
            "user" => of("dstuser").or_else(|| of("srcuser")),
            "location" => Some(self.location),
            name => of(name),
        }
    }

    /// The values that have to be equal and those that have to differ; none where the event lacks one.
    fn keys(&self, correlation: &Correlation, prefix6: u8) -> Option<(Vec<String>, Vec<String>)> {
        let value = |name: &String| {
            let value = self.field(name)?;
            let address = if ADDRESSES.contains(&name.as_str()) { value.parse::<IpAddr>().ok() } else { None };
            Some(match address {
                Some(IpAddr::V6(six)) => Cidr::around(six.into(), prefix6).text(),
                // What is remembered is written down, too.
                _ if value.contains(['=', '@', ' ']) => short(&masked(value)),
                _ => short(value),
            })
        };
        let all = |names: &[String]| names.iter().map(value).collect::<Option<Vec<_>>>();
        Some((all(&correlation.same)?, all(&correlation.different)?))
    }
}

/// `$(field)` replaced by its value, or by nothing.
fn expanded<'v>(text: &'v str, value: &dyn Fn(&'v str) -> Option<&'v str>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once("$(") {
        out.push_str(before);
        let Some((name, behind)) = behind.split_once(')') else {
            out.push_str("$(");
            rest = behind;
            continue;
        };
        out.push_str(value(name).unwrap_or_default());
        rest = behind;
    }
    out + rest
}

/// A description up to its first field, without the word that leads to it: `Passwords are tried from $(srcip)`.
fn without_fields(description: &str) -> String {
    let text = description.split("$(").next().unwrap_or_default().trim_end_matches([' ', ',', ':', '(', '`', '\'']);
    let leads = [" from", " for", " by", " of", " to", " on", " as", " at", " in", " with"];
    leads.iter().find_map(|word| text.strip_suffix(word)).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::ruleset::Source;

    const RULES: &str = r#"
<var name="N">3</var>
<decoder name="sshd"><program_name>^sshd</program_name></decoder>
<decoder name="sshd-failed"><parent>sshd</parent><prematch>^Failed</prematch>
  <regex offset="after_prematch">^ \S+ for (\S+) from (\S+)</regex><order>user, srcip</order></decoder>
<decoder name="sshd-failed"><parent>sshd</parent><regex> port (\d+)</regex><order>srcport</order></decoder>
<group name="syslog,">
  <rule id="1" level="0" noalert="1"><category>syslog</category><description>all</description></rule>
</group>
<group name="sshd,">
  <rule id="100" level="0"><decoded_as>sshd</decoded_as><description>sshd</description></rule>
  <rule id="101" level="5"><if_sid>100</if_sid><match>^Failed</match><description>$(user) from $(srcip):$(srcport)</description><group>failed,</group></rule>
  <rule id="102" level="10" frequency="$N" timeframe="60"><if_matched_sid>101</if_matched_sid><same_source_ip/><description>many</description></rule>
  <rule id="103" level="7"><if_sid>101</if_sid><user>root</user><srcip>!10.0.0.0/8</srcip><description>root</description></rule>
  <rule id="104" level="0"><if_sid>101</if_sid><field name="srcip">^9\.</field><description>known</description></rule>
</group>"#;

    fn engine(counting: Counting) -> Engine {
        let loaded = Ruleset::of(&[Source { name: "t.xml", text: RULES }], counting);
        assert_eq!(loaded.problems, []);
        Engine::new(loaded.ruleset)
    }

    fn judge(engine: &mut Engine, message: &str, arrival: u64) -> Judged {
        let text = format!("Oct 11 22:14:15 h sshd[1]: {message}");
        engine.judge(Line { text: text.as_bytes(), location: "auth.log", arrival, format: LogFormat::Syslog })
    }

    fn id(engine: &mut Engine, message: &str, arrival: u64) -> Option<u32> {
        judge(engine, message, arrival).rule.map(|rule| rule.id)
    }

    #[test]
    fn fields_rules_and_descriptions() {
        let mut engine = engine(Counting::Wazuh);
        let judged = judge(&mut engine, "Failed password for bob from 1.2.3.4 port 22 ssh2", 0);
        let rule = judged.rule.unwrap();
        assert_eq!((rule.id, rule.level, rule.description.as_str()), (101, 5, "bob from 1.2.3.4:22"));
        assert_eq!(judged.decoder, Some(("sshd".to_owned(), "sshd".to_owned())));
        assert_eq!(judged.fields["dstuser"], "bob");
        for (message, expected) in [
            ("Failed password for root from 1.2.3.4 port 1", Some(103)),
            ("Failed password for root from 10.2.3.4 port 1", Some(101)),
            ("Failed password for root from 9.2.3.4 port 1", Some(104)),
            ("hello", Some(100)),
        ] {
            assert_eq!(id(&mut engine, message, 0), expected, "{message}");
        }
        let none = engine.judge(Line {
            text: b"Oct 11 22:14:15 h cron[1]: x",
            location: "",
            arrival: 0,
            format: LogFormat::Syslog,
        });
        assert_eq!((none.rule, none.decoder), (None, None));
    }

    #[test]
    fn counting() {
        for (counting, fires) in [(Counting::Wazuh, 3), (Counting::Ossec, 5)] {
            let mut engine = engine(counting);
            for number in 1..=2 * fires {
                let expected = if number % fires == 0 { 102 } else { 101 };
                let found = id(&mut engine, "Failed password for bob from 1.2.3.4 port 22", number);
                assert_eq!(found, Some(expected), "{counting:?} {number}");
                let other = format!("Failed password for bob from 2.2.2.{number} port 22");
                assert_eq!(id(&mut engine, &other, number), Some(101));
            }
        }
        let mut engine = engine(Counting::Wazuh);
        for time in [0, 100, 200, 300] {
            assert_eq!(id(&mut engine, "Failed password for bob from 1.2.3.4 port 22", time), Some(101));
        }
        assert_eq!(id(&mut engine, "Failed password for bob from 1.2.3.4 port 22", 310), Some(101));
        assert_eq!(id(&mut engine, "Failed password for bob from 1.2.3.4 port 22", 320), Some(102));
    }

    #[test]
    fn what_is_kept_goes_on_after_a_restart() {
        let mut engine = engine(Counting::Wazuh);
        for time in 0..2 {
            id(&mut engine, "Failed password for bob from 1.2.3.4 port 22", time);
        }
        let kept = engine.changes();
        engine.forget();
        kept.into_iter().for_each(|kept| engine.restore(kept));
        assert_eq!(id(&mut engine, "Failed password for bob from 1.2.3.4 port 22", 3), Some(102));
    }

    #[test]
    fn problems_name_file_line_rule_and_key() {
        let text = "<group name=\"x\">\n<rule id=\"7\" level=\"0\"><category>syslog</category></rule>\n<rule id=\"77\" level=\"3\"><frobnicate/></rule>\n<rule id=\"78\" level=\"3\"><if_sid>99</if_sid></rule><rule id=\"79\" level=\"3\"><regex>\\*</regex></rule></group>";
        let loaded = Ruleset::of(&[Source { name: "t.xml", text }], Counting::Wazuh);
        let told: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
        assert_eq!(told[0], "t.xml:3: rule 77: the key `frobnicate` is not known");
        assert_eq!(told[1], "t.xml:4: rule 78: no rule before it has the id 99");
        assert!(told[2].contains("rule 79") && told[2].contains("no escape"), "{told:?}");
        assert_eq!((told.len(), loaded.ruleset.rules()), (3, 1));
    }

    #[test]
    fn objects_of_json_values_that_are_new_and_hours() {
        let rules = r#"
<decoder name="json"><prematch>^{\s*"</prematch><plugin_decoder>JSON_Decoder</plugin_decoder>
  <json_null_field>discard</json_null_field></decoder>
<decoder name="tty"><program_name>^login</program_name></decoder>
<decoder name="tty-user"><parent>tty</parent><regex>^user (\S+)</regex><order>user</order><fts>name, user</fts></decoder>
<group name="x,">
  <rule id="1" level="0" noalert="1"><category>syslog</category><description>all</description></rule>
  <rule id="10" level="3"><decoded_as>json</decoded_as><field name="a.b">^x$</field><description>$(user)</description></rule>
  <rule id="11" level="4"><if_sid>10</if_sid><same_location/><global_frequency/><description>no count</description></rule>
  <rule id="20" level="3"><decoded_as>tty</decoded_as><description>login</description></rule>
  <rule id="21" level="5"><if_sid>20</if_sid><if_fts/><description>first login</description></rule>
  <rule id="22" level="6"><if_sid>20</if_sid><user>eve</user><time>6 pm - 8 am</time><description>at night</description></rule>
</group>"#;
        let loaded = Ruleset::of(&[Source { name: "t.xml", text: rules }], Counting::Wazuh);
        let told: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["t.xml:9: rule 11: a rule that counts events needs `if_matched_sid` or `if_matched_group`"]);
        let mut engine = Engine::new(loaded.ruleset);
        for (text, rule) in [
            (r#"{"a":{"b":"x"},"user":"bob"}"#, Some(10)),
            (r#"{"a":{"b":"y"}}"#, None),
            ("Oct 11 12:14:15 h login: user bob", Some(21)),
            ("Oct 11 12:14:15 h login: user bob", Some(20)),
            ("Oct 11 12:14:15 h login: user eve", Some(21)),
            ("Oct 11 22:14:15 h login: user eve", Some(22)),
        ] {
            let line = Line { text: text.as_bytes(), location: "x", arrival: 1_800_000_000, format: LogFormat::Syslog };
            let judged = engine.judge_wanted(line).unwrap();
            assert_eq!(judged.rule.as_ref().map(|hit| hit.id), rule, "{text}");
            if rule == Some(10) {
                assert_eq!(judged.rule.unwrap().description, "bob");
            }
        }
    }
}
