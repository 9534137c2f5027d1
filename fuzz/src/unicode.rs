//! What one Python says of characters (`unicode/python_3_11.txt`, made by `make_unicode_table.py`),
//! as the tables that `fastqa-core` is given, and as plain maps for the restatement.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use fastqa_core::pystring::{BLOCK, Bits, Block, Tables};

const TEXT: &str = include_str!("../unicode/python_3_11.txt");

/// The properties of all characters.
pub struct Python {
    pub word: BTreeSet<u32>,
    pub space: BTreeSet<u32>,
    pub punctuation: BTreeSet<u32>,
    pub cased: BTreeSet<u32>,
    pub ignorable: BTreeSet<u32>,
    pub lower: BTreeMap<u32, String>,
}

/// Read once; the core's tables are installed then.
pub fn python() -> &'static Python {
    static KNOWN: OnceLock<Python> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let python = read();
        let blocks: Vec<_> = (0..0x11_0000 / BLOCK)
            .map(|index| (index, Arc::new(python.block(index))))
            .collect();
        Tables::install(&blocks);
        python
    })
}

impl Python {
    fn block(&self, index: u32) -> Block {
        let first = index * BLOCK;
        let bits =
            |set: &BTreeSet<u32>| Bits::from_fn(|low| set.contains(&(first + u32::from(low))));
        Block {
            word: bits(&self.word),
            space: bits(&self.space),
            punctuation: bits(&self.punctuation),
            cased: bits(&self.cased),
            ignorable: bits(&self.ignorable),
            lower: self
                .lower
                .range(first..first + BLOCK)
                .map(|(&point, lower)| ((point - first) as u8, lower.as_str().into()))
                .collect(),
        }
    }
}

fn read() -> Python {
    let mut sets: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    let mut lower = BTreeMap::new();
    let hex = |text: &str| u32::from_str_radix(text, 16).expect("a hexadecimal number");
    for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
        let (name, values) = line.split_once(' ').expect("a name and its values");
        if name == "lower" {
            let (point, lowered) = values
                .split_once(' ')
                .expect("a character and its lower case");
            let lowered = lowered
                .split(' ')
                .map(|one| char::from_u32(hex(one)).expect("a character"));
            lower.insert(hex(point), lowered.collect());
            continue;
        }
        let set = sets.entry(name).or_default();
        for range in values.split(' ') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            set.extend(hex(first)..=hex(last));
        }
    }
    let mut take = |name| sets.remove(name).expect("all five sets are in the file");
    Python {
        word: take("word"),
        space: take("space"),
        punctuation: take("punctuation"),
        cased: take("cased"),
        ignorable: take("ignorable"),
        lower,
    }
}
