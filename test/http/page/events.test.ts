/** The event stream from outside, over TCP, by a clock that the test winds. */
import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createWatchers, MOST_STREAMS } from '../../../src/http/page/events.ts'
import { type Sections, sectionsOf } from '../../../src/http/page/sections.ts'
import { createClock } from '../../clock.ts'
import { sampleStatus } from '../sample.ts'

const blank = sectionsOf(sampleStatus(), new Date())
const turn = () => new Promise((resolve) => setImmediate(resolve))

async function start() {
  const clock = createClock()
  let now: Sections = blank
  let asked = 0
  const watchers = createWatchers({
    clock,
    sections() {
      asked++
      return now
    },
  })
  let open = 0
  const server = createServer((request, response) => {
    open++
    response.once('close', () => open--)
    watchers.answer(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  async function ask(localAddress = '127.0.0.1'): Promise<IncomingMessage> {
    const [response] = await once(get({ port, host: '127.0.0.1', localAddress, agent: false }), 'response')
    response.on('error', () => {})
    return response
  }
  /** What a stream has been told, message by message. */
  async function watch(localAddress?: string) {
    const response = await ask(localAddress)
    assert.is(response.statusCode, 200)
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (part) => {
      text += part
    })
    const messages = () =>
      [...text.matchAll(/^data: (.*)\n\n/gm)].map(([, json]) => JSON.parse(json!) as Partial<Sections>)
    return {
      response,
      messages,
      all: () => text,
      async until(test: () => boolean) {
        while (!test()) await turn()
      },
    }
  }

  return {
    clock,
    ask,
    watch,
    set(more: Partial<Sections>) {
      now = { ...now, ...more }
    },
    asked: () => asked,
    async untilOpen(count: number) {
      while (open !== count) await turn()
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

type Lab = Awaited<ReturnType<typeof start>>

function scenario(name: string, body: (lab: Lab) => Promise<void>) {
  test(name, async () => {
    const lab = await start()
    try {
      await body(lab)
    } finally {
      lab.close()
    }
  })
}

scenario('all at first, then what is new and nothing else', async ({ clock, watch, set }) => {
  const { messages, until } = await watch()
  await until(() => messages().length === 1)
  assert.equal(messages()[0], blank)
  clock.advance(1_000)
  set({ now: 'new', cache: 'too' })
  clock.advance(1_000)
  await until(() => messages().length === 2)
  assert.equal(messages()[1], { now: 'new', cache: 'too' })
})

scenario('where nothing is new there is a sign of life, and no more', async ({ clock, watch }) => {
  const { all, messages, until } = await watch()
  await until(() => messages().length === 1)
  const before = all().length
  for (let second = 0; second < 10; second++) clock.advance(1_000)
  await until(() => all().length > before)
  assert.is(all().slice(before), ':\n\n')
})

scenario('it is gathered once a second for all, and never while nobody looks', async (lab) => {
  const { clock, watch, asked, untilOpen } = lab
  const streams = [await watch(), await watch(), await watch()]
  const before = asked()
  for (let second = 0; second < 10; second++) clock.advance(1_000)
  assert.is(asked() - before, 10)
  for (const { response } of streams) response.destroy()
  await untilOpen(0)
  const after = asked()
  clock.advance(60_000)
  assert.is(asked(), after)
  const { messages, until } = await watch()
  await until(() => messages().length === 1)
  clock.advance(1_000)
  assert.is(asked(), after + 2)
})

scenario('who reads nothing gets the newest once it reads, not what was between', async (lab) => {
  const { clock, ask, set } = lab
  const slow = await ask()
  slow.pause()
  const big = (n: number) => `${n} `.padEnd(200_000, 'x')
  const rounds = 200
  for (let n = 1; n <= rounds; n++) {
    set({ days: big(n) })
    clock.advance(1_000)
    await turn()
  }
  const seen: number[] = []
  let tail = ''
  slow.setEncoding('utf8')
  slow.on('data', (part: string) => {
    for (const [n] of (tail + part).matchAll(/\d+(?= xx)/g))
      if (seen.at(-1) !== Number(n)) seen.push(Number(n))
    tail = part.slice(-10)
  })
  slow.resume()
  while (seen.at(-1) !== rounds) await turn()
  // What the kernel holds for a loopback connection is some megabytes.
  assert.ok(seen.length < rounds / 2, `${seen.length} of ${rounds}`)
})

scenario(
  'so many streams of one address, and so many in all; a place that is left can be had',
  async (lab) => {
    const { ask, watch, untilOpen } = lab
    const own = []
    for (let n = 0; n < MOST_STREAMS.each; n++) own.push(await watch())
    const refused = await ask()
    assert.is(refused.statusCode, 503)
    assert.ok(Number(refused.headers['retry-after']) > 0)
    let text = ''
    for await (const part of refused) text += part
    assert.match(text, /Enough look at this page/)
    for (let n = MOST_STREAMS.each; n < MOST_STREAMS.inAll; n++)
      await watch(`127.0.0.${2 + Math.floor(n / MOST_STREAMS.each)}`)
    assert.is((await ask('127.0.0.100')).statusCode, 503)
    own[0]!.response.destroy()
    await untilOpen(MOST_STREAMS.inAll - 1)
    await watch('127.0.0.100')
  },
)

scenario('a thousand streams: as many as may, and a clear no to the rest', async ({ ask }) => {
  const answers: IncomingMessage[] = []
  for (let n = 0; n < 10; n++) answers.push(...(await Promise.all(Array.from({ length: 100 }, () => ask()))))
  const count = (status: number) => answers.filter(({ statusCode }) => statusCode === status).length
  assert.equal([count(200), count(503)], [MOST_STREAMS.each, 1_000 - MOST_STREAMS.each])
})

test.run()
