import { request } from 'node:http'

/** One request to the daemon's socket. Rejects when nobody listens or `patience` milliseconds are over. */
export function askDaemon(
  socketPath: string,
  {
    method,
    path,
    body = '',
    patience,
  }: { method: 'GET' | 'POST'; path: string; body?: string; patience: number },
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(patience)
    const asked = request({ socketPath, path, method, signal }, (response) => {
      let answer = ''
      response.setEncoding('utf8')
      response.on('data', (part) => {
        answer += part
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: answer }))
    })
    asked.on('error', reject).end(body)
  })
}
