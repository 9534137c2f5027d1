//! Which example each window belongs to.
//!
//! Ids are matched through a hash table of row numbers, which holds no string: O(examples +
//! windows), and features that follow the order of their examples, as nearly all do, are matched
//! by comparing with the last example and the next, without the table. Windows are then grouped by
//! counting sort, stable, so an example's windows keep feature order. Of equal ids the last
//! example has the windows, as in the dict of the references; indices are 32 bits, and more are
//! refused.
use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::Error;
use crate::columns::Strings;
use crate::memory::filled;

/// The windows of each example, in feature order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows {
    /// Example `i` has `features[starts[i]..starts[i + 1]]`.
    starts: Vec<usize>,
    /// Feature indices; `None` when they are simply 0, 1, 2, ...
    features: Option<Vec<u32>>,
    /// Rows that logits and columns must have; more than are visited when some are left out.
    rows: usize,
    /// Where these are a part of more windows: the numbers that examples and rows have there.
    numbers: Option<Numbers>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Numbers {
    examples: Vec<u32>,
    features: Vec<u32>,
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
        let mut starts = filled(0_usize, examples.saturating_add(1), "examples")?;
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
                rows: example_of.len(),
                numbers: None,
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
            rows: example_of.len(),
            numbers: None,
        })
    }

    /// A part of the windows, in any order: row `i` is window `numbers[i]` of example
    /// `example_of[i]`. Visited are only examples that have windows here, each one's windows in order
    /// of their numbers, and a number only once; rows for which `skip` says so are left out.
    ///
    /// # Errors
    /// [`Error::Value`] when the two slices have different lengths or there are 2^32 rows or more.
    pub fn part(
        example_of: &[u32],
        numbers: &[u32],
        skip: impl Fn(u32) -> bool,
    ) -> Result<Self, Error> {
        if example_of.len() != numbers.len() || u32::try_from(numbers.len()).is_err() {
            return Err(Error::value(format!(
                "{} feature indices for {} windows",
                numbers.len(),
                example_of.len()
            )));
        }
        let mut order: Vec<(u32, u32, u32)> = (0_u32..)
            .zip(example_of.iter().zip(numbers))
            .filter(|&(_, (_, &number))| !skip(number))
            .map(|(row, (&example, &number))| (example, number, row))
            .collect();
        order.sort_unstable();
        order.dedup_by_key(|&mut (_, number, _)| number);
        let mut starts = vec![0];
        let mut examples = Vec::new();
        for group in order.chunk_by(|a, b| a.0 == b.0) {
            examples.extend(group.first().map(|&(example, ..)| example));
            starts.push(starts.last().copied().unwrap_or_default() + group.len());
        }
        Ok(Self {
            starts,
            features: Some(order.iter().map(|&(.., row)| row).collect()),
            rows: numbers.len(),
            numbers: Some(Numbers {
                examples,
                features: numbers.to_vec(),
            }),
        })
    }

    /// Rows that logits and columns must have.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number that example `example` has in its column.
    pub fn example_number(&self, example: usize) -> usize {
        self.numbers.as_ref().map_or(example, |numbers| {
            numbers
                .examples
                .get(example)
                .map_or(usize::MAX, |&number| number as usize)
        })
    }

    /// The number that the window of row `row` has among all windows.
    pub fn feature_number(&self, row: usize) -> usize {
        self.numbers.as_ref().map_or(row, |numbers| {
            numbers
                .features
                .get(row)
                .map_or(usize::MAX, |&number| number as usize)
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

/// Finds examples by id without holding the ids: eight bytes for each example.
#[derive(Default)]
pub struct IdIndex {
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// See [`Matched::distinct`].
    distinct: Option<Vec<u32>>,
}

impl IdIndex {
    /// Of equal ids the last one is found, as in the reference.
    ///
    /// # Errors
    /// [`Error::Value`] for a damaged column or 2^32 examples or more.
    pub fn new(ids: &Strings<'_>) -> Result<Self, Error> {
        let mut index = Self {
            table: HashTable::with_capacity(ids.len()),
            ..Self::default()
        };
        let Self { table, hasher, .. } = &mut index;
        let hash = |&known: &u32| hasher.hash_one(ids.get(known as usize).unwrap_or_default());
        for row in 0..ids.len() {
            let position = u32::try_from(row)
                .map_err(|_| Error::value("more than 2^32 examples in one call"))?;
            let id = ids.get(row)?;
            let same = |&known: &u32| {
                ids.bytes(known as usize)
                    .is_ok_and(|known| known == id.as_bytes())
            };
            match table.entry(hasher.hash_one(id), same, hash) {
                Entry::Occupied(mut known) => *known.get_mut() = position,
                Entry::Vacant(place) => {
                    place.insert(position);
                }
            }
        }
        if index.table.len() < ids.len() {
            let mut listed = vec![false; ids.len()];
            let mut distinct = Vec::with_capacity(index.table.len());
            for row in 0..ids.len() {
                if let Some(last) = index.find(ids, ids.get(row)?)
                    && let Some(listed) = listed.get_mut(last as usize)
                    && !std::mem::replace(listed, true)
                {
                    distinct.push(last);
                }
            }
            index.distinct = Some(distinct);
        }
        Ok(index)
    }

    /// The example with this id; `ids` are those that the index was made from.
    pub fn find(&self, ids: &Strings<'_>, id: &str) -> Option<u32> {
        let same = |&known: &u32| {
            ids.bytes(known as usize)
                .is_ok_and(|known| known == id.as_bytes())
        };
        self.table.find(self.hasher.hash_one(id), same).copied()
    }

    /// Find each feature's example.
    ///
    /// # Errors
    /// [`Error::Key`] names the first feature whose id no example has.
    pub fn match_features(
        &self,
        ids: &Strings<'_>,
        feature_ids: &Strings<'_>,
    ) -> Result<Matched, Error> {
        let mut example_of = Vec::with_capacity(feature_ids.len());
        let mut last = 0_u32;
        for feature in 0..feature_ids.len() {
            let id = feature_ids.get(feature)?;
            // Features usually follow the order of the examples: try the last example and the next.
            let near = [last, last.saturating_add(1)].into_iter().find(|&index| {
                self.distinct.is_none()
                    && ids
                        .bytes(index as usize)
                        .is_ok_and(|known| known == id.as_bytes())
            });
            let index = near.or_else(|| self.find(ids, id)).ok_or_else(|| {
                Error::Key(format!(
                    "feature {feature} has example_id {id:?}, which none of the {} examples has; \
                     were the features made from these examples?",
                    ids.len()
                ))
            })?;
            last = index;
            example_of.push(index);
        }
        Ok(Matched {
            example_of,
            distinct: self.distinct.clone(),
        })
    }
}

/// Find each feature's example by id. Of examples with equal ids the last one gets all features, as
/// in the reference.
///
/// # Errors
/// [`Error::Key`] names the first feature whose id no example has.
pub fn match_ids(example_ids: &Strings<'_>, feature_ids: &Strings<'_>) -> Result<Matched, Error> {
    IdIndex::new(example_ids)?.match_features(example_ids, feature_ids)
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
        let part = Windows::part(&[7, 3, 7, 3, 7], &[9, 4, 8, 2, 9], |number| number == 4).unwrap();
        assert_eq!((part.examples(), part.rows()), (2, 5));
        assert_eq!(
            (0..2)
                .map(|e| (part.example_number(e), part.of(e).collect()))
                .collect::<Vec<_>>(),
            [(3, vec![3]), (7, vec![2, 0])]
        );
        assert_eq!(part.feature_number(2), 8);
        assert!(Windows::part(&[0], &[], |_| false).is_err());
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
