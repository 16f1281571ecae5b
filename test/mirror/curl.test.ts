import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { inspect } from 'node:util'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { PacsrvError } from '../../src/base/error.ts'
import { type MirrorStream, openMirrorByCurl } from '../../src/mirror/curl.ts'
import { makeContent } from '../fetch/job/lab.ts'

const content = makeContent(300_000)

interface Got {
  offset: number | undefined
  bytes: Buffer
  error: PacsrvError | undefined
  ends: number
}

async function serving<T>(answer: RequestListener | Server, use: (origin: string) => Promise<T>): Promise<T> {
  const server = typeof answer === 'function' ? createServer(answer) : answer
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.close()
    if ('closeAllConnections' in server)
      (server as unknown as { closeAllConnections(): void }).closeAllConnections()
  }
}

function get(
  url: string,
  {
    start = 0,
    end,
    environment = {},
  }: { start?: number; end?: number; environment?: Record<string, string> } = {},
): Promise<Got> {
  return new Promise((resolve) => {
    const parts: Buffer[] = []
    const got: Got = { offset: undefined, bytes: Buffer.alloc(0), error: undefined, ends: 0 }
    openMirrorByCurl(
      { url, start, size: content.length, environment, ...(end === undefined ? {} : { end }) },
      {
        onStart(offset) {
          got.offset = offset
        },
        onBytes: (bytes) => void parts.push(Buffer.from(bytes)),
        onEnd(error) {
          got.ends++
          resolve(Object.assign(got, { bytes: Buffer.concat(parts), error }))
        },
      },
    )
  })
}

const whole: RequestListener = (request, response) => {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  if (!range) return void response.writeHead(200, { 'Content-Length': content.length }).end(content)
  const start = Number(range[1])
  const end = range[2] === '' ? content.length - 1 : Number(range[2])
  response.writeHead(206, { 'Content-Range': `bytes ${start}-${end}/${content.length}` })
  response.end(content.subarray(start, end + 1))
}

test('the whole, without a Range', async () => {
  let range: string | undefined = 'unasked'
  const got = await serving(
    (request, response) => {
      range = request.headers.range
      whole(request, response)
    },
    (origin) => get(`${origin}/f`),
  )
  assert.is(range, undefined)
  assert.equal([got.offset, got.error, got.ends], [0, undefined, 1])
  assert.ok(got.bytes.equals(content))
})

test('a range, and the rest from a place on', async () => {
  const [part, rest] = await serving(whole, async (origin) => [
    await get(`${origin}/f`, { start: 100, end: 199 }),
    await get(`${origin}/f`, { start: 299_000 }),
  ])
  assert.is(part!.offset, 100)
  assert.ok(part!.bytes.equals(content.subarray(100, 200)))
  assert.is(rest!.offset, 299_000)
  assert.ok(rest!.bytes.equals(content.subarray(299_000)))
})

test('a mirror without ranges begins at 0', async () => {
  const got = await serving(
    (_, response) => void response.writeHead(200, { 'Content-Length': content.length }).end(content),
    (origin) => get(`${origin}/f`, { start: 100 }),
  )
  assert.is(got.offset, 0)
  assert.is(got.bytes.length, content.length)
})

test('redirects are followed, five and no more, and the user agent is the caller’s', async () => {
  const agents = new Set<string | undefined>()
  const hops = (count: number) =>
    serving(
      (request, response) => {
        agents.add(request.headers['user-agent'])
        const left = Number(request.url!.slice(1))
        if (left === 0) return void whole(request, response)
        response.writeHead(302, { Location: `/${left - 1}` }).end('gone there')
      },
      (origin) => get(`${origin}/${count}`, { environment: { HTTP_USER_AGENT: 'pacman/7' } }),
    )
  const five = await hops(5)
  assert.is(five.error, undefined)
  assert.ok(five.bytes.equals(content))
  assert.is((await hops(6)).error?.code, 'mirror')
  assert.equal([...agents], ['pacman/7'])
})

test('a redirect to another scheme is not followed', async () => {
  const got = await serving(
    (_, response) => void response.writeHead(302, { Location: 'file:///etc/passwd' }).end(),
    (origin) => get(`${origin}/f`),
  )
  assert.is(got.error?.code, 'mirror')
  assert.is(got.bytes.length, 0)
})

test('404: an error that says so', async () => {
  const got = await serving(
    (_, response) => void response.writeHead(404).end('no such thing'),
    (origin) => get(`${origin}/f`),
  )
  assert.is(got.error?.code, 'mirror')
  assert.match(got.error!.message, '404')
  assert.is(got.bytes.length, 0)
})

test('another length is refused before its bytes', async () => {
  const got = await serving(
    (_, response) => void response.end(content.subarray(1)),
    (origin) => get(`${origin}/f`),
  )
  assert.match(got.error!.message, 'names 300000')
  assert.is(got.bytes.length, 0)
})

test('a mirror that ends early is an error, after what it gave', async () => {
  const got = await serving(
    (_, response) => {
      response.writeHead(200, { 'Content-Length': content.length })
      response.write(content.subarray(0, 1_000), () => response.destroy())
    },
    (origin) => get(`${origin}/f`),
  )
  assert.is(got.error?.code, 'mirror')
  assert.ok(got.bytes.equals(content.subarray(0, 1_000)))
})

test('garbage in place of a head', async () => {
  const server = createTcpServer(
    (socket) => void socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.9\r\n\r\n'),
  )
  const got = await serving(server, (origin) => get(`${origin}/f`))
  assert.is(got.error?.code, 'mirror')
  assert.is(got.bytes.length, 0)
})

test('nobody listens', async () => {
  const origin = await serving(whole, async (origin) => origin)
  const got = await get(`${origin}/f`)
  assert.is(got.error?.code, 'mirror')
  assert.is(got.ends, 1)
})

test('the proxy of the caller is used, and none of the daemon’s own', async () => {
  let asked: string | undefined
  process.env.http_proxy = 'http://127.0.0.1:1'
  try {
    await serving(
      (request, response) => {
        asked = request.url
        whole(request, response)
      },
      async (origin) => {
        const through = await get('http://mirror.example/f', { environment: { http_proxy: origin } })
        assert.ok(through.bytes.equals(content))
        assert.is(asked, 'http://mirror.example/f')
        assert.is((await get(`${origin}/f`)).error, undefined)
      },
    )
  } finally {
    delete process.env.http_proxy
  }
})

test('a password in a URL is sent, is no argument of curl, and is in no error', async () => {
  let sent: string | undefined
  let commandLines = ''
  const got = await serving(
    (request, response) => {
      sent = Buffer.from(request.headers.authorization!.split(' ')[1]!, 'base64').toString()
      for (const pid of readdirSync('/proc').filter((name) => Number(name) > 0)) {
        try {
          commandLines += readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        } catch {}
      }
      response.writeHead(404).end()
    },
    (origin) => get(`${origin.replace('//', '//anna:s"e\\\\cret@')}/f`),
  )
  assert.is(sent, 'anna:s"e\\\\cret')
  assert.match(commandLines, '-K -')
  assert.not.match(commandLines, 'cret@')
  assert.not.match(inspect(got.error, { depth: 9 }), 'cret@')
})

test('brackets and braces in a name are no patterns', async () => {
  let asked: string | undefined
  await serving(
    (request, response) => {
      asked = request.url
      whole(request, response)
    },
    (origin) => get(`${origin}/a[1-3]{b,c}`),
  )
  assert.match(asked!, /a\[1-3\]/)
})

test('stopped: nothing more is told, and the connection is closed', async () => {
  let told = 0
  let gone: Promise<unknown> | undefined
  await serving(
    (request, response) => {
      gone = once(request.socket, 'close')
      response.writeHead(200, { 'Content-Length': content.length })
      response.write(content.subarray(0, 100_000)) // curl keeps less than 4 KiB to itself for a while
    },
    async (origin) => {
      await new Promise<void>((resolve) => {
        const stream: MirrorStream = openMirrorByCurl(
          { url: `${origin}/f`, start: 0, size: content.length, environment: {} },
          {
            onStart() {},
            onBytes() {
              told++
              stream.stop()
              resolve()
            },
            onEnd: () => void told++,
          },
        )
      })
      await gone
    },
  )
  assert.is(told, 1)
})

test('paused: nothing comes until it is resumed', async () => {
  const big = Buffer.alloc(4 * 1024 * 1024)
  await serving(
    (_, response) => void response.end(big),
    (origin) =>
      new Promise<void>((resolve, reject) => {
        let paused = false
        let bytes = 0
        const stream = openMirrorByCurl(
          { url: `${origin}/f`, start: 0, size: big.length, environment: {} },
          {
            onStart() {},
            onBytes(part) {
              if (paused) reject(new Error('bytes came while paused'))
              const first = bytes === 0
              bytes += part.length
              if (!first) return
              paused = true
              stream.pause()
              setImmediate(() => {
                paused = false
                stream.resume()
              })
            },
            onEnd: (error) =>
              error || bytes !== big.length ? reject(error ?? new Error(`${bytes}`)) : resolve(),
          },
        )
      }),
  )
})

test.run()
