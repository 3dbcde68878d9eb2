//! How the session holds values that are no text: as base64.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(
    attributes: &BTreeMap<String, Vec<Vec<u8>>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.collect_map(attributes.iter().map(|(name, values)| {
        let values: Vec<_> = values.iter().map(|value| STANDARD.encode(value)).collect();
        (name, values)
    }))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, Vec<Vec<u8>>>, D::Error> {
    let stored = BTreeMap::<String, Vec<String>>::deserialize(from)?;
    let decode = |value: String| STANDARD.decode(value).map_err(D::Error::custom);
    stored
        .into_iter()
        .map(|(name, values)| {
            Ok((
                name,
                values.into_iter().map(decode).collect::<Result<_, _>>()?,
            ))
        })
        .collect()
}
