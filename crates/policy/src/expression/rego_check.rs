//! What OPA finds when it compiles a module and regorus only when it runs, or never: unknown
//! functions, wrong numbers of arguments, rules that exclude each other, functions with a network,
//! and rules that lead to themselves, on which regorus runs out of stack and the process dies.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{BUILTINS, Expr, Literal, Module, Query, Rule, RuleAssign, RuleHead};

use super::rego::RegoError;

/// Checks a module, and gives an upper bound of the stack that its evaluation needs, in frames.
pub(super) fn check(module: &Module, asked: &str) -> Result<usize, RegoError> {
    let package = module.package.refr.span().text().to_owned();
    let definitions = definitions(module, &package)?;
    let asked_rule = asked
        .strip_prefix("data.")
        .and_then(|rest| rest.rsplit_once('.'));
    if let Some((_, name)) = asked_rule.filter(|(wanted, _)| *wanted == package)
        && let Some(Shape::Function(arity)) = definitions.get(name).map(|one| one.shape)
    {
        return Err(RegoError::AskedIsFunction {
            asked: asked.to_owned(),
            arity,
        });
    }
    let walker = Walker {
        definitions: &definitions,
        package: &package,
        uses: RefCell::default(),
    };
    let mut uses: BTreeMap<String, Uses> = BTreeMap::new();
    for rule in &module.policy {
        walker.rule(rule)?;
        let found = walker.uses.take();
        let all = uses.entry(shape_of(rule).0).or_default();
        all.rules.extend(found.rules);
        all.deepest = all.deepest.max(found.deepest);
    }
    let mut depths = BTreeMap::new();
    for name in uses.keys() {
        let mut path = Vec::new();
        depth(name, &uses, &mut depths, &mut path).map_err(|cycle| RegoError::Recursion {
            line: definitions.get(name).map_or(0, |one| one.line),
            name: format!("data.{package}.{name}"),
            cycle,
        })?;
    }
    Ok(depths.values().copied().max().unwrap_or(0))
}

/// What a rule uses.
#[derive(Default)]
struct Uses {
    rules: BTreeSet<String>,
    depth: usize,
    deepest: usize,
}

/// The frames from `name` down; an error is the cycle found. The depth of our own recursion is
/// bounded by the first refusal below.
fn depth(
    name: &str,
    uses: &BTreeMap<String, Uses>,
    known: &mut BTreeMap<String, usize>,
    path: &mut Vec<String>,
) -> Result<usize, String> {
    if let Some(depth) = known.get(name) {
        return Ok(*depth);
    }
    if path.iter().any(|earlier| earlier == name) {
        return Err(format!("{} -> {name}", path.join(" -> ")));
    }
    if path.len() > MAX_CHAIN {
        return Err(format!("a chain of more than {MAX_CHAIN} rules"));
    }
    let Some(own) = uses.get(name) else {
        return Ok(0);
    };
    path.push(name.to_owned());
    let mut below = 0;
    for rule in &own.rules {
        below = below.max(depth(rule, uses, known, path)?);
    }
    path.pop();
    let total = below + RULE_FRAMES + own.deepest;
    known.insert(name.to_owned(), total);
    Ok(total)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Default,
    Complete,
    Partial,
    Function(usize),
}

struct Definition {
    shape: Shape,
    line: u32,
    defaulted: Option<u32>,
}

/// The rules by name. Two kinds of rule under one name are refused: regorus would run them and give
/// one of the two meanings.
fn definitions(module: &Module, package: &str) -> Result<BTreeMap<String, Definition>, RegoError> {
    let mut known: BTreeMap<String, Definition> = BTreeMap::new();
    for rule in &module.policy {
        let (name, shape) = shape_of(rule);
        let line = rule.span().line;
        let conflict = |kind, line, places| RegoError::Conflict {
            kind,
            package: package.to_owned(),
            name: name.clone(),
            line,
            places,
        };
        let Some(earlier) = known.get_mut(&name) else {
            let defaulted = (shape == Shape::Default).then_some(line);
            known.insert(
                name,
                Definition {
                    shape,
                    line,
                    defaulted,
                },
            );
            continue;
        };
        match (earlier.shape, shape) {
            (_, Shape::Default) if earlier.defaulted.is_some() => {
                let first = earlier.defaulted.unwrap_or_default();
                let places = format!(" at {0}:{first}, {0}:{line}", super::rego::FILE);
                return Err(conflict("multiple default rules", 1, places));
            }
            (Shape::Complete | Shape::Function(_), Shape::Default) => {
                earlier.defaulted = Some(line)
            }
            (Shape::Default, Shape::Complete | Shape::Function(_)) => earlier.shape = shape,
            (one, other) if one == other => {}
            _ => return Err(conflict("conflicting rules", earlier.line, String::new())),
        }
    }
    Ok(known)
}

fn shape_of(rule: &Rule) -> (String, Shape) {
    match rule {
        Rule::Default { refr, .. } => (base_name(refr), Shape::Default),
        Rule::Spec { head, .. } => match head {
            RuleHead::Compr { refr, .. } => {
                let partial = matches!(refr.as_ref(), Expr::RefBrack { .. } | Expr::RefDot { .. });
                (
                    base_name(refr),
                    if partial {
                        Shape::Partial
                    } else {
                        Shape::Complete
                    },
                )
            }
            RuleHead::Set { refr, .. } => (base_name(refr), Shape::Partial),
            RuleHead::Func { refr, args, .. } => (dotted(refr), Shape::Function(args.len())),
        },
    }
}

fn base_name(mut expression: &Expr) -> String {
    while let Expr::RefBrack { refr, .. } | Expr::RefDot { refr, .. } = expression {
        expression = refr;
    }
    expression.span().text().to_owned()
}

/// `a.b.c`, without spaces.
fn dotted(expression: &Expr) -> String {
    expression.span().text().split_whitespace().collect()
}

struct Walker<'a> {
    definitions: &'a BTreeMap<String, Definition>,
    package: &'a str,
    uses: RefCell<Uses>,
}

impl Walker<'_> {
    fn rule(&self, rule: &Rule) -> Result<(), RegoError> {
        let (head, bodies) = match rule {
            Rule::Default { value, .. } => return self.expression(value, false),
            Rule::Spec { head, bodies, .. } => (head, bodies),
        };
        match head {
            RuleHead::Compr { refr, assign, .. } => {
                self.head(refr)?;
                self.assign(assign.as_ref())?;
            }
            RuleHead::Func { assign, .. } => self.assign(assign.as_ref())?,
            RuleHead::Set { refr, key, .. } => {
                self.head(refr)?;
                self.all(key, false)?;
            }
        }
        for body in bodies {
            self.assign(body.assign.as_ref())?;
            self.query(&body.query)?;
        }
        Ok(())
    }

    /// The keys of `name[key] = value`; the name is the rule itself, no use of it.
    fn head(&self, mut reference: &Expr) -> Result<(), RegoError> {
        loop {
            match reference {
                Expr::RefBrack { refr, index, .. } => {
                    self.expression(index, false)?;
                    reference = refr;
                }
                Expr::RefDot { refr, .. } => reference = refr,
                _ => return Ok(()),
            }
        }
    }

    fn assign(&self, assign: Option<&RuleAssign>) -> Result<(), RegoError> {
        assign.map_or(Ok(()), |assign| self.expression(&assign.value, false))
    }

    fn query(&self, query: &Query) -> Result<(), RegoError> {
        // The engine goes on to the next statement from within the one before.
        let statements = isize::try_from(query.stmts.len()).unwrap_or(isize::MAX);
        self.deeper(statements);
        let checked = self.statements(query);
        self.deeper(-statements);
        checked
    }

    fn statements(&self, query: &Query) -> Result<(), RegoError> {
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { .. } => {}
                Literal::SomeIn {
                    key,
                    value,
                    collection,
                    ..
                } => {
                    self.all(key, false)?;
                    self.all([value, collection], false)?;
                }
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => {
                    self.expression(expr, true)?;
                }
                Literal::Every { domain, query, .. } => {
                    self.expression(domain, false)?;
                    self.query(query)?;
                }
            }
            for with in &statement.with_mods {
                self.expression(&with.r#as, false)?;
            }
        }
        Ok(())
    }

    fn all<'e, R: AsRef<Expr> + 'e>(
        &self,
        expressions: impl IntoIterator<Item = &'e R>,
        statement: bool,
    ) -> Result<(), RegoError> {
        expressions
            .into_iter()
            .try_for_each(|one| self.expression(one.as_ref(), statement))
    }

    fn expression(&self, expression: &Expr, statement: bool) -> Result<(), RegoError> {
        self.reference(expression);
        if self.deeper(1) > MAX_NESTING {
            return Err(RegoError::TooDeep);
        }
        let checked = self.parts(expression, statement);
        self.deeper(-1);
        checked
    }

    fn deeper(&self, by: isize) -> usize {
        let mut uses = self.uses.borrow_mut();
        uses.depth = uses.depth.saturating_add_signed(by);
        uses.deepest = uses.deepest.max(uses.depth);
        uses.depth
    }

    /// Notes which rules `expression` leads to. `data` alone, or with a name that is only known when
    /// it runs, may be any rule of the package.
    fn reference(&self, expression: &Expr) {
        let mut names = Vec::new();
        let mut root = expression;
        loop {
            match root {
                Expr::RefDot { refr, field, .. } => {
                    names.push(field.1.as_string().ok().map(|name| name.to_string()));
                    root = refr;
                }
                Expr::RefBrack { refr, index, .. } => {
                    names.push(match index.as_ref() {
                        Expr::String { value, .. } | Expr::RawString { value, .. } => {
                            value.as_string().ok().map(|name| name.to_string())
                        }
                        _ => None,
                    });
                    root = refr;
                }
                _ => break,
            }
        }
        let Expr::Var { span, .. } = root else { return };
        names.push(Some(span.text().to_owned()));
        names.reverse();
        let mut uses = self.uses.borrow_mut();
        if span.text() != "data" {
            if self.definitions.contains_key(span.text()) {
                uses.rules.insert(span.text().to_owned());
            }
            return;
        }
        let mut wanted = self.package.split('.').map(Some).chain([None]);
        for name in names.iter().skip(1) {
            match (name, wanted.next()) {
                (Some(name), Some(Some(part))) if name == part => {}
                (Some(_), Some(Some(_))) => return,
                (Some(name), _) => {
                    uses.rules.insert(name.clone());
                    return;
                }
                (None, _) => break,
            }
        }
        uses.rules.extend(self.definitions.keys().cloned());
    }

    fn parts(&self, expression: &Expr, statement: bool) -> Result<(), RegoError> {
        match expression {
            Expr::Array { items, .. } | Expr::Set { items, .. } => self.all(items, false),
            Expr::Object { fields, .. } => fields.iter().try_for_each(|(_, key, value)| {
                self.expression(key, false)?;
                self.expression(value, false)
            }),
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.expression(term, false)?;
                self.query(query)
            }
            Expr::ObjectCompr {
                key, value, query, ..
            } => {
                self.all([key, value], false)?;
                self.query(query)
            }
            Expr::Call { fcn, params, .. } => {
                self.reference(fcn);
                self.call(fcn, params.len(), statement)?;
                self.all(params, false)
            }
            Expr::UnaryExpr { expr, .. } => self.expression(expr, false),
            Expr::RefDot { refr, .. } => self.base(refr),
            Expr::RefBrack { refr, index, .. } => {
                self.base(refr)?;
                self.expression(index, false)
            }
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => self.all([lhs, rhs], false),
            Expr::Membership {
                key,
                value,
                collection,
                ..
            } => {
                self.all(key, false)?;
                self.all([value, collection], false)
            }
            _ => Ok(()),
        }
    }

    /// The beginning of a reference, which was noted as a whole: `data` of `data.a` is not all of `data`.
    fn base(&self, expression: &Expr) -> Result<(), RegoError> {
        if !matches!(
            expression,
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. }
        ) {
            return self.expression(expression, false);
        }
        if self.deeper(1) > MAX_NESTING {
            return Err(RegoError::TooDeep);
        }
        let checked = self.parts(expression, false);
        self.deeper(-1);
        checked
    }

    /// In a statement of its own a function may take one argument more, which takes its value.
    fn call(&self, function: &Expr, given: usize, statement: bool) -> Result<(), RegoError> {
        let name = dotted(function);
        let line = function.span().line;
        if let Some(function) = NETWORK.iter().find(|function| **function == name) {
            return Err(RegoError::Refused { function, line });
        }
        let local = name
            .strip_prefix(&format!("data.{}.", self.package))
            .unwrap_or(&name);
        let wanted = match self.definitions.get(local).map(|one| one.shape) {
            Some(Shape::Function(arity)) => arity,
            _ => match BUILTINS.get(name.as_str()) {
                Some((_, arity)) => usize::from(*arity),
                // Printing is no function of the table.
                None if matches!(name.as_str(), "print" | "sprintf" | "trace" | "walk") => {
                    return Ok(());
                }
                None => return Err(RegoError::UndefinedFunction { name, line }),
            },
        };
        let fits =
            given == wanted || (statement && given == wanted + 1) || wanted == 0 && given == 0;
        if fits {
            Ok(())
        } else {
            Err(RegoError::Arity {
                name,
                line,
                given,
                wanted,
            })
        }
    }
}

/// As deep as expressions and their queries may nest; a sum of 20,000 terms is a tree that deep.
const MAX_NESTING: usize = 2_000;
/// As many rules in a row as one policy may need.
const MAX_CHAIN: usize = 500;
/// Frames that the engine spends on entering a rule.
const RULE_FRAMES: usize = 8;
/// Functions of OPA that reach out.
pub(super) const NETWORK: [&str; 4] = [
    "http.send",
    "net.lookup_ip_addr",
    "providers.aws.sign_req",
    // A step of nothing never ends; no policy in use has it.
    "numbers.range_step",
];
