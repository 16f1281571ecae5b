import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import { openFigures } from '../../src/figures/figures.ts'
import { MOST_LEDGER_BYTES } from '../../src/figures/ledger.ts'
import { createClock } from '../clock.ts'

const makePath = () => join(mkdtempSync(join(tmpdir(), 'pacsrv-figures-')), 'figures')

function start(file: string) {
  const clock = createClock()
  const warnings: string[] = []
  const log = { ...silentLog, warn: (_: object, message: string) => void warnings.push(message) }
  return { clock, warnings, opened: openFigures({ clock, log, now: () => new Date(2026, 10, 27) }, file) }
}

test('figures outlast a restart; since the start begins anew', async () => {
  const file = makePath()
  const first = await start(file).opened
  first.add({ fromSite: 5, packages: 1 })
  await first.close()
  const second = await start(file).opened
  second.add({ fromSite: 1 })
  const { today, days30, ever } = second.sums()
  assert.equal([today.fromSite, days30.fromSite, ever.fromSite, ever.packages], [6, 6, 6, 1])
  assert.is(second.sinceStart.fromSite, 1)
  await second.close()
  assert.is(statSync(file).mode & 0o777, 0o600)
})

test('a crash loses what a minute counted at most; one write for all of it', async () => {
  const file = makePath()
  const { clock, opened } = start(file)
  const figures = await opened
  for (let count = 0; count < 1_000; count++) figures.add({ toSite: 1 })
  clock.advance(59_999)
  assert.not(existsSync(file))
  clock.advance(1)
  await figures.close() // Nothing is left to write: it only waits for the write that has begun.
  const crashed = await start(file).opened
  assert.is(crashed.sums().ever.toSite, 1_000)
})

test('nothing counted, nothing written', async () => {
  const file = makePath()
  const { clock, opened } = start(file)
  const figures = await opened
  clock.advance(10 * 60_000)
  await figures.close()
  assert.not(existsSync(file))
})

test('a file cut short, and one longer than any ledger, are put aside, and counting goes on', async () => {
  for (const text of ['{"version":1,"cou', ' '.repeat(MOST_LEDGER_BYTES + 1)]) {
    const file = makePath()
    writeFileSync(file, text)
    const { warnings, opened } = start(file)
    const figures = await opened
    assert.match(warnings.join(), /can't be understood: put aside as .*figures\.broken$/)
    assert.is(readFileSync(`${file}.broken`, 'utf8'), text)
    figures.add({ packages: 1 })
    await figures.close()
    assert.is((await start(file).opened).sums().ever.packages, 1)
  }
})

test('where it can’t be kept, that is said once, and nothing else is lost', async () => {
  const file = join(makePath(), 'no', 'such', 'folder')
  const { clock, warnings, opened } = start(file)
  const figures = await opened
  figures.add({ packages: 1 })
  clock.advance(60_000)
  figures.add({ packages: 1 })
  await figures.close()
  assert.is(warnings.length, 1)
  assert.match(warnings[0]!, /can't be kept: ENOENT/)
  assert.is(figures.sums().ever.packages, 2)
})

test.run()
