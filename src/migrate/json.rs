//! Fields of resources as JSON.

use serde_json::{Map, Value as Json};

/// Returns the field at the end of `keys`; null is nothing.
pub(super) fn get<'j>(json: &'j Json, keys: &[&str]) -> Option<&'j Json> {
    let found = keys.iter().try_fold(json, |json, key| json.get(key));
    found.filter(|found| !found.is_null())
}

/// Returns the text of the field at the end of `keys`, if there is some.
pub(super) fn text<'j>(json: &'j Json, keys: &[&str]) -> Option<&'j str> {
    get(json, keys)?.as_str().filter(|text| !text.is_empty())
}

/// Returns the items of the list at the end of `keys`.
pub(super) fn items<'j>(json: &'j Json, keys: &[&str]) -> &'j [Json] {
    let list = get(json, keys).and_then(Json::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// Sets the field at the end of `keys`, and makes what it stands in.
pub(super) fn set(json: &mut Json, keys: &[&str], value: impl Into<Json>) {
    let Some((key, above)) = keys.split_last() else {
        return;
    };
    let place = above.iter().fold(json, |json, key| {
        let place = object(json);
        place.entry(*key).or_insert(Json::Null)
    });
    object(place).insert((*key).to_owned(), value.into());
}

/// Removes the field at the end of `keys`, and what is empty without it, up to the first key.
pub(super) fn remove(json: &mut Json, keys: &[&str]) -> Option<Json> {
    let (key, rest) = keys.split_first()?;
    let map = json.as_object_mut()?;
    if rest.is_empty() {
        return map.remove(*key);
    }
    let inner = map.get_mut(*key)?;
    let removed = remove(inner, rest);
    if removed.is_some() && inner.as_object().is_some_and(Map::is_empty) {
        map.remove(*key);
    }
    removed
}

/// Returns the items of the list at the end of `keys`, made if it is not there.
pub(super) fn list<'j>(json: &'j mut Json, keys: &[&str]) -> &'j mut Vec<Json> {
    let place = keys.iter().fold(json, |json, key| {
        object(json).entry(*key).or_insert(Json::Null)
    });
    if !place.is_array() {
        *place = Json::Array(Vec::new());
    }
    place.as_array_mut().expect("it is one now")
}

fn object(json: &mut Json) -> &mut Map<String, Json> {
    if !json.is_object() {
        *json = Json::Object(Map::new());
    }
    json.as_object_mut().expect("it is one now")
}

/// Removes all nulls, which are fields that are not there.
pub(super) fn without_nulls(mut json: Json) -> Json {
    if let Some(map) = json.as_object_mut() {
        map.retain(|_, value| !value.is_null());
        for value in map.values_mut() {
            *value = without_nulls(value.take());
        }
    }
    json
}

/// Returns whether some text in it has a placeholder.
pub(super) fn has_placeholder(json: &Json) -> bool {
    match json {
        Json::String(text) => text.contains("${"),
        Json::Array(items) => items.iter().any(has_placeholder),
        Json::Object(map) => map.values().any(has_placeholder),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}
