/** Casbin as most people use it, to show a trap before showing that it is not here. */
import { newEnforcer, newModelFromString, StringAdapter } from 'casbin'
import { createDecisionPoint } from '../../gateway/pdp/decision/decision-point.ts'
import { MODEL_TEXT } from '../../gateway/pdp/policy/model-conf.ts'
import { policyOf, requestOf } from './policy.ts'

const NAIVE = MODEL_TEXT.replace(/r = .*/, 'r = sub, act, res')
  .replace(/p = .*/, 'p = sub, act, res, eft')
  .replace(/m = .*/, 'm = r.sub == p.sub && r.act == p.act && r.res == p.res')

/** An enforcer over `policy`, with another matcher or effect where given. */
export async function casbinOf(policy: string, matcher?: string, effect?: string) {
  let model = matcher === undefined ? NAIVE : NAIVE.replace(/m = .*/, () => `m = ${matcher}`)
  if (effect !== undefined) model = model.replace(/e = .*/, () => `e = ${effect}`)
  return newEnforcer(newModelFromString(model), new StringAdapter(policy))
}

/** The effect of one request under `policy`, here. */
export async function effectOf(policy: string, request = requestOf('read model:x')) {
  return createDecisionPoint(await policyOf(policy)).decide(request).effect
}
