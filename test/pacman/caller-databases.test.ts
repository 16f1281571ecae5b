import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createCallerDatabases } from '../../src/pacman/caller-databases.ts'
import type { SyncDatabases } from '../../src/pacman/sync-databases.ts'
import { createClock } from '../clock.ts'

function setUp(argvOf?: (pid: string, start: string) => Promise<string[] | undefined>) {
  const opened: string[] = []
  const callers = createCallerDatabases({
    clock: createClock(),
    open(dir) {
      opened.push(dir)
      return { dir } as unknown as SyncDatabases
    },
    ...(argvOf ? { argvOf } : {}),
  })
  return { callers, opened }
}

test('a pacman with a root of its own goes by the databases there, which are opened once', async () => {
  const asked: string[] = []
  const { callers, opened } = setUp(async (pid, start) => {
    asked.push(`${pid} ${start}`)
    return pid === '7' ? ['pacman', '-r', '/mnt', '-Sy'] : ['pacman', '-Sy']
  })
  const first = await callers.of('7 100')
  assert.ok(first)
  assert.is(await callers.of('7 100'), first)
  assert.is(await callers.of('7 200'), first)
  assert.is(await callers.of('8 100'), undefined)
  assert.is(await callers.of('8 100'), undefined)
  assert.equal(opened, ['/mnt/var/lib/pacman/sync'])
  assert.equal(asked, ['7 100', '7 200', '8 100'])
})

test('nonsense is nobody', async () => {
  const { callers } = setUp(async () => ['pacman', '-r', '/mnt', '-Sy'])
  for (const transaction of ['', '7', '../7 1', '7 1 1', 'self 1', `${'9'.repeat(11)} 1`]) {
    assert.is(await callers.of(transaction), undefined, transaction)
  }
})

test('the words of a process are read if it started then, and is of root', async () => {
  const child = spawn('sh', ['-c', 'exec -a pacman sleep 60 2>/dev/null || exec sleep 60'])
  try {
    const start = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ')[19]
    const { callers, opened } = setUp()
    assert.is(await callers.of(`${child.pid} ${Number(start) + 1}`), undefined)
    assert.is(await callers.of(`${child.pid} ${start}`), undefined, 'it has no root of its own')
    assert.is(await callers.of('4194305 1'), undefined, 'there is none')
    assert.equal(opened, [])
  } finally {
    child.kill()
  }
})

test.run()
