import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../../src/base/log.ts'
import { loadKnown, MAX_KNOWN, saveKnown } from '../../../src/discovery/dht/dht-known.ts'

const folder = mkdtempSync(join(tmpdir(), 'pacsrv-known-'))
const file = join(folder, 'dht-nodes')
test.after(() => rmSync(folder, { recursive: true }))

const many = (count: number) => Array.from({ length: count }, (_, i) => `203.0.${i >> 8}.${i & 255}:65535`)

test('nodes come back, a hundred at most', async () => {
  await saveKnown(file, many(MAX_KNOWN + 1), silentLog)
  assert.equal(await loadKnown(file), many(MAX_KNOWN))
})

test('what else stands in the file, or none, is passed over', async () => {
  assert.equal(await loadKnown(join(folder, 'none')), [])
  const lines = [
    '203.0.113.1:6881',
    'example.org:6881',
    '[2001:db8::1]:6881',
    '203.0.113.2:80',
    '0.0.0.0:6881',
    '203.0.113.3',
  ]
  writeFileSync(file, `${lines.join('\n')}\n\x00\xff{}`)
  assert.equal(await loadKnown(file), ['203.0.113.1:6881'])
  writeFileSync(file, many(5_000).join('\n'))
  assert.ok((await loadKnown(file)).length <= MAX_KNOWN)
})

test('a folder that takes no file is no error', async () => {
  const warned: string[] = []
  const log = { ...silentLog, warn: (_: object, text: string) => void warned.push(text) }
  await saveKnown(join(folder, 'gone/dht-nodes'), many(1), log)
  assert.is(warned.length, 1)
})

test.run()
