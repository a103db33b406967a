// Requests to the server and what it tells, over one WebSocket.

export class Signaling {
  #socket;
  #waiting = new Map();
  #last = 0;

  /** Connects; `tell` is called with the name and the data of each event. */
  static async connect(tell) {
    const signaling = new Signaling();
    const url = new URL('signal', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    signaling.#socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      signaling.#socket.onopen = resolve;
      signaling.#socket.onerror = () => reject(new Error('the server cannot be reached'));
    });
    signaling.#socket.onmessage = ({ data }) => signaling.#hear(JSON.parse(data), tell);
    return signaling;
  }

  /** Calls a method of the server. */
  request(method, data) {
    const id = ++this.#last;
    this.#socket.send(JSON.stringify({ id, method, data }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #hear({ id, event, data, error }, tell) {
    if (event) return tell(event, data);
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    return error === undefined ? resolve(data) : reject(new Error(error));
  }
}
