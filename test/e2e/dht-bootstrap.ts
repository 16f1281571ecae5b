/** A plain node of bittorrent-dht, without anything of pacsrv's: `dht-bootstrap.ts ADDRESS PORT`. */
import { Client } from 'bittorrent-dht'

const [address, port] = process.argv.slice(2) as [string, string]
const dht = new Client({ bootstrap: [] })
dht.once('listening', () => process.send?.('listening'))
dht.listen(Number(port), address)
