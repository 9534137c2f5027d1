//! Which example each window belongs to.
use hashbrown::HashMap;

use crate::Error;
use crate::columns::Strings;

/// The windows of each example, in feature order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows {
    /// Example `i` has `features[starts[i]..starts[i + 1]]`.
    starts: Vec<usize>,
    /// Feature indices; `None` when they are simply 0, 1, 2, ...
    features: Option<Vec<u32>>,
}

impl Windows {
    /// Group features by example; `example_of[feature]` must be below `examples`.
    ///
    /// # Errors
    /// [`Error::Value`] when an index is out of range or there are 2^32 windows or more.
    pub fn group(example_of: &[u32], examples: usize) -> Result<Self, Error> {
        if u32::try_from(example_of.len()).is_err() {
            return Err(Error::value(format!(
                "{} windows in one call; split them and merge the results",
                example_of.len()
            )));
        }
        let mut starts = vec![0_usize; examples + 1];
        for (feature, &example) in example_of.iter().enumerate() {
            let slot = starts
                .get_mut(example as usize + 1)
                .filter(|_| (example as usize) < examples);
            *slot.ok_or_else(|| {
                Error::value(format!("feature {feature} belongs to example {example}, but there are {examples} examples"))
            })? += 1;
        }
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        if example_of.is_sorted() {
            return Ok(Self {
                starts,
                features: None,
            });
        }
        let mut next = starts.clone();
        let mut features = vec![0_u32; example_of.len()];
        for (feature, &example) in (0_u32..).zip(example_of) {
            if let Some(place) = next.get_mut(example as usize) {
                if let Some(slot) = features.get_mut(*place) {
                    *slot = feature;
                }
                *place += 1;
            }
        }
        Ok(Self {
            starts,
            features: Some(features),
        })
    }

    /// Number of examples.
    pub fn examples(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Number of windows of all examples before `example`.
    pub fn before(&self, example: usize) -> usize {
        self.starts.get(example).copied().unwrap_or_default()
    }

    /// The windows of one example, in feature order.
    pub fn of(&self, example: usize) -> impl Iterator<Item = usize> + '_ {
        (self.before(example)..self.before(example + 1)).map(|place| match &self.features {
            None => place,
            Some(features) => features
                .get(place)
                .map_or(usize::MAX, |&feature| feature as usize),
        })
    }
}

/// The result of [`match_ids`].
#[derive(Debug, PartialEq, Eq)]
pub struct Matched {
    /// Example index of each feature.
    pub example_of: Vec<u32>,
    /// Where ids stand more than once: for each distinct id in order of first appearance, the index
    /// of its last example (what a Python dict makes of them).
    pub distinct: Option<Vec<u32>>,
}

/// Find each feature's example by id. Of examples with equal ids the last one gets all features, as
/// in the reference.
///
/// # Errors
/// [`Error::Key`] names the first feature whose id no example has.
pub fn match_ids(example_ids: &Strings<'_>, feature_ids: &Strings<'_>) -> Result<Matched, Error> {
    let mut index_of: HashMap<&str, u32> = HashMap::with_capacity(example_ids.len());
    let mut first_seen: Vec<&str> = Vec::new();
    for index in 0..example_ids.len() {
        let position = u32::try_from(index)
            .map_err(|_| Error::value("more than 2^32 examples in one call"))?;
        let id = example_ids.get(index)?;
        if let Some(earlier) = index_of.insert(id, position)
            && first_seen.is_empty()
        {
            // The first duplicate: everything before it was distinct.
            first_seen = (0..index)
                .map(|before| example_ids.get(before))
                .collect::<Result<_, _>>()?;
            debug_assert!((earlier as usize) < index);
        } else if !first_seen.is_empty() && index_of.len() > first_seen.len() {
            first_seen.push(id);
        }
    }
    let has_duplicates = index_of.len() < example_ids.len();
    let mut example_of = Vec::with_capacity(feature_ids.len());
    let mut last = 0_u32;
    for feature in 0..feature_ids.len() {
        let id = feature_ids.get(feature)?;
        // Features usually follow the order of the examples: try the last example and the next.
        let near = (!has_duplicates)
            .then(|| [last, last.saturating_add(1)])
            .and_then(|near| {
                near.into_iter().find(|&index| {
                    example_ids
                        .get(index as usize)
                        .is_ok_and(|known| known == id)
                })
            });
        let index = match near {
            Some(index) => index,
            None => *index_of.get(id).ok_or_else(|| {
                Error::Key(format!(
                    "feature {feature} has example_id {id:?}, which none of the {} examples has; \
                     were the features made from these examples?",
                    example_ids.len()
                ))
            })?,
        };
        last = index;
        example_of.push(index);
    }
    let distinct = has_duplicates.then(|| {
        first_seen
            .iter()
            .map(|id| index_of.get(id).copied().unwrap_or_default())
            .collect()
    });
    Ok(Matched {
        example_of,
        distinct,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings<'a>(values: &[&'a str]) -> Strings<'a> {
        Strings::Slices(values.to_vec())
    }

    #[test]
    fn windows_keep_feature_order_in_any_arrangement() {
        let windows = Windows::group(&[2, 0, 2, 1, 0], 4).unwrap();
        let all: Vec<Vec<usize>> = (0..4)
            .map(|example| windows.of(example).collect())
            .collect();
        assert_eq!(all, [vec![1, 4], vec![3], vec![0, 2], vec![]]);
        let sorted = Windows::group(&[0, 0, 2], 3).unwrap();
        assert_eq!(
            (0..3)
                .map(|e| sorted.of(e).collect::<Vec<_>>())
                .collect::<Vec<_>>(),
            [vec![0, 1], vec![], vec![2]]
        );
        assert!(Windows::group(&[0, 4], 4).is_err());
        assert!(Windows::group(&[u32::MAX], 1).is_err());
    }

    #[test]
    fn the_last_of_equal_ids_gets_the_features() {
        let matched = match_ids(
            &strings(&["a", "b", "a", "c", "b"]),
            &strings(&["b", "a", "c", "a"]),
        )
        .unwrap();
        assert_eq!(matched.example_of, [4, 2, 3, 2]);
        assert_eq!(matched.distinct, Some(vec![2, 4, 3]));
    }

    #[test]
    fn distinct_ids_match_in_any_order() {
        let matched = match_ids(
            &strings(&["a", "b", "c"]),
            &strings(&["a", "a", "b", "c", "a"]),
        )
        .unwrap();
        assert_eq!(
            matched,
            Matched {
                example_of: vec![0, 0, 1, 2, 0],
                distinct: None
            }
        );
        let error = match_ids(&strings(&["a"]), &strings(&["a", "z"]));
        assert!(
            matches!(error, Err(Error::Key(text)) if text.contains("feature 1 has example_id \"z\""))
        );
    }
}
