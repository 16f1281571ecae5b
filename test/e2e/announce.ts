/**
 * Announces a service by mDNS as a program of its own, answering whoever asks: `announce.ts ADDRESS SERVICE PORT`, the
 * address being IPv4 and this host's. Stands for avahi or systemd-resolved, which pacredir's servers have do it.
 */
import multicastDns from 'multicast-dns'

const [address, service, port] = process.argv.slice(2) as [string, string, string]
const type = `${service}.local`
const instance = `pacserve on lab.${type}`
const mdns = multicastDns({ interface: address, bind: '0.0.0.0' })

function announce() {
  mdns.respond([
    { type: 'PTR', name: type, ttl: 120, data: instance },
    { type: 'SRV', name: instance, ttl: 120, data: { port: Number(port), target: 'lab.local' } },
    { type: 'TXT', name: instance, ttl: 120, data: ['id=arch', 'arch=x86_64'] },
    { type: 'A', name: 'lab.local', ttl: 120, data: address },
  ])
}

mdns.on('query', ({ questions }) => {
  if (questions?.some(({ name }) => name === type)) announce()
})
mdns.on('ready', announce)
process.on('disconnect', () => process.exit())
