import { request as requestHttp } from 'node:http'
import { PacsrvError } from '../../base/error.ts'

export interface HttpReply {
  status: number
  body: Buffer
  /** The address that answered. */
  remote: string
}

export interface HttpGetOptions {
  /** IP version to ask by: the webhost lists the address that it is asked from. */
  family: 4 | 6
  maxBytes: number
  /** Ends the request whatever its state; `httpGet` has no clock of its own. */
  signal: AbortSignal
}

/** One GET, no redirect followed, no proxy used. Rejects when no whole answer within `maxBytes` comes. */
export type HttpGet = (url: URL, options: HttpGetOptions) => Promise<HttpReply>

/** Over node:http, since the global fetch can't be told which IP version to use. */
export const httpGet: HttpGet = async (url, { family, maxBytes, signal }) => {
  // Loaded when it is needed: TLS takes memory.
  const send = url.protocol === 'https:' ? (await import('node:https')).request : requestHttp
  return new Promise((resolve, reject) => {
    const fail = (problem: Error) => reject(signal.aborted ? signal.reason : problem)
    const request = send(url, { family, signal, agent: false, maxHeaderSize: 8192 }, (response) => {
      const remote = response.socket.remoteAddress ?? ''
      const parts: Buffer[] = []
      let bytes = 0
      response.on('error', fail)
      response.on('data', (part: Buffer) => {
        bytes += part.length
        parts.push(part)
        if (bytes > maxBytes) response.destroy(new PacsrvError('peer', `an answer of over ${maxBytes} bytes`))
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts), remote }),
      )
    })
    request.on('error', fail)
    request.end()
  })
}
