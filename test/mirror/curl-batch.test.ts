import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createFetchMany, SIGNATURE_PATIENCE, type SmallOutcome } from '../../src/mirror/curl-batch.ts'
import { makeFolder } from '../pacman/make.ts'

const dir = join(makeFolder(), 'signatures')
const asked: string[] = []
const held: (() => void)[] = []
const server = createServer((request, response) => {
  asked.push(`${request.url} ${request.headers['user-agent']}`)
  if (request.url === '/absent') response.writeHead(404).end('no such file')
  else if (request.url === '/broken') response.writeHead(503).end()
  else if (request.url === '/last') held.push(() => response.end('last'))
  else if (request.url === '/hung') response.writeHead(200).flushHeaders()
  else response.end(request.url!.slice(1))
})
let origin = ''

test.before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
test.after(() => {
  server.closeAllConnections()
  server.close()
})

async function fetchAll(urls: string[], most = 100) {
  const outcomes: (SmallOutcome | string)[] = []
  await createFetchMany({ dir, patience: SIGNATURE_PATIENCE })(urls, {
    environment: { HTTP_USER_AGENT: 'pacman/7' },
    signal: new AbortController().signal,
    most,
    onOutcome(index, outcome) {
      outcomes[index] = typeof outcome === 'string' ? outcome : Buffer.from(outcome.bytes).toString()
    },
  })
  return outcomes
}

test('each URL has its own outcome, whatever becomes of the others; no file stays', async () => {
  const urls = ['/one', '/absent', '/broken', '/two'].map((path) => origin + path)
  assert.equal(await fetchAll([...urls, 'http://127.0.0.1:1/x', 'file:///etc/hostname']), [
    'one',
    'absent',
    'silent',
    'two',
    'silent',
    'silent',
  ])
  assert.ok(asked.includes('/one pacman/7'))
  assert.equal(readdirSync(dir), [])
})

test('each is told of as soon as it is there, and plain http is asked for five at once from the first', async () => {
  const told: number[] = []
  const paths = ['/last', '/last', '/last', '/last', '/one', '/two']
  await createFetchMany({ dir, patience: SIGNATURE_PATIENCE })(
    paths.map((path) => origin + path),
    {
      environment: {},
      signal: new AbortController().signal,
      most: 100,
      onOutcome(index) {
        told.push(index)
        if (index === 5) for (const end of held.splice(0)) end()
      },
    },
  )
  assert.equal(told.slice(0, 2), [4, 5])
  assert.equal(told.slice(2).sort(), [0, 1, 2, 3])
})

test('what is larger than it may be is none', async () => {
  const [good, bad] = await fetchAll([`${origin}/${'a'.repeat(100)}`, `${origin}/${'a'.repeat(101)}`])
  assert.is(good, 'a'.repeat(100))
  assert.is(typeof bad, 'string')
  assert.not.equal(bad, 'a'.repeat(101))
})

test("a URL can't bring options of its own", async () => {
  const victim = join(dir, 'victim')
  await fetchAll([`${origin}/x"\noutput = "${victim}`, `${origin}/y\\"\routput = "${victim}`])
  assert.not(existsSync(victim))
})

test('an abort ends it at once', async () => {
  const abort = new AbortController()
  const over = createFetchMany({ dir, patience: SIGNATURE_PATIENCE })([`${origin}/hung`], {
    environment: {},
    signal: abort.signal,
    most: 100,
    onOutcome: () => assert.unreachable(),
  })
  await once(server, 'request')
  abort.abort()
  await over
  assert.equal(readdirSync(dir), [])
})

test.run()
