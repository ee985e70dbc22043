//! [`LimitError`], the path it names, and the checks that all fields share.

use std::fmt;
use std::ops::RangeInclusive;

use crate::Field;

/// A field that the service would refuse. The caller is at fault; trying again does not help.
///
/// It names the field as the service's own errors do, what the value is, and what is allowed. Text, audio, ids and
/// secrets are not repeated: their length is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitError(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    field: String,
    value: String,
    allowed: String,
}

impl LimitError {
    /// The field, such as `session.audio.output.speed` or `item.content[0].image_url`.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.0.field
    }

    /// What it is: a number, or a description such as `513 characters`.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.0.value
    }

    /// What it may be, such as `0.25 to 1.5`.
    #[must_use]
    pub fn allowed(&self) -> &str {
        &self.0.allowed
    }
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            field,
            value,
            allowed,
        } = &*self.0;
        write!(f, "{field} is {value}: allowed is {allowed}")
    }
}

impl std::error::Error for LimitError {}

/// Where a value stands in a message. It lives on the stack: only an error writes it out.
#[derive(Clone, Copy)]
pub(crate) enum Path<'a> {
    /// The message itself.
    Root,
    /// A field of an object.
    Key(&'a Self, &'a str),
    /// An element of a list.
    Index(&'a Self, usize),
}

impl<'a> Path<'a> {
    /// The field `name` of this object.
    pub(crate) const fn key(&'a self, name: &'a str) -> Self {
        Path::Key(self, name)
    }

    /// The element `index` of this list.
    pub(crate) const fn index(&'a self, index: usize) -> Self {
        Path::Index(self, index)
    }

    /// Checks a part of a message at this place.
    pub(crate) fn check(&self, part: &impl Check) -> Result<(), LimitError> {
        part.check_at(self)
    }

    /// Checks a part that may be missing.
    pub(crate) fn check_field<T: Check>(&self, part: &Field<T>) -> Result<(), LimitError> {
        part.value().map_or(Ok(()), |part| part.check_at(self))
    }

    /// Checks every element of a list that may be missing.
    pub(crate) fn check_list<T: Check>(&self, list: &Field<Vec<T>>) -> Result<(), LimitError> {
        let list = list.value().map(Vec::as_slice).unwrap_or_default();
        list.iter()
            .enumerate()
            .try_for_each(|(n, part)| part.check_at(&self.index(n)))
    }

    /// The value at this place is wrong.
    pub(crate) fn refuse(
        &self,
        value: impl fmt::Display,
        allowed: impl fmt::Display,
    ) -> Result<(), LimitError> {
        Err(LimitError(Box::new(Inner {
            field: self.to_string(),
            value: value.to_string(),
            allowed: allowed.to_string(),
        })))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Key(Path::Root, name) => f.write_str(name),
            Path::Key(parent, name) => write!(f, "{parent}.{name}"),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A part of a message that has limits.
pub(crate) trait Check {
    /// Finds the first field beyond its limit.
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError>;
}

/// A number within a range. Not a number is outside of every range.
pub(crate) fn within<T: PartialOrd + fmt::Display + Copy>(
    at: &Path<'_>,
    field: &Field<T>,
    range: &RangeInclusive<T>,
) -> Result<(), LimitError> {
    match field.value() {
        Some(value) if !range.contains(value) => {
            at.refuse(value, format_args!("{} to {}", range.start(), range.end()))
        }
        _ => Ok(()),
    }
}

/// A text of at most so many characters.
pub(crate) fn chars(at: &Path<'_>, text: &str, max: usize) -> Result<(), LimitError> {
    // A text of few bytes needs no count.
    if text.len() <= max {
        return Ok(());
    }
    let count = text.chars().count();
    if count <= max {
        return Ok(());
    }
    at.refuse(
        format_args!("{count} characters"),
        format_args!("at most {max} characters"),
    )
}

/// A text that the protocol demands.
pub(crate) fn present(at: &Path<'_>, text: Option<&str>, allowed: &str) -> Result<(), LimitError> {
    match text {
        None => at.refuse("missing", allowed),
        Some("") => at.refuse("empty", allowed),
        Some(_) => Ok(()),
    }
}

/// A value of a string enum: one this version does not know is accepted, an empty one cannot be any.
pub(crate) fn name(at: &Path<'_>, name: Option<&str>) -> Result<(), LimitError> {
    match name {
        Some("") => at.refuse("empty", "a non-empty text"),
        _ => Ok(()),
    }
}
