import { createServer, type Server } from 'node:net'

/** An FTP server of one file, anonymous, passive mode only (RFC 959, 2428): enough for curl. */
export function createFtpServer(content: Buffer, modified: string): Server {
  return createServer((control) => {
    let transfer: Server | undefined
    const say = (line: string) => void control.write(`${line}\r\n`)
    control.on('error', () => {})
    say('220 ready')
    control.on('data', (data) => {
      for (const line of data.toString().split('\r\n').filter(Boolean)) {
        const [verb, ...words] = line.split(' ')
        const isThere = !words.join(' ').includes('missing')
        if (verb === 'USER') say('331 password')
        else if (verb === 'PASS') say('230 welcome')
        else if (verb === 'PWD') say('257 "/"')
        else if (verb === 'CWD' || verb === 'TYPE') say('250 yes')
        else if (verb === 'QUIT') control.end('221 bye\r\n')
        else if (verb === 'EPSV') {
          transfer = createServer((socket) => socket.on('error', () => {}).end(content)).listen(
            0,
            '127.0.0.1',
          )
          transfer.once('listening', () =>
            say(`229 passive (|||${(transfer!.address() as { port: number }).port}|)`),
          )
        } else if (!isThere) {
          transfer?.close()
          say('550 no such file')
        } else if (verb === 'SIZE') say(`213 ${content.length}`)
        else if (verb === 'MDTM') say(`213 ${modified}`)
        else if (verb === 'RETR') {
          say('150 here it comes')
          transfer?.close(() => say('226 done'))
        } else say('502 unknown')
      }
    })
  })
}
