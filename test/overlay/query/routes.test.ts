import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { routeBack } from '../../../src/overlay/query/routes.ts'

const hops = (ids: string) => [...ids].map((id) => ({ id }))
const known = (ids: string) => (id: string) => ids.includes(id)

for (const [what, path, neighbours, route] of [
  ['comes home', 's', 'x', { kind: 'arrived' }],
  ['is home wherever its asker stands', 'sab', 'x', { kind: 'arrived' }],
  ['goes to the last before this node', 'abs', 'ab', { kind: 'next', to: 'b', path: hops('ab') }],
  ['goes around a lost hop by an earlier one', 'abs', 'a', { kind: 'next', to: 'a', path: hops('a') }],
  ['strays from its way', 'abs', 'xy', { kind: 'stray', onPath: true, path: hops('ab') }],
  ['is picked up half-way', 'asbc', 'ax', { kind: 'next', to: 'a', path: hops('a') }],
  ['is picked up beside its way, nearest to home', 'abc', 'cb', { kind: 'next', to: 'b', path: hops('ab') }],
  ['strays on', 'abc', 'xy', { kind: 'stray', onPath: false, path: hops('abc') }],
] as const) {
  test(`an answer ${what}`, () => assert.equal(routeBack('s', hops(path), known(neighbours)), route))
}

test.run()
