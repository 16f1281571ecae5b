import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Job, JobEnd, JobFollower } from '../../src/fetch/job/job.ts'
import { type Given, streamPackage } from '../../src/http/package-stream.ts'
import type { MirrorHandler, MirrorRequest } from '../../src/mirror/curl.ts'
import { createClock } from '../clock.ts'

const CHUNK = 64 * 1024
const content = Buffer.from(Array.from({ length: 4 * CHUNK + 10 }, (_, n) => (n * 31) >> 3))
const DONE: JobEnd = { result: 'done', fromPeers: 0, fromSite: 0, fromMirror: content.length, peers: [] }

function createFakeJob(bytes = content, size = bytes.length) {
  const followers = new Set<JobFollower>()
  let waiting = () => {}
  const job = {
    file: { name: 'x', size, sha256: '' },
    end: undefined as JobEnd | undefined,
    certain: 0,
    certainTo: (position: number, most: number) => Math.max(position, Math.min(job.certain, position + most)),
    hashes: new Map<number, string>(),
    hashOf: (chunk: number) => job.hashes.get(chunk) ?? 'right',
    lend: () => undefined,
    reads: 0,
    async read(buffer: Buffer, position: number) {
      job.reads++
      if (position < bytes.length) bytes.copy(buffer, 0, position)
      waiting()
    },
    follow(follower: JobFollower) {
      followers.add(follower)
      waiting()
      return () => {
        followers.delete(follower)
        waiting()
      }
    },
  }
  return {
    job,
    followers,
    change(changes: Partial<typeof job>) {
      Object.assign(job, changes)
      for (const follower of followers) follower.onChange()
    },
    rewind() {
      job.certain = 0
      for (const follower of followers) follower.onRewind()
    },
    async until(what: () => boolean) {
      while (!what()) await new Promise<void>((resolve) => (waiting = resolve))
    },
  }
}

interface Setting {
  fake?: ReturnType<typeof createFakeJob>
  range?: { start: number; end: number }
  pledge?: Promise<boolean>
  mirror?: Buffer
}

/** A reader of its own; `came` resolves once so many bytes of body have. */
async function reading(
  { fake = createFakeJob(), range, pledge = Promise.resolve(true), mirror }: Setting,
  use: (the: {
    fake: ReturnType<typeof createFakeJob>
    clock: ReturnType<typeof createClock>
    client: ReturnType<typeof connect>
    came(bytes: number): Promise<Buffer>
    given: Promise<Given>
    asked: MirrorRequest[]
  }) => Promise<void>,
) {
  const clock = createClock()
  const asked: MirrorRequest[] = []
  let settle = (_: Given) => {}
  const given = new Promise<Given>((resolve) => {
    settle = resolve
  })
  const server = createServer((_, response) => {
    void streamPackage(
      fake.job as unknown as Job,
      response,
      {
        range: range ?? { start: 0, end: fake.job.file.size - 1 },
        mirrors: ['http://m/x'],
        pledge,
        begin: () => void response.writeHead(200),
      },
      {
        clock,
        openMirror(request: MirrorRequest, handler: MirrorHandler) {
          asked.push(request)
          if (mirror) {
            handler.onStart(request.start)
            handler.onBytes(mirror.subarray(request.start, request.end! + 1))
          }
          return { stop() {}, pause() {}, resume() {} }
        },
      },
    ).then(settle)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {})
  client.write('GET / HTTP/1.0\r\n\r\n')
  let got = Buffer.alloc(0)
  let hear = () => {}
  const listen = () =>
    client.on('data', (part) => {
      got = Buffer.concat([got, part])
      hear()
    })
  const came = async (bytes: number) => {
    if (client.listenerCount('data') === 0) listen()
    const body = () => got.subarray(got.indexOf('\r\n\r\n') + 4)
    while (body().length < bytes) await new Promise<void>((resolve) => (hear = resolve))
    return body()
  }
  try {
    await fake.until(() => fake.followers.size === 1)
    await use({ fake, clock, client, came, given, asked })
    client.destroy()
    await given
    assert.is(fake.followers.size, 0)
    assert.not(clock.step(), 'nothing is left to do')
  } finally {
    client.destroy()
    server.closeAllConnections()
    server.close()
  }
}

const whole = {
  read: async (buffer: Buffer, _: number, length: number, at: number) => {
    content.copy(buffer, 0, at, at + length)
    return { bytesRead: length, buffer }
  },
} as unknown as Parameters<Given['isRight']>[0]

test('what is certain leaves as it comes; what is left when the job is over is not its business', () =>
  reading({}, async ({ fake, came, given, asked }) => {
    fake.change({ certain: CHUNK })
    assert.ok((await came(CHUNK)).equals(content.subarray(0, CHUNK)))
    fake.change({ certain: 3 * CHUNK })
    assert.ok((await came(3 * CHUNK)).equals(content.subarray(0, 3 * CHUNK)))
    fake.change({ certain: content.length, end: DONE })
    const { position, isRight } = await given
    assert.is(position, 3 * CHUNK)
    assert.ok(await isRight(whole))
    assert.is(asked.length, 0)
  }))

test('of a range its own bytes, wherever it begins; once they have left, the job is left', () =>
  reading({ range: { start: CHUNK + 7, end: 2 * CHUNK + 1 } }, async ({ fake, came, given }) => {
    fake.change({ certain: 3 * CHUNK })
    assert.ok((await came(CHUNK - 5)).equals(content.subarray(CHUNK + 7, 2 * CHUNK + 2)))
    assert.is((await given).position, 2 * CHUNK + 2)
  }))

test('not a byte before the pledge says yes', async () => {
  let say = (_: boolean) => {}
  const pledge = new Promise<boolean>((resolve) => {
    say = resolve
  })
  await reading({ pledge, mirror: content }, async ({ fake, clock, came, client }) => {
    fake.change({ certain: CHUNK })
    clock.advance(5_000)
    await new Promise((resolve) => setImmediate(resolve))
    assert.is(client.bytesRead, 0)
    say(true)
    assert.ok((await came(CHUNK)).equals(content.subarray(0, CHUNK)))
  })
})

test('a pledge that says no ends it, with nothing given', () =>
  reading({ pledge: Promise.resolve(false) }, async ({ fake, given, client }) => {
    fake.change({ certain: CHUNK })
    assert.is((await given).position, 0)
    assert.is(client.bytesRead, 0)
  }))

test('a rewind takes nothing back: it goes on from where it was, and is right if the chunks are the same', () =>
  reading({}, async ({ fake, came, given }) => {
    fake.change({ certain: 2 * CHUNK })
    await came(2 * CHUNK)
    fake.rewind()
    fake.change({ certain: 3 * CHUNK })
    assert.ok((await came(3 * CHUNK)).equals(content.subarray(0, 3 * CHUNK)))
    fake.change({ end: DONE })
    assert.ok(await (await given).isRight(whole))
    fake.job.hashes.set(1, 'another')
    assert.not(await (await given).isRight(whole))
  }))

for (const mirror of [content, Buffer.alloc(content.length, 1)]) {
  const isSame = mirror === content
  test(`a mirror's few bytes where nothing is certain, ${isSame ? 'the same' : 'others than the whole has'}`, () =>
    reading({ mirror }, async ({ fake, clock, came, given, asked }) => {
      fake.change({ certain: CHUNK })
      await came(CHUNK)
      // Until it waits for more.
      while (asked.length === 0) {
        clock.advance(2_000)
        await new Promise((resolve) => setImmediate(resolve))
      }
      assert.ok(asked[0]!.start === CHUNK)
      await came(CHUNK + 4096)
      fake.change({ certain: 2 * CHUNK })
      const all = await came(2 * CHUNK)
      assert.ok(all.subarray(CHUNK, CHUNK + 4096).equals(mirror.subarray(CHUNK, CHUNK + 4096)))
      fake.change({ end: DONE })
      assert.is(await (await given).isRight(whole), isSame)
    }))
}

test('a reader that does not read holds no job that is over', async () => {
  const size = 64 * 1024 * 1024
  const fake = createFakeJob(content, size)
  await reading({ fake }, async ({ client }) => {
    client.pause()
    fake.change({ certain: size })
    await fake.until(() => fake.job.reads >= 4)
    fake.change({ end: DONE })
    assert.is(fake.followers.size, 0)
  })
})

test('a reader that does not read holds back the reading', async () => {
  const size = 64 * 1024 * 1024
  const fake = createFakeJob(content, size)
  await reading({ fake }, async ({ client, given }) => {
    client.pause()
    fake.change({ certain: size })
    await fake.until(() => fake.job.reads >= 4)
    client.destroy()
    await given
    assert.ok(fake.job.reads < size / (256 * 1024), `read ${fake.job.reads} times`)
  })
})

test.run()
