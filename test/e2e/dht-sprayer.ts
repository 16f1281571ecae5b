/** Sends malformed DHT packets to nodes in turn until it is killed: `dht-sprayer.ts OWN-ADDRESS ADDRESS…`. */
import { createSocket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { malformed } from '../discovery/dht/dht-network.ts'
import { seeded } from '../seeded.ts'

const [own, ...victims] = process.argv.slice(2) as [string, ...string[]]
const random = seeded(1)
const socket = createSocket('udp4')
socket.bind(8048, own)
for (let sent = 0; ; sent++) {
  socket.send(malformed(random), 8048, victims[sent % victims.length])
  // Some 1,000 a second in all.
  if (sent % 20 === 19) await sleep(20)
}
