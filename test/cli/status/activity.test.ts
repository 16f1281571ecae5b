import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { activity, ratesOf, savedLines } from '../../../src/cli/status/activity.ts'
import { noCounts } from '../../../src/figures/counts.ts'
import type { Status } from '../../../src/http/status.ts'
import { GIB, MIB, makeStatus, neighbours, transferFrom, transfers } from './make.ts'

const figures = {
  today: { ...noCounts(), fromSite: MIB },
  days30: { ...noCounts(), fromSite: 10 * GIB, fromWorld: 2.25 * GIB, fromMirror: 4 * GIB },
  ever: { ...noCounts(), fromWorld: 40 * GIB },
}
const problem = (code: Status['problems'][number]['code']) => ({
  code,
  problem: `${code} is bad.`,
  fix: 'mend it',
  since: '2026',
})

for (const { what, status, rates, said } of [
  { what: 'nothing at all', status: {}, said: ['Idle. No neighbours.'] },
  {
    what: 'a node at rest',
    status: { peers: neighbours(3), figures },
    said: ['Idle. 3 neighbours. 12.3 GiB saved in 30 days.'],
  },
  {
    what: 'downloads from several',
    status: {
      peers: neighbours(3),
      transfers: [transferFrom('a', 'b', 'mirror'), transferFrom('b', 'c', 'mirror')],
    },
    rates: { received: 4.1 * MIB, given: MIB },
    said: ['Fetching 2 packages at 4.1 MiB/s from 3 peers and the mirror.'],
  },
  {
    what: 'one package from one mirror, measured only once',
    status: { transfers: [transferFrom('mirror')] },
    said: ['Fetching 1 package from the mirror.'],
  },
  {
    what: 'a package that nobody gives yet',
    status: { transfers: [transferFrom()] },
    rates: { received: 0, given: 0 },
    said: ['Fetching 1 package at 0 B/s, from nobody yet.'],
  },
  {
    what: 'uploads alone',
    status: { peers: neighbours(1) },
    rates: { received: 0, given: 3 * MIB },
    said: ['Giving 3.0 MiB/s to others. 1 neighbour.'],
  },
  {
    what: 'one problem',
    status: { problems: [problem('direct')] },
    said: ['Wrong: direct is bad.', 'Idle. No neighbours.'],
  },
  {
    what: 'several, of which the worst stands first',
    status: {
      problems: [problem('direct'), problem('cache'), problem('spool')],
      transfers: [transferFrom('a', 'mirror')],
    },
    said: ['Wrong: spool is bad. (2 more below)', 'Fetching 1 package from 1 peer and the mirror.'],
  },
] as {
  what: string
  status: Partial<Status>
  rates?: { received: number; given: number }
  said: string[]
}[]) {
  test(`what is going on: ${what}`, () => {
    assert.equal(activity({ status: makeStatus(status), rates }), said)
  })
}

test('a daemon of an older version says less', () => {
  const { figures: _figures, problems: _problems, ...old } = makeStatus()
  assert.equal(activity({ status: old as Status }), ['Idle. No neighbours.'])
  const { from: _from, ...transfer } = transferFrom('a', 'mirror')
  const busy = { ...old, transfers: [transfer] } as unknown as Status
  assert.equal(activity({ status: busy }), ['Fetching 1 package from 2 sources.'])
})

test('what was saved: today, in 30 days, ever, and which share that is', () => {
  assert.equal(savedLines(figures), [
    '1024.0 KiB today, 12.3 GiB in 30 days, 40.0 GiB ever: what no mirror had to send',
    'in 30 days 75 % of what came, 61 % from this site',
  ])
  const none = noCounts()
  assert.equal(savedLines({ today: none, days30: none, ever: none }), [
    '0 B today, 0 B in 30 days, 0 B ever: what no mirror had to send',
  ])
})

const sample = (at: number, fromPeers: number, done: number[], pid = 1) => ({
  at,
  status: makeStatus({
    node: { ...makeStatus().node, pid },
    totals: { ...makeStatus().totals, fromPeers, uploaded: fromPeers / 2 },
    transfers: transfers(...done),
  }),
})

test('rates are those of all that comes, also of what was over meanwhile', () => {
  assert.equal(ratesOf([sample(0, 0, [100]), sample(1000, 400, [100, 200])]), { received: 600, given: 200 })
})

test('a download that is given up is no negative rate', () => {
  const rates = ratesOf([sample(0, 0, [5000]), sample(1000, 0, []), sample(2000, 1000, [])])
  assert.is(rates?.received, 500)
})

test('one look tells no rate, nor do looks at two daemons', () => {
  assert.is(ratesOf([]), undefined)
  assert.is(ratesOf([sample(0, 0, [])]), undefined)
  assert.is(ratesOf([sample(0, 9000, []), sample(1000, 0, [], 2)]), undefined)
  assert.is(ratesOf([sample(5, 0, []), sample(5, 9, [])]), undefined)
})

test.run()
