/**
 * What a link costs: 1 GiB of 1 MiB chunks over loopback between two processes, beside raw node:net in the same
 * run, and in a closed network beside an open one. Medians of rounds.
 * Usage: [LINK_MIB=1024] [LINK_ROUNDS=3] node --import tsx bench/link.ts
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { hostPort } from '../src/base/endpoint.ts'
import { silentLog } from '../src/base/log.ts'
import { networkKey } from '../src/net/key-file.ts'
import { createTcpTransport, loadTls } from '../src/net/tcp.ts'
import type { Link } from '../src/net/transport.ts'

const MIB = 1024 * 1024
const CHUNKS = Number(process.env.LINK_MIB ?? 1024)
const RUNS = Number(process.env.LINK_ROUNDS ?? 3)
const LOOPBACK = '127.0.0.1:0'

/** How the receiver gets its bytes: it dialled, it was dialled, or it reads a bare socket's 'data'. */
const KINDS = ['raw', 'dialled', 'accepted', 'dialled, closed', 'accepted, closed'] as const
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

/** An open network's, or a closed one's. */
async function transportFor(kind: Kind) {
  const keys = kind.endsWith('closed') ? [networkKey(Buffer.alloc(32, 7))] : []
  return createTcpTransport({ log: silentLog, tls: await loadTls(keys) })
}

async function send(kind: Kind, target?: string) {
  const transport = await transportFor(kind)
  const payload = Buffer.alloc(MIB, 7)
  const finish = () => process.send!({ senderRss: maxRss() }, () => process.exit())

  function pour(link: Link) {
    let next = 0
    const more = () => {
      while (next < CHUNKS && link.send({ type: 'chunk', request: next++, payload })) {}
    }
    link.handle({ onMessage: more, onClose: finish, onDrain: more })
    if (link.outbound) more()
  }

  function pourRaw(socket: net.Socket) {
    let next = 0
    const more = () => {
      while (next++ < CHUNKS && socket.write(payload)) {}
    }
    socket.on('drain', more).on('close', finish)
    more()
  }

  if (kind.startsWith('accepted')) return pour(await transport.dial(target!, 1000))
  if (kind.startsWith('dialled'))
    return process.send!({ at: (await transport.listen(LOOPBACK, pour)).endpoint })
  const server = net.createServer({ noDelay: true }, pourRaw).listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send!({ at: `127.0.0.1:${(server.address() as net.AddressInfo).port}` })
}

async function receive(kind: Kind, verify: boolean) {
  const transport = await transportFor(kind)
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
    if (link.outbound) link.send({ type: 'ping', token: 0 })
  }

  if (kind.startsWith('accepted')) {
    const listener = await transport.listen(LOOPBACK, (link) => {
      void listener.close()
      drink(link)
    })
    sender = fork(self, ['send', kind, listener.endpoint])
    return
  }
  sender = fork(self, ['send', kind])
  const [{ at }] = await once(sender, 'message')
  if (kind.startsWith('dialled')) return drink(await transport.dial(at, 1000))
  begin()
  const socket = net.connect({ ...hostPort(at), noDelay: true })
  socket.on('data', (part) => take(part, () => socket.end())).on('close', report)
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!

async function runOnce(kind: Kind, verify: boolean): Promise<Figures> {
  const child = fork(self, ['receive', kind, String(verify)])
  const [figures] = await once(child, 'message')
  await once(child, 'exit')
  return figures
}

/** In turns, so that what else the machine does meets all alike. */
async function measure(verify: boolean): Promise<Map<string, Figures>> {
  const all = new Map<string, Figures[]>(KINDS.map((kind) => [kind, []]))
  for (let run = 0; run < RUNS; run++) {
    for (const kind of KINDS) all.get(kind)!.push(await runOnce(kind, verify))
  }
  return new Map(
    [...all].map(([kind, runs]) => {
      const of = (key: keyof Figures) => median(runs.map((figures) => figures[key]))
      return [kind, { rate: of('rate'), cpu: of('cpu'), rss: of('rss'), senderRss: of('senderRss') }]
    }),
  )
}

async function table() {
  console.log('| receiver | SHA-256 | MB/s | of the open one | CPU s/GB | RSS MB | sender RSS MB |')
  console.log('| --- | --- | --- | --- | --- | --- | --- |')
  for (const verify of [false, true]) {
    const found = await measure(verify)
    for (const [kind, { rate, cpu, rss, senderRss }] of found) {
      const open = kind.endsWith('closed') ? (rate / found.get(kind.split(',')[0]!)!.rate).toFixed(2) : ''
      const cells = [
        kind,
        verify,
        rate.toFixed(0),
        open,
        cpu.toFixed(2),
        rss.toFixed(0),
        senderRss.toFixed(0),
      ]
      console.log(`| ${cells.join(' | ')} |`)
    }
  }
}

const [role, kind, argument] = process.argv.slice(2)
if (role === 'send') await send(kind as Kind, argument)
else if (role === 'receive') await receive(kind as Kind, argument === 'true')
else await table()
