/**
 * Sits between a dialler and a node: `between-server.ts ADDRESS PORT WORD…` takes connections at PORT and hands all
 * that is said to ADDRESS:PORT and back. Told `{ spoil }`, it changes a byte in what the node says from then on.
 * Reports the bytes that passed, and which of the words it has read in them.
 */
import net from 'node:net'

export interface Overheard {
  connections: number
  bytes: number
  words: string[]
}

const [address, port, ...words] = process.argv.slice(2) as [string, string, ...string[]]
const longest = Math.max(...words.map((word) => word.length))
const overheard: Overheard = { connections: 0, bytes: 0, words: [] }
let spoil = false

/** Looks for the words in a stream, cut anywhere. */
function listen(socket: net.Socket) {
  let tail = ''
  socket.on('data', (bytes) => {
    overheard.bytes += bytes.length
    const text = tail + bytes.toString('latin1')
    for (const word of words) {
      if (text.includes(word) && !overheard.words.includes(word)) overheard.words.push(word)
    }
    tail = text.slice(-longest)
  })
}

const server = net.createServer((dialler) => {
  overheard.connections++
  const node = net.connect(Number(port), address)
  for (const socket of [dialler, node]) {
    listen(socket)
    socket.on('error', () => {})
    socket.on('close', () => [dialler, node].forEach((each) => void each.destroy()))
  }
  dialler.on('data', (bytes) => node.write(bytes))
  node.on('data', (bytes) => {
    if (spoil) bytes[bytes.length >> 1]! ^= 1
    dialler.write(bytes)
  })
})

process.on('message', (message: { spoil?: boolean }) => {
  spoil = message.spoil ?? spoil
  process.send!(overheard)
})
server.listen(Number(port), () => process.send!(overheard))
