//! How one value is read from TOML, from words (environment, flags) and written back.

use testudo_model::{Confidence, DetectorId, Persona, Severity};
use toml::{Spanned, de::DeValue};

use super::words::{ByteSize, ColorChoice, FailOn, Switch};
use crate::{
    problem::{Fault, quoted},
    suggest::nearest,
};

/// The TOML types that a single value may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Integer,
    Boolean,
    /// A text or an integer.
    Size,
}

impl Shape {
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "a text in quotes",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::Size => "a size such as \"256MB\"",
        }
    }

    /// The words of a TOML value of this shape.
    fn words(self, value: &DeValue<'_>) -> Option<String> {
        match (self, value) {
            (Self::Text | Self::Size, DeValue::String(text)) => Some(text.to_string()),
            (Self::Integer | Self::Size, DeValue::Integer(number)) => {
                i64::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n.to_string())
            }
            (Self::Boolean, DeValue::Boolean(flag)) => Some(flag.to_string()),
            _ => None,
        }
    }
}

/// A value that is one word.
pub(super) trait Scalar: Sized {
    const SHAPE: Shape;
    fn parse(word: &str) -> Result<Self, Fault>;
    fn show(&self) -> String;
    /// The value as TOML writes it.
    fn show_toml(&self) -> String {
        match Self::SHAPE {
            Shape::Text | Shape::Size => toml::Value::String(self.show()).to_string(),
            Shape::Integer | Shape::Boolean => self.show(),
        }
    }
}

/// A value of the configuration: one word or a list of them.
pub(super) trait Setting: Sized {
    fn from_toml(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault>;
    /// From words in the order given: a single value takes the last, a list all of them.
    fn from_words(words: &[&str]) -> Result<Self, Fault>;
    /// As TOML writes it.
    fn to_toml(&self) -> String;
}

impl<T: Scalar> Setting for T {
    fn from_toml(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault> {
        let wrong = || Fault::new(format!("expected {}, found {}", T::SHAPE.name(), describe(value.get_ref())), None);
        let parsed = T::SHAPE.words(value.get_ref()).ok_or_else(wrong).and_then(|word| T::parse(&word));
        parsed.map_err(|fault| fault.at(value.span()))
    }

    fn from_words(words: &[&str]) -> Result<Self, Fault> {
        T::parse(words.last().copied().unwrap_or_default())
    }

    fn to_toml(&self) -> String {
        self.show_toml()
    }
}

impl<T: Scalar> Setting for Vec<T> {
    fn from_toml(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault> {
        let Some(items) = value.get_ref().as_array() else {
            let found = describe(value.get_ref());
            let help = "write a list even for one value: [\"...\"]".to_owned();
            return Err(Fault::new(format!("expected a list, found {found}"), Some(help)).at(value.span()));
        };
        items.iter().map(T::from_toml).collect()
    }

    fn from_words(words: &[&str]) -> Result<Self, Fault> {
        words.iter().flat_map(|word| split_list(word)).map(T::parse).collect()
    }

    fn to_toml(&self) -> String {
        let items: Vec<String> = self.iter().map(Scalar::show_toml).collect();
        format!("[{}]", items.join(", "))
    }
}

/// Splits at commas, but not inside the braces of a glob; empty parts are left out.
fn split_list(word: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    word.split(move |c| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

fn describe(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number (or one that is out of range)",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false without quotes",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The fault of a word that is not in a list.
fn not_one_of(word: &str, words: &[&'static str]) -> Fault {
    let help = match nearest(word, words.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of: {}", words.join(", ")),
    };
    Fault::new(format!("{} is not one of {}", quoted(word), words.join(", ")), Some(help))
}

macro_rules! levels {
    ($($name:ty),+) => { $(
        impl Scalar for $name {
            const SHAPE: Shape = Shape::Text;
            fn parse(word: &str) -> Result<Self, Fault> {
                word.parse().map_err(|_| not_one_of(word, Self::WORDS))
            }
            fn show(&self) -> String { self.to_string() }
        }
    )+ };
}

levels!(Severity, Confidence, Persona, DetectorId, FailOn, Switch, ColorChoice);

impl Scalar for ByteSize {
    const SHAPE: Shape = Shape::Size;

    fn parse(word: &str) -> Result<Self, Fault> {
        word.parse().map_err(|expected| Fault::new(format!("{} is not {expected}", quoted(word)), None))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Scalar for String {
    const SHAPE: Shape = Shape::Text;

    fn parse(word: &str) -> Result<Self, Fault> {
        Ok(word.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Scalar for u32 {
    const SHAPE: Shape = Shape::Integer;

    fn parse(word: &str) -> Result<Self, Fault> {
        let out_of_range =
            |_| Fault::new(format!("{} is not a whole number from 0 to {}", quoted(word), Self::MAX), None);
        word.parse().map_err(out_of_range)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Scalar for bool {
    const SHAPE: Shape = Shape::Boolean;

    fn parse(word: &str) -> Result<Self, Fault> {
        word.parse().map_err(|_| not_one_of(word, &["true", "false"]))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}
