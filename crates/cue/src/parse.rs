//! Reads tokens as a policy.

use std::sync::Arc;

use crate::error::{CompileError, Position, SyntaxFault};
use crate::scan::{self, Lexeme, Piece, Token};
use crate::tree::{
    Arithmetic, Clause, Comparison, Comprehension, Declaration, Element, Expr, Label, ListLiteral,
    Part, Presence, StructLiteral,
};
use crate::value::Value;

/// A policy file: what it imports, and its fields.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) imports: Vec<Import>,
    pub(crate) body: StructLiteral,
    /// Whether a field is marked `!`.
    pub(crate) asks_for_fields: bool,
}

#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) position: Position,
    pub(crate) name: String,
    pub(crate) path: String,
}

/// Brackets, fields and operators inside each other. Upstream's test policies reach 100.
const MAX_NESTING: usize = 160;

pub(crate) fn file(text: &str) -> Result<File, CompileError> {
    let mut parser = Parser {
        tokens: scan::tokens(text)?,
        at: 0,
        depth: 0,
        asks_for_fields: false,
    };
    let mut imports = Vec::new();
    parser.skip_attributes();
    if parser.is_word("package") && !parser.is_label_after_word() {
        parser.at += 1;
        parser.identifier("package name")?;
        parser.end_of_declaration("struct")?;
    }
    while parser.is_word("import") && !parser.is_label_after_word() {
        parser.at += 1;
        parser.imports(&mut imports)?;
    }
    let body = parser.declarations(true)?;
    Ok(File {
        imports,
        body,
        asks_for_fields: parser.asks_for_fields,
    })
}

struct Parser {
    tokens: Vec<Lexeme>,
    at: usize,
    depth: usize,
    /// Whether a field is marked `!`.
    asks_for_fields: bool,
}

type Parsed<T> = Result<T, CompileError>;

impl Parser {
    fn peek(&self) -> &Token {
        self.ahead(0)
    }

    fn ahead(&self, count: usize) -> &Token {
        self.tokens
            .get(self.at + count)
            .map_or(&Token::End, |lexeme| &lexeme.token)
    }

    fn position(&self) -> Position {
        let last = self.tokens.len().saturating_sub(1);
        self.tokens
            .get(self.at.min(last))
            .map_or(Position { line: 1, column: 1 }, |lexeme| lexeme.position)
    }

    fn is(&self, mark: &str) -> bool {
        matches!(self.peek(), Token::Mark(found) if *found == mark)
    }

    fn is_ahead(&self, count: usize, mark: &str) -> bool {
        matches!(self.ahead(count), Token::Mark(found) if *found == mark)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Identifier(found) if found == word)
    }

    fn eat(&mut self, mark: &str) -> bool {
        let found = self.is(mark);
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, mark: &'static str, expected: &'static str) -> Parsed<()> {
        if self.eat(mark) {
            Ok(())
        } else {
            Err(self.expected(expected))
        }
    }

    fn fault(&self, fault: SyntaxFault) -> CompileError {
        CompileError::Syntax {
            position: self.position(),
            fault,
        }
    }

    fn expected(&self, expected: &'static str) -> CompileError {
        self.fault(SyntaxFault::Expected {
            expected,
            found: self.peek().describe(),
        })
    }

    fn unsupported(&self, name: &str) -> CompileError {
        CompileError::Unsupported {
            position: self.position(),
            name: name.to_owned(),
        }
    }

    fn enter(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(self.fault(SyntaxFault::TooDeep));
        }
        Ok(())
    }

    fn skip_attributes(&mut self) {
        while matches!(self.peek(), Token::Attribute) {
            self.at += 1;
            self.eat(",");
        }
    }

    fn identifier(&mut self, expected: &'static str) -> Parsed<String> {
        let Token::Identifier(name) = self.peek() else {
            return Err(self.expected(expected));
        };
        let name = name.clone();
        self.at += 1;
        Ok(name)
    }

    /// Whether the word here names a field although it is a keyword: `for: 1`.
    fn is_label_after_word(&self) -> bool {
        self.is_ahead(1, ":")
            || ((self.is_ahead(1, "?") || self.is_ahead(1, "!")) && self.is_ahead(2, ":"))
    }

    fn end_of_declaration(&mut self, place: &'static str) -> Parsed<()> {
        if self.eat(",") || matches!(self.peek(), Token::End) || self.is("}") {
            return Ok(());
        }
        Err(self.fault(SyntaxFault::MissingComma { place }))
    }

    fn imports(&mut self, out: &mut Vec<Import>) -> Parsed<()> {
        if !self.eat("(") {
            out.push(self.import()?);
            return self.end_of_declaration("struct");
        }
        while !self.eat(")") {
            out.push(self.import()?);
            if !self.eat(",") && !self.is(")") {
                return Err(self.expected("')'"));
            }
        }
        self.end_of_declaration("struct")
    }

    fn import(&mut self) -> Parsed<Import> {
        let position = self.position();
        let alias = match self.peek() {
            Token::Identifier(name) => Some(name.clone()),
            _ => None,
        };
        self.at += usize::from(alias.is_some());
        let path = match self.peek() {
            Token::Text(pieces, false) => match pieces.as_slice() {
                [Piece::Text(path)] => path.clone(),
                _ => return Err(self.expected("import path")),
            },
            _ => return Err(self.expected("import path")),
        };
        self.at += 1;
        let (path, named) = match path.split_once(':') {
            Some((path, name)) => (path.to_owned(), Some(name.to_owned())),
            None => (path, None),
        };
        let last = path.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Import {
            position,
            name: alias.or(named).unwrap_or(last),
            path,
        })
    }

    /// The declarations of a struct, up to its brace, or of the file.
    fn declarations(&mut self, file: bool) -> Parsed<StructLiteral> {
        let mut literal = StructLiteral::default();
        loop {
            self.skip_attributes();
            if matches!(self.peek(), Token::End) {
                if file {
                    break;
                }
                return Err(self.expected("'}'"));
            }
            if !file && self.eat("}") {
                break;
            }
            self.declaration(&mut literal)?;
            self.skip_trailing_attributes();
            self.end_of_declaration("struct")?;
            if file && self.is("}") {
                return Err(self.expected("'EOF'"));
            }
        }
        let scalar = literal
            .declarations
            .iter()
            .any(|d| matches!(d, Declaration::Embed(_)));
        let certain = literal
            .declarations
            .iter()
            .any(|declaration| match declaration {
                Declaration::Field { label, .. } => matches!(label, Label::Field(_)),
                Declaration::Dynamic { .. } | Declaration::Pattern { .. } => true,
                Declaration::Embed(_) | Declaration::Comprehension(_) => false,
            });
        literal.is_struct = certain || literal.open || !scalar;
        literal.embeds = scalar;
        Ok(literal)
    }

    fn skip_trailing_attributes(&mut self) {
        while matches!(self.peek(), Token::Attribute) {
            self.at += 1;
        }
    }

    fn declaration(&mut self, literal: &mut StructLiteral) -> Parsed<()> {
        self.enter()?;
        let result = self.declaration_here(literal);
        self.depth -= 1;
        result
    }

    fn declaration_here(&mut self, literal: &mut StructLiteral) -> Parsed<()> {
        if self.eat("...") {
            if !self.is(",") && !self.is("}") && !matches!(self.peek(), Token::End) {
                return Err(self.fault(SyntaxFault::MissingComma { place: "struct" }));
            }
            literal.open = true;
            return Ok(());
        }
        if let Token::Identifier(word) = self.peek()
            && !self.is_label_after_word()
        {
            match word.as_str() {
                "for" | "if" => {
                    let comprehension = self.comprehension()?;
                    literal
                        .declarations
                        .push(Declaration::Comprehension(comprehension));
                    return Ok(());
                }
                "let" => {
                    self.at += 1;
                    let name = self.identifier("identifier")?;
                    self.need("=", "'='")?;
                    let value = self.expression()?;
                    literal.lets.push((Arc::from(name), value));
                    return Ok(());
                }
                _ => {}
            }
        }
        self.field_or_embedding(literal)
    }

    fn field_or_embedding(&mut self, literal: &mut StructLiteral) -> Parsed<()> {
        let start = self.at;
        if let Some(alias) = self.label_alias() {
            let declaration = self.field()?;
            match &declaration {
                Some(Declaration::Field { label, .. }) => {
                    literal.aliases.push((alias, label.clone()))
                }
                Some(_) => return Err(self.unsupported("alias of a dynamic field")),
                None => return Err(self.expected("label or ':'")),
            }
            literal.declarations.extend(declaration);
            return Ok(());
        }
        match self.field()? {
            Some(declaration) => literal.declarations.push(declaration),
            None => {
                self.at = start;
                let value = self.expression()?;
                if matches!(&value, Expr::Name(..))
                    && !self.is(",")
                    && !self.is("}")
                    && !matches!(self.peek(), Token::End)
                {
                    return Err(self.expected("label or ':'"));
                }
                literal.declarations.push(Declaration::Embed(value));
            }
        }
        Ok(())
    }

    /// `A=` before a label.
    fn label_alias(&mut self) -> Option<Arc<str>> {
        let Token::Identifier(name) = self.peek() else {
            return None;
        };
        if !self.is_ahead(1, "=") {
            return None;
        }
        let name = Arc::from(name.as_str());
        self.at += 2;
        Some(name)
    }

    /// A field, or `None` when what stands here is no label.
    fn field(&mut self) -> Parsed<Option<Declaration>> {
        match self.peek().clone() {
            Token::Identifier(name) if self.label_ends(1) => {
                self.at += 1;
                if name.starts_with("__") {
                    return Err(self.unsupported(&name));
                }
                self.static_field(Label::of_identifier(&name), true)
                    .map(Some)
            }
            Token::Text(pieces, false) if self.label_ends(1) => {
                self.at += 1;
                match pieces.as_slice() {
                    [Piece::Text(text)] => self
                        .static_field(Label::Field(Arc::from(text.as_str())), false)
                        .map(Some),
                    _ => {
                        let label = self.text(pieces, false)?;
                        self.dynamic_field(label).map(Some)
                    }
                }
            }
            Token::Number(_) if self.label_ends(1) => {
                self.at += 1;
                Err(self.fault(SyntaxFault::MissingComma { place: "struct" }))
            }
            Token::Mark("(") => {
                let start = self.at;
                self.at += 1;
                let label = self.expression();
                match label {
                    Ok(label) if self.is(")") && self.label_ends(1) => {
                        self.at += 1;
                        self.dynamic_field(label).map(Some)
                    }
                    Ok(_) | Err(CompileError::Syntax { .. }) => {
                        self.at = start;
                        Ok(None)
                    }
                    Err(error) => Err(error),
                }
            }
            Token::Mark("[") => self.pattern(),
            _ => Ok(None),
        }
    }

    /// Whether `:`, `?:` or `!:` follows `count` tokens on.
    fn label_ends(&self, count: usize) -> bool {
        self.is_ahead(count, ":")
            || ((self.is_ahead(count, "?") || self.is_ahead(count, "!"))
                && self.is_ahead(count + 1, ":"))
    }

    fn presence(&mut self) -> Parsed<Presence> {
        let presence = if self.eat("?") {
            Presence::Optional
        } else if self.eat("!") {
            self.asks_for_fields = true;
            Presence::Required
        } else {
            Presence::Regular
        };
        self.need(":", "':'")?;
        Ok(presence)
    }

    fn static_field(&mut self, label: Label, referable: bool) -> Parsed<Declaration> {
        let presence = self.presence()?;
        Ok(Declaration::Field {
            label,
            presence,
            value: self.field_value()?,
            referable,
        })
    }

    fn dynamic_field(&mut self, label: Expr) -> Parsed<Declaration> {
        let presence = self.presence()?;
        Ok(Declaration::Dynamic {
            label,
            presence,
            value: self.field_value()?,
        })
    }

    /// `[pattern]: value`, or `None` when the bracket opens a list.
    fn pattern(&mut self) -> Parsed<Option<Declaration>> {
        let mut depth = 0usize;
        let mut end = 0;
        loop {
            match self.ahead(end) {
                Token::Mark("[" | "(" | "{") => depth += 1,
                Token::Mark("]" | ")" | "}") => depth -= 1,
                Token::End => return Ok(None),
                _ => {}
            }
            end += 1;
            if depth == 0 {
                break;
            }
        }
        if !self.label_ends(end) {
            return Ok(None);
        }
        self.at += 1;
        let alias = self.label_alias();
        let pattern = self.expression()?;
        self.need("]", "']'")?;
        if self.presence()? != Presence::Regular {
            return Err(self.unsupported("optional pattern"));
        }
        Ok(Some(Declaration::Pattern {
            alias,
            pattern,
            value: self.field_value()?,
        }))
    }

    /// What follows a colon: a value, or another label (`a: b: 1`).
    fn field_value(&mut self) -> Parsed<Expr> {
        self.enter()?;
        let start = self.at;
        let alias = if self.label_ends_after_alias() {
            None
        } else {
            self.label_alias()
        };
        let result = match alias {
            Some(alias) => self
                .expression()
                .map(|value| Expr::Aliased(alias, Box::new(value))),
            None => {
                self.at = start;
                self.nested_field()
            }
        };
        self.depth -= 1;
        result
    }

    fn label_ends_after_alias(&self) -> bool {
        self.is_ahead(1, "=") && (self.label_ends(3) || self.is_ahead(2, "["))
    }

    fn nested_field(&mut self) -> Parsed<Expr> {
        let start = self.at;
        let alias = if self.label_ends_after_alias() {
            self.label_alias()
        } else {
            None
        };
        let Some(declaration) = self.field()? else {
            self.at = start;
            return self.expression();
        };
        let mut literal = StructLiteral {
            is_struct: true,
            ..StructLiteral::default()
        };
        if let (Some(alias), Declaration::Field { label, .. }) = (alias, &declaration) {
            literal.aliases.push((alias, label.clone()));
        }
        literal.declarations.push(declaration);
        Ok(Expr::Struct(Box::new(literal)))
    }

    fn comprehension(&mut self) -> Parsed<Comprehension> {
        let mut clauses = Vec::new();
        loop {
            if self.is_word("if") {
                self.at += 1;
                clauses.push(Clause::If(self.expression()?));
            } else if self.is_word("for") {
                self.at += 1;
                let first = Arc::from(self.identifier("identifier")?);
                let (key, value) = if self.eat(",") {
                    (Some(first), Arc::from(self.identifier("identifier")?))
                } else {
                    (None, first)
                };
                if !self.is_word("in") {
                    return Err(self.expected("'in'"));
                }
                self.at += 1;
                let source = self.expression()?;
                clauses.push(Clause::For { key, value, source });
            } else if self.is_word("let") && !clauses.is_empty() {
                self.at += 1;
                let name = self.identifier("identifier")?;
                self.need("=", "'='")?;
                clauses.push(Clause::Let(Arc::from(name), self.expression()?));
            } else {
                break;
            }
            if self.is(",")
                && self
                    .tokens
                    .get(self.at)
                    .is_some_and(|lexeme| lexeme.automatic)
            {
                let word = matches!(self.ahead(1), Token::Identifier(word) if matches!(word.as_str(), "for" | "if" | "let"));
                if word || self.is_ahead(1, "{") {
                    self.at += 1;
                }
            }
        }
        self.need("{", "'{'")?;
        self.enter()?;
        let body = self.declarations(false)?;
        self.depth -= 1;
        Ok(Comprehension {
            clauses,
            body: Expr::Struct(Box::new(body)),
        })
    }

    fn expression(&mut self) -> Parsed<Expr> {
        self.enter()?;
        let result = self.disjunction();
        self.depth -= 1;
        result
    }

    fn disjunction(&mut self) -> Parsed<Expr> {
        let mut items = vec![self.marked()?];
        while self.eat("|") {
            items.push(self.marked()?);
        }
        if items.len() == 1 && !items[0].0 {
            return Ok(items.remove(0).1);
        }
        Ok(Expr::Disjunction(items))
    }

    fn marked(&mut self) -> Parsed<(bool, Expr)> {
        let default = self.eat("*");
        let mut items = vec![self.binary(0)?];
        while self.eat("&") {
            items.push(self.binary(0)?);
        }
        let value = if items.len() == 1 {
            items.remove(0)
        } else {
            Expr::Unify(items)
        };
        Ok((default, value))
    }

    /// The binary operators above `&`, by strength.
    fn binary(&mut self, level: usize) -> Parsed<Expr> {
        if level == 5 {
            return self.unary();
        }
        let mut left = self.binary(level + 1)?;
        let mut links = 0;
        while let Token::Mark(mark) = *self.peek()
            && strength(mark) == Some(level)
        {
            self.at += 1;
            // A chain is a tree as deep as it is long.
            self.enter()?;
            links += 1;
            let right = Box::new(self.binary(level + 1)?);
            left = join(mark, Box::new(left), right);
        }
        self.depth -= links;
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let Token::Mark(mark) = *self.peek() else {
            return self.postfix();
        };
        let bound = comparison(mark).filter(|comparison| *comparison != Comparison::Equal);
        if bound.is_none() && !matches!(mark, "-" | "+" | "!" | "*") {
            return self.postfix();
        }
        self.at += 1;
        self.enter()?;
        let operand = Box::new(self.unary()?);
        self.depth -= 1;
        Ok(match (bound, mark) {
            (Some(comparison), _) => Expr::Bound(comparison, operand),
            (None, "-") => Expr::Negate(operand),
            (None, "+") => Expr::Plus(operand),
            (None, "!") => Expr::Not(operand),
            _ => return Err(self.unsupported("preference mark outside of a disjunction")),
        })
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        let mut value = self.primary()?;
        let mut links = 0;
        loop {
            let position = self.position();
            if self.eat(".") {
                value = match self.peek().clone() {
                    Token::Identifier(name) => {
                        Expr::Select(Box::new(value), Label::of_identifier(&name), position)
                    }
                    Token::Text(pieces, false) => match pieces.as_slice() {
                        [Piece::Text(name)] => Expr::Select(
                            Box::new(value),
                            Label::Field(Arc::from(name.as_str())),
                            position,
                        ),
                        _ => return Err(self.expected("selector")),
                    },
                    _ => return Err(self.expected("selector")),
                };
                self.at += 1;
            } else if self.eat("[") {
                value = self.index(value)?;
            } else if self.eat("(") {
                let mut arguments = Vec::new();
                while !self.eat(")") {
                    arguments.push(self.expression()?);
                    if !self.eat(",") && !self.is(")") {
                        return Err(self.expected("')'"));
                    }
                }
                value = Expr::Call(Box::new(value), arguments, position);
            } else {
                self.depth -= links;
                return Ok(value);
            }
            self.enter()?;
            links += 1;
        }
    }

    fn index(&mut self, value: Expr) -> Parsed<Expr> {
        let value = Box::new(value);
        let low = if self.is(":") {
            None
        } else {
            Some(Box::new(self.expression()?))
        };
        if self.eat(":") {
            let high = if self.is("]") {
                None
            } else {
                Some(Box::new(self.expression()?))
            };
            self.need("]", "']'")?;
            return Ok(Expr::Slice(value, low, high));
        }
        self.eat(",");
        self.need("]", "']'")?;
        let Some(low) = low else {
            return Err(self.expected("operand"));
        };
        Ok(Expr::Index(value, low))
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let position = self.position();
        let token = self.peek().clone();
        self.at += 1;
        match token {
            Token::Identifier(name) => Ok(match name.as_str() {
                "true" => Expr::Literal(Value::Bool(true)),
                "false" => Expr::Literal(Value::Bool(false)),
                "null" => Expr::Literal(Value::Null),
                "_" => Expr::Top,
                _ => Expr::Name(Arc::from(name), position),
            }),
            Token::Number(number) => Ok(Expr::Literal(Value::Number(number))),
            Token::Text(pieces, bytes) => self.text(pieces, bytes),
            Token::Mark("_|_") => Ok(Expr::Bottom),
            Token::Mark("(") => {
                let value = self.expression()?;
                self.need(")", "')'")?;
                Ok(value)
            }
            Token::Mark("{") => Ok(Expr::Struct(Box::new(self.declarations(false)?))),
            Token::Mark("[") => self.list(),
            _ => {
                self.at -= 1;
                Err(self.expected("operand"))
            }
        }
    }

    fn list(&mut self) -> Parsed<Expr> {
        let mut list = ListLiteral {
            elements: Vec::new(),
            tail: None,
            comprehends: false,
        };
        while !self.eat("]") {
            if self.eat("...") {
                let bare = self.is(",") || self.is("]");
                list.tail = Some(if bare { None } else { Some(self.expression()?) });
                self.eat(",");
                self.need("]", "']'")?;
                break;
            }
            if self.is_word("for") || self.is_word("if") {
                list.elements
                    .push(Element::Comprehension(self.comprehension()?));
                list.comprehends = true;
            } else {
                list.elements.push(Element::Plain(self.expression()?));
            }
            if !self.eat(",") && !self.is("]") {
                return Err(self.fault(SyntaxFault::MissingComma { place: "list" }));
            }
        }
        Ok(Expr::List(Box::new(list)))
    }

    fn text(&mut self, pieces: Vec<Piece>, bytes: bool) -> Parsed<Expr> {
        if let [Piece::Text(text)] = pieces.as_slice() {
            return Ok(Expr::Literal(if bytes {
                Value::Bytes(text.chars().map(|c| c as u32 as u8).collect())
            } else {
                Value::str(text)
            }));
        }
        let mut parts = Vec::new();
        for piece in pieces {
            parts.push(match piece {
                Piece::Text(text) => Part::Text(text),
                Piece::Tokens(tokens) => {
                    let mut inner = Self {
                        tokens,
                        at: 0,
                        depth: self.depth,
                        asks_for_fields: false,
                    };
                    let value = inner.expression()?;
                    self.asks_for_fields |= inner.asks_for_fields;
                    inner.eat(",");
                    if !matches!(inner.peek(), Token::End) {
                        return Err(inner.expected("')' for string interpolation"));
                    }
                    Part::Expr(value)
                }
            });
        }
        Ok(Expr::Interpolation(parts, bytes))
    }
}

fn comparison(mark: &str) -> Option<Comparison> {
    Some(match mark {
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        "==" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "=~" => Comparison::Matches,
        "!~" => Comparison::MatchesNot,
        _ => return None,
    })
}

fn strength(mark: &str) -> Option<usize> {
    Some(match mark {
        "||" => 0,
        "&&" => 1,
        "+" | "-" => 3,
        "*" | "/" => 4,
        _ => return comparison(mark).map(|_| 2),
    })
}

fn join(mark: &str, left: Box<Expr>, right: Box<Expr>) -> Expr {
    match mark {
        "||" => Expr::Or(left, right),
        "&&" => Expr::And(left, right),
        "+" => Expr::Arithmetic(Arithmetic::Add, left, right),
        "-" => Expr::Arithmetic(Arithmetic::Subtract, left, right),
        "*" => Expr::Arithmetic(Arithmetic::Multiply, left, right),
        "/" => Expr::Arithmetic(Arithmetic::Divide, left, right),
        _ => Expr::Compare(comparison(mark).unwrap_or(Comparison::Equal), left, right),
    }
}
