// The guardrail language: a closed grammar, read by hand. `p95(latency_ms) <= baseline * 1.10 for 5m` and its kin; never evaluated as code.
//   expression := metric comparison ["for" DURATION]
//   metric     := AGGREGATE "(" NAME ["," ("frames" | "tracks" | "frames_k" | "1h")] {"," FILTER} ")" | "golden." NAME ["(" FILTER ")"] | NAME
//   comparison := ("<=" | ">=") ("baseline" ("*" | "+" | "-") NUMBER [UNIT] | "control +" NUMBER "pt" | NUMBER [UNIT])
//                 | "within baseline +/-" NUMBER "%" | "improves >=" NUMBER ("%" | "pt")
//   FILTER     := ("class" | "size") "=" WORD
import { parseDuration } from './durations.ts';
import { type ExpressionProblem, found, type Token, tokenize } from './expression-tokens.ts';
import {
  AGGREGATES,
  type Aggregate,
  BARE_METRICS,
  LIMIT_FORMS,
  type LimitKind,
  METRIC_NAMES,
  type MetricName,
  metricRule,
} from './metrics.ts';
import { suggestion } from './nearest-word.ts';
import { insteadOf } from './unmeasured.ts';

export type Comparison = {
  readonly kind: LimitKind;
  readonly relation: '<=' | '>=' | 'within';
  /** Factor, signed offset, absolute value, or the tolerance of `within`, in `unit`. */
  readonly value: number;
  readonly unit: string;
};

export type Expression = {
  readonly aggregate: Aggregate;
  readonly metric: MetricName;
  readonly class: string | null;
  readonly size: 'small' | 'large' | null;
  readonly comparison: Comparison;
  /** A breach must last this long before it counts; 0 = at once. */
  readonly forMs: number;
};

export type ParsedExpression =
  | { readonly ok: true; readonly value: Expression }
  | { readonly ok: false; readonly problem: ExpressionProblem };

class Refused extends Error {
  readonly problem: ExpressionProblem;

  constructor(token: Token, message: string) {
    super(message);
    this.problem = { column: token.column, message };
  }
}

/** Reads one guardrail; the problem names its column in the text. */
export function parseExpression(text: string): ParsedExpression {
  const tokens = tokenize(text);
  if (!Array.isArray(tokens)) return { ok: false, problem: tokens as ExpressionProblem };
  try {
    return { ok: true, value: new ExpressionReader(tokens as readonly Token[]).read() };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, problem: error.problem };
    throw error;
  }
}

type Subject = Pick<Expression, 'aggregate' | 'metric' | 'class' | 'size'>;

class ExpressionReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  read(): Expression {
    const subject = this.#subject();
    const comparison = this.#comparison(subject.metric);
    const forMs = this.#accept('for') ? this.#duration() : 0;
    if (this.#peek().kind !== 'end') throw new Refused(this.#peek(), `unexpected "${this.#peek().text}"`);
    return { ...subject, comparison, forMs };
  }

  #subject(): Subject {
    const first = this.#take('word', 'an expression such as "p95(latency_ms) <= baseline * 1.10"');
    const bare = BARE_METRICS.find((known) => known === first.text);
    if (bare !== undefined) return { aggregate: 'mean', metric: bare, class: null, size: null };
    if (first.text.startsWith('golden.')) return this.#dotted(first);
    const aggregate = AGGREGATES.find((known) => known === first.text);
    if (!aggregate)
      throw new Refused(
        first,
        insteadOf(first.text) ??
          `unknown "${first.text}"${suggestion(first.text, [...AGGREGATES, ...BARE_METRICS])}; known: ${[...AGGREGATES, ...BARE_METRICS].join(', ')}`,
      );
    this.#symbol('(');
    const metric = this.#metric(aggregate);
    if (aggregate === 'slope') this.#perHour();
    const filters = this.#filters(metric);
    this.#symbol(')');
    return { aggregate, metric, ...filters };
  }

  /** `golden.iou(class=micro-crack)`: the same as golden(iou, class=micro-crack). */
  #dotted(token: Token): Subject {
    const metric = this.#named('golden', { ...token, text: token.text.slice('golden.'.length) });
    if (!this.#accept('(')) return { aggregate: 'golden', metric, class: null, size: null };
    const filters = this.#accept(')') ? { class: null, size: null } : this.#filtersUntilEnd(metric);
    return { aggregate: 'golden', metric, ...filters };
  }

  #filtersUntilEnd(metric: MetricName): Pick<Expression, 'class' | 'size'> {
    const filters = this.#filters(metric, true);
    this.#symbol(')');
    return filters;
  }

  #metric(aggregate: Aggregate): MetricName {
    const token = this.#take('word', 'a metric');
    // Distances are measured between distributions, and named after what is distributed.
    return this.#named(aggregate, aggregate === 'js' ? { ...token, text: `${token.text}_js` } : token);
  }

  #named(aggregate: Aggregate, token: Token): MetricName {
    const fitting = METRIC_NAMES.filter((name) => metricRule(name).aggregates.includes(aggregate));
    const metric = fitting.find((name) => name === token.text);
    if (metric) return metric;
    const elsewhere = METRIC_NAMES.find((name) => name === token.text);
    const [form] = elsewhere === undefined ? [] : metricRule(elsewhere).aggregates;
    if (form !== undefined) throw new Refused(token, `${token.text} is written ${form}(${token.text}, …)`);
    throw new Refused(
      token,
      insteadOf(token.text) ??
        `unknown metric "${token.text}"${suggestion(token.text, fitting)}; ${aggregate}() knows ${fitting.join(', ')}`,
    );
  }

  /** A slope is a change per hour, and says so: `slope(battery_pct, 1h)`. */
  #perHour(): void {
    if (!this.#accept(',')) throw new Refused(this.#peek(), `expected ", 1h"${found(this.#peek())}`);
    const token = this.#peek();
    if (this.#duration() !== 3_600_000) throw new Refused(token, 'a slope is per hour: write 1h');
  }

  /** Each after a comma; `isFirst`: the first one stands at once. */
  #filters(metric: MetricName, isFirst = false): Pick<Expression, 'class' | 'size'> {
    const rule = metricRule(metric);
    let filters: Pick<Expression, 'class' | 'size'> = { class: null, size: null };
    for (let at = 0; (at === 0 && isFirst) || this.#accept(','); at += 1) {
      const key = this.#take('word', 'class=… or size=…');
      if (key.text === rule.per) continue;
      if (!rule.filters.some((filter) => filter === key.text))
        throw new Refused(
          key,
          `${metric} has no "${key.text}"${suggestion(key.text, rule.filters)}; it knows ${[...(rule.per ? [rule.per] : []), ...rule.filters].join(', ') || 'no filter'}`,
        );
      this.#symbol('=');
      filters = this.#filter(filters, key.text);
    }
    return filters;
  }

  #filter(filters: Pick<Expression, 'class' | 'size'>, key: string): Pick<Expression, 'class' | 'size'> {
    const value = this.#take('word', `a value for ${key}`);
    if (key === 'class') return { ...filters, class: value.text };
    if (value.text === 'small' || value.text === 'large') return { ...filters, size: value.text };
    throw new Refused(value, `size must be small or large, not "${value.text}"`);
  }

  #comparison(metric: MetricName): Comparison {
    const rule = metricRule(metric);
    const token = this.#peek();
    if (this.#accept('improves')) return this.#improvement(metric, token);
    const comparison = this.#accept('within') ? this.#tolerance() : this.#limit(metric);
    if (!rule.limits.includes(comparison.kind))
      throw new Refused(token, `${metric} is compared ${rule.limits.map((kind) => LIMIT_FORMS[kind]).join(' or ')}`);
    const wanted = rule.worse === 'higher' ? '<=' : '>=';
    if (comparison.relation !== 'within' && comparison.relation !== wanted)
      throw new Refused(token, `must be "${wanted}": ${rule.worse} ${rule.title} is worse`);
    return comparison;
  }

  #tolerance(): Comparison {
    this.#word('baseline');
    if (!this.#accept('+/-') && !this.#accept('±')) throw new Refused(this.#peek(), 'expected "+/-"');
    const value = this.#number();
    this.#symbol('%');
    return { kind: 'within', relation: 'within', value, unit: '%' };
  }

  /** `improves >= 5 %` (of the baseline), or `improves >= 2 pt` where points are measured. */
  #improvement(metric: MetricName, at: Token): Comparison {
    const { worse, limits } = metricRule(metric);
    if (this.#relation() !== '>=') throw new Refused(at, 'write "improves >= 5 %"');
    const value = this.#positive();
    const kind = this.#accept('%') ? 'ratio' : this.#accept('pt') ? 'offset' : null;
    if (kind === null) throw new Refused(this.#peek(), `expected "%" or "pt"${found(this.#peek())}`);
    if (!limits.includes(kind) || (kind === 'ratio' && value >= 100))
      throw new Refused(at, `${metric} is not known to improve by ${value} ${kind === 'ratio' ? '%' : 'pt'}`);
    const sign = worse === 'higher' ? -1 : 1;
    const relation = worse === 'higher' ? '<=' : '>=';
    if (kind === 'ratio') return { kind, relation, value: 1 + (sign * value) / 100, unit: '' };
    return { kind, relation, value: sign * value, unit: metricRule(metric).units[0] ?? '' };
  }

  /** `control + 0.3 pt`: what the controls show meanwhile, and so much more. */
  #aboveControl(relation: Comparison['relation']): Comparison {
    this.#symbol('+');
    const value = this.#positive();
    this.#symbol('pt');
    return { kind: 'control', relation, value, unit: 'pt' };
  }

  #limit(metric: MetricName): Comparison {
    const token = this.#peek();
    const relation = this.#relation();
    if (metricRule(metric).limits.includes('control') && this.#accept('control')) return this.#aboveControl(relation);
    const instead = insteadOf(this.#peek().text);
    if (instead !== null) throw new Refused(this.#peek(), instead);
    if (!this.#accept('baseline'))
      return { kind: 'absolute', relation, value: this.#number(), unit: this.#unit(metric) };
    if (this.#accept('*')) return { kind: 'ratio', relation, value: this.#positive(), unit: '' };
    const sign = this.#accept('+') ? 1 : this.#accept('-') ? -1 : null;
    if (sign === null) throw new Refused(this.#peek(), 'expected "*", "+" or "-" after "baseline"');
    if (sign === (relation === '<=' ? -1 : 1) && metricRule(metric).source !== 'golden')
      throw new Refused(
        token,
        `a limit of baseline ${sign < 0 ? '-' : '+'} x with "${relation}" demands an improvement; only golden(…) can show one`,
      );
    return { kind: 'offset', relation, value: sign * this.#number(), unit: this.#unit(metric) };
  }

  #relation(): '<=' | '>=' {
    const token = this.#take('symbol', '"<=", ">=" or "within"');
    if (token.text === '<=' || token.text === '<') return '<=';
    if (token.text === '>=' || token.text === '>') return '>=';
    throw new Refused(token, `expected "<=", ">=" or "within", not "${token.text}"`);
  }

  #unit(metric: MetricName): string {
    const rule = metricRule(metric);
    const token = this.#peek();
    const standard = rule.units[0] ?? '';
    if (token.kind === 'end' || token.text === 'for') {
      if (rule.unit === '%')
        throw new Refused(token, 'expected "%": a bare number would be read a hundred times too large');
      return standard;
    }
    if (!rule.units.includes(token.text))
      throw new Refused(token, `${metric} is measured in ${rule.units.join(' or ')}, not "${token.text}"`);
    this.#at += 1;
    return standard;
  }

  #positive(): number {
    const token = this.#peek();
    const value = this.#number();
    if (value <= 0) throw new Refused(token, 'must be more than 0');
    return value;
  }

  #number(): number {
    return Number(this.#take('number', 'a number').text);
  }

  #duration(): number {
    const amount = this.#take('number', 'a duration such as 5m');
    const unit = this.#take('word', 'a unit of time: s, m, h or d');
    const durationMs = parseDuration(`${amount.text}${unit.text}`);
    if (durationMs === null) throw new Refused(amount, 'must be a duration such as 30s, 5m or 2h');
    return durationMs;
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)] as Token;
  }

  #accept(text: string): boolean {
    if (this.#peek().kind === 'end' || this.#peek().text !== text) return false;
    this.#at += 1;
    return true;
  }

  #symbol(text: string): void {
    if (!this.#accept(text)) throw new Refused(this.#peek(), `expected "${text}"${found(this.#peek())}`);
  }

  #word(text: string): void {
    this.#symbol(text);
  }

  #take(kind: Token['kind'], what: string): Token {
    const token = this.#peek();
    if (token.kind !== kind) throw new Refused(token, `expected ${what}${found(token)}`);
    this.#at += 1;
    return token;
  }
}
