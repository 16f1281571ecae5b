import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  formatQuery,
  INFO_HASH,
  MAX_WANTED,
  parseQuery,
} from '../../../src/discovery/webhost/webhost-query.ts'

const PEER_ID = 'ff00253d26'.padEnd(40, 'a')
const base = formatQuery({ infoHash: INFO_HASH, peerId: PEER_ID, port: 8048, wanted: 7, compact: true })
const rejects = (search: string, reason: string) =>
  assert.throws(
    () => parseQuery(search),
    (problem: { code?: string; message: string }) => problem.code === 'wire' && problem.message === reason,
    search,
  )
const changed = (name: string, value: string) =>
  base.replace(new RegExp(`(^|&)${name}=[^&]*`), `$1${name}=${value}`)

test('what the client writes, the server reads', () => {
  for (const event of [undefined, 'started', 'stopped'] as const) {
    const query = {
      infoHash: INFO_HASH,
      peerId: PEER_ID,
      port: 65535,
      ...(event ? { event } : {}),
      wanted: 50,
      compact: false,
    }
    assert.equal(parseQuery(formatQuery(query)), query)
  }
})

test('the network of all nodes has one info-hash, and the manual names it', () => {
  const manual = readFileSync(join(import.meta.dirname, '../../../docs/webhost.md'), 'utf8')
  assert.ok(manual.includes(`    ${INFO_HASH}\n`))
  assert.is(INFO_HASH, 'e1c6a8f7d12a6bccc1e5316524690e74b5b63132')
})

test('bytes that need no escape may come bare, and names that mean nothing here are passed over', () => {
  const search = `ip=192.0.2.66&ipv6=%5b%5d&&=&key&port=1&info_hash=${'a'.repeat(20)}&peer_id=%41${'b'.repeat(19)}`
  const query = parseQuery(search)
  assert.is(query.infoHash, '61'.repeat(20))
  assert.is(query.peerId, `41${'62'.repeat(19)}`)
  assert.equal([query.port, query.wanted, query.compact, query.event], [1, MAX_WANTED, true, undefined])
})

test('port: at its limit and one past', () => {
  assert.is(parseQuery(changed('port', '0')).port, 0)
  assert.is(parseQuery(changed('port', '65535')).port, 65535)
  rejects(changed('port', '65536'), 'port must be at most 65535')
  for (const port of ['', '-1', '1e3', '0x50', '8048%20', '100000'])
    rejects(changed('port', port), 'port must be a number')
})

test('numwant: at its limit and one past', () => {
  const wanted = (text: string) => parseQuery(changed('numwant', text)).wanted
  assert.is(wanted('0'), 0)
  assert.is(wanted(String(MAX_WANTED)), MAX_WANTED)
  assert.is(wanted(String(MAX_WANTED + 1)), MAX_WANTED)
  assert.is(wanted('-1'), MAX_WANTED)
  rejects(changed('numwant', 'many'), 'numwant must be a number')
})

test('ids are twenty bytes', () => {
  for (const length of [0, 19, 21]) {
    rejects(changed('info_hash', 'a'.repeat(length)), 'info_hash must be 20 bytes')
    rejects(changed('peer_id', 'a'.repeat(length)), 'peer_id must be 20 bytes')
  }
  rejects(changed('info_hash', '%zz'.repeat(20)), 'info_hash must be 20 bytes')
  rejects('', 'port must be a number')
})

test('the first of a name counts', () => {
  assert.is(parseQuery(`port=5&${base}`).port, 5)
})

test.run()
