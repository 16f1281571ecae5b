import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type CallerWords, createCallersPacman } from '../../src/pacman/callers-pacman.ts'
import type { PacmanConf } from '../../src/pacman/pacman-conf.ts'
import type { SyncDatabases } from '../../src/pacman/sync-databases.ts'
import { createClock } from '../clock.ts'

function setUp(words?: Record<string, CallerWords>) {
  const opened: string[] = []
  const read: string[] = []
  const callers = createCallersPacman({
    clock: createClock(),
    ownConfig: '/etc/pacman.conf',
    async readConf(file, root) {
      read.push(`${file} ${root}`)
      if (file === '/closed.conf') return undefined
      return { dbPath: `${root ?? ''}/var/lib/pacman/`, repositories: [] } as unknown as PacmanConf
    },
    open(dir) {
      opened.push(dir)
      return { dir } as unknown as SyncDatabases
    },
    ...(words ? { wordsOf: async (pid, start) => words[`${pid} ${start}`] } : {}),
  })
  return { callers, opened, read }
}

const roots = (text: string): CallerWords => ({ argv: text.split(' '), isRoots: true })

test('a pacman goes by the configuration and the databases that its command line names; each is opened once', async () => {
  const { callers, opened, read } = setUp({
    '7 100': roots('pacman -r /mnt -Sy'),
    '8 100': roots('pacman -r /mnt -S base'),
    '9 100': roots('pacman --config /other.conf -b /db -Sy'),
  })
  const first = await callers.of('7 100')
  assert.is(await callers.of('7 100'), first)
  assert.equal(await callers.of('8 100'), first)
  await callers.of('9 100')
  assert.equal(opened, ['/mnt/var/lib/pacman/sync', '/db/sync'])
  assert.equal(read, ['/etc/pacman.conf /mnt', '/etc/pacman.conf /mnt', '/other.conf undefined'])
})

test("one that names nothing goes by this machine's", async () => {
  const { callers, read } = setUp({ '7 100': roots('pacman --config /etc/pacman.conf -Sy') })
  assert.is(await callers.of('7 100'), undefined)
  assert.is(await callers.of('8 100'), undefined, 'it has ended')
  assert.equal(read, [])
})

for (const [why, words] of [
  ["its configuration is not for the daemon's user", roots('pacman --config /closed.conf -Sy')],
  ['a relative path', roots('pacman -b ./db -Sy')],
  [
    "an ordinary user's: it could name what costs much to read",
    { ...roots('pacman -b /db'), isRoots: false },
  ],
] as const) {
  test(`not to be known: ${why}`, async () => {
    const { callers, opened } = setUp({ '7 100': words })
    assert.is(await callers.of('7 100'), 'unknown')
    assert.equal(opened, [])
  })
}

test('nonsense is nobody', async () => {
  const { callers } = setUp({ '7 1': roots('pacman -r /mnt -Sy') })
  for (const transaction of ['', '7', '../7 1', '7 1 1', 'self 1', `${'9'.repeat(11)} 1`]) {
    assert.is(await callers.of(transaction), undefined, transaction)
  }
})

test('the words of a process are read if it started then', async () => {
  const child = spawn('bash', ['-c', 'exec -a pacman sleep 60'])
  try {
    while (!/^pacman/.test(readFileSync(`/proc/${child.pid}/cmdline`, 'utf8'))) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    const start = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ')[19]
    const { callers } = setUp()
    assert.is(await callers.of(`${child.pid} ${Number(start) + 1}`), undefined)
    assert.is(await callers.of(`${child.pid} ${start}`), undefined, 'it has no root of its own')
    assert.is(await callers.of('4194305 1'), undefined, 'there is none')
  } finally {
    child.kill()
  }
})

test.run()
