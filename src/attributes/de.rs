//! What serde reads: a map of attributes, each a list of values.

use std::iter::Peekable;
use std::vec;

use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Expected, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use self::value::Value;
use super::{AttributesError, Values};
use crate::user::User;

mod value;

type Result<T> = std::result::Result<T, AttributesError>;

/// All attributes that have a value.
pub(super) struct Attributes<'a>(Vec<(&'a str, Values<'a>)>);

impl<'a> Attributes<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        let has_value = |(_, values): &(_, Values<'_>)| values.len() > 0;
        Self(user.values().filter(has_value).collect())
    }

    /// With names as those of the fields are spelt.
    fn map(self, fields: &'static [&'static str]) -> Map<'a> {
        Map {
            attributes: self.0.into_iter().peekable(),
            fields,
        }
    }
}

impl<'de> Deserializer<'de> for Attributes<'de> {
    type Error = AttributesError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_map(self.map(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_map(self.map(fields))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Map<'a> {
    attributes: Peekable<vec::IntoIter<(&'a str, Values<'a>)>>,
    fields: &'static [&'static str],
}

impl<'de> MapAccess<'de> for Map<'de> {
    type Error = AttributesError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let Some((name, _)) = self.attributes.peek() else {
            return Ok(None);
        };
        let is_field = |field: &&&str| field.eq_ignore_ascii_case(name);
        let name = self.fields.iter().find(is_field).copied().unwrap_or(name);
        let key = seed.deserialize(BorrowedStrDeserializer::<AttributesError>::new(name))?;
        Ok(Some(key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value> {
        let Some((name, values)) = self.attributes.next() else {
            return Err(AttributesError::unfit(&"an attribute"));
        };
        let read = seed.deserialize(values);
        read.map_err(|error| error.of(name).quoting_none_of(values.texts))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.attributes.len())
    }
}

impl<'a> Values<'a> {
    pub(super) fn len(self) -> usize {
        self.texts.len() + self.others.len()
    }

    fn iter(self) -> impl Iterator<Item = Value<'a>> {
        let texts = self.texts.iter().map(|text| Value::Text(text));
        texts.chain(self.others.iter().map(|bytes| Value::Bytes(bytes)))
    }

    /// The only value.
    fn one(self, expected: &dyn Expected) -> Result<Value<'a>> {
        let mut values = self.iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(AttributesError::several(self.len(), expected)),
        }
    }
}

/// What is made of the only value.
macro_rules! of_the_only_value {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.one(&visitor)?.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Values<'de> {
    type Error = AttributesError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.len() {
            1 => self.one(&visitor)?.deserialize_any(visitor),
            _ => self.deserialize_seq(visitor),
        }
    }

    of_the_only_value! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_identifier
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.one(&visitor)?
            .deserialize_enum(name, variants, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let mut values = SeqDeserializer::new(self.iter());
        let read = visitor.visit_seq(&mut values)?;
        // An error where the visitor left some, as one of a tuple does.
        values.end()?;
        Ok(read)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        Err(AttributesError::unfit(&visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        Err(AttributesError::unfit(&visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { unit unit_struct }
}
