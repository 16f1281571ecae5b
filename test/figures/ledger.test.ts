import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { noCounts } from '../../src/figures/counts.ts'
import { createLedger, dayOf, daysBefore, MOST_LEDGER_BYTES, readLedger } from '../../src/figures/ledger.ts'

test('a day is the local calendar’s', () => {
  assert.is(dayOf(new Date(2026, 10, 7, 23, 59)), '2026-11-07')
  assert.is(daysBefore('2026-03-01', 1), '2026-02-28')
  assert.is(daysBefore('2026-01-01', 365), '2025-01-01')
})

test('today, thirty days and ever: a day counts for thirty days, and no longer', () => {
  const ledger = createLedger()
  ledger.add('2026-01-01', { fromSite: 1, packages: 1 })
  ledger.add('2026-01-30', { fromSite: 10 })
  assert.is(ledger.since('2026-01-30', 1).fromSite, 10)
  assert.is(ledger.since('2026-01-30', 30).fromSite, 11)
  assert.is(ledger.since('2026-01-31', 30).fromSite, 10)
  assert.equal(ledger.ever, { ...noCounts(), fromSite: 11, packages: 1 })
})

test('a year of days is kept, and what is older only in the sum', () => {
  const ledger = createLedger()
  for (let day = 400; day >= 0; day--) ledger.add(daysBefore('2026-11-27', day), { toWorld: 1 })
  assert.is(ledger.days().length, 366)
  assert.is(ledger.days()[0]!.day, daysBefore('2026-11-27', 365))
  assert.is(ledger.ever.toWorld, 401)
})

test('a clock that was ahead for an hour loses nothing: what it counted was counted by today', () => {
  const ledger = createLedger()
  ledger.add('2026-11-26', { fromMirror: 1 })
  ledger.add('2099-01-01', { fromMirror: 2 })
  ledger.add('2026-11-27', { fromMirror: 4 })
  assert.equal(
    ledger.days().map(({ day, counts }) => [day, counts.fromMirror]),
    [
      ['2026-11-26', 1],
      ['2026-11-27', 6],
    ],
  )
  assert.is(ledger.ever.fromMirror, 7)
})

test('what is written is read again, the largest numbers of a whole year too, within the bound', () => {
  const ledger = createLedger()
  const most = Number.MAX_SAFE_INTEGER
  const all = { fromSite: most, fromWorld: most, fromMirror: most, toSite: most, toWorld: most }
  for (let day = 365; day >= 0; day--) ledger.add(daysBefore('2026-11-27', day), { ...all, rejected: most })
  const text = ledger.written()
  assert.ok(text.length <= MOST_LEDGER_BYTES, `${text.length}`)
  const read = readLedger(text)!
  assert.equal(read.days(), ledger.days())
  assert.equal(read.ever, ledger.ever)
  assert.is(read.ever.fromSite, most)
})

test('what isn’t a ledger is none', () => {
  const ledger = createLedger()
  ledger.add('2026-11-27', { packages: 3 })
  const good = ledger.written()
  assert.ok(readLedger(good))
  const change = (deed: (read: { days: unknown[][]; ever: unknown[]; version: unknown }) => void) => {
    const read = JSON.parse(good)
    deed(read)
    return JSON.stringify(read)
  }
  for (const text of [
    '',
    'null',
    '[]',
    '{}',
    good.slice(0, -2),
    change((read) => {
      read.version = 2
    }),
    change((read) => void read.ever.pop()),
    change((read) => {
      read.ever[0] = -1
    }),
    change((read) => {
      read.days[0]![1] = 0.5
    }),
    change((read) => {
      read.days[0]![0] = '2026-13-45'
    }),
    change((read) => void read.days.push([])),
  ])
    assert.is(readLedger(text), undefined, text)
})

test('what a later version counts beside is passed over, and what it no longer counts is nought', () => {
  const text = JSON.stringify({
    version: 1,
    counted: ['moons', 'packages'],
    ever: [7, 5],
    days: [['2026-11-27', 7, 5]],
  })
  assert.equal(readLedger(text)!.ever, { ...noCounts(), packages: 5 })
})

test.run()
