//! What the fields of an index are: an index template's `mappings`, as a server takes them.

use serde_json::Value as Json;

/// Kinds of the fields of documents.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// All fields that can be searched.
    fields: Vec<Field>,
}

/// What a field is, which tells how values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Words.
    Text,
    /// One value, if it has no more than so many UTF-16 units.
    Keyword(usize),
    Date,
    Number,
    Boolean,
    /// A whole object whose leaves are keywords.
    Flattened(usize),
}

/// A field of the mapping that a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Its own name, with dots.
    pub(super) name: String,
    /// What follows behind a [`Kind::Flattened`].
    pub(super) below: Option<String>,
    pub(super) kind: Kind,
}

impl Mapping {
    /// Of the object `mappings` of a template or an index. Fields of other types than our template has are taken for
    /// fields that are not searched.
    #[must_use]
    pub fn new(mappings: &Json) -> Self {
        let mut fields = Vec::new();
        collect(mappings, "", &mut fields);
        Self { fields }
    }

    /// All fields that can be searched.
    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The field of a name, if it has one.
    pub(super) fn field(&self, name: &str) -> Option<Field> {
        self.fields.iter().find_map(|field| {
            let below = match name.strip_prefix(field.name.as_str())? {
                "" => None,
                rest if matches!(field.kind, Kind::Flattened(_)) => Some(rest.strip_prefix('.')?.to_owned()),
                _ => return None,
            };
            Some(Field { below, ..field.clone() })
        })
    }
}

fn collect(object: &Json, prefix: &str, fields: &mut Vec<Field>) {
    let Some(properties) = object["properties"].as_object() else { return };
    for (name, property) in properties {
        let name = format!("{prefix}{name}");
        match kind(property) {
            Some(kind) => fields.push(Field { name, below: None, kind }),
            None if property["enabled"] != false => collect(property, &format!("{name}."), fields),
            None => {}
        }
    }
}

fn kind(property: &Json) -> Option<Kind> {
    let longest = property["ignore_above"].as_u64().and_then(|longest| usize::try_from(longest).ok());
    let longest = longest.unwrap_or(usize::MAX);
    Some(match property["type"].as_str()? {
        "text" => Kind::Text,
        "keyword" => Kind::Keyword(longest),
        "date" | "date_nanos" => Kind::Date,
        "long" | "integer" | "short" | "byte" | "double" | "float" => Kind::Number,
        "boolean" => Kind::Boolean,
        "flattened" | "flat_object" => Kind::Flattened(longest),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn leads_from_names_to_fields() {
        let mapping = Mapping::new(&json!({"properties": {
            "message": {"type": "text"},
            "fields": {"type": "flattened", "ignore_above": 9},
            "large_fields": {"type": "object", "enabled": false, "properties": {"x": {"type": "text"}}},
            "kubernetes": {"properties": {"host": {"type": "keyword"}}},
        }}));
        let found = |name: &str| mapping.field(name).map(|field| (field.kind, field.below));
        assert_eq!(found("message"), Some((Kind::Text, None)));
        assert_eq!(found("fields.a.b"), Some((Kind::Flattened(9), Some("a.b".into()))));
        assert_eq!(found("kubernetes.host"), Some((Kind::Keyword(usize::MAX), None)));
        for none in ["message.x", "fieldsx", "large_fields.x", "kubernetes", "other"] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
