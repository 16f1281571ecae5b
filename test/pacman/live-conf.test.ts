import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../src/base/error.ts'
import { silentLog } from '../../src/base/log.ts'
import { createProblems } from '../../src/base/problems.ts'
import { createLivePacmanConf } from '../../src/pacman/live-conf.ts'
import type { PacmanConf } from '../../src/pacman/pacman-conf.ts'
import { createClock } from '../clock.ts'

const dir = mkdtempSync(join(tmpdir(), 'pacsrv-live-'))
const file = join(dir, 'pacman.conf')
const list = join(dir, 'mirrorlist')

function start() {
  writeFileSync(file, `[core]\nInclude = ${list}\n`)
  writeFileSync(list, 'Server = http://a\n')
  const clock = createClock()
  const seen = { reads: 0, fails: false, warnings: 0 }
  const conf = { repositories: [] } as unknown as PacmanConf
  const ask = createLivePacmanConf(
    {
      log: { ...silentLog, warn: () => seen.warnings++ },
      clock,
      problems: createProblems(clock),
      async read() {
        seen.reads++
        return (seen.fails ? { problem: new PacsrvError('config', 'broken') } : { conf }) as never
      },
    },
    file,
  )
  return { clock, seen, conf, ask }
}

test('read once while nothing changes, also for many who ask at once', async () => {
  const { ask, seen, conf, clock } = start()
  assert.equal(await Promise.all([ask(), ask(), ask()]), [conf, conf, conf])
  assert.is(await ask(), conf)
  assert.is(seen.reads, 1)
  clock.advance(5 * 60_000 - 1)
  await ask()
  assert.is(seen.reads, 1)
  clock.advance(1)
  await ask()
  assert.is(seen.reads, 2)
})

test('read again when the file or a mirror list that it includes changes, appears or goes', async () => {
  const { ask, seen } = start()
  await ask()
  writeFileSync(list, 'Server = http://another\n')
  await ask()
  assert.is(seen.reads, 2)
  rmSync(list)
  await ask()
  assert.is(seen.reads, 3)
  writeFileSync(list, 'Server = http://again\n')
  await ask()
  assert.is(seen.reads, 4)
  writeFileSync(file, '[core]\nServer = http://direct\n')
  await ask()
  writeFileSync(list, 'Server = http://not-included-any-more\n')
  await ask()
  assert.is(seen.reads, 5)
})

test('what can no longer be read stays as it was, and is asked for again soon', async () => {
  const { ask, seen, conf, clock } = start()
  assert.is(await ask(), conf)
  seen.fails = true
  writeFileSync(list, 'Server = http://hidden\n')
  assert.is(await ask(), conf)
  assert.equal([seen.reads, seen.warnings], [2, 1])
  clock.advance(4_999)
  await ask()
  assert.is(seen.reads, 2)
  clock.advance(1)
  await ask()
  assert.equal([seen.reads, seen.warnings], [3, 1], 'one warning for one problem')
  seen.fails = false
  clock.advance(5_000)
  await ask()
  clock.advance(5_000)
  await ask()
  assert.is(seen.reads, 4)
})

test('a changed mode is a change', async () => {
  const { ask, seen } = start()
  await ask()
  chmodSync(list, 0o600)
  await ask()
  assert.is(seen.reads, 2)
})

test('what cannot be read is unknown, with a warning, and is read again once it is mended', async () => {
  const { ask, seen, conf } = start()
  seen.fails = true
  assert.is(await ask(), undefined)
  assert.is(seen.warnings, 1)
  seen.fails = false
  writeFileSync(file, '[core]\nServer = http://mended\n')
  assert.is(await ask(), conf)
})

test.after(() => rmSync(dir, { recursive: true }))

test.run()
