/**
 * What a link costs: 1 GiB of 1 MiB chunks over loopback between two processes, beside raw node:net in the same
 * run. Medians of three. Usage: node --import tsx bench/link.ts
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { hostPort } from '../src/base/endpoint.ts'
import { silentLog } from '../src/base/log.ts'
import { createTcpTransport } from '../src/net/tcp.ts'
import type { Link } from '../src/net/transport.ts'

const MIB = 1024 * 1024
const CHUNKS = 1024
const RUNS = 3
const LOOPBACK = '127.0.0.1:0'

/** How the receiver gets its bytes: it dialled, it was dialled, or it reads a bare socket's 'data'. */
const KINDS = ['raw', 'dialled', 'accepted'] as const
type Kind = (typeof KINDS)[number]

interface Figures {
  /** 10^6 bytes a second. */
  rate: number
  /** Receiver's seconds of CPU for 10^9 bytes. */
  cpu: number
  /** Receiver's and sender's largest resident memory, 10^6 bytes. */
  rss: number
  senderRss: number
}

const self = new URL(import.meta.url).pathname
const maxRss = () => process.resourceUsage().maxRSS / 1000

async function send(kind: Kind, target?: string) {
  const transport = createTcpTransport({ log: silentLog })
  const payload = Buffer.alloc(MIB, 7)
  const finish = () => process.send!({ senderRss: maxRss() }, () => process.exit())

  function pour(link: Link) {
    let next = 0
    const more = () => {
      while (next < CHUNKS && link.send({ type: 'chunk', request: next++, payload })) {}
    }
    link.handle({ onMessage() {}, onClose: finish, onDrain: more })
    more()
  }

  function pourRaw(socket: net.Socket) {
    let next = 0
    const more = () => {
      while (next++ < CHUNKS && socket.write(payload)) {}
    }
    socket.on('drain', more).on('close', finish)
    more()
  }

  if (kind === 'accepted') return pour(await transport.dial(target!, 1000))
  if (kind === 'dialled') return process.send!({ at: (await transport.listen(LOOPBACK, pour)).endpoint })
  const server = net.createServer({ noDelay: true }, pourRaw).listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send!({ at: `127.0.0.1:${(server.address() as net.AddressInfo).port}` })
}

async function receive(kind: Kind, verify: boolean) {
  const transport = createTcpTransport({ log: silentLog })
  let sender: ChildProcess
  let started = performance.now()
  let cpu = process.cpuUsage()
  let bytes = 0

  const begin = () => {
    started = performance.now()
    cpu = process.cpuUsage()
  }
  const take = (part: Uint8Array, close: () => void) => {
    if (verify) createHash('sha256').update(part).digest()
    bytes += part.length
    if (bytes === CHUNKS * MIB) close()
  }
  const report = async () => {
    const seconds = (performance.now() - started) / 1000
    const { user, system } = process.cpuUsage(cpu)
    const [{ senderRss }] = await once(sender, 'message')
    process.send!({
      rate: bytes / 1e6 / seconds,
      cpu: (user + system) / 1e6 / (bytes / 1e9),
      rss: maxRss(),
      senderRss,
    })
    process.disconnect()
  }

  function drink(link: Link) {
    begin()
    link.handle({
      onMessage(message) {
        if (message.type !== 'chunk') return
        take(message.payload, () => link.close())
        link.recycle(message.payload)
      },
      onClose: report,
    })
  }

  if (kind === 'accepted') {
    const listener = await transport.listen(LOOPBACK, (link) => {
      void listener.close()
      drink(link)
    })
    sender = fork(self, ['send', kind, listener.endpoint])
    return
  }
  sender = fork(self, ['send', kind])
  const [{ at }] = await once(sender, 'message')
  if (kind === 'dialled') return drink(await transport.dial(at, 1000))
  begin()
  const socket = net.connect({ ...hostPort(at), noDelay: true })
  socket.on('data', (part) => take(part, () => socket.end())).on('close', report)
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!

async function measure(kind: Kind, verify: boolean): Promise<Figures> {
  const all: Figures[] = []
  for (let run = 0; run < RUNS; run++) {
    const child = fork(self, ['receive', kind, String(verify)])
    all.push((await once(child, 'message'))[0])
    await once(child, 'exit')
  }
  const of = (key: keyof Figures) => median(all.map((figures) => figures[key]))
  return { rate: of('rate'), cpu: of('cpu'), rss: of('rss'), senderRss: of('senderRss') }
}

async function table() {
  console.log('| receiver | SHA-256 | MB/s | CPU s/GB | RSS MB | sender RSS MB |')
  console.log('| --- | --- | --- | --- | --- | --- |')
  for (const verify of [false, true]) {
    for (const kind of KINDS) {
      const { rate, cpu, rss, senderRss } = await measure(kind, verify)
      const cells = [kind, verify, rate.toFixed(0), cpu.toFixed(2), rss.toFixed(0), senderRss.toFixed(0)]
      console.log(`| ${cells.join(' | ')} |`)
    }
  }
}

const [role, kind, argument] = process.argv.slice(2)
if (role === 'send') await send(kind as Kind, argument)
else if (role === 'receive') await receive(kind as Kind, argument === 'true')
else await table()
