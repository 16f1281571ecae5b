import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { encode } from '../../src/wire/codec.ts'
import { limits } from '../../src/wire/limits.ts'
import type { HeldFile, Hop, Message } from '../../src/wire/messages.ts'
import { messageBytes } from '../../src/wire/size.ts'

const FRAME_LENGTHS = 8
const id = 'ab'.repeat(32)
const query = 'cd'.repeat(16)
const far: Hop = { id, address: '[2001:db8:1:2:3:4:5:6]:65535' }
const near: Hop = { id, address: '192.0.2.1:8048' }
const held = (size: number): HeldFile => ({ sha256: id, size, root: id, whole: true })
const wanted = (name: string, size: number) => ({ sha256: id, size, name })
const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one)

const messages: Message[] = [
  { type: 'file', query, ttl: 7, path: [near], files: [wanted('vim-9.1-1-x86_64.pkg.tar.zst', 2_000_000)] },
  {
    type: 'file',
    query,
    ttl: 16,
    path: many(limits.hops, far),
    // Three bytes each in UTF-8.
    files: many(limits.filesPerQuery, wanted('鯨'.repeat(85), limits.fileBytes)),
    told: many(limits.told, 'ef'.repeat(8)),
  },
  {
    type: 'fileAck',
    query,
    ttl: 16,
    path: many(limits.hops, far),
    way: many(limits.hops, far),
    reachable: true,
    files: many(limits.filesPerQuery, held(limits.fileBytes)),
  },
  { type: 'call', query, ttl: 16, path: many(limits.hops, far), asker: far },
  { type: 'announce', files: many(limits.filesPerAnnounce, held(limits.fileBytes)) },
  { type: 'withdraw', files: many(limits.filesPerAnnounce, id) },
  { type: 'nodes', nodes: many(limits.nodes, far) },
  { type: 'ping', token: 0xffffffff },
]

for (const message of messages) {
  const first = 'files' in message ? ` of ${message.files.length}` : ''
  test(`${message.type}${first}: no fewer bytes than its frame has, and hardly more`, () => {
    const real = FRAME_LENGTHS + encode(message).header.length
    const counted = messageBytes(message)
    assert.ok(counted >= real, `${counted} for ${real}`)
    assert.ok(counted <= 1.1 * real + 60, `${counted} for ${real}`)
  })
}

test.run()
