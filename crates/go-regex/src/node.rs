//! The parsed expression, as far as Go's limits need to see it.

use regex_syntax::hir::{
    Capture, Class, ClassUnicode, ClassUnicodeRange, Dot, Hir, Look, Repetition,
};

use crate::class;

/// One node of the tree with what Go's limits ask about it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) hir: Hir,
    height: u32,
    /// The largest product of counted repetitions on a path below, Go's `repeatIsValid`.
    repeats: u32,
}

/// A repetition as written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Repeat {
    pub(crate) min: u32,
    pub(crate) max: Option<u32>,
    pub(crate) greedy: bool,
    /// Written as `{n,m}`: only these count towards the limit of 1000.
    pub(crate) counted: bool,
}

impl Node {
    pub(crate) fn empty() -> Self {
        Self::leaf(Hir::empty())
    }

    pub(crate) fn look(look: Look) -> Self {
        Self::leaf(Hir::look(look))
    }

    pub(crate) fn dot(dot: Dot) -> Self {
        Self::leaf(Hir::dot(dot))
    }

    pub(crate) fn class(class: ClassUnicode) -> Self {
        Self::leaf(Hir::class(Class::Unicode(class)))
    }

    /// One character, given as a code point because a surrogate may be written but never matches.
    pub(crate) fn literal(code: u32, fold: bool) -> Self {
        let Some(character) = char::from_u32(code) else {
            return Self::leaf(Hir::fail());
        };
        if !fold {
            let mut bytes = [0; 4];
            return Self::leaf(Hir::literal(character.encode_utf8(&mut bytes).as_bytes()));
        }
        let mut folded = ClassUnicode::new([ClassUnicodeRange::new(character, character)]);
        class::fold(&mut folded);
        Self::class(folded)
    }

    pub(crate) fn repeat(self, repeat: Repeat) -> Self {
        let count = if repeat.counted {
            repeat.max.unwrap_or(repeat.min)
        } else {
            1
        };
        let repeats = if repeat.counted && repeat.max == Some(0) {
            1
        } else {
            self.repeats.saturating_mul(count.max(1))
        };
        let hir = Hir::repetition(Repetition {
            min: repeat.min,
            max: repeat.max,
            greedy: repeat.greedy,
            sub: Box::new(self.hir),
        });
        Self {
            hir,
            height: self.height + 1,
            repeats,
        }
    }

    pub(crate) fn capture(self, index: u32) -> Self {
        // Names stay outside: Go allows the same name twice, the engine does not.
        let hir = Hir::capture(Capture {
            index,
            name: None,
            sub: Box::new(self.hir),
        });
        Self {
            hir,
            height: self.height + 1,
            repeats: self.repeats,
        }
    }

    pub(crate) fn concat(nodes: Vec<Self>) -> Self {
        Self::join(nodes, Hir::concat)
    }

    pub(crate) fn alternation(nodes: Vec<Self>) -> Self {
        Self::join(nodes, Hir::alternation)
    }

    pub(crate) fn height(&self) -> u32 {
        self.height
    }

    pub(crate) fn repeats(&self) -> u32 {
        self.repeats
    }

    fn join(mut nodes: Vec<Self>, join: impl FnOnce(Vec<Hir>) -> Hir) -> Self {
        if nodes.len() == 1 {
            return nodes.remove(0);
        }
        let height = nodes.iter().map(|node| node.height).max().unwrap_or(0) + 1;
        let repeats = nodes.iter().map(|node| node.repeats).max().unwrap_or(1);
        let hir = join(nodes.into_iter().map(|node| node.hir).collect());
        Self {
            hir,
            height,
            repeats,
        }
    }

    fn leaf(hir: Hir) -> Self {
        Self {
            hir,
            height: 1,
            repeats: 1,
        }
    }
}
