//! A reader over spanned TOML tables: known keys, types, required keys. Every problem is kept, and reading goes on.

use std::{ops::Range, time::Duration};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    Date, nearest,
    problem::{Fault, quoted},
};

/// Problems that are kept; more do not help anybody.
pub const MAX_PROBLEMS: usize = 1000;
/// Longest time that can be written.
pub const MAX_TIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// A place in one of the files that are read together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Number of the file, in the order in which the files were given.
    pub file: usize,
    /// First byte.
    pub start: usize,
    /// First byte behind.
    pub end: usize,
}

impl Place {
    /// Its bytes.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// A text and where it stands. Empty where it was needed and missing, which is a problem of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// The text.
    pub text: String,
    /// Where.
    pub place: Place,
}

/// The stable codes under which a kind of file tells what is wrong with its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codes {
    /// A key is unknown.
    pub key: &'static str,
    /// Something is needed and missing, or empty.
    pub missing: &'static str,
    /// A value is of another type.
    pub kind: &'static str,
    /// A value is of the right type, and none of those that are possible.
    pub value: &'static str,
}

/// A problem, and the number of the file that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Number of the file, in the order in which the files were given.
    pub file: usize,
    /// What is wrong, where, and what to do.
    pub fault: Fault,
}

impl Problem {
    /// A problem with a code at a place.
    #[must_use]
    pub fn new(code: &'static str, place: &Place, message: impl Into<String>, help: Option<String>) -> Self {
        Self { file: place.file, fault: Fault::new(message, help).coded(code).at(place.span()) }
    }
}

/// Where problems of one file go.
#[derive(Debug)]
pub struct Sink {
    /// Number of the file.
    pub file: usize,
    /// Under which codes.
    pub codes: Codes,
    /// What was found so far, at most [`MAX_PROBLEMS`].
    pub problems: Vec<Problem>,
}

impl Sink {
    /// A range of bytes as a place of the file.
    #[must_use]
    pub fn place(&self, span: &Range<usize>) -> Place {
        Place { file: self.file, start: span.start, end: span.end }
    }

    /// Adds a problem.
    pub fn add(&mut self, code: &'static str, span: &Range<usize>, message: String, help: Option<String>) {
        let place = self.place(span);
        self.push(Problem::new(code, &place, message, help));
    }

    /// Adds a problem that has its place.
    pub fn push(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }
}

/// One table with the keys that it may have.
#[derive(Debug)]
pub struct Table<'a, 'i> {
    /// As it is written, such as `[[control]]`.
    name: &'static str,
    table: &'a DeTable<'i>,
    span: Range<usize>,
    sink: &'a mut Sink,
}

/// A value and where it stands.
pub type Value<'a, 'i> = &'a Spanned<DeValue<'i>>;

impl<'a, 'i> Table<'a, 'i> {
    /// The table of a value; unknown keys are told.
    pub fn open(
        name: &'static str,
        keys: &'static [&'static str],
        value: Value<'a, 'i>,
        sink: &'a mut Sink,
    ) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            wrong_type(name, "a table", value, sink);
            return None;
        };
        for key in table.keys() {
            let word: &str = key.get_ref();
            if !keys.contains(&word) {
                let help = match nearest(word, keys.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the keys are: {}", keys.join(", ")),
                };
                sink.add(sink.codes.key, &key.span(), format!("{} is not a key of {name}", quoted(word)), Some(help));
            }
        }
        Some(Self { name, table, span: value.span(), sink })
    }

    /// Where the table begins.
    #[must_use]
    pub fn place(&self) -> Place {
        self.sink.place(&self.span)
    }

    /// Whether it has a key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Where problems go.
    pub fn sink(&mut self) -> &mut Sink {
        self.sink
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value<'a, 'i>> {
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// A text that may be absent. An empty one is told.
    pub fn text(&mut self, key: &'static str) -> Option<Word> {
        let value = self.get(key)?;
        let word = word_of(key, value, self.sink)?;
        if word.text.trim().is_empty() {
            let help = Some("write something, or leave the key out".to_owned());
            self.sink.add(self.sink.codes.missing, &value.span(), format!("`{key}` is empty"), help);
            return None;
        }
        Some(word)
    }

    /// A text that is needed; empty where it is missing, which is told.
    pub fn need_text(&mut self, key: &'static str) -> Word {
        self.needed(key);
        self.text(key).unwrap_or_default()
    }

    /// A word of a list that is needed: the first word where it is missing or another one, which is told.
    pub fn need_choice<T: Copy>(&mut self, key: &'static str, choices: &[(&'static str, T)]) -> T {
        self.needed(key);
        self.choice(key, choices).unwrap_or(choices[0].1)
    }

    /// A word of a list.
    pub fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&'static str, T)]) -> Option<T> {
        let word = self.text(key)?;
        let found = choices.iter().find(|(name, _)| *name == word.text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let help = match nearest(&word.text, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it is one of: {}", names.join(", ")),
            };
            let message = format!("{} is no `{key}`", quoted(&word.text));
            self.sink.push(Problem::new(self.sink.codes.value, &word.place, message, Some(help)));
        }
        found
    }

    /// A list of texts; empty where it is absent.
    pub fn words(&mut self, key: &'static str) -> Vec<Word> {
        let sink = &mut *self.sink;
        let values = self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value);
        let values = values.map(|value| items(key, value, sink)).unwrap_or_default();
        let words: Vec<Word> = values.into_iter().filter_map(|value| word_of(key, value, sink)).collect();
        for word in words.iter().filter(|word| word.text.trim().is_empty()) {
            let help = Some("write something, or take it out of the list".to_owned());
            sink.push(Problem::new(sink.codes.missing, &word.place, format!("`{key}` has an empty text"), help));
        }
        words.into_iter().filter(|word| !word.text.trim().is_empty()).collect()
    }

    /// A list of texts that is needed and not empty.
    pub fn need_words(&mut self, key: &'static str) -> Vec<Word> {
        let words = self.words(key);
        let empty = self.get(key).is_some_and(|value| value.get_ref().as_array().is_some_and(|list| list.is_empty()));
        if empty {
            let span = self.get(key).map_or(self.span.clone(), Spanned::span);
            let help = Some(format!("name at least one {}", key.trim_end_matches('s')));
            self.sink.add(self.sink.codes.missing, &span, format!("`{key}` is empty"), help);
        }
        self.needed(key);
        words
    }

    /// The values of a list; none where it is absent.
    pub fn list(&mut self, key: &'static str) -> Vec<Value<'a, 'i>> {
        self.get(key).map(|value| items(key, value, self.sink)).unwrap_or_default()
    }

    /// A day.
    pub fn date(&mut self, key: &'static str) -> Option<(Date, Place)> {
        let value = self.get(key)?;
        let written = value.get_ref().as_datetime().filter(|found| found.time.is_none() && found.offset.is_none());
        let day = written.and_then(|found| found.date).and_then(|day| Date::new(day.year, day.month, day.day));
        if day.is_none() {
            let help = Some(format!("write it without quotes: {key} = 2030-01-31"));
            self.sink.add(self.sink.codes.kind, &value.span(), format!("`{key}` is a day"), help);
        }
        day.map(|day| (day, self.sink.place(&value.span())))
    }

    /// A day that is needed.
    pub fn need_date(&mut self, key: &'static str) -> Option<(Date, Place)> {
        self.needed(key);
        self.date(key)
    }

    /// Yes or no; no where it is absent.
    pub fn flag(&mut self, key: &'static str) -> bool {
        let Some(value) = self.get(key) else { return false };
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            wrong_type(key, "true or false", value, self.sink);
        }
        flag.unwrap_or(false)
    }

    /// A whole number that is needed, and its place.
    pub fn need_number(&mut self, key: &'static str) -> Option<(u32, Place)> {
        self.needed(key);
        let value = self.get(key)?;
        let number = number_of(value);
        if number.is_none() {
            wrong_type(key, "a whole number from 0 on", value, self.sink);
        }
        number.map(|number| (number, self.sink.place(&value.span())))
    }

    /// Whole numbers, and where they stand.
    pub fn numbers(&mut self, key: &'static str) -> Vec<u32> {
        let mut numbers = Vec::new();
        for value in self.list(key) {
            match number_of(value) {
                Some(number) => numbers.push(number),
                None => wrong_type(key, "a list of whole numbers", value, self.sink),
            }
        }
        numbers
    }

    /// A time with its unit: `500ms`, `30s`, `10m`, `2h`; more than nothing and at most [`MAX_TIME`].
    pub fn time(&mut self, key: &'static str) -> Option<Duration> {
        let word = self.text(key)?;
        let digits = word.text.len() - word.text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = word.text.split_at(digits);
        let millis = match unit {
            "ms" => Some(1),
            "s" => Some(1000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            _ => None,
        };
        let time = number.parse::<u64>().ok().zip(millis).and_then(|(number, millis)| number.checked_mul(millis));
        let time = time.map(Duration::from_millis).filter(|time| !time.is_zero() && *time <= MAX_TIME);
        if time.is_none() {
            let help =
                Some("write a number and its unit, such as 500ms, 30s, 10m or 2h; at most seven days".to_owned());
            let message = format!("`{key}` is no time");
            self.sink.push(Problem::new(self.sink.codes.value, &word.place, message, help));
        }
        time
    }

    /// Tells that a key is missing.
    fn needed(&mut self, key: &'static str) {
        if !self.has(key) {
            let help = Some(format!("add `{key} = ...`"));
            self.sink.add(self.sink.codes.missing, &self.span, format!("{} needs `{key}`", self.name), help);
        }
    }
}

fn items<'a, 'i>(key: &str, value: Value<'a, 'i>, sink: &mut Sink) -> Vec<Value<'a, 'i>> {
    match value.get_ref().as_array() {
        Some(list) => list.iter().collect(),
        None => {
            wrong_type(key, "a list", value, sink);
            Vec::new()
        }
    }
}

/// The text of a value; another type is told.
pub fn word_of(key: &str, value: Value<'_, '_>, sink: &mut Sink) -> Option<Word> {
    let text = value.get_ref().as_str();
    if text.is_none() {
        wrong_type(key, "a text", value, sink);
    }
    text.map(|text| Word { text: text.to_owned(), place: sink.place(&value.span()) })
}

fn number_of(value: Value<'_, '_>) -> Option<u32> {
    let integer = value.get_ref().as_integer()?;
    u32::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// Tells that a value is of another type than `expected`.
pub fn wrong_type(key: &str, expected: &str, value: Value<'_, '_>, sink: &mut Sink) {
    let help = Some(format!("this is of type {}", value.get_ref().type_str()));
    sink.add(sink.codes.kind, &value.span(), format!("`{key}` is {expected}"), help);
}
