import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { keepAliveStamp } from '../../src/http/alive-stamp.ts'

const dir = mkdtempSync(join(tmpdir(), 'pacsrv-stamp-'))
test.after(() => rmSync(dir, { recursive: true }))

test('a stamp has the monotonic clock in milliseconds, and is gone when it ends', () => {
  const path = join(dir, 'own.sock.alive')
  const end = keepAliveStamp(join(dir, 'own.sock'))
  const text = readFileSync(path, 'latin1')
  assert.is(text.length, 20)
  assert.ok(Math.abs(Number(text) - Number(process.hrtime.bigint() / 1_000_000n)) < 1_000)
  end()
  assert.is(existsSync(path), false)
})

test('where it cannot be written nothing is wrong', () => {
  keepAliveStamp(join(dir, 'absent/own.sock'))()
})

test.run()
