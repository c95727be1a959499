//! Types as the runtime needs them: to convert JSON, to show forms and to redact secrets.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Type {
    /// `Text`.
    Text,
    /// `Int`.
    Int,
    /// `Number`.
    Number,
    /// `Bool`.
    Bool,
    /// `Duration`.
    Duration,
    /// `Time`.
    Time,
    /// `ClockTime`.
    Clock,
    /// `Json`.
    Json,
    /// `Secret<T>`.
    Secret(Box<Type>),
    /// `List<T>`.
    List(Box<Type>),
    /// `T?`.
    Optional(Box<Type>),
    /// A record, by qualified name.
    Record(Arc<str>),
    /// An enum, by qualified name.
    Enum(Arc<str>),
    /// An event; several names mean "one of these", with the fields that all share.
    Event(Vec<Arc<str>>),
    /// No value: an action without a result.
    Nothing,
    /// Not known because of an earlier mistake; agrees with everything and ends cascades.
    Unknown,
}

impl Type {
    /// The type without `?`.
    pub fn present(&self) -> &Type {
        match self {
            Type::Optional(inner) => inner,
            other => other,
        }
    }

    /// Whether it is `T?`.
    pub fn is_optional(&self) -> bool {
        matches!(self, Type::Optional(_))
    }

    /// Whether a secret is inside, alone or in a list or optional (records are looked up by the caller).
    pub fn is_secret(&self) -> bool {
        match self {
            Type::Secret(_) => true,
            Type::List(inner) | Type::Optional(inner) => inner.is_secret(),
            _ => false,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Text => f.write_str("Text"),
            Type::Int => f.write_str("Int"),
            Type::Number => f.write_str("Number"),
            Type::Bool => f.write_str("Bool"),
            Type::Duration => f.write_str("Duration"),
            Type::Time => f.write_str("Time"),
            Type::Clock => f.write_str("ClockTime"),
            Type::Json => f.write_str("Json"),
            Type::Secret(inner) => write!(f, "Secret<{inner}>"),
            Type::List(inner) => write!(f, "List<{inner}>"),
            Type::Optional(inner) => write!(f, "{inner}?"),
            Type::Record(name) | Type::Enum(name) => f.write_str(name),
            Type::Event(names) => f.write_str(&names.join(" or ")),
            Type::Nothing => f.write_str("nothing"),
            Type::Unknown => f.write_str("unknown"),
        }
    }
}

/// A record type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RecordType {
    /// The fields, in the order declared.
    pub fields: Vec<(Arc<str>, Type)>,
}

impl RecordType {
    /// A field's type.
    pub fn field(&self, name: &str) -> Option<&Type> {
        self.fields
            .iter()
            .find(|(n, _)| &**n == name)
            .map(|(_, t)| t)
    }

    /// An entity is a record with an `id`, a text or a whole number that is always there.
    pub fn is_entity(&self) -> bool {
        matches!(self.field("id"), Some(Type::Text | Type::Int))
    }
}

/// An enum type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EnumType {
    /// Whether the members are ordered, lowest first.
    pub ordered: bool,
    /// The members: name and value on the wire.
    pub members: Vec<(Arc<str>, Arc<str>)>,
}

impl EnumType {
    /// A member's value, by name.
    pub fn member(&self, ty: &Arc<str>, name: &str) -> Option<crate::Value> {
        self.members
            .iter()
            .position(|(n, _)| &**n == name)
            .map(|i| self.at(ty, i))
    }

    /// The member for a wire value, without regard to case (services differ: `Member`, `member`);
    /// an unlisted one becomes `unknown` where the enum has it.
    pub fn from_wire(&self, ty: &Arc<str>, wire: &str) -> Option<crate::Value> {
        self.members
            .iter()
            .position(|(_, w)| w.eq_ignore_ascii_case(wire))
            .or_else(|| self.members.iter().position(|(n, _)| &**n == "unknown"))
            .map(|i| self.at(ty, i))
    }

    fn at(&self, ty: &Arc<str>, index: usize) -> crate::Value {
        let (name, wire) = &self.members[index];
        crate::Value::Member(Arc::new(crate::value::Member {
            ty: ty.clone(),
            name: name.clone(),
            rank: index as u32,
            wire: wire.clone(),
        }))
    }
}

/// All declared types, by qualified name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Types {
    /// Records.
    pub records: BTreeMap<Arc<str>, RecordType>,
    /// Enums.
    pub enums: BTreeMap<Arc<str>, EnumType>,
}
