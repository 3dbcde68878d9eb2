//! Why attributes do not fit the type that is asked for.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

/// Why a user's attributes are no value of the type that was asked for.
///
/// The text names the attribute and says what was expected of it. It does not print its values, which are
/// the person's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributesError {
    attribute: Option<String>,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Missing,
    Several {
        count: usize,
        expected: String,
    },
    Unfit {
        expected: String,
    },
    NotText {
        expected: String,
    },
    NoField,
    Twice,
    /// In the words of the type that was to be read.
    Other(String),
}

impl AttributesError {
    fn new(problem: Problem) -> Self {
        Self {
            attribute: None,
            problem,
        }
    }

    pub(super) fn several(count: usize, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        Self::new(Problem::Several { count, expected })
    }

    pub(super) fn unfit(expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        Self::new(Problem::Unfit { expected })
    }

    pub(super) fn not_text(expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        Self::new(Problem::NotText { expected })
    }

    /// The same error, of this attribute.
    pub(super) fn of(mut self, name: &str) -> Self {
        self.attribute.get_or_insert_with(|| name.to_owned());
        self
    }

    /// The same error without words of a type that quote one of these values.
    pub(super) fn quoting_none_of<'a>(
        mut self,
        texts: impl IntoIterator<Item = &'a String>,
    ) -> Self {
        if let Problem::Other(words) = &self.problem {
            let mut texts = texts.into_iter();
            if texts.any(|text| !text.is_empty() && words.contains(text)) {
                self.problem = Problem::Unfit {
                    expected: "what its type takes".to_owned(),
                };
            }
        }
        self
    }

    /// The attribute. `None` where serde does not say which: beneath `#[serde(flatten)]`, or where the
    /// type is no struct.
    pub fn attribute(&self) -> Option<&str> {
        self.attribute.as_deref()
    }
}

impl fmt::Display for AttributesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.attribute {
            Some(name) => write!(f, "the attribute {name}: ")?,
            None => f.write_str("an attribute: ")?,
        }
        match &self.problem {
            Problem::Missing => f.write_str(
                "the user has none; let the directory load it (.attributes(..) of an LdapDirectory), or \
                 make the field an Option or #[serde(default)]",
            ),
            Problem::Several { count, expected } => write!(
                f,
                "expected {expected}, and it has {count} values; a Vec or a set takes several"
            ),
            Problem::Unfit { expected } => write!(f, "expected {expected}, which its value is not"),
            Problem::NotText { expected } => write!(
                f,
                "expected {expected}, and its value is no text (UTF-8); attributes::Bytes takes any"
            ),
            Problem::NoField => f.write_str("the type has no such field, and denies unknown ones"),
            Problem::Twice => f.write_str("the user has it twice"),
            Problem::Other(words) => f.write_str(words),
        }
    }
}

impl std::error::Error for AttributesError {}

/// Whatever serde says of the value itself is dropped.
impl de::Error for AttributesError {
    fn custom<T: fmt::Display>(words: T) -> Self {
        Self::new(Problem::Other(words.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unfit(expected)
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unfit(expected)
    }

    fn invalid_length(count: usize, expected: &dyn Expected) -> Self {
        Self::several(count, expected)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Problem::Unfit {
            expected: format!("one of {}", expected.join(", ")),
        })
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self {
            attribute: Some(field.to_owned()),
            problem: Problem::NoField,
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            attribute: Some(field.to_owned()),
            problem: Problem::Missing,
        }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self {
            attribute: Some(field.to_owned()),
            problem: Problem::Twice,
        }
    }
}
