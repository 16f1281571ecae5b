/** What the front is told: the request's fields, ready files in frames, lines that keep pacman's leading blank. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import type { Caller } from '../../src/fetch/callers.ts'
import { FrameType } from '../../src/http/fetch-stream.ts'
import { answerFile, parseFileRequest } from '../../src/http/file-answer.ts'
import { createClock } from '../clock.ts'

const dir = mkdtempSync(join(tmpdir(), 'pacsrv-file-answer-'))
const name = 'some-1-1-any.pkg.tar.zst'
test.after(() => rmSync(dir, { recursive: true }))

/** What pacman has got, and of which transaction. */
let given: (string | undefined)[] = []

async function ask(size: number, fields: string[], signature?: Uint8Array) {
  writeFileSync(join(dir, 'f'), Buffer.alloc(size, 'x'))
  const file = { name, size, sha256: 'a' }
  const deps = {
    fetcher: {
      locate: async (url: string) => (url.endsWith('.db') ? { reason: 'no package' } : { file, mirrors: [] }),
    },
    readAhead: { asked() {}, isNew: ({ transaction }: Caller) => transaction !== undefined },
    signatures: { ready: async () => signature },
    pledges: { held: async () => undefined },
    spool: {
      complete: async () => ({
        handle: await open(join(dir, 'f')),
        from: { fromPeers: size, fromSite: 0, fromMirror: 0, peers: ['a'] },
      }),
    },
    clock: createClock(),
    log: silentLog,
  }
  const handovers = {
    gave: (_: object, { transaction }: { transaction?: string }) => void given.push(transaction),
  }
  const server = createServer((request, response) =>
    answerFile(request, response, { fetch: { ...deps, handovers }, packages: deps } as unknown as Parameters<
      typeof answerFile
    >[2]),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const body = fields.map((field) => `${field}\0`).join('')
  client.write(`POST /v1/file HTTP/1.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  let bytes = Buffer.alloc(0)
  for await (const part of client) bytes = Buffer.concat([bytes, part])
  server.close()
  const frames: { type: number; body: Buffer }[] = []
  for (let at = bytes.indexOf('\r\n\r\n') + 4; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at + 1)
    frames.push({ type: bytes[at]!, body: bytes.subarray(at + 5, at + 5 + length) })
    at += 5 + length
  }
  return frames
}
const URL_FIELD = `url=http://m/${name}`
const typesOf = (frames: { type: number }[]) => frames.map(({ type }) => type)
const last = (frames: { body: Buffer }[]) => frames.at(-1)!.body.toString()

test('what pacman has got is noted with its transaction; a signature, and what the mirror has, is not', async () => {
  given = []
  await ask(5, [URL_FIELD, 'transaction=7 8'])
  await ask(5, [URL_FIELD])
  assert.equal(given, ['7 8', undefined])
  given = []
  await ask(5, [`${URL_FIELD}.sig`, 'transaction=7 8'], Buffer.from('s'))
  await ask(5, ['url=http://m/core.db', 'transaction=7 8'])
  assert.equal(given, [])
})

test('a large file leaves nothing waiting behind for each of its parts', async () => {
  const warnings: Error[] = []
  const heed = (warning: Error) => void warnings.push(warning)
  process.on('warning', heed)
  const frames = await ask(16 * 1024 * 1024, [URL_FIELD])
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', heed)
  assert.ok(frames.length > 20, `${frames.length} frames`)
  assert.equal(warnings, [])
})

for (const size of [0, 1, 512 * 1024, 512 * 1024 + 1, 3_000_000]) {
  test(`a file of ${size} bytes that is here comes whole`, async () => {
    const frames = await ask(size, [URL_FIELD])
    assert.is(frames[0]!.type, FrameType.size)
    assert.is(Number(frames[0]!.body.readBigUInt64BE()), size)
    const data = frames.filter(({ type }) => type === FrameType.data).map(({ body }) => body)
    assert.ok(Buffer.concat(data).equals(Buffer.alloc(size, 'x')))
    assert.is(frames.at(-1)!.type, FrameType.done)
  })
}

test('of a file that is here: how far it is, where it came from', async () => {
  const frames = await ask(1_000, [URL_FIELD])
  const progress = frames.find(({ type }) => type === FrameType.progress)!.body
  assert.equal([progress.length, progress.readBigUInt64BE(), progress.readBigUInt64BE(8)], [16, 1_000n, 1n])
  assert.is(last(frames), `${name}: 1000 B from 1 peer, 0 B from the mirror`)
})

test('a new transaction is asked what else it will want', async () => {
  const types = typesOf(await ask(10, [URL_FIELD, 'transaction=1 2']))
  const { size, aheadWanted, data, progress, done } = FrameType
  assert.equal(types, [size, aheadWanted, data, progress, done])
  assert.not.ok(typesOf(await ask(10, [URL_FIELD])).includes(FrameType.aheadWanted))
})

test('a signature that is here is given, else the mirrors are to be asked', async () => {
  const given = await ask(10, [`${URL_FIELD}.sig`], Buffer.from('sig'))
  assert.equal(typesOf(given), [FrameType.size, FrameType.data, FrameType.done])
  assert.equal(typesOf(await ask(10, [`${URL_FIELD}.sig`])), [FrameType.mirror])
})

test("what the databases don't name, and a request that names nothing, is for the mirrors", async () => {
  assert.equal(typesOf(await ask(10, ['url=http://m/core.db'])), [FrameType.mirror])
  assert.equal(typesOf(await ask(10, ['columns=80'])), [FrameType.mirror])
})

test('of the request only what is known is taken, within bounds', () => {
  const fields = [
    'url=http://m/a=b',
    'columns=99999',
    'http_proxy=p',
    'SECRET=s',
    `transaction=${'9'.repeat(65)}`,
  ]
  assert.equal(parseFileRequest(fields.join('\0')), {
    url: 'http://m/a=b',
    environment: { http_proxy: 'p' },
  })
})

test.run()
