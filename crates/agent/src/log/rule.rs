//! Rules: what a line has to be, where in the tree of rules it stands, and what it says.

use std::sync::Arc;

use super::{
    cidr::Cidr,
    decoder::Category,
    expression::{Dialect, Expression},
    hours::Hours,
    list::{Entries, Lists, Lookup},
    problem::{Part, Told},
    xml::Element,
};

/// Highest level there is.
const MAX_LEVEL: u8 = 16;
/// Usual length of a window, in seconds.
const TIMEFRAME: u64 = 360;
/// Longest window, in seconds.
const MAX_TIMEFRAME: u64 = 99_999;
/// Most events of a window.
const MAX_FREQUENCY: u32 = 9_999;

/// What an expression or a range looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The message.
    Log,
    /// A field, or one of those that a name stands for.
    Field(String),
    Program,
    Host,
    Location,
}

/// One condition.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Matches(Subject, Expression),
    /// The name of a decoder, or of the one above it.
    DecodedAs(String),
    /// An address lies in one of the ranges, or in none of them.
    Within {
        field: &'static str,
        ranges: Vec<Cidr>,
        negated: bool,
    },
    /// A line of at least so many bytes.
    AtLeast(usize),
    /// A field is in a list, or is not.
    Listed {
        field: String,
        lookup: Lookup,
        list: Arc<Entries>,
        check: Option<Expression>,
    },
    /// An hour of the day, or a day of the week.
    At(Hours),
    /// What the decoder calls new was never seen.
    First,
}

/// Where a rule stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Above {
    /// Below the first rule of its category, or first itself.
    Category,
    Rules(Vec<u32>),
    Group(String),
    Level(u8),
}

/// Which events before this one are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Watched {
    Rule(u32),
    Group(String),
}

/// A rule over several events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Correlation {
    pub(crate) watched: Watched,
    pub(crate) frequency: u32,
    pub(crate) timeframe: u64,
    /// Fields that have to be equal.
    pub(crate) same: Vec<String>,
    /// Fields that have to differ.
    pub(crate) different: Vec<String>,
}

/// One rule.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) id: u32,
    pub(crate) level: u8,
    pub(crate) line: usize,
    pub(crate) above: Above,
    pub(crate) category: Category,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) correlation: Option<Correlation>,
    pub(crate) groups: Vec<String>,
    pub(crate) description: String,
    pub(crate) mitre: Vec<String>,
    /// The text of `<info type="text">`.
    pub(crate) info: Option<String>,
    /// It is told to nobody.
    pub(crate) is_silent: bool,
    /// It leads to others, and is none where none of them fits.
    pub(crate) is_passage: bool,
    pub(crate) ignore: Option<u64>,
    pub(crate) overwrites: bool,
}

/// The key of an element whose name says a dialect, as OSSEC has them: `id_pcre2`, `pcre2`.
pub(crate) fn base(name: &str) -> (&str, Option<Dialect>) {
    match name {
        "pcre2" => ("regex", Some(Dialect::Pcre2)),
        _ => name.strip_suffix("_pcre2").map_or((name, None), |key| (key, Some(Dialect::Pcre2))),
    }
}

/// Reads a rule that stands within a group; none where it cannot be used, which is told.
pub(crate) fn read(element: &Element, group: &str, lists: &mut Lists, told: &mut Told<'_>) -> Option<Rule> {
    let id = element.attribute("id").unwrap_or_default().trim();
    let part = Part::Rule(id);
    let before = told.count();
    let mut reading = Reading {
        problems: told,
        lists,
        part,
        above: None,
        watched: None,
        same: Vec::new(),
        different: Vec::new(),
        texts: Vec::new(),
        rule: Rule {
            id: 0,
            level: 0,
            line: element.line,
            above: Above::Category,
            category: Category::default(),
            conditions: Vec::new(),
            correlation: None,
            groups: groups(group),
            description: String::new(),
            mitre: Vec::new(),
            info: None,
            is_silent: false,
            is_passage: false,
            ignore: None,
            overwrites: false,
        },
    };
    let numbers = reading.attributes(element);
    for child in &element.children {
        reading.child(child);
    }
    let rule = reading.end(numbers);
    (told.count() == before).then_some(rule)
}

fn groups(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|group| !group.is_empty()).map(str::to_owned).collect()
}

/// Numbers of a rule over several events.
struct Window {
    frequency: Option<u32>,
    timeframe: u64,
}

/// A condition whose text may stand in several elements.
struct Collected<'e> {
    key: String,
    element: &'e Element,
    dialect: Dialect,
    text: String,
}

struct Reading<'e, 't, 'f> {
    problems: &'t mut Told<'f>,
    lists: &'t mut Lists,
    part: Part<'e>,
    above: Option<Above>,
    watched: Option<Watched>,
    same: Vec<String>,
    different: Vec<String>,
    texts: Vec<Collected<'e>>,
    rule: Rule,
}

impl<'e> Reading<'e, '_, '_> {
    fn wrong(&mut self, line: usize, what: &str) {
        self.problems.add(line, self.part, what);
    }

    fn number<T: std::str::FromStr + PartialOrd>(&mut self, element: &Element, key: &str, most: &T) -> Option<T> {
        let text = element.attribute(key)?;
        let number = text.trim().parse().ok().filter(|number| number <= most);
        if number.is_none() {
            self.wrong(element.line, &format!("`{key}` is no number that is possible here"));
        }
        number
    }

    fn attributes(&mut self, element: &Element) -> Window {
        const KNOWN: &[&str] = &["id", "level", "frequency", "timeframe", "ignore", "noalert", "maxsize", "overwrite"];
        for (key, _) in element.attributes.iter().filter(|(key, _)| !KNOWN.contains(&key.as_str())) {
            self.wrong(element.line, &format!("the attribute `{key}` is not known"));
        }
        for key in ["id", "level"].iter().filter(|key| element.attribute(key).is_none()) {
            self.wrong(element.line, &format!("a rule needs `{key}`"));
        }
        self.rule.id = self.number(element, "id", &u32::MAX).unwrap_or(0);
        self.rule.level = self.number(element, "level", &MAX_LEVEL).unwrap_or(0);
        self.rule.ignore = self.number(element, "ignore", &MAX_TIMEFRAME);
        self.rule.is_passage = element.attribute("noalert") == Some("1");
        self.rule.overwrites = element.attribute("overwrite") == Some("yes");
        if let Some(size) = self.number(element, "maxsize", &(1 << 20)) {
            self.rule.conditions.push(Condition::AtLeast(size));
        }
        Window {
            frequency: self.number(element, "frequency", &MAX_FREQUENCY),
            timeframe: self.number(element, "timeframe", &MAX_TIMEFRAME).unwrap_or(TIMEFRAME),
        }
    }

    fn child(&mut self, element: &'e Element) {
        let (key, dialect) = base(&element.name);
        let osmatch = dialect.unwrap_or(Dialect::OsMatch);
        match key {
            "match" => self.collect("match", element, osmatch),
            "regex" => self.collect("regex", element, dialect.unwrap_or(Dialect::OsRegex)),
            "action" => self.collect("action", element, dialect.unwrap_or(Dialect::Exact)),
            "program_name" | "hostname" | "location" | "user" | "id" | "url" | "status" | "extra_data" | "protocol"
            | "data" | "system_name" | "srcport" | "dstport" => self.collect(key, element, osmatch),
            "field" => match element.attribute("name") {
                Some(name) => {
                    let key = format!("field {name}");
                    self.collect(&key, element, dialect.unwrap_or(Dialect::OsRegex));
                }
                None => self.wrong(element.line, "`field` needs a `name`"),
            },
            "srcip" => self.range("srcip", element),
            "dstip" => self.range("dstip", element),
            "list" => self.list(element),
            "time" | "weekday" => self.hours(key, element),
            "if_fts" => self.rule.conditions.push(Condition::First),
            "decoded_as" => self.rule.conditions.push(Condition::DecodedAs(element.text.trim().to_owned())),
            "category" | "if_sid" | "if_group" | "if_level" | "if_matched_sid" | "if_matched_group" => {
                self.place(key, element);
            }
            key => self.told(key, element),
        }
    }

    /// Takes a key that says where the rule stands, or which events it counts.
    fn place(&mut self, key: &str, element: &Element) {
        let text = element.text.trim();
        let wrong = match key {
            "category" => match Category::named(text) {
                Some(category) => return self.rule.category = category,
                None => format!("`{text}` is no category"),
            },
            "if_sid" => match ids(text) {
                Some(ids) => return self.above = Some(Above::Rules(ids)),
                None => "`if_sid` names no rules".to_owned(),
            },
            "if_group" => return self.above = Some(Above::Group(text.to_owned())),
            "if_level" => match text.parse() {
                Ok(level) => return self.above = Some(Above::Level(level)),
                Err(_) => "`if_level` is no level".to_owned(),
            },
            "if_matched_sid" => match text.parse() {
                Ok(id) => return self.watched = Some(Watched::Rule(id)),
                Err(_) => "`if_matched_sid` names no rule".to_owned(),
            },
            _ => return self.watched = Some(Watched::Group(text.to_owned())),
        };
        self.wrong(element.line, &wrong);
    }

    /// Takes a key that says what is told of an event, or which values are equal over several.
    fn told(&mut self, key: &str, element: &Element) {
        let text = element.text.trim();
        match key {
            "description" => self.rule.description = element.text.split_whitespace().collect::<Vec<_>>().join(" "),
            "group" => self.rule.groups.extend(groups(text)),
            "mitre" => {
                let ids = element.children.iter().filter(|child| child.name == "id");
                self.rule.mitre.extend(ids.map(|id| id.text.trim().to_owned()));
            }
            "info" => {
                if element.attribute("type").is_none_or(|kind| kind == "text") {
                    self.rule.info = Some(text.to_owned());
                }
            }
            "options" => self.options(element, text),
            // Alerts have no field for it.
            "cve" => {}
            // All events are of one machine.
            "global_frequency" => {}
            "same_field" => self.same.push(text.to_owned()),
            "different_field" | "not_same_field" => self.different.push(text.to_owned()),
            key => self.pair(key, element),
        }
    }

    fn list(&mut self, element: &Element) {
        let lookup = Lookup::named(element.attribute("lookup").unwrap_or("match_key"));
        let (Some(field), Some(lookup)) = (element.attribute("field"), lookup) else {
            return self.wrong(element.line, "`list` needs a `field`, and a `lookup` that is known");
        };
        let check = element.attribute("check_value");
        let check = check.map(|text| Expression::new(Dialect::OsMatch, text)).transpose();
        match (self.lists.get(element.text.trim()), check) {
            (Ok(list), Ok(check)) => {
                self.rule.conditions.push(Condition::Listed { field: field.to_owned(), lookup, list, check });
            }
            (Err(why), _) | (_, Err(why)) => self.wrong(element.line, &why),
        }
    }

    fn hours(&mut self, key: &str, element: &Element) {
        let hours = if key == "time" { Hours::of_day(&element.text) } else { Hours::of_week(&element.text) };
        match hours {
            Some(hours) => self.rule.conditions.push(Condition::At(hours)),
            None => self.wrong(element.line, &format!("`{key}` says no time")),
        }
    }

    /// `same_user` and its like, under all their names.
    fn pair(&mut self, key: &str, element: &Element) {
        const NAMES: &[(&str, &str)] = &[
            ("source_ip", "srcip"),
            ("srcip", "srcip"),
            ("dstip", "dstip"),
            ("src_port", "srcport"),
            ("srcport", "srcport"),
            ("dst_port", "dstport"),
            ("dstport", "dstport"),
            ("user", "dstuser"),
            ("dstuser", "dstuser"),
            ("srcuser", "srcuser"),
            ("id", "id"),
            ("url", "url"),
            ("protocol", "protocol"),
            ("action", "action"),
            ("data", "data"),
            ("extra_data", "extra_data"),
            ("status", "status"),
            ("system_name", "system_name"),
            ("location", "location"),
        ];
        let split =
            ["not_same_", "different_", "same_"].iter().find_map(|front| Some((*front, key.strip_prefix(front)?)));
        let found = split.and_then(|(front, name)| Some((front, NAMES.iter().find(|(own, _)| *own == name)?.1)));
        match found {
            Some(("same_", field)) => self.same.push(field.to_owned()),
            Some((_, field)) => self.different.push(field.to_owned()),
            None => self.wrong(element.line, &format!("the key `{key}` is not known")),
        }
    }

    /// Most of them ask for what this program does not do with an alert: it sends no mail.
    fn options(&mut self, element: &Element, text: &str) {
        const KNOWN: &[&str] = &["alert_by_email", "no_email_alert", "no_log", "log_alert", "no_full_log", "no_ar"];
        for option in groups(text) {
            if !KNOWN.contains(&option.as_str()) {
                self.wrong(element.line, &format!("the option `{option}` is not known"));
            }
            self.rule.is_silent |= option == "no_log";
        }
    }

    fn collect(&mut self, key: &str, element: &'e Element, dialect: Dialect) {
        let text = element.text.clone();
        match self.texts.iter_mut().find(|collected| collected.key == key && !key.starts_with("field")) {
            Some(collected) => collected.text.push_str(&text),
            None => self.texts.push(Collected { key: key.to_owned(), element, dialect, text }),
        }
    }

    fn range(&mut self, field: &'static str, element: &Element) {
        let (turned, text) = element.text.trim().strip_prefix('!').map_or((false, element.text.trim()), |t| (true, t));
        let negated = turned || element.attribute("negate") == Some("yes");
        let parts = text.split([',', '|', ' ']).map(str::trim).filter(|part| !part.is_empty());
        match parts.map(Cidr::parse).collect::<Option<Vec<_>>>() {
            Some(ranges) if !ranges.is_empty() => {
                self.rule.conditions.push(Condition::Within { field, ranges, negated });
            }
            _ => self.wrong(element.line, &format!("`{field}` is no address and no range")),
        }
    }

    fn end(mut self, window: Window) -> Rule {
        for Collected { key, element, dialect, text } in std::mem::take(&mut self.texts) {
            let subject = match key.as_str() {
                "match" | "regex" => Subject::Log,
                "program_name" => Subject::Program,
                "hostname" => Subject::Host,
                "location" => Subject::Location,
                field => Subject::Field(field.strip_prefix("field ").unwrap_or(field).to_owned()),
            };
            if let Some(expression) = self.problems.expression(element, dialect, &text, self.part) {
                self.rule.conditions.push(Condition::Matches(subject, expression));
            }
        }
        let is_plain = self.watched.is_none();
        if is_plain && (window.frequency.is_some() || !self.same.is_empty() || !self.different.is_empty()) {
            let what = "a rule that counts events needs `if_matched_sid` or `if_matched_group`";
            self.wrong(self.rule.line, what);
        }
        self.rule.above = self.above.take().unwrap_or_else(|| match &self.watched {
            Some(Watched::Rule(id)) => Above::Rules(vec![*id]),
            Some(Watched::Group(group)) => Above::Group(group.clone()),
            None => Above::Category,
        });
        self.rule.correlation = self.watched.map(|watched| Correlation {
            watched,
            frequency: window.frequency.unwrap_or(2).max(2),
            timeframe: window.timeframe,
            same: self.same,
            different: self.different,
        });
        self.rule
    }
}

fn ids(text: &str) -> Option<Vec<u32>> {
    let parts = text.split([',', ' ', '\n', '\t']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok()).collect::<Option<Vec<_>>>().filter(|ids| !ids.is_empty())
}
