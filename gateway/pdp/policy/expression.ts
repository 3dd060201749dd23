/**
 * The `when` column: names of conditions composed with `!`, `&`, `|` and parentheses, binding in
 * that order. Policy text is data here, never code: there is nothing in it to evaluate but this tree.
 */
import type { Truth } from '../../domain/access.ts'
import { and, not, or } from './truth.ts'

/** A parsed `when`. */
export type Expression =
  | { readonly type: 'name'; readonly name: string; readonly offset: number }
  | { readonly type: 'not'; readonly operand: Expression }
  | { readonly type: 'and' | 'or'; readonly left: Expression; readonly right: Expression }

/** Why a text is no expression: where (offset from its start), what, and what to write. */
export interface ExpressionProblem {
  readonly offset: number
  readonly message: string
  readonly remedy: string
}

/** The result of {@link parseExpression}. */
export type ParsedExpression =
  | { readonly ok: true; readonly value: Expression }
  | { readonly ok: false; readonly problem: ExpressionProblem }

const TOKENS_MAX = 128
const DEPTH_MAX = 16

interface Token {
  readonly text: string
  readonly offset: number
}

/** Parses `text`; bounded at 128 tokens and 16 levels of nesting. Never throws. */
export function parseExpression(text: string): ParsedExpression {
  const tokens = tokenize(text)
  if (!Array.isArray(tokens)) return { ok: false, problem: tokens }
  const parser = new Parser(tokens, text.length)
  const value = parser.either(0)
  if (parser.problem === undefined) parser.expectEnd()
  if (parser.problem !== undefined) return { ok: false, problem: parser.problem }
  return { ok: true, value }
}

function tokenize(text: string): Token[] | ExpressionProblem {
  const tokens: Token[] = []
  // Sticky and without nested repetition: each character is looked at once.
  const lexer = /([a-z][a-z0-9-]*)|([&|!()])|( +)/y
  let offset = 0
  while (offset < text.length) {
    lexer.lastIndex = offset
    const match = lexer.exec(text)
    if (match === null) return strange(text, offset)
    if (match[3] === undefined) tokens.push({ text: match[0], offset })
    if (tokens.length > TOKENS_MAX) {
      const message = `this has more than ${TOKENS_MAX} names and operators`
      return { offset, message, remedy: 'Split the rule in two, or merge conditions.' }
    }
    offset += match[0].length
  }
  return tokens
}

function strange(text: string, offset: number): ExpressionProblem {
  const remedy = 'Write names of conditions (a-z, 0-9, -) with &, |, ! and parentheses.'
  return { offset, message: `\`${text.charAt(offset)}\` cannot stand here`, remedy }
}

class Parser {
  problem: ExpressionProblem | undefined
  readonly #tokens: readonly Token[]
  readonly #end: number
  #next = 0

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens
    this.#end = end
  }

  either(depth: number): Expression {
    let left = this.both(depth)
    while (this.take('|')) left = { type: 'or', left, right: this.both(depth) }
    return left
  }

  both(depth: number): Expression {
    let left = this.unary(depth)
    while (this.take('&')) left = { type: 'and', left, right: this.unary(depth) }
    return left
  }

  unary(depth: number): Expression {
    if (depth > DEPTH_MAX) return this.fail(`nests deeper than ${DEPTH_MAX}`, 'Write it flatter.')
    if (this.take('!')) return { type: 'not', operand: this.unary(depth + 1) }
    if (this.take('(')) {
      const inner = this.either(depth + 1)
      if (!this.take(')')) this.fail('a parenthesis is not closed', 'Close it with `)`.')
      return inner
    }
    const token = this.#tokens[this.#next]
    if (token === undefined || !/^[a-z]/.test(token.text)) {
      const found = token === undefined ? 'the end' : `\`${token.text}\``
      const doubled = token?.text === '&' || token?.text === '|'
      const remedy = doubled ? `Write \`${token.text}\` once.` : 'Write `always`, or a condition.'
      return this.fail(`expected the name of a condition, found ${found}`, remedy)
    }
    this.#next++
    return { type: 'name', name: token.text, offset: token.offset }
  }

  expectEnd(): void {
    const token = this.#tokens[this.#next]
    if (token === undefined) return
    this.fail(`expected \`&\` or \`|\` before \`${token.text}\``, 'Join conditions with & or |.')
  }

  take(text: string): boolean {
    if (this.problem !== undefined || this.#tokens[this.#next]?.text !== text) return false
    this.#next++
    return true
  }

  fail(message: string, remedy: string): Expression {
    const offset = this.#tokens[this.#next]?.offset ?? this.#end
    this.problem ??= { offset, message, remedy }
    // Never used: a parse with a problem has no value.
    return { type: 'name', name: '', offset }
  }
}

/** The truth of `expression` when each name has the truth that `truthOf` gives. */
export function evaluate(expression: Expression, truthOf: (name: string) => Truth): Truth {
  switch (expression.type) {
    case 'name':
      return truthOf(expression.name)
    case 'not':
      return not(evaluate(expression.operand, truthOf))
    case 'and': {
      const left = evaluate(expression.left, truthOf)
      return left === 'false' ? left : and(left, evaluate(expression.right, truthOf))
    }
    case 'or': {
      const left = evaluate(expression.left, truthOf)
      return left === 'true' ? left : or(left, evaluate(expression.right, truthOf))
    }
  }
}

/** Every name in `expression` with where it is written, in order, repetitions included. */
export function namesIn(expression: Expression): { name: string; offset: number }[] {
  switch (expression.type) {
    case 'name':
      return [{ name: expression.name, offset: expression.offset }]
    case 'not':
      return namesIn(expression.operand)
    case 'and':
    case 'or':
      return [...namesIn(expression.left), ...namesIn(expression.right)]
  }
}

/** A condition that keeps an expression from being true. */
export interface Blame {
  readonly name: string
  /** It stands under a `!`: it would have to be false. */
  readonly negated: boolean
  /** Of the literal as it stands: `unknown`, or `false` (a negated one: the condition is true). */
  readonly truth: 'false' | 'unknown'
}

/**
 * The conditions responsible for `expression` not being true, in order and each once. Empty when
 * it is true. For `a | b` both are named, since either would do.
 */
export function blamesIn(expression: Expression, truthOf: (name: string) => Truth): Blame[] {
  const found: Blame[] = []
  collectBlames(expression, truthOf, false, found)
  return found
}

function collectBlames(
  expression: Expression,
  truthOf: (name: string) => Truth,
  negated: boolean,
  found: Blame[],
): void {
  if (expression.type === 'not') {
    collectBlames(expression.operand, truthOf, !negated, found)
    return
  }
  const plain = evaluate(expression, truthOf)
  const truth = negated ? not(plain) : plain
  if (truth === 'true') return
  if (expression.type !== 'name') {
    collectBlames(expression.left, truthOf, negated, found)
    collectBlames(expression.right, truthOf, negated, found)
    return
  }
  // A list of 64 at most, and mostly of one: quicker than a set.
  const { name } = expression
  for (const other of found) if (other.name === name && other.negated === negated) return
  found.push({ name, negated, truth })
}

/** One spelling per tree, for comparing rules and for people. */
export function expressionText(expression: Expression): string {
  switch (expression.type) {
    case 'name':
      return expression.name
    case 'not':
      return `!${wrapped(expression.operand, 'not')}`
    case 'and':
    case 'or': {
      const sign = expression.type === 'and' ? ' & ' : ' | '
      const { left, right, type } = expression
      return `${wrapped(left, type)}${sign}${wrapped(right, type)}`
    }
  }
}

function wrapped(inner: Expression, outer: 'not' | 'and' | 'or'): string {
  const text = expressionText(inner)
  const weaker =
    inner.type === 'or' ? outer !== 'or' : inner.type === 'and' ? outer === 'not' : false
  return weaker ? `(${text})` : text
}
