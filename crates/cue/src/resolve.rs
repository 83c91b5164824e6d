//! Finds what every name of a policy means, and refuses the names that mean nothing.

use std::collections::HashSet;
use std::sync::Arc;

use crate::builtin;
use crate::error::{CompileError, Position};
use crate::parse::File;
use crate::tree::{Clause, Comprehension, Declaration, Element, Expr, Label, Part, StructLiteral};
use crate::value::Kinds;

/// Resolves the names of `file` in place.
pub(crate) fn resolve(file: &mut File) -> Result<(), CompileError> {
    let mut seen = HashSet::new();
    for import in &file.imports {
        if !seen.insert(import.name.clone()) {
            return Err(CompileError::Redeclared {
                position: import.position,
                name: import.name.clone(),
            });
        }
        if !builtin::is_package(&import.path) {
            return Err(CompileError::UnknownPackage {
                position: import.position,
                path: import.path.clone(),
            });
        }
    }
    let mut resolver = Resolver {
        imports: file
            .imports
            .iter()
            .map(|import| (import.name.clone(), import.path.clone()))
            .collect(),
        used: HashSet::new(),
        scopes: Vec::new(),
    };
    let names = resolver.names_of(&file.body);
    for import in &file.imports {
        if names.fields.contains(import.name.as_str())
            || names.lets.iter().any(|name| **name == *import.name)
        {
            return Err(CompileError::Redeclared {
                position: import.position,
                name: import.name.clone(),
            });
        }
    }
    resolver.literal(&mut file.body)?;
    for import in &file.imports {
        if !resolver.used.contains(&import.name) {
            return Err(CompileError::UnusedImport {
                position: import.position,
                path: import.path.clone(),
            });
        }
    }
    Ok(())
}

struct Resolver {
    imports: Vec<(String, String)>,
    used: HashSet<String>,
    scopes: Vec<Scope>,
}

enum Scope {
    Struct(Names),
    Bindings(Vec<Arc<str>>),
}

#[derive(Default)]
struct Names {
    fields: HashSet<Arc<str>>,
    lets: Vec<Arc<str>>,
    aliases: Vec<(Arc<str>, Label)>,
}

impl Resolver {
    fn names_of(&self, literal: &StructLiteral) -> Names {
        let mut names = Names {
            lets: literal.lets.iter().map(|(name, _)| name.clone()).collect(),
            aliases: literal.aliases.clone(),
            ..Names::default()
        };
        for declaration in &literal.declarations {
            if let Declaration::Field {
                label: Label::Field(name) | Label::Hidden(name) | Label::Definition(name),
                referable: true,
                ..
            } = declaration
            {
                names.fields.insert(name.clone());
            }
        }
        names
    }

    fn literal(&mut self, literal: &mut StructLiteral) -> Result<(), CompileError> {
        let names = self.names_of(literal);
        self.scopes.push(Scope::Struct(names));
        for (_, value) in &mut literal.lets {
            self.expr(value)?;
        }
        for declaration in &mut literal.declarations {
            match declaration {
                Declaration::Field { value, .. } => self.expr(value)?,
                Declaration::Dynamic { label, value, .. } => {
                    self.expr(label)?;
                    self.expr(value)?;
                }
                Declaration::Pattern {
                    alias,
                    pattern,
                    value,
                } => {
                    self.expr(pattern)?;
                    if let Some(alias) = alias {
                        self.scopes.push(Scope::Bindings(vec![alias.clone()]));
                        self.expr(value)?;
                        self.scopes.pop();
                    } else {
                        self.expr(value)?;
                    }
                }
                Declaration::Embed(value) => self.expr(value)?,
                Declaration::Comprehension(comprehension) => self.comprehension(comprehension)?,
            }
        }
        self.scopes.pop();
        Ok(())
    }

    fn comprehension(&mut self, comprehension: &mut Comprehension) -> Result<(), CompileError> {
        let depth = self.scopes.len();
        for clause in &mut comprehension.clauses {
            match clause {
                Clause::If(condition) => self.expr(condition)?,
                Clause::For { key, value, source } => {
                    self.expr(source)?;
                    let mut bindings = vec![value.clone()];
                    bindings.extend(key.clone());
                    self.scopes.push(Scope::Bindings(bindings));
                }
                Clause::Let(name, value) => {
                    self.expr(value)?;
                    self.scopes.push(Scope::Bindings(vec![name.clone()]));
                }
            }
        }
        self.expr(&mut comprehension.body)?;
        self.scopes.truncate(depth);
        Ok(())
    }

    fn expr(&mut self, expr: &mut Expr) -> Result<(), CompileError> {
        match expr {
            Expr::Name(name, position) => {
                *expr = self.name(name, *position)?;
                Ok(())
            }
            Expr::Select(inner, label, position) => {
                if let (Expr::Name(name, _), Label::Field(member)) = (inner.as_ref(), &*label)
                    && let Some(path) = self.import_of(name)
                {
                    let found =
                        builtin::find(&path, member).ok_or_else(|| CompileError::Unsupported {
                            position: *position,
                            name: format!("{path}.{member}"),
                        })?;
                    *expr = Expr::Member(found);
                    return Ok(());
                }
                self.expr(inner)
            }
            Expr::Struct(literal) => self.literal(literal),
            Expr::List(list) => {
                for element in &mut list.elements {
                    match element {
                        Element::Plain(value) => self.expr(value)?,
                        Element::Comprehension(comprehension) => {
                            self.comprehension(comprehension)?
                        }
                    }
                }
                match &mut list.tail {
                    Some(Some(tail)) => self.expr(tail),
                    _ => Ok(()),
                }
            }
            Expr::Aliased(name, value) => {
                self.scopes.push(Scope::Bindings(vec![name.clone()]));
                self.expr(value)?;
                self.scopes.pop();
                Ok(())
            }
            Expr::Interpolation(parts, _) => parts.iter_mut().try_for_each(|part| match part {
                Part::Text(_) => Ok(()),
                Part::Expr(value) => self.expr(value),
            }),
            Expr::Unify(items) => items.iter_mut().try_for_each(|item| self.expr(item)),
            Expr::Disjunction(items) => items.iter_mut().try_for_each(|(_, item)| self.expr(item)),
            Expr::Bound(_, inner) | Expr::Negate(inner) | Expr::Plus(inner) | Expr::Not(inner) => {
                self.expr(inner)
            }
            Expr::Arithmetic(_, left, right)
            | Expr::Compare(_, left, right)
            | Expr::And(left, right)
            | Expr::Or(left, right)
            | Expr::Index(left, right) => {
                self.expr(left)?;
                self.expr(right)
            }
            Expr::Slice(inner, low, high) => {
                self.expr(inner)?;
                [low, high]
                    .into_iter()
                    .flatten()
                    .try_for_each(|limit| self.expr(limit))
            }
            Expr::Call(function, arguments, position) => self.call(function, arguments, *position),
            Expr::Literal(_)
            | Expr::Top
            | Expr::Bottom
            | Expr::Kind(..)
            | Expr::Field { .. }
            | Expr::Let { .. }
            | Expr::Bound1 { .. }
            | Expr::Predeclared(_)
            | Expr::Member(_) => Ok(()),
        }
    }

    fn call(
        &mut self,
        function: &mut Expr,
        arguments: &mut [Expr],
        position: Position,
    ) -> Result<(), CompileError> {
        self.expr(function)?;
        arguments
            .iter_mut()
            .try_for_each(|argument| self.expr(argument))?;
        let literals: Vec<_> = arguments
            .iter()
            .map(|argument| match argument {
                Expr::Literal(value) => Some(value.clone()),
                Expr::Member(member) => member.constant(),
                _ => None,
            })
            .collect();
        match function {
            Expr::Member(member) => match member.refuses(&literals) {
                Some(name) => Err(CompileError::Unsupported { position, name }),
                None => Ok(()),
            },
            Expr::Predeclared(_) => Ok(()),
            _ => Err(CompileError::Unsupported {
                position,
                name: "call of something that is no function".to_owned(),
            }),
        }
    }

    fn import_of(&mut self, name: &str) -> Option<String> {
        if self.in_scope(name).is_some() {
            return None;
        }
        let (name, path) = self
            .imports
            .iter()
            .find(|(import, _)| import == name)?
            .clone();
        self.used.insert(name);
        Some(path)
    }

    fn in_scope(&self, name: &str) -> Option<Expr> {
        for (up, scope) in self.scopes.iter().rev().enumerate() {
            let up = u32::try_from(up).ok()?;
            match scope {
                Scope::Bindings(bindings) => {
                    if let Some(slot) = bindings.iter().position(|binding| **binding == *name) {
                        return Some(Expr::Bound1 { up, slot });
                    }
                }
                Scope::Struct(names) => {
                    if let Some(slot) = names.lets.iter().position(|other| **other == *name) {
                        return Some(Expr::Let { up, slot });
                    }
                    if let Some((_, label)) =
                        names.aliases.iter().find(|(alias, _)| **alias == *name)
                    {
                        return Some(Expr::Field {
                            up,
                            label: label.clone(),
                        });
                    }
                    if names.fields.contains(name) {
                        return Some(Expr::Field {
                            up,
                            label: Label::of_identifier(name),
                        });
                    }
                }
            }
        }
        None
    }

    fn name(&mut self, name: &str, position: Position) -> Result<Expr, CompileError> {
        if let Some(found) = self.in_scope(name) {
            return Ok(found);
        }
        if self.import_of(name).is_some() {
            return Err(CompileError::Unsupported {
                position,
                name: format!("package {name} as a value"),
            });
        }
        if let Some(found) = predeclared(name) {
            return Ok(found);
        }
        if UNSUPPORTED.contains(&name) {
            return Err(CompileError::Unsupported {
                position,
                name: name.to_owned(),
            });
        }
        Err(CompileError::Unresolved {
            position,
            name: name.to_owned(),
        })
    }
}

const UNSUPPORTED: [&str; 4] = ["matchN", "matchIf", "self", "import"];
const FUNCTIONS: [&str; 9] = [
    "len", "close", "and", "or", "div", "mod", "quo", "rem", "error",
];

fn predeclared(name: &str) -> Option<Expr> {
    if let Some(function) = FUNCTIONS.iter().find(|function| **function == name) {
        return Some(Expr::Predeclared(function));
    }
    let (kinds, name, limits) = match name {
        "string" => (Kinds::STRING, "string", None),
        "bytes" => (Kinds::BYTES, "bytes", None),
        "bool" => (Kinds::BOOL, "bool", None),
        "int" => (Kinds::INT, "int", None),
        "float" => (Kinds::FLOAT, "float", None),
        "number" => (Kinds::NUMBER, "number", None),
        "float32" => (Kinds::NUMBER, "float32", None),
        "float64" => (Kinds::NUMBER, "float64", None),
        "uint" => (Kinds::INT, "uint", Some((0, i128::MAX))),
        "rune" => (Kinds::INT, "rune", Some((0, 0x10_ffff))),
        "uint8" => (Kinds::INT, "uint8", Some((0, 0xff))),
        "uint16" => (Kinds::INT, "uint16", Some((0, 0xffff))),
        "uint32" => (Kinds::INT, "uint32", Some((0, 0xffff_ffff))),
        "uint64" => (Kinds::INT, "uint64", Some((0, i128::from(u64::MAX)))),
        "int8" => (Kinds::INT, "int8", Some((-0x80, 0x7f))),
        "int16" => (Kinds::INT, "int16", Some((-0x8000, 0x7fff))),
        "int32" => (
            Kinds::INT,
            "int32",
            Some((i128::from(i32::MIN), i128::from(i32::MAX))),
        ),
        "int64" => (
            Kinds::INT,
            "int64",
            Some((i128::from(i64::MIN), i128::from(i64::MAX))),
        ),
        "int128" => (Kinds::INT, "int128", Some((i128::MIN, i128::MAX))),
        _ => return None,
    };
    Some(Expr::Kind(kinds, name, limits))
}
