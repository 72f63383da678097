//! Serde types as D-Bus dictionaries.
//!
//! The types of [`crate::wire`] are written once, with serde. On the bus an object is `a{sv}`, a list
//! is `av`, whole numbers are `t` (or `x` below zero), and a value that is absent is left out.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};
use zbus::{Array, OwnedVariant, Signature, Variant};

/// A dictionary on the bus, `a{sv}`.
pub type Dict = HashMap<String, OwnedVariant>;

/// A value that the bus cannot carry, or a dictionary that is not what was expected.
#[derive(Debug, thiserror::Error)]
pub enum DictError {
    /// Not what the type expects.
    #[error("failed to read a dictionary from the bus")]
    Shape(#[from] serde_json::Error),
    /// The value is not a structure with named fields.
    #[error("only a structure with named fields can be a dictionary")]
    NotAStructure,
    /// A D-Bus type that the contract does not use.
    #[error("unexpected type `{0}` in a dictionary from the bus")]
    Type(Signature),
    /// The encoder refused it.
    #[error("failed to encode a dictionary")]
    Encode(#[from] zbus::Error),
}

/// Writes a structure as a dictionary.
pub fn to_dict<T: Serialize>(value: &T) -> Result<Dict, DictError> {
    let Value::Object(map) = serde_json::to_value(value)? else {
        return Err(DictError::NotAStructure);
    };
    object(map)
}

/// Reads a structure from a dictionary. Keys it does not know are ignored.
pub fn from_dict<T: DeserializeOwned>(dict: &Dict) -> Result<T, DictError> {
    let mut map = Map::with_capacity(dict.len());
    for (key, value) in dict {
        map.insert(key.clone(), to_json(value)?);
    }
    Ok(serde_json::from_value(Value::Object(map))?)
}

fn object(map: Map<String, Value>) -> Result<Dict, DictError> {
    let mut dict = Dict::with_capacity(map.len());
    for (key, value) in map {
        if let Some(value) = to_variant(value)? {
            dict.insert(key, OwnedVariant::try_from(value)?);
        }
    }
    Ok(dict)
}

fn to_variant(value: Value) -> Result<Option<Variant<'static>>, DictError> {
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Bool(it) => Variant::from(it),
        Value::Number(it) => number(&it),
        Value::String(it) => Variant::from(it),
        Value::Array(items) => {
            let mut array = Array::new(&Signature::Variant);
            for item in items {
                if let Some(item) = to_variant(item)? {
                    array.append(Variant::Variant(Box::new(item)))?;
                }
            }
            Variant::Array(array)
        }
        Value::Object(map) => Variant::from(object(map)?),
    }))
}

fn number(value: &Number) -> Variant<'static> {
    if let Some(it) = value.as_u64() {
        Variant::from(it)
    } else if let Some(it) = value.as_i64() {
        Variant::from(it)
    } else {
        Variant::from(value.as_f64().unwrap_or(f64::NAN))
    }
}

fn to_json(value: &Variant<'_>) -> Result<Value, DictError> {
    Ok(match value {
        Variant::U8(it) => Value::from(*it),
        Variant::Bool(it) => Value::from(*it),
        Variant::I16(it) => Value::from(*it),
        Variant::U16(it) => Value::from(*it),
        Variant::I32(it) => Value::from(*it),
        Variant::U32(it) => Value::from(*it),
        Variant::I64(it) => Value::from(*it),
        Variant::U64(it) => Value::from(*it),
        Variant::F64(it) => Value::from(*it),
        Variant::Str(it) => Value::from(it.as_str()),
        Variant::Variant(it) => to_json(it)?,
        Variant::Array(items) => Value::Array(items.iter().map(to_json).collect::<Result<_, _>>()?),
        Variant::Dict(entries) => {
            let mut map = Map::new();
            for (key, value) in entries.iter() {
                let Variant::Str(key) = key else {
                    return Err(DictError::Type(key.value_signature().clone()));
                };
                map.insert(key.as_str().to_owned(), to_json(value)?);
            }
            Value::Object(map)
        }
        other => return Err(DictError::Type(other.value_signature().clone())),
    })
}

#[cfg(test)]
mod tests {
    use super::{from_dict, to_dict};
    use crate::wire::{Action, ContainerPlan, PlanView};

    #[test]
    fn a_structure_survives_the_way_through_a_dictionary() {
        let plan = PlanView {
            host: vec!["create bridge br-ml".to_owned()],
            containers: vec![ContainerPlan {
                group: "ml".to_owned(),
                name: "ollama".to_owned(),
                action: Action::Restart,
                changed: vec!["root".to_owned()],
                reason: None,
                hint: None,
                steps: Vec::new(),
                data: vec!["/var/lib/ctr/ml-ollama".to_owned()],
            }],
            problems: Vec::new(),
        };
        let dict = to_dict(&plan).expect("a plan is a structure");
        assert_eq!(from_dict::<PlanView>(&dict).expect("the same shape"), plan);
    }

    #[test]
    fn a_key_that_is_not_known_is_ignored() {
        let mut dict = to_dict(&PlanView {
            host: vec![],
            containers: vec![],
            problems: vec![],
        })
        .expect("a plan is a structure");
        dict.insert(
            "later".to_owned(),
            zbus::Variant::from(7_u32).try_into().expect("owned"),
        );
        assert!(from_dict::<PlanView>(&dict).is_ok());
    }
}
