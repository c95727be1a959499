//! A deserializer and the wanted places in, JSON with only those places out. Everything is read, so that what is no
//! JSON is found as if nothing were dropped.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};
use std::fmt;
use std::sync::Arc;

/// The places of an object that are looked at. Of a place itself it is kept what kind of JSON it is, a text or a
/// number as it is, and how long a list is; more where that is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    whole: bool,
    /// Fields that are looked at, by name.
    fields: Vec<(Arc<str>, Wanted)>,
    /// What is looked at in each element of a list.
    each: Option<Box<Wanted>>,
}

impl Wanted {
    /// Everything.
    pub fn whole() -> Wanted {
        Wanted {
            whole: true,
            ..Wanted::default()
        }
    }

    /// The place that a path leads to.
    pub(super) fn at<S: AsRef<str>>(&mut self, path: impl IntoIterator<Item = S>) -> &mut Wanted {
        let mut at = self;
        for name in path {
            at = at.field(name.as_ref());
        }
        at
    }

    /// A field.
    pub(super) fn field(&mut self, name: &str) -> &mut Wanted {
        let at = match self.find(name) {
            Ok(at) => at,
            Err(at) => {
                self.fields.insert(at, (Arc::from(name), Wanted::default()));
                at
            }
        };
        &mut self.fields[at].1
    }

    /// The elements of a list.
    pub(super) fn each(&mut self) -> &mut Wanted {
        self.each.get_or_insert_default()
    }

    /// All of it.
    pub(super) fn keep_whole(&mut self) {
        self.whole = true;
    }

    /// Ordered by length first: most names differ in it.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.fields.binary_search_by(|(field, _)| {
            (field.len(), field.as_bytes()).cmp(&(name.len(), name.as_bytes()))
        })
    }

    /// Reads JSON and keeps what is wanted.
    ///
    /// # Errors
    /// Where it is no JSON, as if all of it were read.
    pub fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Json, D::Error> {
        Keep(self).deserialize(deserializer)
    }
}

/// Keeps what is wanted.
#[derive(Clone, Copy)]
struct Keep<'w>(&'w Wanted);

impl<'de> DeserializeSeed<'de> for Keep<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        if self.0.whole {
            return serde::Deserialize::deserialize(deserializer);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keep<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, b: bool) -> Result<Json, E> {
        Ok(Json::Bool(b))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut kept = Vec::new();
        match &self.0.each {
            Some(each) => {
                while let Some(item) = items.next_element_seed(Keep(each))? {
                    kept.push(item);
                }
            }
            None => {
                while items.next_element_seed(Drop)?.is_some() {
                    kept.push(Json::Null);
                }
            }
        }
        Ok(Json::Array(kept))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let mut kept = Map::with_capacity(self.0.fields.len());
        while let Some(field) = fields.next_key_seed(Name(self.0))? {
            match field {
                // Of a name that stands twice, the last one counts, as when everything is read.
                Some((name, wanted)) => {
                    let value = fields.next_value_seed(Keep(wanted))?;
                    kept.insert(name.to_owned(), value);
                }
                None => fields.next_value_seed(Drop)?,
            }
        }
        Ok(Json::Object(kept))
    }
}

/// The name of a field: what is wanted of it, where anything is.
#[derive(Clone, Copy)]
struct Name<'w>(&'w Wanted);

impl<'de, 'w> DeserializeSeed<'de> for Name<'w> {
    type Value = Option<(&'w str, &'w Wanted)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'w> Visitor<'_> for Name<'w> {
    type Value = Option<(&'w str, &'w Wanted)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string key")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let at = self.0.find(name).ok();
        let field = at.and_then(|at| self.0.fields.get(at));
        Ok(field.map(|(name, wanted)| (&**name, wanted)))
    }
}

/// Reads and keeps nothing.
#[derive(Clone, Copy)]
struct Drop;

impl<'de> DeserializeSeed<'de> for Drop {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Drop {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Drop)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while fields.next_key_seed(Drop)?.is_some() {
            fields.next_value_seed(Drop)?;
        }
        Ok(())
    }
}
