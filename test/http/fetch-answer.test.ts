/** Handing over to clients that lag, go away or wait; what is answered at all is in server.test.ts. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Lent } from '../../src/base/lent-buffers.ts'
import type { Job, JobEnd, JobFollower } from '../../src/fetch/job/job.ts'
import { frameHeader, handOver, type Voice } from '../../src/http/fetch-answer.ts'
import { FrameType } from '../../src/http/fetch-stream.ts'

const SIZE = 64 * 1024 * 1024

function createFakeJob(readable: number) {
  const followers = new Set<JobFollower>()
  let reads = 0
  let waiting = () => {}
  const job = {
    file: { name: 'x', size: SIZE, sha256: '' },
    done: 7,
    readable,
    end: undefined as JobEnd | undefined,
    async read(_buffer: Uint8Array) {
      reads++
      waiting()
    },
    lend: (_position: number): Lent | undefined => undefined,
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
    reads: () => reads,
    finish(end: JobEnd) {
      job.end = end
      for (const follower of followers) follower.onChange()
    },
    async until(what: () => boolean) {
      while (!what()) await new Promise<void>((resolve) => (waiting = resolve))
    },
  }
}

const said = (type: number, text: string) =>
  Buffer.concat([frameHeader(type, text.length), Buffer.from(text)])
const VOICE: Voice = {
  progress: ({ done }) => said(FrameType.line, `${done} bytes`),
  end: (end) => said(FrameType[end.result], JSON.stringify(end)),
}

async function asking(fake: ReturnType<typeof createFakeJob>, use: (client: Socket) => Promise<void>) {
  let over: Promise<void> | undefined
  const server = createServer((_, response) => {
    over = handOver(fake.job as unknown as Job, response, VOICE)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {})
  client.write('GET / HTTP/1.0\r\n\r\n')
  try {
    await use(client)
    client.destroy()
    await over
    assert.is(fake.followers.size, 0)
  } finally {
    client.destroy()
    server.closeAllConnections()
    server.close()
  }
}

/** The types of the frames that have come, once `last` is among them. */
async function framesUntil(client: Socket, last: number): Promise<{ type: number; body: string }[]> {
  let bytes = Buffer.alloc(0)
  for await (const part of client) {
    bytes = Buffer.concat([bytes, part])
    const frames: { type: number; body: string }[] = []
    for (let at = bytes.indexOf('\r\n\r\n') + 4; at + 5 <= bytes.length; ) {
      const length = bytes.readUInt32BE(at + 1)
      frames.push({ type: bytes[at]!, body: bytes.subarray(at + 5, at + 5 + length).toString() })
      at += 5 + length
    }
    if (frames.some(({ type }) => type === last)) return frames
  }
  throw new Error('it ended')
}

test('a client that does not read holds back the reading, and when it goes the job is left', async () => {
  const fake = createFakeJob(SIZE)
  await asking(fake, async (client) => {
    client.pause()
    await fake.until(() => fake.reads() >= 4)
    client.destroy()
    await fake.until(() => fake.followers.size === 0)
    assert.ok(fake.reads() < SIZE / (512 * 1024), `read ${fake.reads()} times`)
  })
})

test('while nothing is readable there are signs of life', async () => {
  const fake = createFakeJob(0)
  await asking(fake, async (client) => {
    const frames = await framesUntil(client, FrameType.line)
    assert.equal(frames.find(({ type }) => type === FrameType.line)!.body, '7 bytes')
  })
})

test('a job that fails ends the answer at once: what was readable is of no use then', async () => {
  const fake = createFakeJob(0)
  await asking(fake, async (client) => {
    await fake.until(() => fake.followers.size === 1)
    fake.job.readable = SIZE
    fake.finish({ result: 'mismatch', reason: 'r' })
    const frames = await framesUntil(client, FrameType.mismatch)
    assert.equal(frames.at(-1), { type: FrameType.mismatch, body: '{"result":"mismatch","reason":"r"}' })
    assert.is(fake.reads(), 0)
  })
})

test('what is in memory is sent from there, and given back when it is sent', async () => {
  const fake = createFakeJob(6)
  let released = 0
  const lent = (text: string) => ({ bytes: Buffer.from(text), release: () => void released++ })
  fake.job.lend = (position) => (position === 0 ? lent('ab') : position === 2 ? lent('cd') : undefined)
  fake.job.read = async (buffer: Uint8Array) => void buffer.set(Buffer.from('ef'))
  fake.job.readable = 4
  await asking(fake, async (client) => {
    await fake.until(() => fake.followers.size === 1)
    fake.job.readable = 6
    fake.finish({ result: 'done', fromPeers: 6, fromSite: 0, fromMirror: 0, peers: ['a'] })
    const frames = await framesUntil(client, FrameType.done)
    const data = frames.filter(({ type }) => type === FrameType.data)
    assert.equal(
      data.map(({ body }) => body),
      ['ab', 'cd', 'ef'],
    )
    assert.is(released, 2)
  })
})

test.run()
