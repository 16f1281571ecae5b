import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { keepAliveStamp } from '../../src/http/alive-stamp.ts'

const dir = mkdtempSync(join(tmpdir(), 'pacsrv-stamp-'))
test.after(() => rmSync(dir, { recursive: true }))

test('a stamp has the monotonic clock in milliseconds and the loop it is of, and is gone when it ends', () => {
  const path = join(dir, 'own.sock.alive')
  const end = keepAliveStamp(join(dir, 'own.sock'))
  const [stamped, pid, start, ticks] = readFileSync(path, 'latin1').trim().split(' ').map(Number)
  assert.ok(Math.abs(stamped! - Number(process.hrtime.bigint() / 1_000_000n)) < 1_000)
  assert.is(pid, process.pid)
  const own = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]!.split(' ')
  assert.is(start, Number(own[19]))
  const { user, system } = process.cpuUsage()
  assert.ok(ticks! > 0 && ticks! <= (user + system) / 10_000 + 2, `${ticks} ticks`)
  end()
  assert.is(existsSync(path), false)
})

test('ended twice, it leaves alone what the next daemon has begun', () => {
  const path = join(dir, 'next.sock.alive')
  const end = keepAliveStamp(join(dir, 'next.sock'))
  end()
  const endNext = keepAliveStamp(join(dir, 'next.sock'))
  end()
  assert.is(existsSync(path), true)
  endNext()
  assert.is(existsSync(path), false)
})

test('where it cannot be written nothing is wrong, and what is to be done each second is done', () => {
  let seconds = 0
  const end = keepAliveStamp(join(dir, 'absent/own.sock'), () => seconds++)
  assert.is(seconds, 1)
  end()
  const endOther = keepAliveStamp(join(dir, 'other.sock'), () => seconds++)
  assert.is(seconds, 2)
  endOther()
})

test.run()
